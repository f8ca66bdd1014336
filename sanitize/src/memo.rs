//! What has been worked out before: the templates of paths, and pseudonyms.
//!
//! In: a leaf's path; a domain and a bare value. Out: the path's template, the value's pseudonym: traffic asks for the same ones again and
//! again. What is kept is bounded, and what is forgotten is worked out anew: nothing that comes out depends on what is kept.

use std::borrow::Borrow;
#[expect(clippy::disallowed_types, reason = "looked up by key, never iterated")]
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;
use reenact_formats::content::Leaf;

use crate::pseudonym::{Domain, Pseudonyms};

/// That of all lanes of a redactor: what one of them has worked out, the others know.
#[derive(Default)]
pub(crate) struct Memo {
    templates: Shards<Box<str>, Arc<str>>,
    /// By the value, with the number of the domain behind it.
    pseudonyms: Shards<Box<[u8]>, Box<[u8]>>,
}

impl Memo {
    /// The template of a leaf's path.
    pub(crate) fn template(&self, leaf: &Leaf<'_>) -> Arc<str> {
        let shard = self.templates.of(leaf.path.as_bytes());
        if let Some(template) = lock(shard).get(leaf.path) {
            return Arc::clone(template);
        }
        let template: Arc<str> = leaf.template().into();
        lock(shard).insert(leaf.path.into(), Arc::clone(&template), leaf.path.len() + template.len());
        template
    }

    /// The pseudonym of `value` in `domain`.
    pub(crate) fn pseudonym(&self, pseudonyms: &Pseudonyms, domain: Domain, value: &[u8]) -> Vec<u8> {
        let mut key = Vec::with_capacity(value.len() + 1);
        key.extend_from_slice(value);
        key.push(domain as u8);
        let shard = self.pseudonyms.of(value);
        if let Some(made) = lock(shard).get(key.as_slice()) {
            return made.to_vec();
        }
        let made = pseudonyms.of(domain, value);
        lock(shard).insert(key.into(), made.as_slice().into(), value.len() + made.len());
        made
    }
}

/// Many small ones, so that lanes seldom wait for one another.
struct Shards<K, V>([Mutex<Recent<K, V>>; SHARDS]);

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        Self(Default::default())
    }
}

impl<K, V> Shards<K, V> {
    /// By a few of the key's bytes: the maps themselves spread what is in them.
    fn of(&self, key: &[u8]) -> &Mutex<Recent<K, V>> {
        let spread = key.iter().rev().take(4).fold(key.len(), |spread, byte| spread * 31 + usize::from(*byte));
        &self.0[spread % SHARDS]
    }
}

/// A lane that has come to grief leaves nothing half done here.
fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was asked for lately, in two generations: when the younger one is full, the older one is forgotten.
#[expect(clippy::disallowed_types, reason = "looked up by key, never iterated")]
struct Recent<K, V> {
    young: HashMap<K, V, RandomState>,
    old: HashMap<K, V, RandomState>,
    /// About how many bytes the younger one takes.
    weight: usize,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self { young: Default::default(), old: Default::default(), weight: 0 }
    }
}

impl<K: Hash + Eq, V> Recent<K, V> {
    fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    fn insert(&mut self, key: K, value: V, bytes: usize) {
        let weight = bytes + ENTRY_BYTES;
        if weight > MAX_WEIGHT / 16 {
            return;
        }
        if self.weight + weight > MAX_WEIGHT {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.young.insert(key, value);
        self.weight += weight;
    }
}

/// How many there are.
const SHARDS: usize = 16;
/// Of one generation of one shard.
const MAX_WEIGHT: usize = 128 << 10;
/// What an entry takes beside its bytes.
const ENTRY_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::test_key;

    #[test]
    fn what_is_forgotten_is_worked_out_anew() {
        let pseudonyms = Pseudonyms::new(&test_key());
        let memo = Memo::default();
        for round in 0..2 {
            for number in 0..SHARDS * 150 {
                let value = format!("{number:x>1000}");
                for domain in [Domain::Opaque, Domain::Password] {
                    assert_eq!(memo.pseudonym(&pseudonyms, domain, value.as_bytes()), pseudonyms.of(domain, value.as_bytes()), "{round} {value}");
                }
            }
            for held in memo.pseudonyms.0.iter().map(lock) {
                assert!(held.weight <= MAX_WEIGHT && (held.young.len() + held.old.len()) * ENTRY_BYTES <= 2 * MAX_WEIGHT);
            }
        }
        let long = vec![b'x'; MAX_WEIGHT];
        assert_eq!(memo.pseudonym(&pseudonyms, Domain::Opaque, &long).len(), long.len());
        assert!(memo.pseudonyms.0.iter().map(lock).all(|held| held.weight <= MAX_WEIGHT));
    }
}
