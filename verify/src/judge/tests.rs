use reenact_formats::disk::verdict::{ColumnCount, EntityComparison, RowDifferenceKind};

use super::*;
use crate::test_data::outcome;

fn judged(outcomes: Vec<Outcome>) -> Judged {
    let facts = RunFacts { complete: true, duration_ms: duration(&outcomes), ..RunFacts::default() };
    Judged { facts, events: Vec::new(), outcomes }
}

fn many(count: u32, body: &str) -> Vec<Outcome> {
    (1..=count).map(|index| outcome(&format!("1.{index}"), 200, body)).collect()
}

fn verdict(run: Judged, baseline: Judged, state: Option<State>, objectives: &str) -> Verdict {
    let objectives = if objectives.is_empty() { Objectives::default() } else { Objectives::parse("slo.yaml", objectives).unwrap() };
    judge(run, baseline, state, None::<std::iter::Empty<_>>, &objectives).unwrap()
}

fn shown(verdict: &Verdict) -> Vec<String> {
    verdict.reasons.iter().map(|reason| format!("{} {} {}: {}", reason.weight, reason.kind, reason.place, reason.text)).collect()
}

#[test]
fn equal_runs_pass() {
    let verdict = verdict(judged(many(100, "{}")), judged(many(100, "{}")), Some(State::default()), "version: 1\nslo: [{sli: success, objective: 100%}]");
    assert_eq!((verdict.judgement, shown(&verdict), verdict.notes), (Judgement::Pass, vec![], vec![]));
    assert_eq!((verdict.responses.pairs, verdict.responses.equal, verdict.slis[0].run.requests), (100, 100, 100));
}

#[test]
fn each_breach_fails_and_says_why() {
    let failed = || vec![Outcome { reply: Reply::Failed(Failure::Timeout), ..outcome("1.1", 200, "") }];
    let lost = State {
        entities: vec![EntityComparison {
            name: "address".into(),
            baseline_rows: 1200,
            missing: 2,
            changed: 1,
            changed_columns: vec![ColumnCount { column: "street".into(), count: 1 }],
            rows: vec![RowDifference { kind: RowDifferenceKind::Missing, key: vec![Some("ann".into()), None], columns: vec![], exchanges: vec![] }],
            ..EntityComparison::default()
        }],
        ..State::default()
    };
    let apart = State {
        entities: vec![EntityComparison { name: "e".into(), columns_apart: vec!["x (run only)".into()], ..EntityComparison::default() }],
        ..State::default()
    };
    for (run, state, objectives, expected) in [
        (many(1, r#"{"a":"x"}"#), None, "", "breach response GET /things/{}: 1 request with another value at /a"),
        (failed(), None, "", "breach failure GET /things/{}: 1 request failed that the baseline answered: 200 → timeout"),
        (many(1, r#"{"a":"y"}"#), Some(lost), "", "breach state address: of 1,200 rows 2 missing, 1 changed in street: ann / null"),
        (many(1, r#"{"a":"y"}"#), Some(apart), "", "breach state e: its columns differ, so that its rows cannot be compared: x (run only)"),
        (
            many(1, r#"{"a":"y"}"#),
            None,
            "version: 1\nslo: [{sli: throughput, at_least: 1000/s}]",
            "breach objective all requests: throughput at least 1000/s: 100/s",
        ),
    ] {
        let verdict = verdict(judged(run), judged(many(1, r#"{"a":"y"}"#)), state, objectives);
        assert_eq!((verdict.judgement, shown(&verdict)), (Judgement::Fail, vec![expected.to_owned()]));
    }
}

#[test]
fn doubts_make_inconclusive_unless_something_was_breached() {
    let stopped = |outcomes: Vec<Outcome>| {
        let mut side = judged(outcomes);
        side.facts.complete = false;
        side
    };
    let holed = || many(9, "{}").into_iter().chain([Outcome { reply: Reply::Failed(Failure::NotReplayable), ..outcome("2.1", 200, "") }]).collect::<Vec<_>>();
    let mut hooked = judged(many(9, "{}"));
    hooked.events.push((Timestamp::default(), Duration::ZERO, "hook 1: exit code 7".into(), false));
    for (run, baseline, objectives, expected) in [
        (stopped(many(9, "{}")), judged(many(9, "{}")), "", "doubt stopped run: the run did not reach its end"),
        (judged(many(8, "{}")), judged(many(9, "{}")), "", "doubt missing run: 1 request of the baseline has no counterpart in the run"),
        (judged(holed()), judged(holed()), "", "doubt hole all requests: 1 request (10 %) is not whole in the recording and could not be replayed"),
        (hooked, judged(many(9, "{}")), "", "doubt event run: in the run something that was to happen went wrong: hook 1: exit code 7"),
        (judged(vec![]), judged(vec![]), "", "doubt samples all requests: nothing was replayed"),
        (
            judged(many(9, "{}")),
            judged(many(9, "{}")),
            "version: 1\nslo: [{sli: latency, percentile: 99, at_most: 1s}]",
            "doubt samples all requests: p99 response time at most 1 s: 9 samples, and p99 needs 299",
        ),
    ] {
        let verdict = verdict(run, baseline, None, objectives);
        assert_eq!((verdict.judgement, shown(&verdict)), (Judgement::Inconclusive, vec![expected.to_owned()]));
    }
    let both = verdict(stopped(many(9, r#"{"a":1}"#)), judged(many(9, "{}")), None, "");
    assert_eq!((both.judgement, both.reasons.len()), (Judgement::Fail, 2));
}

#[test]
fn a_few_holes_are_a_note() {
    let side = || judged(many(300, "{}").into_iter().chain([Outcome { reply: Reply::Failed(Failure::NotReplayable), ..outcome("2.1", 200, "") }]).collect());
    let verdict = verdict(side(), side(), Some(State::default()), "");
    assert_eq!((verdict.judgement, verdict.notes.len()), (Judgement::Pass, 1));
}

#[test]
fn the_document_round_trips() {
    let verdict = verdict(judged(many(3, r#"{"a":1}"#)), judged(many(3, r#"{"a":2}"#)), None, "");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("verdict.json");
    std::fs::write(&path, verdict.to_document()).unwrap();
    assert_eq!(Verdict::open(&path).unwrap(), verdict);
}

#[test]
fn the_page_names_every_field_and_every_reason() {
    let page = include_str!("../../../docs/formats.md");
    let verdict = verdict(judged(many(1, "{}")), judged(many(1, "{}")), None, "");
    let document: serde_json::Value = serde_json::from_slice(&verdict.to_document()).unwrap();
    for key in document.as_object().unwrap().keys() {
        assert!(page.contains(&format!("`{key}`")), "{key}");
    }
    for kind in ReasonKind::ALL {
        assert!(page.contains(&format!("`{kind}`")), "{kind}");
    }
}
