//! When each request is due.
//!
//! In: the offsets of a plan, in order, and the time of its start. Out, whenever it is asked with the time that it is: fire
//! this one, wait until then, or done. The schedule is absolute: a late answer to one question moves no later due time, so
//! that lateness never adds up. What never happens here: waiting, reading a clock, or knowing what is sent.

use std::time::Duration;

use reenact_formats::model::Timestamp;

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// This step is due; it was at this time.
    Fire(usize, Timestamp),
    /// Nothing is due before this time.
    Wait(Timestamp),
    /// Every step has been fired.
    Done,
}

/// An absolute schedule.
#[derive(Debug, Clone)]
pub struct Pacer {
    start: Timestamp,
    /// Ascending.
    offsets: Vec<Duration>,
    next: usize,
}

impl Pacer {
    /// A schedule that starts at `start`; `offsets` ascend.
    pub fn new(start: Timestamp, offsets: Vec<Duration>) -> Self {
        debug_assert!(offsets.is_sorted(), "a plan is in the order of its due times");
        Self { start, offsets, next: 0 }
    }

    /// What to do at `now`.
    pub fn next(&mut self, now: Timestamp) -> Next {
        let Some(offset) = self.offsets.get(self.next) else { return Next::Done };
        let due = self.start.saturating_add(*offset);
        if due > now {
            return Next::Wait(due);
        }
        self.next += 1;
        Next::Fire(self.next - 1, due)
    }

    /// When `step` is due.
    pub fn due(&self, step: usize) -> Timestamp {
        self.start.saturating_add(self.offsets.get(step).copied().unwrap_or_default())
    }

    /// The steps that have not been fired.
    pub fn left(&self) -> std::ops::Range<usize> {
        self.next..self.offsets.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(nanos: u64) -> Timestamp {
        Timestamp::from_nanos(1_000).saturating_add(Duration::from_nanos(nanos))
    }

    fn pacer(offsets: &[u64]) -> Pacer {
        Pacer::new(at(0), offsets.iter().copied().map(Duration::from_nanos).collect())
    }

    #[test]
    fn fires_in_order_and_never_drifts() {
        let mut pacer = pacer(&[0, 10, 10, 25]);
        // Asked late: what is due fires at once with its own due time, and what comes after is where it was.
        let questions = [
            (0, Next::Fire(0, at(0))),
            (0, Next::Wait(at(10))),
            (9, Next::Wait(at(10))),
            (17, Next::Fire(1, at(10))),
            (17, Next::Fire(2, at(10))),
            (17, Next::Wait(at(25))),
            (99, Next::Fire(3, at(25))),
            (99, Next::Done),
        ];
        for (now, expected) in questions {
            assert_eq!(pacer.next(at(now)), expected, "at {now}");
        }
        assert!(pacer.left().is_empty());
    }

    proptest! {
        #[test]
        fn every_step_fires_once_and_not_before_it_is_due(mut offsets in proptest::collection::vec(0u64..1000, 0..50), steps in proptest::collection::vec(0u64..400, 0..50)) {
            offsets.sort_unstable();
            let mut pacer = pacer(&offsets);
            let (mut now, mut fired) = (0, Vec::new());
            for step in steps.into_iter().chain([1000]) {
                now += step;
                loop {
                    match pacer.next(at(now)) {
                        Next::Fire(index, due) => {
                            prop_assert_eq!(due, at(offsets[index]));
                            prop_assert!(due <= at(now));
                            fired.push(index);
                        }
                        Next::Wait(until) => {
                            prop_assert!(until > at(now));
                            break;
                        }
                        Next::Done => break,
                    }
                }
            }
            prop_assert_eq!(fired, (0..offsets.len()).collect::<Vec<_>>());
        }
    }
}
