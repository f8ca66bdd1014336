//! Banks: identifiers of institutions and national account numbers.

use super::{are_digits, is_repeated, number, weighted};

/// Business identifier codes (ISO 9362): four letters, a country, a location, perhaps a branch.
pub(super) fn is_bic(bare: &[u8]) -> bool {
    matches!(bare.len(), 8 | 11) && bare[..6].iter().all(u8::is_ascii_uppercase) && bare.iter().all(u8::is_ascii_alphanumeric) && is_country(&bare[4..6])
}

/// One that tells without a name: eleven characters, and the branch is none or has a digit. No word looks like that.
pub(super) fn is_long_bic(bare: &[u8]) -> bool {
    is_bic(bare) && bare.len() == 11 && (&bare[8..] == b"XXX" || bare[8..].iter().any(u8::is_ascii_digit))
}

/// Routing numbers of the American Bankers Association: weights 3, 7, 1, and a range of the Federal Reserve.
pub(super) fn is_aba(bare: &[u8]) -> bool {
    are_digits(bare, 9)
        && matches!(number(&bare[..2]), 0..=12 | 21..=32 | 61..=72 | 80)
        && !is_repeated(bare)
        && weighted(bare, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

/// Mexico's CLABE: weights 3, 7, 1, of each product the last digit.
pub(super) fn is_clabe(bare: &[u8]) -> bool {
    let products = |digits: &[u8]| digits.iter().enumerate().map(|(position, byte)| super::digit(*byte) * [3, 7, 1][position % 3] % 10).sum::<u32>();
    are_digits(bare, 18) && (2..=998).contains(&number(&bare[..3])) && (products(&bare[..17]) + super::last(bare)).is_multiple_of(10)
}

/// Whether two capitals are a country (ISO 3166-1 alpha-2, with Kosovo's user-assigned code).
pub(super) fn is_country(code: &[u8]) -> bool {
    COUNTRIES.as_bytes().chunks(3).any(|known| &known[..2] == code)
}

const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ \
DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI \
KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM \
PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU \
WF WS XK YE YT ZA ZM ZW";
