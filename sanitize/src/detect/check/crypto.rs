//! Addresses of crypto-currencies, in their own spelling: these are told apart by case, so a bare value keeps it.

use sha2::{Digest, Sha256};

/// Bitcoin: base58check of a version and twenty bytes, or segregated witness in bech32 (BIP 173, BIP 350).
pub(super) fn is_bitcoin(address: &[u8]) -> bool {
    match address.first() {
        Some(b'1') => base58_check(address).is_some_and(|version| version == 0x00),
        Some(b'3') => base58_check(address).is_some_and(|version| version == 0x05),
        Some(b'2' | b'm' | b'n') => base58_check(address).is_some_and(|version| matches!(version, 0x6f | 0xc4)),
        _ => is_bech32(address, &[b"bc", b"tb"]),
    }
}

/// Those of the larger currencies: Bitcoin, Litecoin, Dogecoin, Dash, Tron, Cardano, Ethereum and all that share its form.
pub(crate) fn is_address(address: &[u8]) -> bool {
    is_bitcoin(address)
        || is_ethereum(address)
        || is_monero(address)
        || base58_check(address).is_some_and(|version| OTHER_VERSIONS.contains(&version))
        || is_bech32(address, &[b"ltc", b"addr", b"cosmos"])
}

/// Twenty bytes in hexadecimal. Whether mixed case is the checksum of EIP-55 is not asked: the shape is rare enough.
fn is_ethereum(address: &[u8]) -> bool {
    address.len() == 42 && matches!(&address[..2], b"0x" | b"0X") && address[2..].iter().all(u8::is_ascii_hexdigit) && !super::is_repeated(&address[2..])
}

/// The version byte, if twenty-one bytes and the first four of their double digest are what base 58 says.
fn base58_check(address: &[u8]) -> Option<u8> {
    if !(26..=35).contains(&address.len()) {
        return None;
    }
    let mut bytes = [0_u8; 25];
    for byte in address {
        let mut carry = ALPHABET.iter().position(|known| known == byte)? as u32;
        for place in bytes.iter_mut().rev() {
            carry += u32::from(*place) * 58;
            *place = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            return None;
        }
    }
    let digest = Sha256::digest(Sha256::digest(&bytes[..21]));
    (digest[..4] == bytes[21..]).then_some(bytes[0])
}

/// Monero: a network byte, two keys and a checksum that no digest at hand makes; ninety-five characters are rare enough.
fn is_monero(address: &[u8]) -> bool {
    address.len() == 95 && matches!(address[0], b'4' | b'8') && address.iter().all(|byte| ALPHABET.contains(byte))
}

/// A human-readable part, a 1, and characters whose polynomial leaves the constant of bech32 or bech32m; in one case.
fn is_bech32(address: &[u8], humans: &[&[u8]]) -> bool {
    let lower = address.to_ascii_lowercase();
    if !(14..=110).contains(&address.len()) || (lower != address && address.iter().any(u8::is_ascii_lowercase)) {
        return false;
    }
    let Some(human) = humans.iter().find(|human| lower.starts_with(human) && lower[human.len()] == b'1') else { return false };
    let high = human.iter().map(|byte| u32::from(byte >> 5));
    let low = human.iter().map(|byte| u32::from(byte & 31));
    let mut checksum = high.chain([0]).chain(low).fold(1, step);
    for byte in &lower[human.len() + 1..] {
        let Some(value) = CHARACTERS.iter().position(|known| known == byte) else { return false };
        checksum = step(checksum, value as u32);
    }
    matches!(checksum, 1 | 0x2bc8_30a3)
}

/// One character of the polynomial over GF(32).
fn step(checksum: u32, value: u32) -> u32 {
    let top = checksum >> 25;
    let shifted = (checksum & 0x1ff_ffff) << 5 ^ value;
    GENERATOR.iter().enumerate().filter(|(bit, _)| top >> bit & 1 == 1).fold(shifted, |checksum, (_, generator)| checksum ^ generator)
}

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const CHARACTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
/// Litecoin's two, Dogecoin's two, Dash's two, Tron's.
const OTHER_VERSIONS: [u8; 6] = [0x30, 0x32, 0x1e, 0x16, 0x4c, 0x41];
