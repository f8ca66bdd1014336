//! What a value is made of, told by one look at each byte before anything is looked for.
//!
//! In: a value. Out: how many bytes of which kind it has; its text with plain digits and spaces, where it has others. Nothing here knows what
//! is looked for.

use std::ops::Range;

use super::numbers::folded;
use super::{MIN_CAPITALS, MIN_SECRET, MIN_WORDY_SECRET};

/// What bytes a value has, so that recognisers without a chance are not asked.
#[derive(Debug)]
pub(crate) struct Classes {
    pub(crate) length: usize,
    pub(crate) at: usize,
    pub(crate) digits: usize,
    pub(crate) dots: usize,
    pub(crate) colons: usize,
    pub(crate) equals: usize,
    pub(crate) upper: usize,
    pub(crate) blanks: usize,
    /// What structure and escapes are written with (brackets, quotes, `&`, `%`, `\`), and what is not plain ASCII.
    pub(crate) marks: usize,
}

impl Classes {
    /// Whether it is a short word: nothing is known by itself that is one, and no text in base64 looks like one.
    pub(super) const fn is_word(&self) -> bool {
        let is_worded = self.upper <= 1 || self.upper < MIN_CAPITALS && self.length < MIN_SECRET;
        self.length < MIN_WORDY_SECRET && is_worded && self.at + self.digits + self.colons + self.equals + self.blanks + self.marks == 0
    }

    /// One addition for each byte: the counts stand side by side in one word, a byte for each.
    pub(crate) fn of(value: &[u8]) -> Self {
        let mut counts = [0_usize; 8];
        for chunk in value.chunks(usize::from(u8::MAX)) {
            let sums: u64 = chunk.iter().map(|byte| CLASSES[usize::from(*byte)]).sum();
            counts.iter_mut().zip(sums.to_le_bytes()).for_each(|(count, sum)| *count += usize::from(sum));
        }
        let [at, digits, dots, colons, equals, upper, blanks, marks] = counts;
        Self { length: value.len(), at, digits, dots, colons, equals, upper, blanks, marks }
    }
}

/// Whether a byte may be of a word: of letters and digits, and what is beyond ASCII.
pub(crate) const fn is_word_byte(byte: &u8) -> bool {
    WORD_BYTES[*byte as usize]
}

static WORD_BYTES: [bool; 256] = {
    let mut bytes = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        bytes[byte] = byte >= 0x80 || (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    bytes
};

/// For each byte, a one in the place of the count that it adds to.
static CLASSES: [u64; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'@' => 1,
            b'0'..=b'9' => 1 << 8,
            b'.' => 1 << 16,
            b':' => 1 << 24,
            b'=' => 1 << 32,
            b'A'..=b'Z' => 1 << 40,
            b' ' => 1 << 48,
            b'{' | b'[' | b'<' | b'"' | b'&' | b'%' | b'\\' | 0..0x20 | 0x80.. => 1 << 56,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

/// A text with plain digits and spaces in place of those of other widths and scripts.
pub(super) struct Plain<'v> {
    value: &'v [u8],
    /// The text, and where each of its bytes begins in the value; none if the value is plain itself.
    folded: Option<(Vec<u8>, Vec<usize>)>,
}

impl<'v> Plain<'v> {
    pub(super) fn of(value: &'v [u8], classes: &Classes) -> Self {
        Self { value, folded: if classes.marks > 0 { folded(value) } else { None } }
    }

    pub(super) fn text(&self) -> &[u8] {
        self.folded.as_ref().map_or(self.value, |(text, _)| text)
    }

    pub(super) const fn is_folded(&self) -> bool {
        self.folded.is_some()
    }

    /// A span of the text as a span of the value.
    pub(super) fn place(&self, span: Range<usize>) -> Range<usize> {
        self.folded.as_ref().map_or(span.clone(), |(_, starts)| starts[span.start]..starts[span.end])
    }
}
