//! What this process takes from its machine, and how fast it may go on.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// The time that all threads together have spent on processors.
pub(super) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Bytes of memory in use, the kernel's buffers that are mapped included; none where the system does not say.
pub(super) fn memory() -> Option<u64> {
    resident(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[expect(clippy::cast_precision_loss, reason = "a ratio is looked at to a few digits")]
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[expect(clippy::disallowed_methods, reason = "what a machine is asked for is counted in its own time; nothing that is recorded depends on it")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Keeps the processor time of the process within a share of the time that passes, over a second: whoever works asks after each piece of
/// work whether it has to rest.
pub(in crate::pipeline) struct Pace {
    /// Seconds on a processor in each second.
    share: f64,
    /// Seconds on a processor beyond what was due; below nothing there is something left, of one second at most.
    beyond: f64,
    last: (Instant, Duration),
}

impl Pace {
    pub(in crate::pipeline) fn new(share: f64) -> Self {
        Self { share, beyond: 0.0, last: (now(), processor_time()) }
    }

    /// For how long to rest before the next piece of work, if at all.
    pub(in crate::pipeline) fn pause(&mut self) -> Option<Duration> {
        let (at, used) = (now(), processor_time());
        let (before, used_before) = std::mem::replace(&mut self.last, (at, used));
        self.pass(at.duration_since(before), used.saturating_sub(used_before))
    }

    fn pass(&mut self, elapsed: Duration, used: Duration) -> Option<Duration> {
        let due = elapsed.as_secs_f64() * self.share;
        self.beyond = (self.beyond + used.as_secs_f64() - due).max(-self.share);
        (self.beyond > 0.0).then(|| Duration::from_secs_f64(self.beyond / self.share).min(LONGEST))
    }
}

/// What has been used is looked at again after so long.
const LONGEST: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_read() {
        assert_eq!(resident("Name:\tx\nVmRSS:\t  123456 kB\nThreads:\t1\n"), Some(123_456 * 1024));
        assert!(["", "VmRSS: many kB", "VmRSS: 12"].into_iter().all(|status| resident(status).is_none()));
        assert!(memory().is_none_or(|bytes| bytes > 1 << 20));
    }

    #[test]
    fn a_pace_lets_pass_what_is_due_and_no_more() {
        let mut pace = Pace::new(0.5);
        let second = Duration::from_secs(1);
        // A quarter of a second less than is due is kept for later.
        assert_eq!(pace.pass(second, second / 4), None);
        assert_eq!(pace.pass(second, second * 3 / 4), None);
        // Half a second too much: rests follow until it has been made up for.
        let mut rested = Duration::ZERO;
        let mut used = second;
        while let Some(pause) = pace.pass(pause_of(rested, second), std::mem::take(&mut used)) {
            rested += pause;
            assert!(rested < 3 * second);
        }
        assert!(rested > second / 2, "{rested:?}");
        // What is not used is not saved up for ever.
        assert_eq!(pace.pass(100 * second, Duration::ZERO), None);
        assert!(pace.pass(second, 2 * second).is_some());
    }

    fn pause_of(rested: Duration, first: Duration) -> Duration {
        if rested.is_zero() { first } else { LONGEST }
    }
}
