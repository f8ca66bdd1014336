//! What a connection has just handed on, as places in the block that is being read.
//!
//! Another copy of bytes that were handed on is dropped, and the first one stays. As long as the block is there, the two are held
//! against each other here, so that a copy that says something else is told. Nothing is copied or kept alive for it.

use std::ops::Range;

use super::Direction;

#[derive(Default)]
pub(super) struct Recent {
    /// Which batch's block the places are in.
    batch: u64,
    /// The last few of each direction, the oldest to be overwritten next.
    spans: [[Span; KEPT]; 2],
    next: [usize; 2],
}

#[derive(Default, Clone, Copy)]
struct Span {
    /// In its stream.
    offset: u64,
    /// In the block.
    from: u32,
    length: u32,
}

impl Recent {
    /// The bytes at `place` in the block of `batch` are handed on as those at `offset`.
    pub(super) fn note(&mut self, direction: Direction, offset: u64, place: &Range<u32>, batch: u64) {
        if self.batch != batch {
            *self = Self { batch, ..Self::default() };
        }
        let next = &mut self.next[direction];
        self.spans[direction][*next] = Span { offset, from: place.start, length: place.end - place.start };
        *next = (*next + 1) % KEPT;
    }

    /// The offset of the first of `bytes`, which begin at `offset`, that was something else when it was handed on.
    pub(super) fn difference(&self, direction: Direction, offset: u64, bytes: &[u8], block: &[u8], batch: u64) -> Option<u64> {
        if self.batch != batch {
            return None;
        }
        let differs = |span: &Span| {
            let (start, end) = (offset.max(span.offset), (offset + bytes.len() as u64).min(span.offset + u64::from(span.length)));
            let at = |from: u64| usize::try_from(start.checked_sub(from)?).ok();
            let length = usize::try_from(end.checked_sub(start)?).ok()?;
            let copy = bytes.get(at(offset)?..)?.get(..length)?;
            let first = block.get(span.from as usize + at(span.offset)?..)?.get(..length)?;
            let position = copy.iter().zip(first).position(|(one, other)| one != other)?;
            Some(start + position as u64)
        };
        self.spans[direction].iter().filter_map(differs).min()
    }
}

/// A sender repeats what it has sent last.
const KEPT: usize = 4;

#[cfg(test)]
mod tests {
    use super::Recent;

    #[test]
    fn differences_are_found_in_what_is_still_there() {
        let block = b"..abcdef....ghij";
        let mut recent = Recent::default();
        recent.note(0, 100, &(2..8), 7);
        recent.note(0, 106, &(12..16), 7);
        for (direction, offset, bytes, batch, expected) in [
            (0, 100, &b"abcdef"[..], 7, None),
            (0, 100, b"abcdXf", 7, Some(104)),
            (0, 95, b".....abcdefghiX", 7, Some(109)),
            (0, 104, b"efgXi", 7, Some(107)),
            (0, 108, b"ij and what comes next", 7, None),
            (0, 50, b"long ago", 7, None),
            (1, 100, b"other way", 7, None),
            (0, 100, b"another block", 8, None),
        ] {
            assert_eq!(recent.difference(direction, offset, bytes, block, batch), expected, "{offset}");
        }
        recent.note(1, 0, &(0..4), 8);
        assert_eq!(recent.difference(0, 100, b"XXXXXX", block, 8), None);
    }
}
