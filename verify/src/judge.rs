//! The judgement: four independent ones, and the verdict that follows from their reasons.

use std::collections::BTreeMap;
use std::time::Duration;

use reenact_formats::disk;
use reenact_formats::disk::recording::{Recording, Window};
use reenact_formats::disk::run::{EndReason, EventResult, Run};
use reenact_formats::disk::snapshot::StateSnapshot;
use reenact_formats::disk::verdict::{
    DifferenceKind, Event, Judgement, Objective, ObjectiveResult, Reason, ReasonKind, ResponseGroup, Responses, RowDifference, RunFacts, State, Verdict,
    Weight, Which,
};
use reenact_formats::model::{Exchange, ExchangeId, Failure, Outcome, Reply, Timestamp};

use crate::charts::{self, milliseconds};
use crate::figures::{Scope, Tallies, endpoint, slis};
use crate::objectives::{Doubt, Objectives};
use crate::responses::{Clock, Comparison, Learned};
use crate::state::{Attribution, compare};
use crate::words::{counted, share};
use crate::{Error, words};

/// What a run is judged by.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The run.
    pub run: &'a Run,
    /// The run that it is compared with.
    pub baseline: &'a Run,
    /// The state that the run left.
    pub state: Option<&'a StateSnapshot>,
    /// The state that the baseline left.
    pub baseline_state: Option<&'a StateSnapshot>,
    /// What both replayed. It tells what the target makes anew, and which exchanges wrote a row; without it both are guessed less well.
    pub recording: Option<&'a Recording>,
}

/// Judges a run. The verdict fails on any breach, and is inconclusive if there is none and not enough was seen.
pub fn verify(inputs: Inputs<'_>, objectives: &Objectives) -> Result<Verdict, Error> {
    check_comparable(&inputs)?;
    let states = match (inputs.state, inputs.baseline_state) {
        (Some(state), Some(baseline)) => Some((state, baseline)),
        (None, None) => None,
        (Some(_), None) => return Err(Error::OneSnapshot { given: "run" }),
        (None, Some(_)) => return Err(Error::OneSnapshot { given: "baseline" }),
    };
    let (run, baseline) = (Judged::read(inputs.run)?, Judged::read(inputs.baseline)?);
    let recorded = inputs.recording.map(|recording| recording.exchanges(&Window::ALL)).transpose()?;
    judge(run, baseline, states.map(|(state, baseline)| compare(state, baseline)), recorded, objectives)
}

/// One of the two runs, read.
pub(crate) struct Judged {
    pub(crate) facts: RunFacts,
    pub(crate) events: Vec<(Timestamp, Duration, String, bool)>,
    /// By exchange and copy.
    pub(crate) outcomes: Vec<Outcome>,
}

impl Judged {
    fn read(run: &Run) -> Result<Self, Error> {
        let header = run.header();
        let mut outcomes = run.outcomes().collect::<Result<Vec<_>, _>>()?;
        outcomes.sort_by_key(|outcome| (outcome.exchange, outcome.copy));
        let events = run.end().into_iter().flat_map(|end| &end.timeline).map(|event| {
            let (text, well) = match &event.result {
                EventResult::Exited(0) => (event.name.clone(), true),
                EventResult::Exited(code) => (format!("{}: exit code {code}", event.name), false),
                EventResult::Failed(why) => (format!("{}: {why}", event.name), false),
                _ => (event.name.clone(), event.result.is_success()),
            };
            (event.at, event.duration, text, well)
        });
        let facts = RunFacts {
            path: run.path().display().to_string(),
            target: header.targets.iter().map(|(host, url)| if host == "*" { url.clone() } else { format!("{host} = {url}") }).collect::<Vec<_>>().join(", "),
            recording: header.recording.path.clone(),
            recording_digest: header.recording.digest.clone(),
            started: header.started.to_string(),
            duration_ms: duration(&outcomes),
            speed: header.speed,
            complete: run.end().is_some_and(|end| end.reason == EndReason::Completed),
            key_id: header.key_id.as_ref().map(ToString::to_string).unwrap_or_default(),
            policy_digest: header.policy_digest.clone().unwrap_or_default(),
            seed: header.seed,
            session: header.session.clone(),
            tags: header.tags.iter().map(|(name, value)| format!("{name}={value}")).collect(),
        };
        Ok(Self { facts, events: events.collect(), outcomes })
    }

    fn timeline(&self, which: Which) -> Vec<Event> {
        let begin = charts::beginning(&self.outcomes).unwrap_or_default();
        let event = |(at, took, text, _): &(Timestamp, Duration, String, bool)| Event {
            which,
            at_ms: milliseconds(at.since(begin)),
            took_ms: Some(milliseconds(*took)),
            text: text.clone(),
        };
        self.events.iter().map(event).collect()
    }
}

/// The judgement itself, on what was read.
pub(crate) fn judge(
    run: Judged,
    baseline: Judged,
    mut state: Option<State>,
    recorded: Option<impl Iterator<Item = Result<Exchange, disk::Error>>>,
    objectives: &Objectives,
) -> Result<Verdict, Error> {
    let mut learned = Learned::new(recorded.is_some());
    for outcome in run.outcomes.iter().chain(&baseline.outcomes) {
        learned.bind(&endpoint(outcome), &outcome.produced);
    }
    if let Some(recorded) = recorded {
        let mut attribution = state.as_ref().map(Attribution::begin);
        for exchange in recorded {
            let exchange = exchange?;
            if let Some(outcome) = find(&baseline.outcomes, exchange.id) {
                learned.compare(&exchange, outcome);
            }
            if let Some(attribution) = &mut attribution {
                attribution.watch(&exchange);
            }
        }
        if let (Some(attribution), Some(state)) = (attribution, &mut state) {
            attribution.tell(state);
        }
    }

    let mut reasons = Reasons::default();
    let clock = Clock::new(Duration::from_secs_f64(run.facts.duration_ms.max(baseline.facts.duration_ms) / 1e3));
    let mut comparison = Comparison::new(&learned, &objectives.ignored, clock);
    let unpaired = pair(&baseline.outcomes, &run.outcomes, |before, now| comparison.pair(before, now));
    let responses = comparison.finish();

    let (tallies, before) = (Tallies::of(&run.outcomes), Tallies::of(&baseline.outcomes));
    let judged_objectives = reasons.objectives(objectives, &tallies, &before);
    reasons.responses(&responses);
    if let Some(state) = &state {
        reasons.state(state);
    }
    reasons.seen_enough(&run, &baseline, unpaired, &tallies, objectives);

    let (slis, endpoints_left_out) = slis(&tallies, &before);
    let events = run.timeline(Which::Run).into_iter().chain(baseline.timeline(Which::Baseline)).collect();
    let (judgement, reasons, notes) = reasons.conclude(state.is_some());
    Ok(Verdict {
        judgement,
        reasons,
        notes,
        objectives: judged_objectives,
        slis,
        endpoints_left_out,
        responses,
        state,
        charts: charts::charts(&run.outcomes, &baseline.outcomes, events),
        run: run.facts,
        baseline: baseline.facts,
    })
}

/// Requests that only one of the two runs knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unpaired {
    run: u64,
    baseline: u64,
}

/// Calls `each` with the outcomes of the same exchange and copy. Both stand in that order.
fn pair<'a>(baseline: &'a [Outcome], run: &'a [Outcome], mut each: impl FnMut(&'a Outcome, &'a Outcome)) -> Unpaired {
    let by_key = |outcomes: &'a [Outcome]| outcomes.iter().map(|outcome| ((outcome.exchange, outcome.copy), outcome)).collect::<BTreeMap<_, _>>();
    let (baseline, run) = (by_key(baseline), by_key(run));
    let mut paired = 0;
    for (key, before) in &baseline {
        if let Some(now) = run.get(key) {
            each(before, now);
            paired += 1;
        }
    }
    Unpaired { run: run.len() as u64 - paired, baseline: baseline.len() as u64 - paired }
}

fn find(outcomes: &[Outcome], exchange: ExchangeId) -> Option<&Outcome> {
    let at = outcomes.partition_point(|outcome| outcome.exchange < exchange);
    outcomes.get(at).filter(|outcome| outcome.exchange == exchange)
}

fn duration(outcomes: &[Outcome]) -> f64 {
    let done = outcomes.iter().filter_map(|outcome| outcome.timing.done).max();
    charts::beginning(outcomes).zip(done).map_or(0.0, |(begin, done)| milliseconds(done.since(begin)))
}

/// What speaks against the run, gathered.
#[derive(Default)]
struct Reasons {
    reasons: Vec<Reason>,
    notes: Vec<String>,
}

impl Reasons {
    fn add(&mut self, weight: Weight, kind: ReasonKind, place: impl Into<String>, text: impl Into<String>, count: u64) {
        self.reasons.push(Reason { weight, kind, place: place.into(), text: text.into(), count });
    }

    fn objectives(&mut self, objectives: &Objectives, run: &Tallies, baseline: &Tallies) -> Vec<Objective> {
        let judge = |objective: &crate::objectives::Objective| {
            let judged = objective.judge(run.get(&objective.scope), baseline.get(&objective.scope));
            let place = match &objective.scope {
                Scope::All => "all requests".to_owned(),
                Scope::Endpoint(endpoint) => endpoint.clone(),
                Scope::Phase(phase) => format!("phase {phase}"),
            };
            match judged.doubt {
                Some(Doubt::Samples(text)) => self.add(Weight::Doubt, ReasonKind::Samples, place, text, 0),
                Some(Doubt::SenderLag(text)) => self.add(Weight::Doubt, ReasonKind::SenderLag, place, text, 0),
                None if judged.outcome.result == ObjectiveResult::Missed => {
                    let text = format!("{}: {}", judged.outcome.text, judged.outcome.measured);
                    self.add(Weight::Breach, ReasonKind::Objective, place, text, 0);
                }
                None => {}
            }
            judged.outcome
        };
        objectives.slos.iter().map(judge).collect()
    }

    fn responses(&mut self, responses: &Responses) {
        for group in responses.groups.iter().filter(|group| group.breach) {
            let kind = if group.kind == DifferenceKind::Failed { ReasonKind::Failure } else { ReasonKind::Response };
            self.add(Weight::Breach, kind, group.endpoint.clone(), response_text(group), group.count);
        }
        if responses.groups_left_out > 0 {
            self.add(Weight::Breach, ReasonKind::Response, "", format!("and {} of differences more", counted(responses.groups_left_out, "group", "groups")), 0);
        }
        for group in responses.groups.iter().filter(|group| !group.breach) {
            self.notes.push(format!(
                "{}: {} that failed in the baseline {} answered ({})",
                group.endpoint,
                counted(group.count, "request", "requests"),
                if group.count == 1 { "was" } else { "were" },
                group.path
            ));
        }
        if responses.without_body > 0 {
            self.notes.push(format!("of {} only status and head were compared: bodies were not kept", counted(responses.without_body, "answer", "answers")));
        }
    }

    fn state(&mut self, state: &State) {
        for entity in &state.entities {
            if !entity.columns_apart.is_empty() {
                let text = format!("its columns differ, so that its rows cannot be compared: {}", entity.columns_apart.join(", "));
                self.add(Weight::Breach, ReasonKind::State, entity.name.clone(), text, entity.run_rows.max(entity.baseline_rows));
                continue;
            }
            let kinds = [(entity.missing, "missing"), (entity.extra, "extra"), (entity.changed, "changed")];
            let mut parts: Vec<_> = kinds.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{} {word}", words::thousands(*count))).collect();
            if parts.is_empty() {
                continue;
            }
            if let Some(last) = parts.last_mut().filter(|_| entity.changed > 0) {
                let columns: Vec<_> = entity.changed_columns.iter().map(|column| column.column.as_str()).collect();
                last.push_str(&format!(" in {}", columns.join(", ")));
            }
            let key = |row: &RowDifference| row.key.iter().map(|value| value.as_deref().unwrap_or("null")).collect::<Vec<_>>().join(" / ");
            let rows: Vec<_> = entity.rows.iter().take(3).map(key).collect();
            let more = if entity.rows.len() > rows.len() { "; …" } else { "" };
            let text = format!("of {} {}: {}{more}", counted(entity.baseline_rows, "row", "rows"), parts.join(", "), rows.join("; "));
            self.add(Weight::Breach, ReasonKind::State, entity.name.clone(), text, entity.missing + entity.extra + entity.changed);
        }
    }

    /// Whatever keeps an absence of breaches from meaning that all is well.
    fn seen_enough(&mut self, run: &Judged, baseline: &Judged, unpaired: Unpaired, tallies: &Tallies, objectives: &Objectives) {
        for (side, word) in [(run, "run"), (baseline, "baseline")] {
            let stopped = side.outcomes.iter().filter(|outcome| outcome.reply == Reply::Failed(Failure::Stopped)).count() as u64;
            if !side.facts.complete {
                let text = if stopped > 0 {
                    format!("the {word} was stopped; {} never sent", counted(stopped, "request was", "requests were"))
                } else {
                    format!("the {word} did not reach its end")
                };
                self.add(Weight::Doubt, ReasonKind::Stopped, word, text, stopped);
            }
            for (_, _, text, _) in side.events.iter().filter(|(.., well)| !well) {
                self.add(Weight::Doubt, ReasonKind::Event, word, format!("in the {word} something that was to happen went wrong: {text}"), 1);
            }
        }
        for (count, word, other) in [(unpaired.baseline, "baseline", "run"), (unpaired.run, "run", "baseline")] {
            if count > 0 {
                let text = format!(
                    "{} of the {word} {} no counterpart in the {other}",
                    counted(count, "request", "requests"),
                    if count == 1 { "has" } else { "have" }
                );
                self.add(Weight::Doubt, ReasonKind::Missing, other, text, count);
            }
        }
        if tallies.get(&Scope::All).is_none_or(|all| all.requests == 0) {
            self.add(Weight::Doubt, ReasonKind::Samples, "all requests", "nothing was replayed", 0);
        }
        let mut judged: Vec<_> = objectives.slos.iter().map(|objective| &objective.scope).filter(|scope| **scope != Scope::All).collect();
        judged.sort();
        judged.dedup();
        for scope in std::iter::once(&Scope::All).chain(judged) {
            let Some(tally) = tallies.get(scope).filter(|tally| tally.holes > 0) else { continue };
            let part = tally.holes as f64 / (tally.holes + tally.requests) as f64;
            let place = match scope {
                Scope::All => "all requests".to_owned(),
                Scope::Endpoint(endpoint) => endpoint.clone(),
                Scope::Phase(phase) => format!("phase {phase}"),
            };
            let text = format!(
                "{} ({}) {} not whole in the recording and could not be replayed",
                counted(tally.holes, "request", "requests"),
                share(part),
                if tally.holes == 1 { "is" } else { "are" }
            );
            if part > MAX_HOLES {
                self.add(Weight::Doubt, ReasonKind::Hole, place, text, tally.holes);
            } else {
                self.notes.push(format!("{place}: {text}"));
            }
        }
    }

    fn conclude(mut self, state_was_compared: bool) -> (Judgement, Vec<Reason>, Vec<String>) {
        if !state_was_compared {
            self.notes.push("no state was compared: give --state and --baseline-state".to_owned());
        }
        self.reasons.sort_by_key(|reason| (reason.weight, order(reason.kind)));
        let judgement = match self.reasons.first().map(|reason| reason.weight) {
            None => Judgement::Pass,
            Some(Weight::Breach) => Judgement::Fail,
            Some(_) => Judgement::Inconclusive,
        };
        (judgement, self.reasons, self.notes)
    }
}

/// What a reader wants to know first: the data, then the answers, then the figures.
const fn order(kind: ReasonKind) -> u8 {
    match kind {
        ReasonKind::State => 0,
        ReasonKind::Failure => 1,
        ReasonKind::Response => 2,
        ReasonKind::Objective => 3,
        _ => 4,
    }
}

fn response_text(group: &ResponseGroup) -> String {
    let requests = counted(group.count, "request", "requests");
    let place = group.path.trim_start_matches("body:").trim_end_matches("~key");
    match group.kind {
        DifferenceKind::Status => format!("{requests} answered with another status: {}", group.path),
        DifferenceKind::Failed => format!("{requests} failed that the baseline answered: {}", group.path),
        DifferenceKind::Missing => format!("{requests} without {place} in the answer"),
        DifferenceKind::Extra => format!("{requests} with {place} new in the answer"),
        DifferenceKind::Type => format!("{requests} with another type at {place}"),
        DifferenceKind::Body => format!("{requests} with other bytes in the body"),
        _ => format!("{requests} with another value at {place}"),
    }
}

fn check_comparable(inputs: &Inputs<'_>) -> Result<(), Error> {
    let runs = [("run", inputs.run), ("baseline", inputs.baseline)];
    let snapshots = [("state", inputs.state), ("baseline state", inputs.baseline_state)];
    let of_runs = runs.iter().filter_map(|(name, run)| Some((*name, run.header().key_id.as_ref()?.to_string(), run.header().policy_digest.clone()?)));
    let of_snapshots =
        snapshots.iter().filter_map(|(name, snapshot)| snapshot.map(|snapshot| (*name, snapshot.key_id.to_string(), snapshot.policy_digest.clone())));
    let all: Vec<_> = of_runs.chain(of_snapshots).collect();
    for pair in all.windows(2) {
        let [(one, one_key, one_policy), (other, other_key, other_policy)] = pair else { continue };
        if one_key != other_key {
            return Err(Error::NotComparable { one, other, what: "keys", one_id: one_key.clone(), other_id: other_key.clone() });
        }
        if one_policy != other_policy {
            return Err(Error::NotComparable { one, other, what: "policies", one_id: one_policy.clone(), other_id: other_policy.clone() });
        }
    }
    let recordings = runs.map(|(_, run)| &run.header().recording);
    if recordings[0].digest != recordings[1].digest {
        return Err(Error::DifferentRecordings { run: recordings[0].path.clone(), baseline: recordings[1].path.clone() });
    }
    Ok(())
}

/// The share of requests that may be missing from a recording before a pass means little.
const MAX_HOLES: f64 = 0.01;

#[cfg(test)]
mod tests;
