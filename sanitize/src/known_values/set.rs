//! A set of keyed digests in few bytes.
//!
//! In: what values say, each with its domain, as they come. Out: whether one of them says this, in which domain. What is held
//! of a value is 59 bits of its digest under a key that is drawn at random for this set and lives as long as it: no value, and
//! nothing that means anything to another process. Six bytes a value, up to eight while it is filled.

use std::hash::{BuildHasher, RandomState};

use crate::pseudonym::Domain;

/// The digests, once all are there.
pub(super) struct Digests {
    keys: Keys,
    /// By the first bits of a digest, ascending.
    shards: Vec<Vec<Tail>>,
    /// By how a value begins, a set of lengths.
    openings: Vec<u8>,
    /// The length of the longest value, in what it says.
    longest: usize,
}

/// The digests while values come in.
pub(super) struct Filling {
    keys: Keys,
    /// By the first bits of a digest, in no order yet.
    shards: Vec<Vec<Tail>>,
    openings: Openings,
    longest: usize,
}

/// How values begin.
enum Openings {
    /// Few: the first bits, and a length.
    Listed(Vec<(u32, u8)>),
    /// By the first bits, a set of lengths.
    Table(Vec<u8>),
}

impl Openings {
    fn insert(&mut self, opening: u64, bit: u8) {
        let first = (opening >> (u64::BITS - u32::BITS)) as u32;
        match self {
            Self::Listed(listed) if listed.len() < MAX_LISTED => listed.push((first, bit)),
            Self::Listed(listed) => {
                listed.push((first, bit));
                *self = Self::Table(tabled(listed, MAX_OPENING_BITS));
            }
            Self::Table(table) => table[(first >> (u32::BITS - MAX_OPENING_BITS)) as usize] |= bit,
        }
    }

    /// A table for so many values: what a small one takes stays in the processor's cache.
    fn into_table(self, count: usize) -> Vec<u8> {
        let bits = (count.max(1) * SPREAD).next_power_of_two().ilog2().clamp(MIN_OPENING_BITS, MAX_OPENING_BITS);
        match self {
            Self::Listed(listed) => tabled(&listed, bits),
            Self::Table(table) if bits == MAX_OPENING_BITS => table,
            Self::Table(table) => table.chunks_exact(1 << (MAX_OPENING_BITS - bits)).map(|alike| alike.iter().fold(0, |all, bits| all | bits)).collect(),
        }
    }
}

fn tabled(listed: &[(u32, u8)], bits: u32) -> Vec<u8> {
    let mut table = vec![0; 1 << bits];
    for (first, bit) in listed {
        table[(first >> (u32::BITS - bits)) as usize] |= bit;
    }
    table
}

/// 43 bits of a digest, then five of the domain. The sixteen bits before them are told by the shard.
type Tail = [u8; 6];

/// What the digests are made with. SipHash with a random key, by the standard library.
#[derive(Clone)]
struct Keys {
    digests: RandomState,
    opening: (u64, u64),
}

impl Keys {
    fn new() -> Self {
        let seed = RandomState::new();
        Self { digests: RandomState::new(), opening: (seed.hash_one(0_u8), seed.hash_one(1_u8) | 1) }
    }

    fn digest(&self, said: &[u8]) -> u64 {
        self.digests.hash_one(said)
    }

    /// A cheap mark of how something begins.
    fn opening(&self, said: &[u8]) -> u64 {
        let mut first = [0; OPENING];
        let length = said.len().min(OPENING);
        first[..length].copy_from_slice(&said[..length]);
        let product = u128::from(u64::from_le_bytes(first) ^ self.opening.0) * u128::from(self.opening.1);
        (product >> 64) as u64 ^ product as u64
    }
}

impl Filling {
    pub(super) fn new() -> Self {
        Self { keys: Keys::new(), shards: vec![Vec::new(); 1 << SHARD_BITS], openings: Openings::Listed(Vec::new()), longest: 0 }
    }

    /// Adds what a value says. Twice is once; of two domains the first in their order stays.
    pub(super) fn insert(&mut self, said: &[u8], domain: Domain) {
        let digest = self.keys.digest(said);
        let shard = &mut self.shards[shard_of(digest)];
        if shard.len() == shard.capacity() {
            in_order(shard);
            shard.reserve_exact((shard.len() / 4).max(4));
        }
        shard.push(tail(digest, place_of(domain)));
        self.openings.insert(self.keys.opening(said), length_bit(said.len()));
        self.longest = self.longest.max(said.len());
    }

    /// Packs what came in.
    pub(super) fn finish(mut self) -> Digests {
        for shard in &mut self.shards {
            in_order(shard);
            shard.shrink_to_fit();
        }
        let count: usize = self.shards.iter().map(Vec::len).sum();
        Digests { keys: self.keys, shards: self.shards, openings: self.openings.into_table(count), longest: self.longest }
    }
}

impl Digests {
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(Vec::len).sum()
    }

    /// What it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| size_of::<Vec<Tail>>() + shard.capacity() * size_of::<Tail>()).sum::<usize>() + self.openings.capacity()
    }

    pub(super) const fn longest(&self) -> usize {
        self.longest
    }

    /// The lengths that values may have which begin like this, each as its [bit](length_bit). Most that begins none is told here, for
    /// the first eight bytes are enough.
    pub(super) fn openings(&self, said: &[u8]) -> u8 {
        self.openings[(self.keys.opening(said) >> (u64::BITS - self.openings.len().ilog2())) as usize]
    }

    /// The domain of the value that says this, if there is one.
    pub(super) fn find(&self, said: &[u8]) -> Option<Domain> {
        if self.openings(said) & length_bit(said.len()) == 0 {
            return None;
        }
        let digest = self.keys.digest(said);
        let shard = &self.shards[shard_of(digest)];
        let place = shard.binary_search_by_key(&number(&tail(digest, 0)), |tail| number(tail) & !DOMAIN_MASK).ok()?;
        Domain::ALL.get((number(&shard[place]) & DOMAIN_MASK) as usize).copied()
    }
}

/// The bit that stands for a length: one of eight.
pub(super) const fn length_bit(length: usize) -> u8 {
    1 << (length % 8)
}

fn in_order(shard: &mut Vec<Tail>) {
    shard.sort_unstable();
    shard.dedup_by_key(|tail| number(tail) & !DOMAIN_MASK);
}

/// The bits of a digest below those that choose a shard, the last of them replaced by the domain.
fn tail(digest: u64, domain: u64) -> Tail {
    let [_, _, tail @ ..] = (digest & !DOMAIN_MASK | domain).to_be_bytes();
    tail
}

fn number(tail: &Tail) -> u64 {
    tail.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

const fn shard_of(digest: u64) -> usize {
    (digest >> (u64::BITS - SHARD_BITS)) as usize
}

fn place_of(domain: Domain) -> u64 {
    Domain::ALL.iter().position(|known| *known == domain).unwrap_or_default() as u64
}

const SHARD_BITS: u32 = 16;
const DOMAIN_MASK: u64 = (1 << 5) - 1;
/// How many bytes of what is said open it.
pub(super) const OPENING: usize = 8;
const MIN_OPENING_BITS: u32 = 12;
const MAX_OPENING_BITS: u32 = 24;
const MAX_LISTED: usize = 1 << 16;
/// So many bytes a value keep most of a table empty.
const SPREAD: usize = 8;

const _: () = assert!(Domain::ALL.len() <= DOMAIN_MASK as usize + 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_put_in_and_nothing_else() {
        for count in [0_u32, 1, 9, 1000, 100_000] {
            let mut filling = Filling::new();
            for n in 0..count {
                filling.insert(format!("value{n}").as_bytes(), Domain::ALL[n as usize % Domain::ALL.len()]);
                filling.insert(format!("value{}", n / 2).as_bytes(), Domain::BirthDate);
            }
            let digests = filling.finish();
            assert_eq!(digests.len(), count as usize);
            for n in 0..count {
                assert!(digests.find(format!("value{n}").as_bytes()).is_some(), "{n} of {count}");
                assert_eq!(digests.find(format!("other{n}").as_bytes()), None, "{n} of {count}");
            }
        }
    }

    #[test]
    fn many_values_take_few_bytes() {
        let mut filling = Filling::new();
        (0..1_000_000_u32).for_each(|n| filling.insert(&n.to_le_bytes(), Domain::Email));
        let digests = filling.finish();
        assert!(digests.len() == 1_000_000 && digests.bytes() < 24 << 20, "{}", digests.bytes());
        assert_eq!(digests.find(&17_u32.to_le_bytes()), Some(Domain::Email));
    }
}
