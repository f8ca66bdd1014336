//! International bank account numbers (ISO 13616, the IBAN registry) and SEPA creditor identifiers (European Payments Council, EPC262-08).

use super::iso7064::remainder_97;

/// How long the IBANs of a country are.
pub(crate) fn iban_length(country: &[u8]) -> Option<usize> {
    let [first @ b'A'..=b'Z', second @ b'A'..=b'Z'] = country else { return None };
    let length = LENGTH_OF[country_number(*first, *second)];
    (length > 0).then_some(usize::from(length))
}

const fn country_number(first: u8, second: u8) -> usize {
    (first - b'A') as usize * 26 + (second - b'A') as usize
}

/// Whether letters and digits are an IBAN: a country's length, and a remainder of one.
pub(crate) fn is_iban(bare: &[u8]) -> bool {
    bare.len() > 4 && iban_length(&bare[..2]) == Some(bare.len()) && has_check_digits(bare) && remainder_97(bare[4..].iter().chain(&bare[..4])) == Some(1)
}

/// Whether a creditor's identifier: country, check digits, a business code that does not count, and a national part.
pub(crate) fn is_creditor_id(bare: &[u8]) -> bool {
    (11..=35).contains(&bare.len())
        && has_country(CREDITOR_COUNTRIES, &bare[..2])
        && has_check_digits(bare)
        && bare[7..].iter().filter(|byte| byte.is_ascii_digit()).count() >= 4
        && remainder_97(bare[7..].iter().chain(&bare[..4])) == Some(1)
}

/// The check digits of an IBAN in upper case, whatever stands in their place.
pub(crate) fn iban_check_digits(bare: &[u8]) -> [u8; 2] {
    let check = 98 - remainder_97(bare[4..].iter().chain(&bare[..2]).chain(b"00")).unwrap_or(0);
    [b'0' + (check / 10) as u8, b'0' + (check % 10) as u8]
}

/// A remainder that is subtracted from 98 gives 02 at least.
fn has_check_digits(bare: &[u8]) -> bool {
    bare[2..4].iter().all(u8::is_ascii_digit) && (&b"02"[..]..=&b"98"[..]).contains(&&bare[2..4])
}

fn has_country(countries: &str, country: &[u8]) -> bool {
    countries.split(' ').any(|known| known.as_bytes() == country)
}

/// The same by the number of the country; zero for one without IBANs.
static LENGTH_OF: [u8; 26 * 26] = {
    let mut lengths = [0; 26 * 26];
    let mut row = 0;
    while row < LENGTHS.len() {
        let countries = LENGTHS[row].1.as_bytes();
        let mut at = 0;
        while at < countries.len() {
            lengths[country_number(countries[at], countries[at + 1])] = LENGTHS[row].0;
            at += 3;
        }
        row += 1;
    }
    lengths
};

/// How long the IBANs of each country are.
const LENGTHS: &[(u8, &str)] = &[
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FK FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];

/// Those of the single euro payments area.
const CREDITOR_COUNTRIES: &str = "AD AT BE BG CH CY CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC MT NL NO PL PT RO SE SI SK SM VA";
