//! What a thread has worked out before: the templates of paths, and pseudonyms.
//!
//! In: a leaf's path; a domain and a bare value. Out: the path's template, the value's pseudonym: traffic asks for the same ones again and
//! again. What is kept is bounded, and what is forgotten is worked out anew: nothing that comes out depends on what is kept.

use std::borrow::Borrow;
use std::cell::RefCell;
#[expect(clippy::disallowed_types, reason = "looked up by key, never iterated")]
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use foldhash::quality::RandomState;
use reenact_formats::content::Leaf;

use crate::pseudonym::{Domain, Pseudonyms};

thread_local! {
    static MEMO: RefCell<Memo> = RefCell::default();
}

/// One thread's: lanes that share one would wait for one another.
struct Memo {
    templates: Recent<Box<str>, Arc<str>>,
    /// By the value, with the number of the domain behind it.
    pseudonyms: Recent<Box<[u8]>, Box<[u8]>>,
    /// Whose pseudonyms they are.
    number: u64,
    /// The key that is looked up.
    key: Vec<u8>,
}

impl Default for Memo {
    fn default() -> Self {
        Self { templates: Recent::new(MAX_WEIGHT), pseudonyms: Recent::new(MAX_WEIGHT), number: 0, key: Vec::new() }
    }
}

/// The template of a leaf's path.
pub(crate) fn template(leaf: &Leaf<'_>) -> Arc<str> {
    MEMO.with_borrow_mut(|memo| {
        if let Some(template) = memo.templates.get(leaf.path) {
            return Arc::clone(template);
        }
        let template: Arc<str> = leaf.template().into();
        memo.templates.insert(leaf.path.into(), Arc::clone(&template), leaf.path.len() + template.len());
        template
    })
}

/// The pseudonym of `value` in `domain`.
pub(crate) fn pseudonym(pseudonyms: &Pseudonyms, domain: Domain, value: &[u8]) -> Vec<u8> {
    MEMO.with_borrow_mut(|memo| {
        if memo.number != pseudonyms.number() {
            (memo.pseudonyms, memo.number) = (Recent::new(MAX_WEIGHT), pseudonyms.number());
        }
        memo.key.clear();
        memo.key.extend_from_slice(value);
        memo.key.push(domain as u8);
        if let Some(made) = memo.pseudonyms.get(memo.key.as_slice()) {
            return made.to_vec();
        }
        let made = pseudonyms.of(domain, value);
        memo.pseudonyms.insert(memo.key.as_slice().into(), made.as_slice().into(), value.len() + made.len());
        made
    })
}

/// What was asked for lately, in two generations: when the younger one is full, the older one is forgotten.
#[expect(clippy::disallowed_types, reason = "looked up by key, never iterated")]
pub(crate) struct Recent<K, V> {
    young: HashMap<K, V, RandomState>,
    old: HashMap<K, V, RandomState>,
    /// About how many bytes the younger one takes, and may take.
    weight: usize,
    max_weight: usize,
}

impl<K: Hash + Eq, V> Recent<K, V> {
    /// Of so many bytes in each generation.
    pub(crate) fn new(max_weight: usize) -> Self {
        Self { young: Default::default(), old: Default::default(), weight: 0, max_weight }
    }

    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// About how many bytes the younger generation takes.
    #[cfg(test)]
    pub(crate) const fn weight(&self) -> usize {
        self.weight
    }

    /// False if it is too heavy to be kept.
    pub(crate) fn insert(&mut self, key: K, value: V, bytes: usize) -> bool {
        let weight = bytes + ENTRY_BYTES;
        if weight > self.max_weight / MAX_SHARE {
            return false;
        }
        if self.weight + weight > self.max_weight {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.young.insert(key, value);
        self.weight += weight;
        true
    }
}

/// One entry is worth no more than so much of a generation.
const MAX_SHARE: usize = 8;
/// Of one generation.
const MAX_WEIGHT: usize = 512 << 10;
/// What an entry takes beside its bytes.
const ENTRY_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Key, test_key};

    #[test]
    fn what_is_forgotten_is_worked_out_anew() {
        let pseudonyms = Pseudonyms::new(&test_key());
        for round in 0..2 {
            for number in 0..2000 {
                let value = format!("{number:x>1000}");
                for domain in [Domain::Opaque, Domain::Password] {
                    assert_eq!(pseudonym(&pseudonyms, domain, value.as_bytes()), pseudonyms.of(domain, value.as_bytes()), "{round} {value}");
                }
            }
            MEMO.with_borrow(|memo| {
                let held = &memo.pseudonyms;
                assert!(held.weight <= MAX_WEIGHT && !held.old.is_empty() && (held.young.len() + held.old.len()) * ENTRY_BYTES <= 2 * MAX_WEIGHT);
            });
        }
        let long = vec![b'x'; MAX_WEIGHT];
        assert_eq!(pseudonym(&pseudonyms, Domain::Opaque, &long).len(), long.len());
        MEMO.with_borrow(|memo| assert!(memo.pseudonyms.weight <= MAX_WEIGHT));
    }

    #[test]
    fn another_key_has_pseudonyms_of_its_own() {
        let other = Key::from_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("thirty-two bytes");
        let all = [Pseudonyms::new(&test_key()), Pseudonyms::new(&other)];
        for pseudonyms in all.iter().chain(&all) {
            assert_eq!(pseudonym(pseudonyms, Domain::Email, b"alice@shop.example"), pseudonyms.of(Domain::Email, b"alice@shop.example"));
        }
    }
}
