//! Sizes as people write them.

use std::fmt;

/// So many bytes; written in the largest unit that divides them: `8MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("GiB", 30), ("MiB", 20), ("KiB", 10), ("", 0)];
        let (unit, shift) = units.into_iter().find(|(_, shift)| self.0 > 0 && self.0.trailing_zeros() >= *shift).unwrap_or_default();
        write!(f, "{}{unit}", self.0 >> shift)
    }
}

/// Reads a size of at least `least` and at most `most` bytes.
pub(crate) fn size_within(least: u64, most: u64) -> impl Fn(&str) -> Result<Size, String> + Clone + Send + Sync + 'static {
    move |text| match size(text)? {
        bytes if bytes < least => Err(format!("is less than {}, the least that works", Size(least))),
        bytes if bytes > most => Err(format!("is more than {}, the most that works", Size(most))),
        bytes => Ok(Size(bytes)),
    }
}

/// Bytes that `text` names: `4096`, `64k`, `8MiB`, `1.5GB`. A bare letter and `KiB` count in powers of 1024, `kB` in powers of 1000.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || "is no size; write bytes, or a number and a unit, as in 4096, 64k or 8MiB".to_owned();
    let unit_at = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    let (digits, unit) = text.split_at(unit_at);
    let unit = unit.trim_start().to_ascii_lowercase();
    let (scale, base): (u32, u64) = match unit.as_bytes() {
        [] | [b'b'] => (0, 1),
        [letter] => (power(*letter).ok_or_else(wrong)?, 1024),
        [letter, b'i', b'b'] => (power(*letter).ok_or_else(wrong)?, 1024),
        [letter, b'b'] => (power(*letter).ok_or_else(wrong)?, 1000),
        _ => return Err(wrong()),
    };
    let factor = base.pow(scale);
    let too_large = || "is more than any machine has".to_owned();
    if let Ok(number) = digits.parse::<u64>() {
        return number.checked_mul(factor).ok_or_else(too_large);
    }
    // A share of a unit is a whole number of bytes of it; half a byte is a mistake.
    let number = digits.parse::<f64>().map_err(|_| wrong())?;
    let bytes = number * factor as f64;
    match bytes {
        _ if scale == 0 => Err(wrong()),
        _ if bytes >= u64::MAX as f64 => Err(too_large()),
        _ => Ok(bytes.round() as u64),
    }
}

fn power(letter: u8) -> Option<u32> {
    b"kmgt".iter().position(|known| *known == letter).and_then(|position| u32::try_from(position + 1).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, expected) in [
            ("0", 0),
            ("4096", 4096),
            ("12b", 12),
            ("64k", 65_536),
            ("64K", 65_536),
            ("64KiB", 65_536),
            ("64kB", 64_000),
            ("8MiB", 8 << 20),
            ("8 MiB", 8 << 20),
            ("8mib", 8 << 20),
            ("8M", 8 << 20),
            ("1.5G", 3 << 29),
            ("2GB", 2_000_000_000),
            ("1T", 1 << 40),
        ] {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_told_with_an_example() {
        for bad in ["", "k", "MiB", "-1", "eight", "8X", "8MiBs", "8 M B", "1.2.3M", "0.5", "."] {
            let why = size(bad).expect_err(bad);
            assert!(why.contains("8MiB"), "{bad}: {why}");
        }
        for large in ["99999999999T", "18446744073709551616G", "20000000000.5G"] {
            assert!(size(large).is_err(), "{large}");
        }
    }

    #[test]
    fn sizes_are_written_in_their_largest_unit() {
        for (bytes, expected) in [(0, "0"), (1000, "1000"), (1024, "1KiB"), (8 << 20, "8MiB"), (3 << 29, "1536MiB"), (4 << 30, "4GiB")] {
            assert_eq!(Size(bytes).to_string(), expected);
            assert_eq!(size(expected), Ok(bytes));
        }
    }

    #[test]
    fn bounds_are_named() {
        let within = size_within(4096, 4 << 30);
        assert_eq!(within("4k"), Ok(Size(4096)));
        assert_eq!(within("4095"), Err("is less than 4KiB, the least that works".to_owned()));
        assert_eq!(within("5G"), Err("is more than 4GiB, the most that works".to_owned()));
    }
}
