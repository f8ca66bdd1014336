//! Exchanges over time, in equal steps.

use std::time::Duration;

use crate::model::Timestamp;

/// Exchanges over time, in equal steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// When the first step begins.
    pub from: Timestamp,
    /// How long a step is; never nothing.
    pub step: Duration,
    /// Exchanges that start in each.
    pub counts: Vec<u64>,
}

impl Rate {
    /// Nothing yet, in at most so many steps of a length that people use.
    pub fn over(from: Timestamp, to: Timestamp, steps: u32) -> Self {
        let (span, between) = (to.since(from), steps.saturating_sub(1).max(1));
        let step = STEPS.iter().copied().map(Duration::from_millis).find(|step| *step * between >= span).unwrap_or(span / between);
        let columns = span.as_nanos() / step.as_nanos() + 1;
        Self { from, step, counts: vec![0; usize::try_from(columns).unwrap_or(1)] }
    }

    /// Counts some that start at a time; those outside of the steps are not.
    pub fn add(&mut self, start: Timestamp, count: u64) {
        let column = start.since(self.from).as_nanos() / self.step.as_nanos();
        if let Some(mine) = usize::try_from(column).ok().and_then(|column| self.counts.get_mut(column)) {
            *mine = mine.saturating_add(count);
        }
    }

    /// Adds what others count; all of a step of theirs counts where it begins.
    pub fn merge(&mut self, other: &Self) {
        let mut start = other.from;
        for count in &other.counts {
            if *count > 0 {
                self.add(start, *count);
            }
            start = start.saturating_add(other.step);
        }
    }
}

/// Lengths of a step, in milliseconds. The one for a tenth of the steps is a multiple of the one for all of them, so that finer steps fall into coarser ones.
const STEPS: [u64; 22] = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    30_000,
    60_000,
    300_000,
    600_000,
    1_800_000,
    3_600_000,
    21_600_000,
    86_400_000,
    604_800_000,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finer_steps_fall_into_coarser_ones() {
        let from = Timestamp::from_nanos(1_700_000_000_123_456_789);
        for millis in (0..45).map(|power| 1_u64 << power).flat_map(|millis| [millis - 1, millis, millis + millis / 3]) {
            let to = from.saturating_add(Duration::from_millis(millis));
            let (fine, coarse) = (Rate::over(from, to, 600), Rate::over(from, to, 60));
            assert!(fine.counts.len() <= 600 && coarse.counts.len() <= 60, "{millis}");
            // Beyond decades steps are no longer of lengths that people use.
            if millis < 59 * 604_800_000 {
                assert_eq!(coarse.step.as_nanos() % fine.step.as_nanos(), 0, "{millis}: {coarse:?}");
            }
        }
    }

    #[test]
    fn any_range_has_steps() {
        let ends = [i64::MIN, -1, 0, 1, i64::MAX].map(Timestamp::from_nanos);
        for from in ends {
            for to in ends {
                let mut rate = Rate::over(from, to, 60);
                assert!(!rate.step.is_zero() && (1..=61).contains(&rate.counts.len()), "{rate:?}");
                rate.add(to.max(from), 1);
                let mut other = Rate::over(from, to, 600);
                other.merge(&rate);
                assert!(other.counts.iter().sum::<u64>() <= 1);
            }
        }
    }
}
