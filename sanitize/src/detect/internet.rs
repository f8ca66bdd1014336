//! Public IPv4 and IPv6 addresses. Private, loopback, documentation and other special ones tell nothing of anyone and stay.
//!
//! In: a value. Out: the spans of addresses, without port and brackets. Four numbers behind a product or a word for versions are none.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::{Classes, ends_word, starts_word};

pub(super) fn find(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while at < value.len() {
        if !is_address_byte(value[at]) {
            at += 1;
            continue;
        }
        let end = value[at..].iter().position(|byte| !is_address_byte(*byte)).map_or(value.len(), |to| at + to);
        // `addr:93.184.216.34`: the colon belongs to the name.
        let start = if value[at] == b':' && value.get(at + 1) != Some(&b':') { at + 1 } else { at };
        if starts_word(value, start) && !is_after_product(value, start) {
            run(value, start, end, found);
        }
        at = end;
    }
}

/// A run of hexadecimal digits, dots and colons: an IPv6 address, or an IPv4 one with or without a port.
fn run(value: &[u8], start: usize, end: usize, found: &mut Vec<Range<usize>>) {
    let trimmed = start + value[start..end].iter().rev().skip_while(|byte| matches!(byte, b'.' | b':')).count();
    let parsed = |from: usize, to: usize| std::str::from_utf8(&value[from..to]).ok().and_then(|text| text.parse::<IpAddr>().ok());
    let is_someones = |from: usize, to: usize| {
        to - from <= MAX_TEXT
            && parsed(from, to).is_some_and(|address| match address {
                IpAddr::V4(address) => is_public(address.into()) && !is_version(value, from, to, address),
                IpAddr::V6(address) => {
                    is_public(address.into())
                        && (is_global_unicast(address) || address.to_ipv4_mapped().is_some() || !value[from..to].windows(2).any(|two| two == b"::"))
                }
            })
    };
    // `::` at the end belongs to the address.
    for to in [end, trimmed] {
        if ends_word(value, to) && is_someones(start, to) {
            found.push(start..to);
            return;
        }
    }
    // `93.184.216.34:443`, and `ip:93.184.216.34` whose name ends in hexadecimal digits.
    for (from, to) in
        value[start..trimmed].iter().position(|byte| *byte == b':').map(|colon| [(start, start + colon), (start + colon + 1, trimmed)]).into_iter().flatten()
    {
        if memchr::memchr(b'.', &value[from..to]).is_some() && (to < trimmed || ends_word(value, to)) && is_someones(from, to) {
            found.push(from..to);
            return;
        }
    }
}

/// Whether an address is someone's: not one of those set aside (RFC 6890 and its registries).
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19)))
}

/// What no registry has set aside may be given to someone one day.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_special = first == 0
        || (first == 0x64 && second == 0xff9b)
        || (first == 0x100 && second == 0)
        || (first == 0x2001 && second == 0xdb8)
        || (first == 0x3fff && second < 0x1000)
        || first & 0xfe00 == 0xfc00
        || first & 0xffc0 == 0xfe80
        || first & 0xffc0 == 0xfec0
        || first & 0xff00 == 0xff00;
    !is_special
}

/// 2000::/3, all that is given out today.
fn is_global_unicast(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xe000 == 0x2000
}

/// `Chrome/120.0.0.0`, `v1.2.3.4`: a version, not an address. `//1.2.3.4` is one.
fn is_after_product(value: &[u8], at: usize) -> bool {
    match &value[..at] {
        [.., before, b'/'] => before.is_ascii_alphabetic(),
        [.., b'-' | b'.'] => true,
        _ => false,
    }
}

/// Four numbers are a version where a word says so, where they end in zeros, and where a pre-release follows.
fn is_version(value: &[u8], start: usize, end: usize, address: Ipv4Addr) -> bool {
    let [_, _, c, d] = address.octets();
    let is_prerelease = matches!(&value[end..], [b'-' | b'+', after, ..] if after.is_ascii_alphabetic());
    (c == 0 && d == 0) || is_prerelease || is_after_version_word(&value[start.saturating_sub(MAX_PHRASE)..start])
}

/// `browser version is 119.0.2248.112`.
fn is_after_version_word(before: &[u8]) -> bool {
    before
        .rsplit(|byte| !byte.is_ascii_alphabetic())
        .filter(|word| !word.is_empty())
        .take(3)
        .any(|word| VERSION_WORDS.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes())))
}

const fn is_address_byte(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':')
}

/// The longest text form of an address.
const MAX_TEXT: usize = 45;
/// As far back a word can say what a number is.
const MAX_PHRASE: usize = 32;
const VERSION_WORDS: [&str; 16] = [
    "version", "versions", "ver", "v", "build", "release", "revision", "firmware", "upgrade", "upgraded", "chrome", "chromium", "firefox", "safari", "edge",
    "driver",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_found() {
        for (text, expected) in [
            ("from 93.184.216.34:443", &["93.184.216.34"][..]),
            ("[2a02:1b08:3cb6:625a:7e03:9d68:c17a:c95e]:80", &["2a02:1b08:3cb6:625a:7e03:9d68:c17a:c95e"]),
            ("a1b2:c3d4:e5f6:1234:5678:9abc:def0:1357", &["a1b2:c3d4:e5f6:1234:5678:9abc:def0:1357"]),
            ("::ffff:93.184.216.34 2a00:1450:4001::", &["::ffff:93.184.216.34", "2a00:1450:4001::"]),
            ("for=93.184.216.34;proto=https, 8.8.4.4", &["93.184.216.34", "8.8.4.4"]),
            ("http://93.184.216.34/x addr:93.184.216.35 93.184.216.0/24", &["93.184.216.34", "93.184.216.35", "93.184.216.0"]),
            ("browser version is 119.0.2248.112, build 1.2.3.4, v 4.3.2.1", &[]),
            ("Chrome/120.0.0.0 7.0.0.0 1.2.3.4-beta pkg-1.2.3.4.tgz 1.3.6.1.4.1", &[]),
            ("10.0.0.1 127.0.0.1 192.168.1.1 203.0.113.7 ::1 fe80::1%eth0 2001:db8::1 fd00::1 ::ffff:10.0.0.1", &[]),
            ("std::cd::ab a::b c::d 10:20:30 12:34", &[]),
        ] {
            let mut found = Vec::new();
            find(text.as_bytes(), &Classes::of(text.as_bytes()), &mut found);
            assert_eq!(found.iter().map(|span| &text[span.clone()]).collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
