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
    /// By how many days the dates within values are shifted back.
    pub(super) days: i64,
}

impl Prf {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self { mac: Hmac::new_from_slice(key).expect("HMAC takes a key of any length"), decimal: FF1::new(key, 10).expect("ten is a radix of FF1"), days: 0 }
    }

    /// The same, that shifts dates within values back by so many days.
    pub(super) fn shifting(self, days: i64) -> Self {
        Self { days, ..self }
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
        let mut images = self.permute_digits(tweak, digits)?;
        while (images[0] == 0) != (digits[0] == 0) {
            images = self.permute_digits(tweak, &images)?;
        }
        Some(images)
    }

    /// Permutes strings of digits of one length with FF1. Six digits at least; `None` below.
    fn permute_digits(&self, tweak: &str, digits: &[u8]) -> Option<Vec<u8>> {
        if digits.len() < 6 {
            return None;
        }
        let numerals: Vec<u16> = digits.iter().map(|digit| u16::from(*digit)).collect();
        let encrypted = self.decimal.encrypt(tweak.as_bytes(), &FlexibleNumeralString::from(numerals)).ok()?;
        Some(Vec::<u16>::from(encrypted).into_iter().map(|numeral| numeral as u8).collect())
    }

    /// Permutes `places`, each a number below its radix: digits with FF1 where there are enough. What is too large a set to be numbered is
    /// replaced.
    pub(super) fn permute_places(&self, tweak: &str, places: &[(u8, u8)]) -> Vec<u8> {
        let values: Vec<u8> = places.iter().map(|(value, _)| *value).collect();
        let decimal = if places.iter().all(|(_, radix)| *radix == 10) { self.permute_digits(tweak, &values) } else { None };
        decimal.or_else(|| self.permute_mixed(tweak, places)).unwrap_or_else(|| {
            let mut stream = self.stream(tweak, &values);
            places.iter().map(|(_, radix)| stream.below(*radix)).collect()
        })
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

    /// A permutation of the numbers below `size`. Of a small set no number is its own image: the steps of a ring are taken where another
    /// permutation has put them.
    pub(super) fn permute_below(&self, tweak: &str, size: u128, index: u128) -> u128 {
        if size < 2 {
            return index;
        }
        let image = self.walked(tweak, size, index, Direction::There);
        if size > MAX_RING { image } else { self.walked(tweak, size, (image + 1) % size, Direction::Back) }
    }

    /// A balanced Feistel network, walked until the result is below `size` again.
    fn walked(&self, tweak: &str, size: u128, mut index: u128, direction: Direction) -> u128 {
        let half = (128 - (size - 1).leading_zeros()).div_ceil(2);
        let mask = (1_u128 << half) - 1;
        let mixed = |round: u8, side: u128| {
            let mut input = [0; 33];
            input[0] = round;
            input[1..17].copy_from_slice(&size.to_be_bytes());
            input[17..].copy_from_slice(&side.to_be_bytes());
            u128::from(self.stream(tweak, &input).next_u64()) & mask
        };
        loop {
            let (mut left, mut right) = (index >> half, index & mask);
            for round in 0..ROUNDS {
                (left, right) = match direction {
                    Direction::There => (right, left ^ mixed(round, right)),
                    Direction::Back => (right ^ mixed(ROUNDS - 1 - round, left), left),
                };
            }
            index = (left << half) | right;
            if index < size {
                return index;
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    There,
    Back,
}

pub(crate) struct Stream {
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
/// In a larger set the one number that is its own image is met by no one.
const MAX_RING: u128 = 1_000_000;

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
            assert!(size < 2 || (0..size).all(|index| prf().permute_below("t", size, index) != index));
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
