//! What a run must reach, checked; and what becomes of each objective.

use std::path::Path;
use std::time::Duration;

use reenact_formats::config;
use reenact_formats::config::objectives::{Bound, ComparedTo, MeasureConfig, ObjectiveConfig, ObjectivesFile, Percent, SliConfig};
use reenact_formats::disk::verdict::{Measure, Objective as Outcome, ObjectiveResult, Quantile};

use crate::Error;
use crate::figures::{Scope, Tally, ratio, required_samples};
use crate::words;

/// What a run must reach, and what of its answers is not compared. Without objectives, figures are shown and not judged.
#[derive(Debug, Clone, Default)]
pub struct Objectives {
    pub(crate) slos: Vec<Objective>,
    pub(crate) ignored: Vec<String>,
}

/// One objective.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Objective {
    pub(crate) scope: Scope,
    goal: Goal,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Goal {
    SuccessAtLeast(f64),
    LatencyAtMost { percentile: f64, measure: Measure, limit: Duration },
    LatencyGrowsAtMost { percentile: f64, measure: Measure, limit: f64 },
    ThroughputAtLeast(f64),
    ThroughputShrinksAtMost(f64),
}

/// An objective, judged; `doubt` says why it cannot be told.
pub(crate) struct Judged {
    pub(crate) outcome: Outcome,
    pub(crate) doubt: Option<Doubt>,
}

pub(crate) enum Doubt {
    Samples(String),
    SenderLag(String),
}

impl Objectives {
    /// Those of the file at `path`.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Ok(Self::check(&path.display().to_string(), ObjectivesFile::load(path)?)?)
    }

    /// Those of `text`, which stands in the file `name`.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        Ok(Self::check(name, ObjectivesFile::parse(name, text)?)?)
    }

    fn check(name: &str, file: ObjectivesFile) -> Result<Self, config::Error> {
        let checked = |(index, slo): (usize, &ObjectiveConfig)| Objective::of(slo).map_err(|problem| ObjectivesFile::refusal(name, index, problem));
        let slos = file.slo.iter().enumerate().map(checked).collect::<Result<_, _>>()?;
        // A JSON pointer means a place in the body.
        let ignored = file.responses.ignore.into_iter().map(|path| if path.starts_with('/') { format!("body:{path}") } else { path }).collect();
        Ok(Self { slos, ignored })
    }
}

impl Objective {
    fn of(config: &ObjectiveConfig) -> Result<Self, String> {
        let scope = match (&config.endpoint, &config.phase) {
            (None, None) => Scope::All,
            (Some(endpoint), None) => Scope::Endpoint(endpoint.clone()),
            (None, Some(phase)) => Scope::Phase(phase.clone()),
            (Some(_), Some(_)) => return Err("name an endpoint or a phase, not both".to_owned()),
        };
        let unused = |word: &str, present: bool| if present { Err(format!("`{word}` means nothing to this sli")) } else { Ok(()) };
        let compared = config.compared_to == Some(ComparedTo::Baseline);
        let goal = match config.sli {
            SliConfig::Success => {
                unused("percentile", config.percentile.is_some())?;
                unused("at_most", config.at_most.is_some())?;
                unused("at_least", config.at_least.is_some())?;
                unused("measure", config.measure.is_some())?;
                unused("compared_to", compared)?;
                let Percent(share) = config.objective.ok_or("it needs an `objective`, as in 99.9%")?;
                Goal::SuccessAtLeast(share)
            }
            SliConfig::Latency => {
                unused("objective", config.objective.is_some())?;
                unused("at_least", config.at_least.is_some())?;
                let percentile = config.percentile.ok_or("it needs a `percentile`, as in 95")?;
                if !(percentile > 0.0 && percentile < 100.0) {
                    return Err(format!("percentile {percentile} is not between 0 and 100"));
                }
                let measure = match config.measure.unwrap_or_default() {
                    MeasureConfig::Response => Measure::Response,
                    MeasureConfig::Service => Measure::Service,
                };
                match (config.at_most.ok_or("it needs an `at_most`")?, compared) {
                    (Bound::Time(limit), false) => Goal::LatencyAtMost { percentile, measure, limit },
                    (Bound::Change(limit), true) if limit >= 0.0 => Goal::LatencyGrowsAtMost { percentile, measure, limit },
                    (_, true) => return Err("compared to a baseline, `at_most` is a growth, as in +10%".to_owned()),
                    (_, false) => return Err("`at_most` is a time, as in 200ms; a growth needs `compared_to: baseline`".to_owned()),
                }
            }
            SliConfig::Throughput => {
                unused("objective", config.objective.is_some())?;
                unused("percentile", config.percentile.is_some())?;
                unused("at_most", config.at_most.is_some())?;
                unused("measure", config.measure.is_some())?;
                match (config.at_least.ok_or("it needs an `at_least`")?, compared) {
                    (Bound::Rate(rate), false) => Goal::ThroughputAtLeast(rate),
                    (Bound::Change(change), true) if change <= 0.0 => Goal::ThroughputShrinksAtMost(-change),
                    (_, true) => return Err("compared to a baseline, `at_least` is a loss, as in -5%".to_owned()),
                    (_, false) => return Err("`at_least` is a rate, as in 100/s; a loss needs `compared_to: baseline`".to_owned()),
                }
            }
        };
        Ok(Self { scope, goal })
    }

    fn text(&self) -> String {
        let of = match &self.scope {
            Scope::All => String::new(),
            Scope::Endpoint(endpoint) => format!(" of {endpoint}"),
            Scope::Phase(phase) => format!(" in phase {phase}"),
        };
        match self.goal {
            Goal::SuccessAtLeast(share) => format!("success{of} at least {}", Percent(share).to_string().replace('%', " %")),
            Goal::LatencyAtMost { percentile, measure, limit } => {
                format!("p{percentile} {measure} time{of} at most {}", words::milliseconds(limit.as_secs_f64() * 1e3))
            }
            Goal::LatencyGrowsAtMost { percentile, measure, limit } => {
                format!("p{percentile} {measure} time{of} at most {} over the baseline", words::change(1.0 + limit))
            }
            Goal::ThroughputAtLeast(rate) => format!("throughput{of} at least {}", words::rate(rate)),
            Goal::ThroughputShrinksAtMost(loss) => format!("throughput{of} at most {} under the baseline", words::change(1.0 - loss)),
        }
    }

    /// Judges the figures of this objective's scope.
    pub(crate) fn judge(&self, run: Option<&Tally>, baseline: Option<&Tally>) -> Judged {
        let text = self.text();
        let told = |met: bool, measured: String| Judged {
            outcome: Outcome { text: text.clone(), result: if met { ObjectiveResult::Met } else { ObjectiveResult::Missed }, measured },
            doubt: None,
        };
        let unknown =
            |measured: String, doubt: Doubt| Judged { outcome: Outcome { text: text.clone(), result: ObjectiveResult::Unknown, measured }, doubt: Some(doubt) };
        let nothing = || unknown("nothing".to_owned(), Doubt::Samples(format!("no request to judge: {text}")));
        let (Some(run), baseline) = (run, baseline) else { return nothing() };
        match self.goal {
            Goal::SuccessAtLeast(share) => match run.figures().success {
                Some(success) => told(success >= share, format!("{} ({} of {} failed)", words::share(success), run.requests - run.succeeded, run.requests)),
                None => nothing(),
            },
            Goal::LatencyAtMost { percentile, measure, limit } => {
                let Some(quantile) = run.quantile(measure, percentile) else { return nothing() };
                let measured = words::quantile(&quantile);
                if let Some(doubt) = too_few(&text, percentile, &quantile) {
                    return unknown(measured, doubt);
                }
                let limit = limit.as_secs_f64() * 1e3;
                let met = quantile.ms <= limit;
                // The sender's own lateness is in the response time: it may excuse a miss, never a success.
                match run.lagless(measure, percentile) {
                    Some(without) if !met && without <= limit => {
                        let lag = format!("{text}: {measured}, but {} without the sender's own lag", words::milliseconds(without));
                        unknown(measured, Doubt::SenderLag(lag))
                    }
                    _ => told(met, measured),
                }
            }
            Goal::LatencyGrowsAtMost { percentile, measure, limit } => {
                let baseline_quantile = baseline.and_then(|baseline| baseline.quantile(measure, percentile));
                let (Some(quantile), Some(before)) = (run.quantile(measure, percentile), baseline_quantile) else { return nothing() };
                let ratio = ratio(&quantile, &before);
                let measured = format!(
                    "{} → {}, {} ({} to {})",
                    words::milliseconds(before.ms),
                    words::milliseconds(quantile.ms),
                    words::change(ratio.value),
                    words::change(ratio.low),
                    words::change(ratio.high)
                );
                if let Some(doubt) = too_few(&text, percentile, if quantile.samples < before.samples { &quantile } else { &before }) {
                    return unknown(measured, doubt);
                }
                let lagged = |tally: Option<&Tally>, whole: &Quantile| {
                    tally.and_then(|tally| tally.lagless(measure, percentile)).is_some_and(|without| without < whole.ms * 0.9)
                };
                if lagged(Some(run), &quantile) || lagged(baseline, &before) {
                    let lag = format!("{text}: {measured}, and more than a tenth of it is the sender's own lag");
                    return unknown(measured, Doubt::SenderLag(lag));
                }
                if ratio.value <= 1.0 + limit {
                    told(true, measured)
                } else if ratio.low > 1.0 + limit {
                    told(false, measured)
                } else {
                    let why = format!("{text}: {measured}; the interval holds the limit");
                    unknown(measured, Doubt::Samples(why))
                }
            }
            Goal::ThroughputAtLeast(rate) => match run.figures().throughput {
                Some(throughput) => told(throughput >= rate, words::rate(throughput)),
                None => nothing(),
            },
            Goal::ThroughputShrinksAtMost(loss) => match (run.figures().throughput, baseline.and_then(|baseline| baseline.figures().throughput)) {
                (Some(now), Some(before)) if before > 0.0 => {
                    told(now >= before * (1.0 - loss), format!("{} → {}, {}", words::rate(before), words::rate(now), words::change(now / before)))
                }
                _ => nothing(),
            },
        }
    }
}

fn too_few(text: &str, percentile: f64, quantile: &Quantile) -> Option<Doubt> {
    let required = required_samples(percentile);
    (quantile.samples < required).then(|| Doubt::Samples(format!("{text}: {} samples, and p{percentile} needs {required}", quantile.samples)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objective(line: &str) -> Result<Objective, String> {
        match Objectives::parse("slo.yaml", &format!("version: 1\nslo:\n  - {{ {line} }}\n")) {
            Ok(mut objectives) => Ok(objectives.slos.remove(0)),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn objectives_make_sense_or_say_why_not() {
        for (line, expected) in [
            ("sli: success, objective: 99.9%", Ok("success at least 99.9 %")),
            ("sli: latency, percentile: 95, at_most: 200ms, endpoint: POST /orders", Ok("p95 response time of POST /orders at most 200 ms")),
            ("sli: latency, percentile: 99, measure: service, compared_to: baseline, at_most: +10%", Ok("p99 service time at most +10.0 % over the baseline")),
            ("sli: throughput, at_least: 100/s, phase: after", Ok("throughput in phase after at least 100/s")),
            ("sli: throughput, at_least: -5%, compared_to: baseline", Ok("throughput at most -5.0 % under the baseline")),
            ("sli: success", Err("slo 1: it needs an `objective`")),
            ("sli: success, objective: 99%, percentile: 3", Err("`percentile` means nothing to this sli")),
            ("sli: latency, at_most: 1s", Err("it needs a `percentile`")),
            ("sli: latency, percentile: 100, at_most: 1s", Err("not between 0 and 100")),
            ("sli: latency, percentile: 95, at_most: +10%", Err("a growth needs `compared_to: baseline`")),
            ("sli: latency, percentile: 95, at_most: 1s, compared_to: baseline", Err("`at_most` is a growth")),
            ("sli: success, objective: 99%, endpoint: a, phase: b", Err("not both")),
        ] {
            match (objective(line), expected) {
                (Ok(objective), Ok(text)) => assert_eq!(objective.text(), text),
                (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
                (other, _) => panic!("{line}: {other:?}"),
            }
        }
    }

    #[test]
    fn figures_are_judged() {
        let tally = |count: u64, milliseconds: u64, lag: u64| {
            let mut tally = Tally::new();
            (0..count).for_each(|_| tally.answered_in(Duration::from_millis(milliseconds), Duration::from_millis(lag)));
            tally
        };
        let latency = "sli: latency, percentile: 95, at_most: 200ms";
        let growth = "sli: latency, percentile: 95, compared_to: baseline, at_most: +10%";
        for (line, run, baseline, expected) in [
            (latency, Some(tally(100, 100, 0)), None, ObjectiveResult::Met),
            (latency, Some(tally(100, 300, 0)), None, ObjectiveResult::Missed),
            (latency, Some(tally(100, 300, 200)), None, ObjectiveResult::Unknown),
            (latency, Some(tally(10, 100, 0)), None, ObjectiveResult::Unknown),
            (latency, None, None, ObjectiveResult::Unknown),
            (growth, Some(tally(100, 105, 0)), Some(tally(100, 100, 0)), ObjectiveResult::Met),
            (growth, Some(tally(100, 150, 0)), Some(tally(100, 100, 0)), ObjectiveResult::Missed),
            (growth, Some(tally(100, 150, 50)), Some(tally(100, 100, 0)), ObjectiveResult::Unknown),
            (growth, Some(tally(100, 150, 0)), None, ObjectiveResult::Unknown),
            ("sli: success, objective: 99%", Some(tally(10, 1, 0)), None, ObjectiveResult::Met),
        ] {
            let judged = objective(line).unwrap().judge(run.as_ref(), baseline.as_ref());
            assert_eq!(judged.outcome.result, expected, "{line}: {}", judged.outcome.measured);
            assert_eq!(judged.doubt.is_some(), expected == ObjectiveResult::Unknown);
        }
    }
}
