//! Order within sessions.
//!
//! B follows A only if A's answer had ended before B began in the recording: a browser's parallel requests stay parallel.

use std::collections::BTreeMap;
use std::time::Duration;

use reenact_formats::model::Timestamp;

/// When an exchange was under way in the recording.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) session: u64,
    pub(super) start: Timestamp,
    /// None if no answer was seen to end: nothing follows it.
    pub(super) end: Option<Timestamp>,
}

/// For each exchange, in the order of their starts, those that it follows. What already follows from these is left out: if
/// C follows B and B follows A, then C names B alone.
pub(super) fn follows(spans: &[Span]) -> Vec<Vec<u32>> {
    let mut sessions: BTreeMap<u64, Session> = BTreeMap::new();
    (0..).zip(spans).map(|(step, span)| sessions.entry(span.session).or_default().enter(step, *span)).collect()
}

/// ```text
///   A ├────┤
///   B    ├────────┤             D follows C and B; that it follows A, C says.
///   C          ├────┤
///   D                 ├──┤      frontier at D: those that ended after the last start among the ended ones
/// ```
#[derive(Default)]
struct Session {
    under_way: Vec<(Timestamp, Timestamp, u32)>,
    /// Ended, and not followed by another that has ended.
    frontier: Vec<(Timestamp, u32)>,
}

impl Session {
    fn enter(&mut self, step: u32, span: Span) -> Vec<u32> {
        let mut last_start = None;
        self.under_way.retain(|&(start, end, step)| {
            let ended = end <= span.start;
            if ended {
                self.frontier.push((end, step));
                last_start = last_start.max(Some(start));
            }
            !ended
        });
        self.frontier.retain(|(end, _)| last_start.is_none_or(|start| *end > start));
        if let Some(end) = span.end {
            // No answer ends before its request has begun, even where the clock was too coarse to tell.
            let end = end.max(span.start.saturating_add(Duration::from_nanos(1)));
            self.under_way.push((span.start, end, step));
        }
        let mut follows: Vec<_> = self.frontier.iter().map(|(_, step)| *step).collect();
        follows.sort_unstable();
        follows
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(session: u64, start: i64, end: Option<i64>) -> Span {
        Span { session, start: Timestamp::from_nanos(start), end: end.map(Timestamp::from_nanos) }
    }

    #[test]
    fn only_what_had_ended_is_followed() {
        let cases: [(&[Span], &[&[u32]]); 5] = [
            (&[span(1, 0, Some(5)), span(1, 5, Some(9)), span(1, 9, None)], &[&[], &[0], &[1]]),
            // Parallel ones stay parallel, and who comes after both follows both.
            (&[span(1, 0, Some(5)), span(1, 1, Some(6)), span(1, 7, Some(8))], &[&[], &[], &[0, 1]]),
            // What was never answered holds nobody up.
            (&[span(1, 0, None), span(1, 1, Some(2)), span(1, 3, None)], &[&[], &[], &[1]]),
            // Sessions do not know one another.
            (&[span(1, 0, Some(1)), span(2, 2, Some(3)), span(1, 4, None)], &[&[], &[], &[0]]),
            // A long one beside short ones.
            (&[span(1, 0, Some(50)), span(1, 1, Some(2)), span(1, 3, Some(4)), span(1, 60, None)], &[&[], &[], &[1], &[0, 2]]),
        ];
        for (spans, expected) in cases {
            assert_eq!(follows(spans), expected);
        }
    }

    proptest! {
        /// What is left out is implied by what is named, and nothing else is implied.
        #[test]
        fn names_exactly_the_order(mut times in proptest::collection::vec((0i64..40, 1i64..12), 0..20)) {
            times.sort_unstable();
            let spans: Vec<_> = times.iter().map(|(start, length)| span(1, *start, Some(start + length))).collect();
            let named = follows(&spans);
            for b in 0..spans.len() {
                let mut implied = vec![false; spans.len()];
                let mut stack = named[b].clone();
                while let Some(a) = stack.pop() {
                    implied[a as usize] = true;
                    stack.extend(&named[a as usize]);
                }
                for a in 0..b {
                    prop_assert_eq!(implied[a], spans[a].end.unwrap() <= spans[b].start, "{} before {}", a, b);
                }
            }
        }
    }
}
