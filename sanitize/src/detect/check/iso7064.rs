//! The check character systems of ISO/IEC 7064.

use super::{base36, digit};

/// MOD 97-10: the remainder of letters and digits, in which a letter counts as two digits (`A` is 10). Nothing if there is another byte.
pub(super) fn remainder_97<'a>(bare: impl Iterator<Item = &'a u8>) -> Option<u32> {
    bare.copied().try_fold(0_u32, |remainder, byte| match byte {
        b'0'..=b'9' => Some((remainder * 10 + digit(byte)) % 97),
        b'A'..=b'Z' => Some((remainder * 100 + base36(byte)) % 97),
        _ => None,
    })
}

/// MOD 11,10 over digits, check digit included.
pub(super) fn is_mod_11_10(digits: &[u8]) -> bool {
    let Some((check, rest)) = digits.split_last() else { return false };
    let product = rest.iter().fold(10, |product, byte| match (digit(*byte) + product) % 10 {
        0 => 9,
        sum => sum * 2 % 11,
    });
    (product + digit(*check)) % 10 == 1
}

/// MOD 11-2, check character (`X` is ten) included.
pub(super) fn is_mod_11_2(bare: &[u8]) -> bool {
    let Some((check, rest)) = bare.split_last() else { return false };
    let sum = rest.iter().fold(0, |sum, byte| (sum + digit(*byte)) * 2 % 11);
    let check = if *check == b'X' { 10 } else { digit(*check) };
    (sum + check) % 11 == 1
}
