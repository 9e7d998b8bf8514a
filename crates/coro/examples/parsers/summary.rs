use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// What a parse found: enough to compare two parses of one document, and small
/// enough to have a thousand of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    values: u64,
    depth: u32,
    /// Of all names and values, in their order.
    digest: u64,
}

impl Summary {
    fn leaf(bytes: &[u8]) -> Summary {
        // FNV-1a (Fowler, Noll, Vo).
        let digest = bytes
            .iter()
            .fold(0xCBF2_9CE4_8422_2325, |digest: u64, byte| {
                (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
            });
        Summary {
            values: 1,
            depth: 1,
            digest,
        }
    }

    fn add(&mut self, inner: Summary) {
        self.values += inner.values;
        self.depth = self.depth.max(inner.depth + 1);
        self.digest = self.digest.rotate_left(7).wrapping_mul(31) ^ inner.digest;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} values, {} levels deep, digest {:016x}",
            self.values, self.depth, self.digest
        )
    }
}

impl<'de> Deserialize<'de> for Summary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Summary, D::Error> {
        deserializer.deserialize_any(Summarise)
    }
}

/// Follows the structure of a document and keeps none of it.
struct Summarise;

impl<'de> Visitor<'de> for Summarise {
    type Value = Summary;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Summary, E> {
        Ok(Summary::leaf(b"null"))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Summary, E> {
        Ok(Summary::leaf(&[u8::from(value)]))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Summary, E> {
        Ok(Summary::leaf(&value.to_le_bytes()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Summary, E> {
        Ok(Summary::leaf(&value.to_le_bytes()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Summary, E> {
        Ok(Summary::leaf(&value.to_le_bytes()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Summary, E> {
        Ok(Summary::leaf(value.as_bytes()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Summary, A::Error> {
        let mut summary = Summary::leaf(b"[");
        while let Some(inner) = seq.next_element()? {
            summary.add(inner);
        }
        Ok(summary)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Summary, A::Error> {
        let mut summary = Summary::leaf(b"{");
        while let Some((name, inner)) = map.next_entry::<String, Summary>()? {
            summary.add(Summary::leaf(name.as_bytes()));
            summary.add(inner);
        }
        Ok(summary)
    }
}
