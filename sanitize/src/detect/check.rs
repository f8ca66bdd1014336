//! Check digits and number plans: what tells a number from any number. One short function each.

/// The check digit that makes `digits` and it pass Luhn's test (ISO/IEC 7812-1, annex B).
pub(crate) fn luhn_digit(digits: &[u8]) -> u8 {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(position, digit)| match position % 2 {
            0 if *digit > 4 => u32::from(*digit) * 2 - 9,
            0 => u32::from(*digit) * 2,
            _ => u32::from(*digit),
        })
        .sum();
    ((10 - sum % 10) % 10) as u8
}

/// Whether the last digit is the check digit of those before.
pub(crate) fn is_luhn(digits: &[u8]) -> bool {
    digits.split_last().is_some_and(|(check, rest)| luhn_digit(rest) == *check)
}

/// Whether `digits` are a payment card's: a known issuer range, its length, and Luhn's check.
pub(crate) fn is_card(digits: &[u8]) -> bool {
    if !(13..=19).contains(&digits.len()) || !is_luhn(digits) || digits.iter().all(|digit| *digit == digits[0]) {
        return false;
    }
    let issuer = digits[..4].iter().fold(0_u32, |issuer, digit| issuer * 10 + u32::from(*digit));
    matches!(
        (issuer, digits.len()),
        (4000..=4999, 13 | 16 | 19)
            | (5100..=5599 | 2221..=2720, 16)
            | (3400..=3499 | 3700..=3799, 15)
            | (6011 | 6440..=6599 | 6200..=6299 | 8100..=8171 | 3528..=3589, 16..=19)
            | (3000..=3059 | 3095 | 3600..=3699 | 3800..=3999, 14..=19)
            | (5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763, 13..=19)
    )
}

/// Whether letters and digits are an IBAN: a country's length, and a remainder of one (ISO 13616, ISO 7064 mod 97-10).
pub(crate) fn is_iban(bare: &[u8]) -> bool {
    bare.len() > 4
        && IBAN_LENGTHS.iter().any(|(country, length)| bare.starts_with(country.as_bytes()) && bare.len() == *length)
        && bare[2..4].iter().all(u8::is_ascii_digit)
        // A remainder that is subtracted from 98 gives 02 at least.
        && (&b"02"[..]..=&b"98"[..]).contains(&&bare[2..4])
        && remainder_97(bare) == Some(1)
}

/// The check digits of an IBAN in upper case, whatever stands in their place.
pub(crate) fn iban_check_digits(bare: &[u8]) -> [u8; 2] {
    let mut zeroed = bare.to_vec();
    zeroed[2..4].copy_from_slice(b"00");
    let check = 98 - remainder_97(&zeroed).unwrap_or(0);
    [b'0' + (check / 10) as u8, b'0' + (check % 10) as u8]
}

fn remainder_97(bare: &[u8]) -> Option<u32> {
    bare[4..].iter().chain(&bare[..4]).try_fold(0_u32, |remainder, byte| match byte {
        b'0'..=b'9' => Some((remainder * 10 + u32::from(byte - b'0')) % 97),
        b'A'..=b'Z' => Some((remainder * 100 + u32::from(byte - b'A') + 10) % 97),
        _ => None,
    })
}

/// Whether nine digits can be a US social security number: area, group and serial that are given out.
pub(crate) fn is_ssn(digits: &[u8]) -> bool {
    let number = |range: std::ops::Range<usize>| digits[range].iter().fold(0_u32, |number, digit| number * 10 + u32::from(*digit));
    digits.len() == 9 && !matches!(number(0..3), 0 | 666 | 900..) && number(3..5) != 0 && number(5..9) != 0
}

/// Countries and lengths of the IBAN registry.
const IBAN_LENGTHS: [(&str, usize); 80] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<u8> {
        text.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect()
    }

    #[test]
    fn cards_are_told_from_numbers() {
        // Numbers that the networks and processors publish for tests.
        for card in [
            "4111 1111 1111 1111",
            "4242424242424242",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "6011111111111117",
            "30569309025904",
            "3530111333300000",
            "4222222222222",
        ] {
            assert!(is_card(&digits(card)), "{card}");
        }
        for number in ["4111111111111112", "1640965287349", "0000000000000000", "1234567890123456", "411111111111111"] {
            assert!(!is_card(&digits(number)), "{number}");
        }
    }

    #[test]
    fn every_check_digit_is_found() {
        for number in 0..10_000_u32 {
            let mut digits = digits(&format!("{number:04}"));
            digits.push(luhn_digit(&digits));
            assert!(is_luhn(&digits));
            let passing = (0..10).filter(|check| is_luhn(&[&digits[..4], &[*check]].concat())).count();
            assert_eq!(passing, 1);
        }
    }

    #[test]
    fn ibans_are_told_by_country_length_and_remainder() {
        // The registry's own examples.
        for iban in ["GB29NWBK60161331926819", "DE89370400440532013000", "FR1420041010050500013M02606", "NO9386011117947", "MT84MALT011000012345MTLCAST001S"] {
            assert!(is_iban(iban.as_bytes()), "{iban}");
            assert_eq!(iban_check_digits(iban.as_bytes()), iban.as_bytes()[2..4]);
        }
        for other in ["DE00090026310316070601", "DE8937040044053201300", "XX89370400440532013000", "GB", "DE8937040044053201300a"] {
            assert!(!is_iban(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn every_serial_of_an_area_is_a_social_security_number() {
        let accepted = (0..10_000_u32).filter(|serial| is_ssn(&digits(&format!("12345{serial:04}")))).count();
        assert_eq!(accepted, 9_999);
        let areas = (0..1000_u32).filter(|area| is_ssn(&digits(&format!("{area:03}120001")))).count();
        assert_eq!(areas, 898);
        assert!(!is_ssn(&digits("123004567")) && !is_ssn(&digits("12345678")));
    }
}
