//! Check digits of what a customer pays with. Text flows in as it was typed, a yes or no flows out.

/// Whether the digits of `number` pass the Luhn check (ISO/IEC 7812-1), blanks and hyphens aside.
pub(crate) fn is_card(number: &str) -> bool {
    let digits: Option<Vec<u32>> = number.chars().filter(|c| !matches!(c, ' ' | '-')).map(|c| c.to_digit(10)).collect();
    let Some(digits) = digits else { return false };
    let doubled = |(place, digit): (usize, &u32)| if place % 2 == 0 { *digit } else { digit * 2 / 10 + digit * 2 % 10 };
    (12..=19).contains(&digits.len()) && digits.iter().rev().enumerate().map(doubled).sum::<u32>() % 10 == 0
}

/// Whether `number` is an account number whose remainder is one (ISO 13616), blanks aside.
pub(crate) fn is_iban(number: &str) -> bool {
    let compact: Vec<u8> = number.bytes().filter(|byte| *byte != b' ').collect();
    let shaped = (15..=34).contains(&compact.len())
        && compact[..2].iter().all(u8::is_ascii_alphabetic)
        && compact[2..4].iter().all(u8::is_ascii_digit)
        && compact.iter().all(u8::is_ascii_alphanumeric);
    // Country and check digits go last, letters count from ten.
    let value = |byte: &u8| char::from(*byte).to_digit(36).unwrap_or_default();
    shaped && compact[4..].iter().chain(&compact[..4]).map(value).fold(0, |rest, value| (rest * if value > 9 { 100 } else { 10 } + value) % 97) == 1
}

/// Whether `text` has the shape of a mail address: enough to refuse a slip, never a real address.
pub(crate) fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.') && !domain.contains('@'))
        && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits() {
        // The numbers that the standards and the card schemes publish for tests.
        for (number, expected) in [
            ("4111111111111111", true),
            ("4111 1111 1111 1111", true),
            ("378282246310005", true),
            ("4111111111111112", false),
            ("", false),
            ("411111x111111111", false),
        ] {
            assert_eq!(is_card(number), expected, "{number}");
        }
        for (number, expected) in [
            ("DE89370400440532013000", true),
            ("GB29 NWBK 6016 1331 9268 19", true),
            ("DE89370400440532013001", false),
            ("DE89", false),
            ("", false),
            ("DE8937040044053201300€", false),
        ] {
            assert_eq!(is_iban(number), expected, "{number}");
        }
        for (text, expected) in [("a@b.example", true), ("a@b", false), ("@b.example", false), ("a b@c.example", false), ("a@b@c.example", false)] {
            assert_eq!(is_email(text), expected, "{text}");
        }
    }
}
