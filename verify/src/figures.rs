//! Service level indicators: what is counted and measured over all requests, each endpoint, each phase.
//!
//! *Success* is the share of requests that were answered with a status below 500; a recorded error that is answered alike is
//! no failure of the target's. What no target could have been asked (a request that is not whole in the recording, or that was
//! not sent because the run was stopped) does not count. *Response time* runs from when a request was due, *service time* from
//! when it was sent; both over answers only.
//!
//! Percentiles come from a histogram with three digits. Their intervals are those of order statistics: the number of samples
//! below a quantile is binomial whatever the distribution, so that two ranks around it hold it with 95 %.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use reenact_formats::disk::verdict::{Estimate, Figures, Latency, Measure, Quantile, ScopeKind, Sli};
use reenact_formats::model::{Failure, Outcome, OutcomeTiming, Reply, Timestamp};

use crate::charts::rounded;

/// What figures are taken over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    All,
    Endpoint(String),
    Phase(String),
}

/// What was counted and measured over one scope of one run.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    pub(crate) answered: u64,
    pub(crate) succeeded: u64,
    /// Requests that were not whole in the recording.
    pub(crate) holes: u64,
    first_due: Option<Timestamp>,
    last_done: Option<Timestamp>,
    /// Seconds over which throughput is taken, if it is not from the first due to the last done.
    over: Option<f64>,
    response: Histogram<u64>,
    service: Histogram<u64>,
    /// Response time without the sender's own lag.
    lagless: Histogram<u64>,
}

/// The figures of one run, scope by scope.
pub(crate) struct Tallies(BTreeMap<Scope, Tally>);

impl Tally {
    pub(crate) fn new() -> Self {
        let histogram = || Histogram::new(DIGITS).expect("three digits are allowed");
        Self {
            requests: 0,
            answered: 0,
            succeeded: 0,
            holes: 0,
            first_due: None,
            last_done: None,
            over: None,
            response: histogram(),
            service: histogram(),
            lagless: histogram(),
        }
    }

    fn add(&mut self, outcome: &Outcome) {
        if outcome.reply == Reply::Failed(Failure::NotReplayable) {
            self.holes += 1;
        }
        if !counts(outcome) {
            return;
        }
        self.requests += 1;
        self.first_due = Some(self.first_due.map_or(outcome.timing.due, |first| first.min(outcome.timing.due)));
        self.last_done = self.last_done.max(outcome.timing.done);
        let Reply::Answered { status, .. } = outcome.reply else { return };
        self.answered += 1;
        self.succeeded += u64::from(status < 500);
        let times = Times::of(&outcome.timing);
        record(&mut self.response, times.response);
        record(&mut self.service, times.service);
        record(&mut self.lagless, times.response.zip(times.lag).map(|(response, lag)| response.saturating_sub(lag)));
    }

    #[cfg(test)]
    pub(crate) fn answered_in(&mut self, response: Duration, lag: Duration) {
        (self.requests, self.answered, self.succeeded) = (self.requests + 1, self.answered + 1, self.succeeded + 1);
        record(&mut self.response, Some(response));
        record(&mut self.service, Some(response.saturating_sub(lag)));
        record(&mut self.lagless, Some(response.saturating_sub(lag)));
    }

    pub(crate) fn figures(&self) -> Figures {
        let seconds = self.over.or_else(|| Some(self.last_done?.since(self.first_due?).as_secs_f64())).filter(|seconds| *seconds > 0.0);
        Figures {
            requests: self.requests,
            answered: self.answered,
            succeeded: self.succeeded,
            success: (self.requests > 0).then(|| self.succeeded as f64 / self.requests as f64),
            throughput: seconds.map(|seconds| rounded(self.answered as f64 / seconds)),
        }
    }

    pub(crate) fn duration(&self) -> Duration {
        self.last_done.zip(self.first_due).map_or(Duration::ZERO, |(done, due)| done.since(due))
    }

    pub(crate) fn quantile(&self, measure: Measure, percentile: f64) -> Option<Quantile> {
        let histogram = match measure {
            Measure::Service => &self.service,
            _ => &self.response,
        };
        quantile(histogram, percentile / 100.0)
    }

    /// The percentile without the sender's own lag; service time has none of it.
    pub(crate) fn lagless(&self, measure: Measure, percentile: f64) -> Option<f64> {
        match measure {
            Measure::Response => quantile(&self.lagless, percentile / 100.0).map(|quantile| quantile.ms),
            _ => None,
        }
    }
}

impl Tallies {
    pub(crate) fn of(outcomes: &[Outcome]) -> Self {
        let mut tallies: BTreeMap<Scope, Tally> = BTreeMap::new();
        for outcome in outcomes {
            for scope in [Scope::All, Scope::Endpoint(endpoint(outcome)), Scope::Phase(outcome.phase.clone())] {
                // Past the bound an endpoint has no figures of its own; it still counts in all.
                if tallies.len() < MAX_SCOPES || tallies.contains_key(&scope) {
                    tallies.entry(scope).or_insert_with(Tally::new).add(outcome);
                }
            }
        }
        let whole = tallies.get(&Scope::All).map(|all| all.duration().as_secs_f64());
        for (scope, tally) in &mut tallies {
            if matches!(scope, Scope::Endpoint(_)) {
                tally.over = whole;
            }
        }
        Self(tallies)
    }

    pub(crate) fn get(&self, scope: &Scope) -> Option<&Tally> {
        self.0.get(scope)
    }

    fn first_due(&self, scope: &Scope) -> Option<Timestamp> {
        self.get(scope).and_then(|tally| tally.first_due)
    }
}

/// The figures of both runs over every scope: all, endpoints (worst first), phases (in order); and how many endpoints were left out.
pub(crate) fn slis(run: &Tallies, baseline: &Tallies) -> (Vec<Sli>, u64) {
    let empty = Tally::new();
    let sli = |scope: &Scope| {
        let (run, baseline) = (run.get(scope).unwrap_or(&empty), baseline.get(scope).unwrap_or(&empty));
        let (kind, name) = match scope {
            Scope::All => (ScopeKind::All, String::new()),
            Scope::Endpoint(name) => (ScopeKind::Endpoint, name.clone()),
            Scope::Phase(name) => (ScopeKind::Phase, name.clone()),
        };
        Sli { scope: kind, name, run: run.figures(), baseline: baseline.figures(), latencies: latencies(run, baseline) }
    };
    let scopes: std::collections::BTreeSet<_> = run.0.keys().chain(baseline.0.keys()).collect();
    let mut slis = vec![sli(&Scope::All)];
    let mut endpoints: Vec<_> = scopes.iter().filter(|scope| matches!(scope, Scope::Endpoint(_))).map(|scope| sli(scope)).collect();
    endpoints.sort_by(|one, other| badness(other).total_cmp(&badness(one)).then_with(|| one.name.cmp(&other.name)));
    let left_out = endpoints.len().saturating_sub(MAX_ENDPOINTS);
    slis.extend(endpoints.into_iter().take(MAX_ENDPOINTS));
    let mut phases: Vec<_> = scopes.into_iter().filter(|scope| matches!(scope, Scope::Phase(_))).collect();
    phases.sort_by_key(|scope| run.first_due(scope).or_else(|| baseline.first_due(scope)));
    // One phase is the whole run, and says nothing more.
    if phases.len() > 1 {
        slis.extend(phases.into_iter().map(sli));
    }
    (slis, left_out as u64)
}

/// Lost success counts before anything else, then how much slower the 95th percentile is.
fn badness(sli: &Sli) -> f64 {
    let lost = sli.baseline.success.unwrap_or(1.0) - sli.run.success.unwrap_or(0.0);
    let slower = sli.latencies.iter().find(|latency| latency.percentile == 95.0).and_then(|latency| latency.ratio).map_or(0.0, |ratio| ratio.value);
    lost.max(0.0) * 1e6 + slower
}

fn latencies(run: &Tally, baseline: &Tally) -> Vec<Latency> {
    let measures = [Measure::Response, Measure::Service];
    measures
        .into_iter()
        .flat_map(|measure| PERCENTILES.map(|percentile| (measure, percentile)))
        .map(|(measure, percentile)| {
            let (run, baseline) = (run.quantile(measure, percentile), baseline.quantile(measure, percentile));
            let ratio = run.as_ref().zip(baseline.as_ref()).map(|(run, baseline)| ratio(run, baseline));
            Latency { measure, percentile, run, baseline, ratio }
        })
        .collect()
}

/// One quantile over another. Both have intervals of their own; that of the ratio recovers their variances from the distances
/// to their ends, on the logarithms (Zou and Donner's method). Pairs correlate, so it is wide rather than narrow.
pub(crate) fn ratio(run: &Quantile, baseline: &Quantile) -> Estimate {
    let log = |ms: f64| ms.max(1e-6).ln();
    let value = log(run.ms) - log(baseline.ms);
    let down = (log(run.ms) - log(run.low_ms)).hypot(log(baseline.high_ms) - log(baseline.ms));
    let up = (log(run.high_ms) - log(run.ms)).hypot(log(baseline.ms) - log(baseline.low_ms));
    Estimate { value: rounded(value.exp()), low: rounded((value - down).exp()), high: rounded((value + up).exp()) }
}

/// How many samples a percentile needs before the largest of them is above it with 95 %: 59 for the 95th, 299 for the 99th.
pub(crate) fn required_samples(percentile: f64) -> u64 {
    let quantile = (percentile / 100.0).max(1.0 - percentile / 100.0);
    (0.05_f64.ln() / quantile.ln()).ceil() as u64
}

/// Method and templated path, as in `POST /orders/{}`.
pub(crate) fn endpoint(outcome: &Outcome) -> String {
    format!("{} {}", outcome.method, outcome.endpoint)
}

/// Whether the target was asked, or should have been.
pub(crate) fn counts(outcome: &Outcome) -> bool {
    !matches!(outcome.reply, Reply::Failed(Failure::NotReplayable | Failure::Stopped))
}

/// The times of one answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) response: Option<Duration>,
    pub(crate) service: Option<Duration>,
    /// How late the sender itself was: everything was there, and it did not send.
    lag: Option<Duration>,
}

impl Times {
    pub(crate) fn of(timing: &OutcomeTiming) -> Self {
        Self {
            response: timing.done.map(|done| done.since(timing.due)),
            service: timing.done.zip(timing.sent).map(|(done, sent)| done.since(sent)),
            lag: timing.sent.zip(timing.sendable).map(|(sent, sendable)| sent.since(sendable.max(timing.due))),
        }
    }
}

pub(crate) fn quantile(histogram: &Histogram<u64>, quantile: f64) -> Option<Quantile> {
    let samples = histogram.len();
    if samples == 0 {
        return None;
    }
    let count = samples as f64;
    let spread = 1.96 * (count * quantile * (1.0 - quantile)).sqrt();
    let at = |rank: f64| histogram.value_at_quantile((rank / count).clamp(0.0, 1.0)) as f64 / 1e6;
    Some(Quantile {
        ms: at(count * quantile),
        low_ms: at((count * quantile - spread).floor().max(1.0)),
        high_ms: at((count * quantile + spread).ceil() + 1.0),
        samples,
    })
}

fn record(histogram: &mut Histogram<u64>, time: Option<Duration>) {
    if let Some(time) = time {
        // Over a day it would only cost memory.
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).clamp(1, 86_400_000_000_000);
        histogram.record(nanos).expect("the histogram grows as needed");
    }
}

/// A histogram of durations, for those who take percentiles of their own.
pub(crate) fn histogram(times: impl Iterator<Item = Duration>) -> Histogram<u64> {
    let mut histogram = Histogram::new(DIGITS).expect("three digits are allowed");
    times.for_each(|time| record(&mut histogram, Some(time)));
    histogram
}

const DIGITS: u8 = 3;
const PERCENTILES: [f64; 3] = [50.0, 95.0, 99.0];
const MAX_SCOPES: usize = 1000;
const MAX_ENDPOINTS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data::outcome;

    #[test]
    fn success_is_an_answer_below_500() {
        let outcomes = [outcome("1.1", 200, ""), outcome("1.2", 404, ""), outcome("1.3", 503, "")];
        let failed = |failure| Outcome { reply: Reply::Failed(failure), ..outcome("1.4", 200, "") };
        let tallies = Tallies::of(&[&outcomes[..], &[failed(Failure::Timeout), failed(Failure::Stopped), failed(Failure::NotReplayable)]].concat());
        let tally = tallies.get(&Scope::All).unwrap();
        assert_eq!((tally.requests, tally.answered, tally.succeeded, tally.holes), (4, 3, 2, 1));
        assert_eq!(tally.figures().success, Some(0.5));
    }

    #[test]
    fn quantiles_stand_in_their_intervals() {
        let histogram = histogram((1..=1000).map(Duration::from_millis));
        let p95 = quantile(&histogram, 0.95).unwrap();
        assert!((p95.ms - 950.0).abs() < 2.0 && (p95.low_ms - 936.0).abs() < 2.0 && (p95.high_ms - 965.0).abs() < 2.0, "{p95:?}");
        let ratio = ratio(&p95, &p95);
        assert!((ratio.value - 1.0).abs() < 1e-9 && ratio.low < 1.0 && ratio.high > 1.0, "{ratio:?}");
    }

    #[test]
    fn required_samples_grow_with_the_percentile() {
        assert_eq!([50.0, 95.0, 99.0, 99.9].map(required_samples), [5, 59, 299, 2995]);
    }

    #[test]
    fn the_worst_endpoint_comes_first() {
        let at = |id: &str, endpoint: &str, status| Outcome { endpoint: endpoint.to_owned(), ..outcome(id, status, "") };
        let run = Tallies::of(&[at("1.1", "/a", 200), at("1.2", "/b", 500)]);
        let baseline = Tallies::of(&[at("1.1", "/a", 200), at("1.2", "/b", 200)]);
        let (slis, left_out) = slis(&run, &baseline);
        assert_eq!((slis.iter().map(|sli| sli.name.as_str()).collect::<Vec<_>>(), left_out), (vec!["", "GET /b", "GET /a"], 0));
    }
}
