//! Luhn's test (ISO/IEC 7812-1, annex B).

use super::digit;

/// The check digit that makes `digits` and it pass.
pub(crate) fn luhn_digit(digits: &[u8]) -> u8 {
    ((10 - sum(digits.iter().rev(), 0) % 10) % 10) as u8
}

/// Whether the last digit is the check digit of those before.
pub(super) fn is_luhn(digits: &[u8]) -> bool {
    digits.len() > 1 && sum(digits.iter().rev(), 1).is_multiple_of(10)
}

/// Every second digit counts twice, from the one where position and `first` are even together; of what is above nine, the digits' sum.
fn sum<'a>(from_the_end: impl Iterator<Item = &'a u8>, first: usize) -> u32 {
    from_the_end.enumerate().map(|(position, byte)| if (position + first).is_multiple_of(2) { DOUBLED[digit(*byte) as usize] } else { digit(*byte) }).sum()
}

/// Sixteen entries, since a nibble has as many values.
const DOUBLED: [u32; 16] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9, 0, 0, 0, 0, 0, 0];
