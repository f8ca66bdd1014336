//! How much of the traffic is followed, when not all of it can be.
//!
//! In: how full or how old the queue is, how much of the memory is taken, whether the capture itself keeps up. Out: a share of the connections. It
//! falls by parts of itself while things get worse and rises by smaller ones once they are well again, as senders in a network share a
//! line. Nothing here reads a clock: it is asked once a step.

use reenact_capture::Gauge;

/// What the governor is shown, as shares of what there may be at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) queue: f64,
    pub(super) memory: f64,
    /// Whether packets were lost or passed over since the last step.
    pub(super) is_strained: bool,
}

pub(super) struct Governor {
    kept: u32,
    queue: f64,
}

impl Default for Governor {
    fn default() -> Self {
        Self { kept: Gauge::WHOLE, queue: 0.0 }
    }
}

impl Governor {
    /// How many of [`Gauge::WHOLE`] are followed in the next step.
    pub(super) fn next(&mut self, seen: Seen) -> u32 {
        let is_growing = seen.queue >= std::mem::replace(&mut self.queue, seen.queue);
        self.kept = if seen.memory >= 1.0 {
            0
        } else if seen.is_strained || seen.memory >= FULL || (is_growing && seen.queue >= FULL) {
            self.kept / 2
        } else if is_growing && seen.queue >= HALF {
            self.kept - self.kept / 8
        } else if seen.queue < QUARTER && seen.memory < FULL {
            (self.kept + (self.kept / 16).max(Gauge::WHOLE / 256)).min(Gauge::WHOLE)
        } else {
            self.kept
        };
        self.kept
    }
}

const FULL: f64 = 0.9;
const HALF: f64 = 0.5;
const QUARTER: f64 = 0.25;

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: Seen = Seen { queue: 0.0, memory: 0.0, is_strained: false };

    #[test]
    fn falls_with_each_reason_and_rises_to_the_whole() {
        for (seen, most) in [
            (Seen { queue: 0.6, ..WELL }, Gauge::WHOLE / 8 * 7),
            (Seen { queue: 0.95, ..WELL }, Gauge::WHOLE / 2),
            (Seen { memory: 0.95, ..WELL }, Gauge::WHOLE / 2),
            (Seen { memory: 1.5, ..WELL }, 0),
            (Seen { is_strained: true, ..WELL }, Gauge::WHOLE / 2),
            (Seen { queue: 0.3, ..WELL }, Gauge::WHOLE),
            (WELL, Gauge::WHOLE),
        ] {
            let mut governor = Governor::default();
            assert_eq!(governor.next(seen), most, "{seen:?}");
            let falls: Vec<u32> = (0..200).map(|_| governor.next(seen)).collect();
            assert!(falls.iter().all(|kept| *kept <= most), "{seen:?}");
            let rises = (0..300).map(|_| governor.next(WELL)).collect::<Vec<_>>();
            assert!(rises.is_sorted() && rises.last() == Some(&Gauge::WHOLE), "{seen:?}");
        }
    }

    #[test]
    fn settles_near_what_can_be_worked_off() {
        // A queue that takes a hundred a step at most, and is worked off by forty.
        let (mut governor, mut waiting, mut worked) = (Governor::default(), 0.0, 0.0);
        for step in 0..2000 {
            let seen = Seen { queue: waiting / 1000.0, ..WELL };
            waiting += 100.0 * f64::from(governor.next(seen)) / f64::from(Gauge::WHOLE);
            assert!(waiting < 1000.0, "step {step}");
            worked += f64::min(waiting, 40.0);
            waiting = f64::max(waiting - 40.0, 0.0);
        }
        assert!(worked > 0.9 * 40.0 * 2000.0, "{worked}");
    }
}
