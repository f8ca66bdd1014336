//! A value as it will be: what is found in it only once other pieces of it have become something else is found, too.
//!
//! In: a value, and what comes in place of pieces of it. Out: the value as it will be, and what a look at that finds apart from those pieces, as
//! hits in the value as it was. Detection asks what stands around a piece, and around it may stand what goes: without a second look at
//! what comes, it would find more in what was redacted than in what was to be. Nothing here looks or redacts.

use std::ops::Range;

use crate::detect::Hit;

/// A value as it will be.
pub(crate) struct Rewritten {
    text: Vec<u8>,
    /// In order and apart.
    pieces: Vec<Piece>,
}

/// Something that was found.
struct Piece {
    before: Range<usize>,
    after: Range<usize>,
}

impl Rewritten {
    /// `value` with what was made of each span of it, in order and apart; nothing was made of what stays.
    pub(crate) fn of(value: &[u8], made: impl Iterator<Item = (Range<usize>, Option<Vec<u8>>)>) -> Self {
        let (mut text, mut pieces) = (Vec::with_capacity(value.len()), Vec::new());
        let mut end = 0;
        for (before, made) in made {
            text.extend_from_slice(&value[end..before.start]);
            let start = text.len();
            text.extend_from_slice(made.as_deref().unwrap_or(&value[before.clone()]));
            end = before.end;
            pieces.push(Piece { before, after: start..text.len() });
        }
        text.extend_from_slice(&value[end..]);
        Self { text, pieces }
    }

    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Those of the hits in the text that have no byte of a piece, as hits in the value. What another hit has left of one may not touch one either:
    /// that one has taken the rest.
    pub(crate) fn apart(&self, hits: Vec<Hit>) -> Vec<Hit> {
        // Behind the last of the first `count` pieces.
        let place = |at: usize, count: usize| self.pieces[..count].last().map_or(at, |piece| at - piece.after.end + piece.before.end);
        let placed = hits.into_iter().filter_map(|mut hit| {
            let reach = usize::from(hit.is_rest);
            let near = hit.span.start.saturating_sub(reach)..hit.span.end + reach;
            let [first, after] =
                [self.pieces.partition_point(|piece| piece.after.end <= near.start), self.pieces.partition_point(|piece| piece.after.start < near.end)];
            // What is gone has no byte: a hit may reach over where it stood, and takes it, too.
            if self.pieces[first..after.max(first)].iter().any(|piece| !piece.after.is_empty()) {
                return None;
            }
            let behind = self.pieces.partition_point(|piece| piece.after.start < hit.span.end);
            hit.span = place(hit.span.start, self.pieces.partition_point(|piece| piece.after.end <= hit.span.start))..place(hit.span.end, behind);
            Some(hit)
        });
        placed.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pseudonym::Domain;
    use crate::rules::RuleId;

    #[test]
    fn what_stands_apart_from_all_pieces_stands_where_it_stood() {
        let value = b"ab-cdef-gh-ij";
        let made = [(3..7, Some(b"LONGER".to_vec())), (8..10, None)];
        let rewritten = Rewritten::of(value, made.into_iter());
        assert_eq!(rewritten.text(), b"ab-LONGER-gh-ij");
        for (span, is_rest, expected) in [
            (0..2, false, Some(0..2)),
            (0..3, false, Some(0..3)),
            (0..3, true, None),
            (2..4, false, None),
            (9..10, false, Some(7..8)),
            (9..10, true, None),
            (10..12, false, None),
            (13..15, false, Some(11..13)),
            (4..5, false, None),
        ] {
            let hit = Hit { is_rest, ..Hit::new(span.clone(), RuleId::EMAIL, Domain::Email) };
            let found = rewritten.apart(vec![hit]).first().map(|hit| hit.span.clone());
            assert_eq!(found, expected, "{span:?}");
        }
    }

    #[test]
    fn a_piece_that_is_gone_is_in_no_ones_way() {
        let rewritten = Rewritten::of(b"ab-cd", [(2..3, Some(Vec::new()))].into_iter());
        assert_eq!(rewritten.text(), b"abcd");
        for (span, expected) in [(2..4, 3..5), (0..2, 0..2), (1..3, 1..4)] {
            let found = rewritten.apart(vec![Hit::new(span.clone(), RuleId::EMAIL, Domain::Email)]);
            assert_eq!(found.first().map(|hit| hit.span.clone()), Some(expected), "{span:?}");
        }
    }
}
