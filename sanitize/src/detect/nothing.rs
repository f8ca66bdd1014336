//! What a thread has looked at lately and found nothing in: traffic says the same things again and again.
//!
//! In: a value, and what else its verdict depends on. Out: whether it was looked at before. What is kept is bounded and compared byte for
//! byte; what is forgotten is looked at anew. Nothing that comes out of detection depends on what is kept, and only values that are no one's
//! are.

use std::cell::RefCell;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

/// All that the verdict on a value depends on beside the value itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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

    /// Whether nothing was found in the value when this was asked before.
    pub(super) fn was_nothing(self) -> bool {
        KEPT.with_borrow(|kept| {
            kept.prints.get(self.place()) == Some(&self.print) && {
                let slot = &kept.slots[self.place()];
                slot.question == self.question && slot.bytes[..slot.length] == *self.value
            }
        })
    }

    /// Nothing was found in the value. It is kept when that was so once before: most values are never said again.
    pub(super) fn is_nothing(self) {
        KEPT.with_borrow_mut(|kept| {
            if kept.slots.is_empty() {
                kept.once.resize(COUNT, 0);
                kept.prints.resize(COUNT, 0);
                kept.slots.resize_with(COUNT, || Slot { question: Question::default(), length: 0, bytes: [0; MAX_LENGTH] });
            }
            let place = self.place();
            if std::mem::replace(&mut kept.once[place], self.print) == self.print {
                kept.prints[place] = self.print;
                let slot = &mut kept.slots[place];
                (slot.question, slot.length) = (self.question, self.value.len());
                slot.bytes[..self.value.len()].copy_from_slice(self.value);
            }
        });
    }

    const fn place(&self) -> usize {
        self.print as usize % COUNT
    }
}

#[derive(Default)]
struct Kept {
    /// The prints of what was asked once, and of what is kept.
    once: Vec<u64>,
    prints: Vec<u64>,
    slots: Vec<Slot>,
}

struct Slot {
    question: Question,
    length: usize,
    bytes: [u8; MAX_LENGTH],
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// A user agent and more: what is longer is seldom said twice.
const MAX_LENGTH: usize = 168;
/// Of one thread; all of them take some hundred kilobytes.
const COUNT: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    fn was_nothing(question: Question, value: &[u8]) -> bool {
        Asked::of(question, value).is_some_and(Asked::was_nothing)
    }

    fn note_twice(question: Question, value: &[u8]) {
        (0..2).filter_map(|_| Asked::of(question, value)).for_each(Asked::is_nothing);
    }

    #[test]
    fn only_what_was_noted_twice_is_known_and_only_to_the_same_question() {
        let question = Question { rules: u64::MAX, place: 1 };
        let long = vec![b'x'; MAX_LENGTH + 1];
        for value in [&b"plain"[..], b"other", &long] {
            assert!(!was_nothing(question, value));
            note_twice(question, value);
        }
        Asked::of(question, b"once").expect("short").is_nothing();
        assert!(was_nothing(question, b"plain") && was_nothing(question, b"other"));
        for value in [&b"plai"[..], b"plain ", b"once", b"", &long] {
            assert!(!was_nothing(question, value));
        }
        assert!(!was_nothing(Question { place: 2, ..question }, b"plain") && !was_nothing(Question { rules: 1, ..question }, b"plain"));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let question = Question { rules: u64::MAX, place: 0 };
        for number in 0..3 * COUNT {
            note_twice(question, number.to_string().as_bytes());
        }
        let known = (0..3 * COUNT).filter(|number| was_nothing(question, number.to_string().as_bytes())).count();
        assert!(known > COUNT / 2 && known <= COUNT, "{known}");
    }
}
