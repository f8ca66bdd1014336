//! Eastern Europe and Central Asia.

use super::date::{is_birth, is_of_some_century, is_yymmdd};
use super::{are_digits, base36, digit, is_repeated, last, national, number, weighted};

/// Polish persons: a date whose month tells the century, a serial, weights 1, 3, 7, 9 (Ministerstwo Cyfryzacji).
pub(super) fn is_pesel(bare: &[u8]) -> bool {
    if !are_digits(bare, 11) {
        return false;
    }
    let (year, month, day) = (number(&bare[..2]), number(&bare[2..4]), number(&bare[4..6]));
    let century = [1900, 2000, 2100, 2200, 1800][(month / 20) as usize % 5];
    is_birth(century + year, month % 20, day) && weighted(bare, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

/// Polish taxpayers: modulus 11, in which ten is not given out.
pub(super) fn is_nip(bare: &[u8]) -> bool {
    let bare = national(bare, b"PL");
    are_digits(bare, 10) && !is_repeated(bare) && weighted(bare, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == last(bare)
}

/// Polish companies (REGON), of nine digits or, for a branch, fourteen.
pub(super) fn is_regon(bare: &[u8]) -> bool {
    let is_nine = |nine: &[u8]| weighted(nine, &[8, 9, 2, 3, 4, 5, 6, 7]) % 11 % 10 == last(nine);
    match bare.len() {
        9 => are_digits(bare, 9) && !is_repeated(bare) && is_nine(bare),
        14 => are_digits(bare, 14) && is_nine(&bare[..9]) && weighted(bare, &[2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8]) % 11 % 10 == last(bare),
        _ => false,
    }
}

/// Polish identity cards: three letters, a check digit, five digits; weights 7, 3, 1.
pub(super) fn is_polish_card(bare: &[u8]) -> bool {
    let sum = || bare.iter().zip([7, 3, 1, 9, 7, 3, 1, 7, 3]).map(|(byte, weight)| base36(*byte) * weight).sum::<u32>();
    bare.len() == 9 && bare[..3].iter().all(u8::is_ascii_uppercase) && are_digits(&bare[3..], 6) && sum().is_multiple_of(10)
}

/// Czech and Slovak persons: a date (50 is added to a woman's month; since 2004 perhaps 20 more), a serial; the whole divides by eleven, and
/// until 1985 a remainder of ten might be a zero (Act 133/2000).
pub(super) fn is_rodne_cislo(bare: &[u8]) -> bool {
    if !are_digits(bare, 10) {
        return false;
    }
    let (year, month, day) = (number(&bare[..2]), number(&bare[2..4]), number(&bare[4..6]));
    let month = if month > 50 { month - 50 } else { month };
    let month = if month > 20 { month - 20 } else { month };
    is_of_some_century(year, month, day) && (number(bare).is_multiple_of(11) || (bare[9] == b'0' && number(&bare[..9]) % 11 == 10))
}

/// Romanian persons: sex and century, a date, a county, a serial, weights 279146358279 in modulus 11 (Act 105/1996).
pub(super) fn is_cnp(bare: &[u8]) -> bool {
    are_digits(bare, 13)
        && matches!(bare[0], b'1'..=b'9')
        && is_yymmdd(&bare[1..])
        && matches!(number(&bare[7..9]), 1..=48 | 51 | 52 | 70)
        && match weighted(bare, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11 {
            10 => 1,
            check => check,
        } == last(bare)
}

/// Bulgarian persons: a date whose month tells the century, a serial, powers of two in modulus 11 (ГРАО).
pub(super) fn is_egn(bare: &[u8]) -> bool {
    if !are_digits(bare, 10) {
        return false;
    }
    let (year, month, day) = (number(&bare[..2]), number(&bare[2..4]), number(&bare[4..6]));
    let century = [1900, 1800, 2000, 0, 0][(month / 20) as usize % 5];
    is_birth(century + year, month % 20, day) && weighted(bare, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == last(bare)
}

/// Hungarian social insurance (TAJ): weights 3 and 7 in modulus 10.
pub(super) fn is_taj(bare: &[u8]) -> bool {
    are_digits(bare, 9) && number(bare) != 0 && weighted(bare, &[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == last(bare)
}

/// Hungarian taxpayers: an 8, days, a serial, modulus 11.
pub(super) fn is_hungarian_tax(bare: &[u8]) -> bool {
    are_digits(bare, 10) && bare[0] == b'8' && weighted(bare, &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 == last(bare)
}

/// Hungarian persons: sex and century, a date, a serial, modulus 11, whose weights turned round in 1997.
pub(super) fn is_hungarian(bare: &[u8]) -> bool {
    are_digits(bare, 11)
        && matches!(bare[0], b'1'..=b'8')
        && is_yymmdd(&bare[1..])
        && (weighted(bare, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) % 11 == last(bare) || weighted(bare, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11 == last(bare))
}

/// Ukrainian taxpayers: days since 1900, a serial, modulus 11.
pub(super) fn is_rnokpp(bare: &[u8]) -> bool {
    // The first weight is minus one: ten, in modulus 11.
    are_digits(bare, 10) && !is_repeated(bare) && weighted(bare, &[10, 5, 7, 9, 4, 6, 10, 5, 7]) % 11 % 10 == last(bare)
}

/// Russian taxpayers: ten digits of a company, twelve of a person with two check digits (Federal Tax Service).
pub(super) fn is_inn(bare: &[u8]) -> bool {
    const WEIGHTS: [u32; 11] = [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8];
    match bare.len() {
        10 => are_digits(bare, 10) && !is_repeated(bare) && weighted(bare, &WEIGHTS[2..]) % 11 % 10 == last(bare),
        12 => {
            are_digits(bare, 12)
                && !is_repeated(bare)
                && weighted(bare, &WEIGHTS[1..]) % 11 % 10 == digit(bare[10])
                && weighted(bare, &WEIGHTS) % 11 % 10 == digit(bare[11])
        }
        _ => false,
    }
}

/// Russian pension insurance (SNILS): modulus 101 over nine digits.
pub(super) fn is_snils(bare: &[u8]) -> bool {
    are_digits(bare, 11) && number(&bare[..9]) > 1_001_998 && u64::from(weighted(bare, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100) == number(&bare[9..])
}

/// Kazakh persons: a date, century and sex, a serial, modulus 11 with second weights where ten remains.
pub(super) fn is_iin(bare: &[u8]) -> bool {
    let check = match weighted(bare, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) % 11 {
        10 => weighted(bare, &[3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]) % 11,
        check => check,
    };
    are_digits(bare, 12) && is_yymmdd(bare) && matches!(bare[6], b'1'..=b'6') && check == last(bare)
}
