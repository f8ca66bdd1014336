//! Which values have met: those with one pseudonym, in a space that is too small for all.
//!
//! In: values and what was put in their place, of any number of lanes. Out: how many values have a pseudonym that another one has, each counted once,
//! however often and in whatever order it was seen. Kept are digests under the key, and only so many of them: of more, those that sort first, so that
//! the count does not depend on who has seen what. It is then too small rather than too large.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::BuildHasher;

use foldhash::quality::FixedState;

use crate::pseudonym::{Domain, canonical};

/// The values that have met.
#[derive(Clone)]
pub struct Collisions {
    hasher: FixedState,
    /// By pseudonyms the values that have them, as digests.
    values: BTreeMap<u64, BTreeSet<u64>>,
}

impl Collisions {
    /// None yet; `seed` is the key's.
    pub(crate) fn new(seed: u64) -> Self {
        Self { hasher: FixedState::with_seed(seed), values: BTreeMap::new() }
    }

    /// Another one for other values of the same key.
    pub(crate) fn none_yet(&self) -> Self {
        Self { hasher: self.hasher.clone(), values: BTreeMap::new() }
    }

    /// `value` was replaced by `made`.
    pub(crate) fn add(&mut self, domain: Domain, value: &[u8], made: &[u8]) {
        let made = self.hasher.hash_one((domain, canonical(domain, made)));
        self.insert(made, self.hasher.hash_one(canonical(domain, value)));
    }

    /// Those of both.
    #[must_use]
    pub fn merged(mut self, other: Self) -> Self {
        for (made, values) in other.values {
            values.into_iter().for_each(|value| self.insert(made, value));
        }
        self
    }

    /// How many values have a pseudonym that another one has already.
    pub fn count(&self) -> u64 {
        self.values.values().map(|values| values.len() as u64 - 1).sum()
    }

    fn insert(&mut self, made: u64, value: u64) {
        let values = self.values.entry(made).or_default();
        values.insert(value);
        if values.len() > MAX_VALUES {
            values.pop_last();
        }
        if self.values.len() > MAX_PSEUDONYMS {
            self.values.pop_last();
        }
    }
}

impl fmt::Debug for Collisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collisions").field("count", &self.count()).finish_non_exhaustive()
    }
}

/// Together less than ten megabytes a lane.
const MAX_PSEUDONYMS: usize = 1 << 13;
const MAX_VALUES: usize = 1 << 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_once_whoever_sees_them() {
        let all = |order: &mut dyn Iterator<Item = u32>| {
            let mut lanes = vec![Collisions::new(7), Collisions::new(7), Collisions::new(7)];
            for number in order {
                // A thousand pseudonyms, of ten values each; some values are seen by several lanes.
                let (value, made) = (format!("+44 20 {number:04}"), format!("{}", number % 1000));
                lanes[number as usize % 3].add(Domain::Phone, value.as_bytes(), made.as_bytes());
                lanes[number as usize % 2].add(Domain::Phone, value.replace(' ', "-").as_bytes(), made.as_bytes());
            }
            lanes.into_iter().reduce(Collisions::merged).expect("three").count()
        };
        assert_eq!((all(&mut (0..10_000)), all(&mut (0..10_000).rev())), (9_000, 9_000));
        // Beyond what is kept the count is the same in any order, too.
        let many = |order: &mut dyn Iterator<Item = u32>| {
            let mut lanes = vec![Collisions::new(7), Collisions::new(7)];
            order.for_each(|number| lanes[number as usize % 2].add(Domain::Card, number.to_string().as_bytes(), (number / 2).to_string().as_bytes()));
            lanes.into_iter().reduce(Collisions::merged).expect("two").values
        };
        assert!(many(&mut (0..40_000)) == many(&mut (0..40_000).rev()));
    }
}
