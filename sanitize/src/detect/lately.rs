//! What a thread has looked at lately, and what it found: traffic says the same things again and again.
//!
//! In: a value, and what else its verdict depends on. Out: the verdict, if it was asked for before. What is kept is bounded, stays in memory, and
//! is compared byte for byte; what is forgotten is looked at anew. Nothing that comes out of detection depends on what is kept.

use std::cell::RefCell;
use std::hash::BuildHasher;
use std::ops::Range;

use foldhash::fast::FixedState;

use super::{Hit, Layers, Verdict};

/// All that the verdict on a value depends on beside the value itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question {
    /// The number of the rules in force.
    pub(super) rules: u64,
    /// What kind of leaf it is, and whether numbers count in it.
    pub(super) place: u8,
}

/// A value as it is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'v> {
    question: Question,
    value: &'v [u8],
    print: u64,
}

impl<'v> Asked<'v> {
    /// None if the value is too long to be kept.
    pub(super) fn of(question: Question, value: &'v [u8]) -> Option<Self> {
        (value.len() <= MAX_LENGTH).then(|| Self { question, value, print: FixedState::default().hash_one(value) })
    }

    /// What was found in the value when this was asked before.
    pub(super) fn verdict(self) -> Option<Verdict> {
        KEPT.with_borrow(|kept| {
            // Most values are not kept, which their prints tell alone.
            let mut places = self.places().into_iter().filter(|place| kept.prints.get(*place) == Some(&self.print()));
            let entry = places.find_map(|place| kept.entries[place].as_ref().filter(|entry| kept.is_of(entry, self)))?;
            Some(Verdict { hits: kept.hits[range(&entry.hits)].to_vec(), layers: entry.layers })
        })
    }

    /// What was found in the value. It is kept when it was asked for once before: most values are never said again.
    pub(super) fn keep(self, verdict: &Verdict) {
        // A text within the value would be kept as a whole.
        if verdict.hits.len() > MAX_HITS_OF_ONE || verdict.hits.iter().any(|hit| hit.held.is_some()) {
            return;
        }
        KEPT.with_borrow_mut(|kept| {
            kept.once.resize(COUNT, 0);
            let once = &mut kept.once[self.places()[0]];
            if std::mem::replace(once, self.print()) == self.print() {
                kept.add(self, verdict);
            }
        });
    }

    const fn print(&self) -> u32 {
        self.print as u32
    }

    /// Where it may be kept: with two places for each, few values are in one another's way.
    const fn places(&self) -> [usize; 2] {
        [(self.print >> 32) as usize % COUNT, (self.print >> 16) as usize % COUNT]
    }
}

#[derive(Default)]
struct Kept {
    /// The print of what was asked for last at each place.
    once: Vec<u32>,
    /// What is kept at each place, and its print.
    prints: Vec<u32>,
    entries: Vec<Option<Entry>>,
    /// The values of all entries, one after the other, and their hits likewise.
    values: Vec<u8>,
    hits: Vec<Hit>,
}

struct Entry {
    question: Question,
    value: Range<u32>,
    hits: Range<u32>,
    layers: Layers,
}

impl Kept {
    fn is_of(&self, entry: &Entry, asked: Asked<'_>) -> bool {
        entry.question == asked.question && self.values[range(&entry.value)] == *asked.value
    }

    fn add(&mut self, asked: Asked<'_>, verdict: &Verdict) {
        if self.entries.is_empty() || self.values.len() + asked.value.len() > MAX_BYTES || self.hits.len() + verdict.hits.len() > MAX_HITS {
            *self = Self { once: std::mem::take(&mut self.once), ..Self::default() };
            self.prints.resize(COUNT, 0);
            self.entries.resize_with(COUNT, || None);
        }
        let [first, second] = asked.places();
        let place = if self.entries[first].is_some() && self.entries[second].is_none() { second } else { first };
        let value = added(&mut self.values, asked.value);
        let hits = added(&mut self.hits, &verdict.hits);
        self.prints[place] = asked.print();
        self.entries[place] = Some(Entry { question: asked.question, value, hits, layers: verdict.layers });
    }
}

/// Adds `more`, and says where it stands. All of it is far less than what the numbers can count.
fn added<T: Clone>(all: &mut Vec<T>, more: &[T]) -> Range<u32> {
    let start = all.len() as u32;
    all.extend_from_slice(more);
    start..all.len() as u32
}

const fn range(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// What is longer is seldom said twice.
const MAX_LENGTH: usize = 512;
/// Of one thread: entries, the bytes of their values, and their hits. All of them take four megabytes at most.
const COUNT: usize = 1 << 15;
const MAX_BYTES: usize = 2 << 20;
const MAX_HITS: usize = 1 << 13;
const MAX_HITS_OF_ONE: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pseudonym::Domain;
    use crate::rules::RuleId;

    const QUESTION: Question = Question { rules: u64::MAX, place: 1 };

    fn verdict(question: Question, value: &[u8]) -> Option<Verdict> {
        Asked::of(question, value).and_then(Asked::verdict)
    }

    fn keep_twice(question: Question, value: &[u8], verdict: &Verdict) {
        (0..2).filter_map(|_| Asked::of(question, value)).for_each(|asked| asked.keep(verdict));
    }

    #[test]
    fn only_what_was_asked_for_twice_is_known_and_only_to_the_same_question() {
        let nothing = Verdict { hits: Vec::new(), layers: Layers::None };
        let long = vec![b'x'; MAX_LENGTH + 1];
        for value in [&b"plain"[..], b"other", &long] {
            assert!(verdict(QUESTION, value).is_none());
            keep_twice(QUESTION, value, &nothing);
        }
        Asked::of(QUESTION, b"once").expect("short").keep(&nothing);
        assert!(verdict(QUESTION, b"plain").is_some() && verdict(QUESTION, b"other").is_some());
        for value in [&b"plai"[..], b"plain ", b"once", b"", &long] {
            assert!(verdict(QUESTION, value).is_none());
        }
        assert!(verdict(Question { place: 2, ..QUESTION }, b"plain").is_none() && verdict(Question { rules: 1, ..QUESTION }, b"plain").is_none());
    }

    #[test]
    fn a_verdict_comes_back_as_it_was() {
        let hits = |count: usize| (0..count).map(|at| Hit::new(at..at + 1, RuleId::TOKEN, Domain::Opaque)).collect();
        for count in 0..=MAX_HITS_OF_ONE + 1 {
            let (value, given) = (format!("with {count}"), Verdict { hits: hits(count), layers: Layers::Some });
            keep_twice(QUESTION, value.as_bytes(), &given);
            assert!(verdict(QUESTION, value.as_bytes()) == Some(given).filter(|_| count <= MAX_HITS_OF_ONE), "{count}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let given = Verdict { hits: vec![Hit::new(0..1, RuleId::TOKEN, Domain::Opaque); MAX_HITS_OF_ONE], layers: Layers::None };
        for number in 0..3 * MAX_HITS / MAX_HITS_OF_ONE {
            let value = format!("{number:0>MAX_LENGTH$}");
            keep_twice(QUESTION, value.as_bytes(), &given);
            assert!(verdict(QUESTION, value.as_bytes()) == Some(given.clone()));
        }
        KEPT.with_borrow(|kept| {
            assert!(kept.hits.len() <= MAX_HITS && kept.values.len() <= MAX_BYTES && [kept.entries.len(), kept.prints.len(), kept.once.len()] == [COUNT; 3]);
        });
    }
}
