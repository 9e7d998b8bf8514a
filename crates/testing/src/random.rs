/// A small generator of fixed pseudo-random numbers (xorshift64*, Vigna 2016):
/// every run of a test sees the same ones.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers that belong to a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        ((self.bits() >> 33) % end as u64) as usize
    }
}

/// How many random cases to run where `full` are wanted: fewer under an
/// emulator, which sets `SURE_TEST_DIVISOR`.
pub fn cases(full: usize) -> usize {
    let divisor = std::env::var("SURE_TEST_DIVISOR")
        .ok()
        .and_then(|text| text.parse().ok());
    (full / divisor.unwrap_or(1).max(1)).max(1)
}
