//! Phones, their cards, network adapters, vehicles.

use super::luhn::is_luhn;
use super::{are_digits, base36, is_repeated, number};

/// Mobile equipment: fifteen digits and Luhn (3GPP TS 23.003, annex B), or sixteen with a software version in place of the check.
pub(super) fn is_imei(bare: &[u8]) -> bool {
    match bare.len() {
        15 => are_digits(bare, 15) && !is_repeated(bare) && is_luhn(bare),
        16 => are_digits(bare, 16) && is_reporting_body(bare),
        _ => false,
    }
}

/// One whose allocation code begins with a body that gives out those of today's devices: that tells it without a name.
pub(super) fn is_telling_imei(bare: &[u8]) -> bool {
    bare.len() == 15 && is_imei(bare) && is_reporting_body(bare)
}

/// The reporting bodies of the GSMA's TS.06: PTCRB, BABT, TAF, MSAI, and the GSMA itself.
fn is_reporting_body(bare: &[u8]) -> bool {
    matches!(number(&bare[..2]), 1 | 35 | 86 | 91 | 98 | 99)
}

/// SIM cards: the telecommunications prefix 89, a country, an issuer, and Luhn (ITU-T E.118).
pub(super) fn is_iccid(bare: &[u8]) -> bool {
    matches!(bare.len(), 18..=20) && are_digits(bare, bare.len()) && bare.starts_with(b"89") && bare[2] != b'0' && is_luhn(bare)
}

/// Mobile subscribers: a country's code, then the network's and the subscriber's (ITU-T E.212).
pub(super) fn is_imsi(bare: &[u8]) -> bool {
    matches!(bare.len(), 14 | 15) && are_digits(bare, bare.len()) && matches!(bare[0], b'2'..=b'7')
}

/// Network adapters: six or eight pairs of hexadecimal digits (IEEE 802), not all the same.
pub(super) fn is_mac(bare: &[u8]) -> bool {
    matches!(bare.len(), 12 | 16) && bare.iter().all(u8::is_ascii_hexdigit) && !is_repeated(bare)
}

/// Vehicles: seventeen characters without I, O, Q; the ninth checks the rest in modulus 11, and the last four are digits (49 CFR 565).
pub(super) fn is_vin(bare: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let is_formed = bare.len() == 17 && bare.iter().all(|byte| byte.is_ascii_digit() || (byte.is_ascii_uppercase() && !b"IOQ".contains(byte)));
    let has_letter = bare.iter().any(u8::is_ascii_uppercase);
    let expected = |sum: u32| if sum % 11 == 10 { b'X' } else { b'0' + (sum % 11) as u8 };
    is_formed && has_letter && are_digits(&bare[13..], 4) && bare[8] == expected(bare.iter().zip(WEIGHTS).map(|(byte, weight)| vin_value(*byte) * weight).sum())
}

/// Letters count as their place among nine, the gaps of I, O and Q left open; the third row begins at two.
fn vin_value(byte: u8) -> u32 {
    match base36(byte) {
        digit @ 0..=9 => digit,
        value @ 10..=17 => value - 9,
        value @ 19..=27 => value - 18,
        value => value - 26,
    }
}
