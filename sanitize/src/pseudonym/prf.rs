//! The keyed functions beneath all pseudonyms: a stream of bytes, and permutations of small sets.
//!
//! Digits in sets of a million and more are permuted with FF1 (NIST SP 800-38G), as others can check. FF1 is not for smaller
//! sets, nor for strings whose places have different alphabets: these are numbered through and permuted by a balanced Feistel
//! network over HMAC-SHA-256, walking on until the result is within the set.

use aes::Aes256;
use fpe::ff1::{FF1, FlexibleNumeralString};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub(super) struct Prf {
    mac: Hmac<Sha256>,
    decimal: FF1<Aes256>,
}

impl Prf {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self { mac: Hmac::new_from_slice(key).expect("HMAC takes a key of any length"), decimal: FF1::new(key, 10).expect("ten is a radix of FF1") }
    }

    /// Bytes that depend on `label` and `value` alone.
    pub(super) fn stream(&self, label: &str, value: &[u8]) -> Stream {
        let mut mac = self.mac.clone();
        mac.update(&[label.len() as u8]);
        mac.update(label.as_bytes());
        mac.update(value);
        Stream { mac, counter: 0, block: [0; 32], at: 32 }
    }

    /// Permutes strings of digits of one length, those that begin with a zero and the others among themselves: a number
    /// stays one. Six digits at least; `None` below.
    pub(super) fn permute_decimal(&self, tweak: &str, digits: &[u8]) -> Option<Vec<u8>> {
        if digits.len() < 6 {
            return None;
        }
        let starts_with_zero = digits[0] == 0;
        let mut numerals: Vec<u16> = digits.iter().map(|digit| u16::from(*digit)).collect();
        loop {
            let encrypted = self.decimal.encrypt(tweak.as_bytes(), &FlexibleNumeralString::from(numerals)).ok()?;
            numerals = Vec::<u16>::from(encrypted);
            if (numerals[0] == 0) == starts_with_zero {
                return Some(numerals.into_iter().map(|numeral| numeral as u8).collect());
            }
        }
    }

    /// Permutes `places`, each a number below its radix. `None` if the set is too large to be numbered.
    pub(super) fn permute_mixed(&self, tweak: &str, places: &[(u8, u8)]) -> Option<Vec<u8>> {
        let mut size: u128 = 1;
        let mut index: u128 = 0;
        for (value, radix) in places {
            size = size.checked_mul(u128::from(*radix)).filter(|size| *size < 1 << 120)?;
            index = index * u128::from(*radix) + u128::from(*value);
        }
        let mut permuted = self.permute_below(tweak, size, index);
        let mut out = vec![0; places.len()];
        for (position, (_, radix)) in places.iter().enumerate().rev() {
            out[position] = (permuted % u128::from(*radix)) as u8;
            permuted /= u128::from(*radix);
        }
        Some(out)
    }

    /// A permutation of the numbers below `size`.
    pub(super) fn permute_below(&self, tweak: &str, size: u128, mut index: u128) -> u128 {
        if size < 2 {
            return index;
        }
        let half = (128 - (size - 1).leading_zeros()).div_ceil(2);
        let mask = (1_u128 << half) - 1;
        loop {
            let (mut left, mut right) = (index >> half, index & mask);
            for round in 0..ROUNDS {
                let mut input = [0; 33];
                input[0] = round;
                input[1..17].copy_from_slice(&size.to_be_bytes());
                input[17..].copy_from_slice(&right.to_be_bytes());
                let mixed = u128::from(self.stream(tweak, &input).next_u64());
                (left, right) = (right, left ^ (mixed & mask));
            }
            index = (left << half) | right;
            if index < size {
                return index;
            }
        }
    }
}

pub(super) struct Stream {
    mac: Hmac<Sha256>,
    counter: u32,
    block: [u8; 32],
    at: usize,
}

impl Stream {
    fn next_byte(&mut self) -> u8 {
        if self.at == self.block.len() {
            let mut mac = self.mac.clone();
            mac.update(&self.counter.to_be_bytes());
            self.block = mac.finalize().into_bytes().into();
            self.counter += 1;
            self.at = 0;
        }
        self.at += 1;
        self.block[self.at - 1]
    }

    pub(super) fn next_u64(&mut self) -> u64 {
        (0..8).fold(0, |number, _| number << 8 | u64::from(self.next_byte()))
    }

    /// Evenly below `bound`, which is at most 255 for one byte to be enough.
    pub(super) fn below(&mut self, bound: u8) -> u8 {
        let limit = 255 - (255 % bound) - 1;
        loop {
            let byte = self.next_byte();
            if byte <= limit {
                return byte % bound;
            }
        }
    }
}

/// More than the eight that are enough for a balanced network, for small sets.
const ROUNDS: u8 = 12;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn prf() -> Prf {
        Prf::new(&[7; 32])
    }

    #[test]
    fn small_sets_are_permuted() {
        for size in [1_u128, 2, 3, 10, 26, 100, 1000, 1024, 4097] {
            let images: BTreeSet<u128> = (0..size).map(|index| prf().permute_below("t", size, index)).collect();
            assert_eq!(images.len() as u128, size);
            assert_eq!(images.last(), Some(&(size - 1)));
        }
    }

    #[test]
    fn decimals_keep_their_length_and_their_leading_zero() {
        let images: BTreeSet<Vec<u8>> = (0..2000_u32)
            .map(|number| {
                let digits: Vec<u8> = format!("{number:06}").bytes().map(|byte| byte - b'0').collect();
                let image = prf().permute_decimal("t", &digits).expect("long enough");
                assert_eq!((image.len(), image[0] == 0), (6, true));
                image
            })
            .collect();
        assert_eq!(images.len(), 2000);
        assert_eq!(prf().permute_decimal("t", &[1, 2, 3, 4, 5]), None);
    }

    #[test]
    fn mixed_places_stay_within_their_radix() {
        let images: BTreeSet<Vec<u8>> =
            (0..260_u16).map(|number| prf().permute_mixed("t", &[((number % 26) as u8, 26), ((number / 26) as u8, 10)]).expect("small")).collect();
        assert_eq!(images.len(), 260);
        assert!(images.iter().all(|image| image[0] < 26 && image[1] < 10));
        assert_eq!(prf().permute_mixed("t", &[(1, 62); 30]), None);
    }

    #[test]
    fn bounds_hold() {
        let mut stream = prf().stream("a", b"b");
        assert!((0..1000).all(|_| stream.below(7) < 7));
        assert_ne!(prf().stream("a", b"b").next_u64(), prf().stream("ab", b"").next_u64());
    }
}
