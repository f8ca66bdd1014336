//! The same with less in it: the year of a date, the network of an address, the first digits of a postal code.
//!
//! In: a bare value, the rule that found it, and the year of the traffic. Out: a value of the same form that more people share; nothing where
//! there is none, and then the value is masked. No key is needed, and none is used.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::pseudonym::Domain;

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
/// A number alone is a date only where one is known to stand.
fn of_year(text: &str, is_date: bool, now: i32) -> Option<String> {
    if text.chars().any(|character| character.is_alphabetic() && !matches!(character, 'T' | 'Z' | '年' | '月' | '日')) {
        return None;
    }
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for (at, _) in text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
        match groups.last_mut() {
            Some((_, end)) if *end == at => *end = at + 1,
            _ => groups.push((at, at + 1)),
        }
    }
    if let ([(start, end)], true) = (groups.as_slice(), is_date) {
        let (start, end) = (*start, *end);
        groups = match end - start {
            4 => vec![(start, end)],
            8 if matches!(&text[start..start + 2], "19" | "20") => vec![(start, start + 4), (start + 4, start + 6), (start + 6, end)],
            8 => vec![(start, start + 2), (start + 2, start + 4), (start + 4, end)],
            _ => return None,
        };
    } else if groups.len() < 3 || groups[..3].iter().any(|(start, end)| !matches!(end - start, 1 | 2 | 4)) {
        return None;
    }
    let date = &groups[..groups.len().min(3)];
    let (year_start, year_end) = match date.iter().filter(|(start, end)| end - start == 4).collect::<Vec<_>>().as_slice() {
        [year] => **year,
        _ => return None,
    };
    let year: i32 = text[year_start..year_end].parse().ok().filter(|year| (1000..=9999).contains(year))?;
    let mut out = text.as_bytes().to_vec();
    for (position, (start, end)) in groups.iter().copied().enumerate() {
        out[start..end].fill(b'0');
        if position < 3 {
            out[end - 1] = b'1';
        }
    }
    out[year_start..year_end].copy_from_slice(format!("{:04}", year.max(now - OLDEST)).as_bytes());
    String::from_utf8(out).ok()
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
            ("birth_date", Domain::BirthDate, "12 March 1984", None),
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
