//! Public IPv4 and IPv6 addresses. Private, loopback, documentation and other special ones tell nothing of anyone and stay.

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
        if starts_word(value, at) && !is_after_product(value, at) {
            run(value, at, end, found);
        }
        at = end;
    }
}

/// A run of hexadecimal digits, dots and colons: an IPv6 address, or an IPv4 one with or without a port.
fn run(value: &[u8], start: usize, end: usize, found: &mut Vec<Range<usize>>) {
    let trimmed = start + value[start..end].iter().rev().skip_while(|byte| matches!(byte, b'.' | b':')).count();
    let parsed = |from: usize, to: usize| std::str::from_utf8(&value[from..to]).ok().and_then(|text| text.parse::<IpAddr>().ok());
    // `::` at the end belongs to the address.
    for to in [end, trimmed] {
        if to - start <= MAX_TEXT && ends_word(value, to) && parsed(start, to).is_some_and(is_public) {
            found.push(start..to);
            return;
        }
    }
    let colon = memchr::memchr(b':', &value[start..trimmed]).map(|colon| start + colon);
    if let Some(colon) = colon.filter(|colon| colon - start <= MAX_TEXT)
        && parsed(start, colon).is_some_and(is_public)
    {
        found.push(start..colon);
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
    let [a, b, ..] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (b == 18 || b == 19)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let first = address.segments()[0];
    // Global unicast is 2000::/3 alone.
    first & 0xe000 == 0x2000 && !(first == 0x2001 && address.segments()[1] == 0xdb8) && first != 0x3fff
}

/// `Chrome/120.0.0.0`, `v1.2.3.4`: a version, not an address. `//1.2.3.4` is one.
fn is_after_product(value: &[u8], at: usize) -> bool {
    match &value[..at] {
        [.., before, b'/'] => before.is_ascii_alphabetic(),
        [.., b'-' | b'.'] => true,
        _ => false,
    }
}

const fn is_address_byte(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':')
}

/// The longest text form of an address.
const MAX_TEXT: usize = 45;
