//! E-mail addresses, into the names that are set aside for documentation; network addresses, so that networks stay together; adapters.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::digits::Space;
use super::prf::Prf;

/// An e-mail address at one of the three example domains (RFC 2606, section 3); its local part is about as long as it was.
pub(super) fn email(prf: &Prf, text: &str) -> Option<String> {
    let address = text.trim();
    let (local, host) = address.rsplit_once('@')?;
    if local.is_empty() || host.is_empty() {
        return None;
    }
    let mut stream = prf.stream("email", address.to_lowercase().as_bytes());
    let length = local.chars().count().clamp(MIN_LOCAL, MAX_LOCAL);
    let mut made = String::from("u");
    made.extend((1..length).map(|_| char::from(LOCAL_CHARACTERS[usize::from(stream.below(32))])));
    made.push_str(["@example.com", "@example.net", "@example.org"][usize::from(stream.below(3))]);
    Some(text.replacen(address, &made, 1))
}

/// An address of the same class: public, private, loopback and so on. Addresses that share a network share it afterwards, down to each bit in
/// IPv4 and at /48 and /64 in IPv6, whose pseudonyms are of the range for documentation (2001:db8::/32, RFC 3849). IPv4 has the space of all
/// public addresses, or that for benchmarks (198.18.0.0/15, RFC 2544), in which networks are together at /24 and some meet.
pub(super) fn ip(prf: &Prf, text: &str, space: Space) -> Option<String> {
    let address: IpAddr = text.trim().parse().ok()?;
    Some(pseudonymous(prf, address, space).to_string())
}

/// Flips each bit or not, by a function of the bits before it, save where the addresses that begin so are of more than one class.
fn of_same_class(prf: &Prf, address: Ipv4Addr) -> Ipv4Addr {
    let original = address.to_bits();
    let mut made = original;
    for length in 0..32 {
        // A shift by all bits is none.
        let mask = |length: u32| u32::MAX.checked_shl(32 - length).unwrap_or(0);
        let block = original & mask(length);
        let is_mixed = SPECIAL.iter().any(|(special, special_length)| *special_length > length && special & mask(length) == block);
        if is_mixed {
            continue;
        }
        let mut input = [0; 5];
        input[0] = length as u8;
        input[1..].copy_from_slice(&block.to_be_bytes());
        if prf.stream("ip bit", &input).next_u64() & 1 == 1 {
            made ^= 1 << (31 - length);
        }
    }
    // All bits or none of a last pair stay: never itself, and still one to one.
    if made == original { Ipv4Addr::from_bits(made ^ 1) } else { Ipv4Addr::from_bits(made) }
}

fn pseudonymous(prf: &Prf, address: IpAddr, space: Space) -> IpAddr {
    match address {
        IpAddr::V4(address) if space == Space::Unique => IpAddr::V4(of_same_class(prf, address)),
        IpAddr::V4(address) => {
            let octets = address.octets();
            let network = prf.stream("ip network", &octets[..3]).next_u64();
            let [a, b, c, d] = octets;
            let host = prf.permute_below(&format!("ip host {a}.{b}.{c}"), 256, u128::from(d));
            IpAddr::V4(Ipv4Addr::new(198, 18 + (network >> 8 & 1) as u8, network as u8, host as u8))
        }
        IpAddr::V6(address) => {
            if let Some(mapped) = address.to_ipv4_mapped() {
                let IpAddr::V4(made) = pseudonymous(prf, IpAddr::V4(mapped), space) else { return IpAddr::V6(Ipv6Addr::LOCALHOST) };
                return IpAddr::V6(made.to_ipv6_mapped());
            }
            let octets = address.octets();
            let site = prf.stream("ip site", &octets[..6]).next_u64();
            let network = prf.stream("ip network", &octets[..8]).next_u64();
            let host = prf.stream("ip host", &octets).next_u64();
            let [.., g, h, i, j] = host.to_be_bytes().chunks(2).fold([0_u16; 4], |[_, b, c, d], pair| [b, c, d, u16::from(pair[0]) << 8 | u16::from(pair[1])]);
            IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, site as u16, network as u16, g, h, i, j))
        }
    }
}

/// A network adapter's address, EUI-48 or EUI-64, in any of its spellings: one that no maker has been given (the bit for local ones is set),
/// of one station or many as before. `None` for what is none.
pub(super) fn adapter(prf: &Prf, text: &str) -> Option<String> {
    let bare: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).map(|byte| byte.to_ascii_lowercase()).collect();
    let is_spelled = text.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'-' | b'.')) && is_grouped(text);
    if !is_spelled || !matches!(bare.len(), 12 | 16) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
    let mut nibbles: Vec<u8> = bare.iter().map(|byte| digit(*byte)).collect();
    let kept = nibbles[1] & 0b0011;
    let mut places: Vec<(u8, u8)> = nibbles.iter().map(|nibble| (*nibble, 16)).collect();
    places[1] = (nibbles[1] >> 2, 4);
    nibbles = (0..u8::MAX)
        .map(|attempt| prf.permute_places(&format!("adapter {kept} {attempt}"), &places))
        .find(|made| made.iter().zip(&places).any(|(made, (was, _))| made != was))?;
    nibbles[1] = nibbles[1] << 2 | kept & 1 | 0b0010;
    let is_upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
    let mut nibbles = nibbles.into_iter();
    let spelled = text.chars().map(|character| match character {
        character if !character.is_ascii_hexdigit() => character,
        _ => char::from_digit(u32::from(nibbles.next().unwrap_or(0)), 16).map_or('0', |digit| if is_upper { digit.to_ascii_uppercase() } else { digit }),
    });
    Some(spelled.collect())
}

/// Pairs with `:` or `-` between them, or fours with points, or all at once with a letter among them.
fn is_grouped(text: &str) -> bool {
    let groups: Vec<&str> = text.split([':', '-', '.']).collect();
    let are = |length: usize| groups.iter().all(|group| group.len() == length);
    match groups.len() {
        1 => text.bytes().any(|byte| byte.is_ascii_alphabetic()),
        6 | 8 => are(2) && !text.contains('.'),
        3 | 4 => are(4) && text.contains('.'),
        _ => false,
    }
}

/// What is set aside for other uses than addresses of anyone (RFC 6890 and its registries).
const SPECIAL: &[(u32, u32)] = &[
    (0x0000_0000, 8),
    (0x0a00_0000, 8),
    (0x6440_0000, 10),
    (0x7f00_0000, 8),
    (0xa9fe_0000, 16),
    (0xac10_0000, 12),
    (0xc000_0000, 24),
    (0xc000_0200, 24),
    (0xc0a8_0000, 16),
    (0xc612_0000, 15),
    (0xc633_6400, 24),
    (0xcb00_7100, 24),
    (0xe000_0000, 4),
    (0xf000_0000, 4),
];
const LOCAL_CHARACTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Enough room that no two addresses meet.
const MIN_LOCAL: usize = 12;
const MAX_LOCAL: usize = 24;
