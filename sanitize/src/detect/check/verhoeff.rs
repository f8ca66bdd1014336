//! Verhoeff's check digit: the dihedral group of order ten (J. Verhoeff, "Error Detecting Decimal Codes", 1969).

use super::digit;

/// Whether the last digit is the check digit of those before.
pub(super) fn is_verhoeff(digits: &[u8]) -> bool {
    let check = digits.iter().rev().enumerate().fold(0, |check, (position, byte)| product(check, permuted(digit(*byte) % 10, position % 8)));
    digits.len() > 1 && check == 0
}

/// The group's operation: rotations are 0 to 4, reflections 5 to 9.
fn product(left: u32, right: u32) -> u32 {
    match (left < 5, right < 5) {
        (true, true) => (left + right) % 5,
        (true, false) => 5 + (left + right - 5) % 5,
        (false, true) => 5 + (left - 5 + 5 - right) % 5,
        (false, false) => (left - 5 + 5 - (right - 5)) % 5,
    }
}

/// The permutation, applied as often as the position says.
fn permuted(digit: u32, times: usize) -> u32 {
    (0..times).fold(digit, |digit, _| PERMUTATION[digit as usize])
}

const PERMUTATION: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
