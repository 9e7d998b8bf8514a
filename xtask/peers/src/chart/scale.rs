//! A logarithmic scale.

/// From values to places.
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// Covers all values, from the place `from` to the place `to`.
    pub fn covering(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Scale {
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(0.0, f64::max);
        // A little room at both ends, so that nothing is drawn on the edge.
        Scale {
            low: low / 1.2,
            high: high * 1.2,
            from,
            to,
        }
    }

    pub fn place(&self, value: f64) -> f64 {
        let part = (value / self.low).ln() / (self.high / self.low).ln();
        self.from + part * (self.to - self.from)
    }

    /// The powers of ten on the scale.
    pub fn ticks(&self) -> impl Iterator<Item = f64> {
        let high = self.high;
        let first = self.low.log10().ceil() as i32;
        (first..)
            .map(|power| 10_f64.powi(power))
            .take_while(move |&tick| tick <= high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_lie_on_the_scale_in_even_steps() {
        let scale = Scale::covering([0.5, 30_000.0].into_iter(), 100.0, 500.0);
        let ticks: Vec<f64> = scale.ticks().collect();
        assert_eq!(ticks, [1.0, 10.0, 100.0, 1000.0, 10_000.0]);
        let places: Vec<f64> = ticks.iter().map(|&tick| scale.place(tick)).collect();
        assert!(places.iter().all(|place| (100.0..=500.0).contains(place)));
        let step = places[1] - places[0];
        assert!(
            places
                .windows(2)
                .all(|two| (two[1] - two[0] - step).abs() < 1e-9)
        );
    }
}
