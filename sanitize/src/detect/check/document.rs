//! Travel documents (ICAO Doc 9303).

use super::{base36, digit};

/// A document's number with its check digit behind it: weights 7, 3, 1 over letters and digits.
pub(super) fn is_document_number(bare: &[u8]) -> bool {
    bare.len() == 10 && bare[9].is_ascii_digit() && is_checked(&bare[..9], bare[9])
}

/// The second line of a machine readable zone: of two lines, number, country, birth, sex, expiry, each with its check digit; of three, the dates.
pub(crate) fn is_mrz(line: &[u8]) -> bool {
    let is_of_zone = || line.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'<');
    match line.len() {
        36 | 44 => is_of_zone() && is_checked(&line[..9], line[9]) && is_checked(&line[13..19], line[19]) && is_checked(&line[21..27], line[27]),
        30 => is_of_zone() && line[15..].contains(&b'<') && is_checked(&line[..6], line[6]) && is_checked(&line[8..14], line[14]),
        _ => false,
    }
}

/// A filler counts nothing.
fn is_checked(field: &[u8], check: u8) -> bool {
    let value = |byte: u8| if byte == b'<' { 0 } else { base36(byte) };
    check.is_ascii_digit() && field.iter().zip([7, 3, 1].iter().cycle()).map(|(byte, weight)| value(*byte) * weight).sum::<u32>() % 10 == digit(check)
}
