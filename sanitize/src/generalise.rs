//! The same with less in it: the year of a date, the network of an address, the first digits of a postal code.
//!
//! In: a bare value, the rule that found it, and the year of the traffic. Out: a value of the same form that more people share; nothing where
//! there is none, and then the value is masked. No key is needed, and none is used.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::pseudonym::Domain;
use crate::pseudonym::calendar::{self, Written};

/// What is left of a value: by its form, and where many things have one form, by what the rule says it is.
pub(crate) fn generalise(rule: &str, domain: Domain, value: &[u8], year: i32) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(value).ok()?.trim();
    // What a policy names by its place may be any of these.
    let may_be = |id: &str| rule == id || rule == "location";
    network(text)
        .or_else(|| of_year(text, domain == Domain::BirthDate, year))
        .or_else(|| may_be("postal_code").then(|| postal_code(text)).flatten())
        .or_else(|| may_be("age").then(|| age(text)).flatten())
        .or_else(|| may_be("geo").then(|| coordinates(text)).flatten())
        .map(String::into_bytes)
}

/// An IPv4 address of its /24, an IPv6 address of its /48.
fn network(text: &str) -> Option<String> {
    Some(match text.parse().ok()? {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Ipv4Addr::new(a, b, c, 0).to_string()
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).to_string()
        }
    })
}

/// The first of January of a date's year, at midnight, in its own form; of someone past 89 that of the year in which they would be 90.
/// A number alone, or a month's name, is a date only where one is known to stand.
fn of_year(text: &str, is_date: bool, now: i32) -> Option<String> {
    let has_words = text.chars().any(|character| character.is_alphabetic() && !matches!(character, 'T' | 'Z' | '年' | '月' | '日'));
    if !is_date && (has_words || text.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    let oldest = i64::from(now - OLDEST);
    match calendar::read(text)? {
        Written::Year => text.parse().ok().filter(|year| *year >= 1000).map(|year: i64| format!("{:04}", year.max(oldest))),
        Written::Date(date) if date.year.len() == 4 && date.says.0 >= 1000 => {
            let midnight: String = text.chars().map(|character| if character.is_ascii_digit() { '0' } else { character }).collect();
            Some(date.saying(&midnight, (date.says.0.max(oldest), 1, 1)))
        }
        Written::Date(_) | Written::Since { .. } => None,
    }
}

/// A ZIP code with three digits of its own; none of them where few people live.
fn postal_code(text: &str) -> Option<String> {
    let is_zip = text.bytes().enumerate().all(|(at, byte)| if at == 5 { byte == b'-' } else { byte.is_ascii_digit() }) && matches!(text.len(), 5 | 10);
    is_zip.then(|| {
        let own = if SPARSE.contains(&&text[..3]) { "000" } else { &text[..3] };
        format!("{own}00{}", if text.len() == 10 { "-0000" } else { "" })
    })
}

fn age(text: &str) -> Option<String> {
    let age: u32 = text.parse().ok().filter(|age| *age < 150)?;
    Some(age.min(OLDEST.unsigned_abs()).to_string())
}

/// One decimal of each number: some ten kilometres.
fn coordinates(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive([',', ';', ' ']) {
        let number = piece.trim_end_matches([',', ';', ' ']);
        let (whole, decimals) = if number.is_empty() { ("", "") } else { number.split_once('.')? };
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole.trim_start_matches(['-', '+'])) || !is_number(decimals) {
            return None;
        }
        out.push_str(whole);
        if !decimals.is_empty() {
            out.push('.');
            out.push_str(&decimals[..1]);
        }
        out.push_str(&piece[number.len()..]);
    }
    Some(out)
}

/// All who are older are told as being so old.
const OLDEST: i32 = 90;
/// The first three digits of ZIP codes that fewer than 20,000 people share (45 CFR 164.514(b)(2)(i)(B), by the census of 2000).
const SPARSE: [&str; 17] = ["036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878", "879", "884", "890", "893"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_is_left() {
        for (rule, domain, value, expected) in [
            ("ip", Domain::Ip, "203.0.113.77", Some("203.0.113.0")),
            ("ip", Domain::Ip, "2001:db8:1:2:3::4", Some("2001:db8:1::")),
            ("birth_date", Domain::BirthDate, "1984-03-12", Some("1984-01-01")),
            ("birth_date", Domain::BirthDate, "12.3.1984", Some("01.1.1984")),
            ("birth_date", Domain::BirthDate, "19840312", Some("19840101")),
            ("birth_date", Domain::BirthDate, "12031984", Some("01011984")),
            ("birth_date", Domain::BirthDate, "1984", Some("1984")),
            ("birth_date", Domain::BirthDate, "1911-03-12", Some("1936-01-01")),
            ("birth_date", Domain::BirthDate, "1984年3月12日", Some("1984年1月01日")),
            ("event_date", Domain::BirthDate, "2026-11-20T12:03:59.123+02:00", Some("2026-01-01T00:00:00.000+00:00")),
            ("birth_date", Domain::BirthDate, "12 March 1984", Some("01 January 1984")),
            ("birth_date", Domain::BirthDate, "19840312101500", Some("19840101000000")),
            ("birth_date", Domain::BirthDate, "1984-13-45", None),
            ("birth_date", Domain::BirthDate, "447897600", None),
            ("location", Domain::Opaque, "12 March 1984", None),
            ("birth_date", Domain::BirthDate, "31.1.80", None),
            ("postal_code", Domain::Identifier, "90210", Some("90200")),
            ("postal_code", Domain::Identifier, "90210-1234", Some("90200-0000")),
            ("postal_code", Domain::Identifier, "03601", Some("00000")),
            ("postal_code", Domain::Identifier, "SW1A 1AA", None),
            ("age", Domain::Identifier, "42", Some("42")),
            ("age", Domain::Identifier, "93", Some("90")),
            ("geo", Domain::Identifier, "52.520008,13.404954", Some("52.5,13.4")),
            ("geo", Domain::Identifier, "-0.1275", Some("-0.1")),
            ("geo", Domain::Identifier, "52", None),
            ("location", Domain::Opaque, "90210", Some("90200")),
            ("serial_number", Domain::Identifier, "90210", None),
            ("serial_number", Domain::Identifier, "19840312", None),
            ("email", Domain::Email, "a@b.example", None),
            ("person", Domain::Person, "Ada", None),
            ("x", Domain::Opaque, "\u{e9}.1", None),
        ] {
            let made = generalise(rule, domain, value.as_bytes(), 2026).map(|made| String::from_utf8(made).expect("text"));
            assert_eq!(made.as_deref(), expected, "{rule} {value}");
        }
    }
}
