//! What the charts of a report show: both runs in slices of time, and how response times are distributed.

use std::time::Duration;

use reenact_formats::disk::verdict::{Bucket, Charts, Event, Slice};
use reenact_formats::model::{Outcome, Reply, Timestamp};

use crate::figures::{Times, counts, histogram, quantile};

/// The charts of a run and its baseline; each begins when its first request was due.
pub(crate) fn charts(run: &[Outcome], baseline: &[Outcome], events: Vec<Event>) -> Charts {
    let (run, baseline) = (Timed::of(run), Timed::of(baseline));
    let whole = run.length().max(baseline.length());
    let slice = slice_length(whole);
    Charts { slice_ms: milliseconds(slice), run: run.slices(slice), baseline: baseline.slices(slice), distribution: distribution(&run, &baseline), events }
}

/// When the first request was due.
pub(crate) fn beginning(outcomes: &[Outcome]) -> Option<Timestamp> {
    outcomes.iter().map(|outcome| outcome.timing.due).min()
}

/// The requests of a run: when each was due, whether it went well, how long its answer took.
struct Timed(Vec<(Duration, bool, Option<Duration>)>);

impl Timed {
    fn of(outcomes: &[Outcome]) -> Self {
        let begin = beginning(outcomes).unwrap_or_default();
        let timed = outcomes.iter().filter(|outcome| counts(outcome)).map(|outcome| {
            let (well, time) = match outcome.reply {
                Reply::Answered { status, .. } => (status < 500, Times::of(&outcome.timing).response),
                Reply::Failed(_) => (false, None),
            };
            (outcome.timing.due.since(begin), well, time)
        });
        Self(timed.collect())
    }

    fn length(&self) -> Duration {
        self.0.iter().map(|(due, ..)| *due).max().unwrap_or_default()
    }

    fn times(&self) -> impl Iterator<Item = Duration> {
        self.0.iter().filter_map(|(_, _, time)| *time)
    }

    fn slices(&self, length: Duration) -> Vec<Slice> {
        let place = |due: Duration| usize::try_from(due.as_nanos() / length.as_nanos().max(1)).unwrap_or(usize::MAX);
        let mut parts: Vec<Vec<_>> = vec![Vec::new(); place(self.length()).saturating_add(1).min(MAX_SLICES + 1)];
        for (due, well, time) in &self.0 {
            let last = parts.len() - 1;
            parts[place(*due).min(last)].push((well, time));
        }
        let slice = |part: &Vec<(&bool, &Option<Duration>)>| {
            let histogram = histogram(part.iter().filter_map(|(_, time)| **time));
            let at = |percentile| quantile(&histogram, percentile).map(|quantile| quantile.ms);
            Slice {
                answers: histogram.len(),
                errors: part.iter().filter(|(well, _)| !**well).count() as u64,
                p50_ms: at(0.5),
                p95_ms: at(0.95),
                p99_ms: at(0.99),
            }
        };
        parts.iter().map(slice).collect()
    }
}

/// A round length that makes at most as many slices as a chart can show.
fn slice_length(whole: Duration) -> Duration {
    let scales = (0..12).map(|power| 10_u64.pow(power));
    scales
        .flat_map(|scale| [1, 2, 5].map(|digit| Duration::from_millis(digit * scale)))
        .find(|length| whole.as_nanos() / length.as_nanos() < MAX_SLICES as u128)
        .unwrap_or(whole)
}

/// Buckets of equal width on a logarithmic scale.
fn distribution(run: &Timed, baseline: &Timed) -> Vec<Bucket> {
    let times = || run.times().chain(baseline.times()).map(milliseconds);
    let (low, high) = (times().fold(f64::INFINITY, f64::min).max(0.001), times().fold(0.0, f64::max));
    if high <= 0.0 {
        return Vec::new();
    }
    // A little room, so that the largest time stands in the last bucket.
    let step = ((high * 1.001 / low).ln() / BUCKETS as f64).max(1e-3);
    let edge = |place: usize| rounded(low * (step * place as f64).exp());
    let mut buckets: Vec<_> = (0..BUCKETS).map(|place| Bucket { from_ms: edge(place), to_ms: edge(place + 1), run: 0, baseline: 0 }).collect();
    let place = |time: Duration| (((milliseconds(time) / low).max(1.0).ln() / step) as usize).min(BUCKETS - 1);
    run.times().for_each(|time| buckets[place(time)].run += 1);
    baseline.times().for_each(|time| buckets[place(time)].baseline += 1);
    buckets
}

/// To nanoseconds: what follows says nothing, and would be written to every document.
pub(crate) fn rounded(milliseconds: f64) -> f64 {
    (milliseconds * 1e6).round() / 1e6
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1e3)
}

const MAX_SLICES: usize = 80;
const BUCKETS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data::outcome;

    #[test]
    fn every_request_is_in_one_slice_and_every_answer_in_one_bucket() {
        let at = |milliseconds: u64| {
            let mut outcome = outcome("1.1", if milliseconds.is_multiple_of(7) { 500 } else { 200 }, "");
            let later = Duration::from_millis(milliseconds);
            outcome.timing.due = outcome.timing.due.saturating_add(later);
            outcome.timing.done = outcome.timing.done.map(|done| done.saturating_add(later * 2));
            outcome
        };
        let run: Vec<_> = (0..1000).map(at).collect();
        let charts = charts(&run, &run[..10], Vec::new());
        assert_eq!(charts.slice_ms, 20.0);
        assert_eq!((charts.run.len(), charts.baseline.len()), (50, 1));
        assert_eq!(charts.run.iter().map(|slice| slice.answers).sum::<u64>(), 1000);
        assert_eq!(charts.run.iter().map(|slice| slice.errors).sum::<u64>(), 143);
        assert_eq!(charts.distribution.iter().map(|bucket| bucket.run).sum::<u64>(), 1000);
        assert_eq!(charts.distribution.iter().map(|bucket| bucket.baseline).sum::<u64>(), 10);
    }

    #[test]
    fn nothing_gives_empty_charts() {
        let charts = charts(&[], &[], Vec::new());
        assert_eq!((charts.run.len(), charts.distribution.len()), (1, 0));
    }
}
