//! The runs of letters and digits that a text is made of, read once for all recognisers whose values begin with one.
//!
//! In: a text. Out: its runs in order, with what each is made of. Nothing here knows what a run may be.

use std::ops::Range;

/// A run of ASCII letters and digits. What each of its first 64 bytes is stands in two masks, a bit for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) span: Range<usize>,
    pub(super) digits: u64,
    pub(super) letters: u64,
}

impl Run {
    pub(super) fn len(&self) -> usize {
        self.span.len()
    }

    /// Whether it begins a word: no underscore stands before it.
    pub(super) fn begins_word(&self, text: &[u8]) -> bool {
        self.span.start == 0 || text[self.span.start - 1] != b'_'
    }

    /// Whether the first bytes are so many letters.
    pub(super) const fn begins_with_letters(&self, count: u32) -> bool {
        self.letters.trailing_ones() >= count
    }

    /// How many digits it begins with.
    pub(super) const fn leading_digits(&self) -> usize {
        self.digits.trailing_ones() as usize
    }
}

/// The runs of a text.
pub(super) fn runs(text: &[u8]) -> impl Iterator<Item = Run> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].iter().position(|byte| KINDS[usize::from(*byte)] != NONE)?;
        let mut digits = 0;
        let mut length = 0;
        for byte in &text[start..] {
            let kind = KINDS[usize::from(*byte)];
            if kind == NONE {
                break;
            }
            // What is beyond the mask falls out of it.
            digits |= u64::from(kind & DIGIT).checked_shl(length).unwrap_or(0);
            length += 1;
        }
        at = start + length as usize;
        Some(Run { span: start..at, digits, letters: !digits & u64::MAX.checked_shr(u64::BITS.saturating_sub(length)).unwrap_or(0) })
    })
}

const NONE: u8 = 0;
const DIGIT: u8 = 1;
const LETTER: u8 = 2;

static KINDS: [u8; 256] = {
    let mut kinds = [NONE; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'0'..=b'9' => DIGIT,
            b'A'..=b'Z' | b'a'..=b'z' => LETTER,
            _ => NONE,
        };
        byte += 1;
    }
    kinds
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_apart_into_its_runs() {
        let text = format!("_ab1-20 {}é9", "x".repeat(70));
        let seen: Vec<(&str, u64, u64)> = runs(text.as_bytes()).map(|run| (&text[run.span], run.digits, run.letters)).collect();
        assert_eq!(seen, [("ab1", 0b100, 0b011), ("20", 0b11, 0), (&*"x".repeat(70), 0, u64::MAX), ("9", 1, 0)]);
        assert!(runs(b"").next().is_none() && runs(b" -").next().is_none());
        assert!(!runs(text.as_bytes()).next().is_some_and(|run| run.begins_word(text.as_bytes())));
    }
}
