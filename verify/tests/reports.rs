//! From runs and snapshots on disk to a verdict and its reports, through the public interface alone.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use reenact_formats::disk::run::{EndReason, EventResult, RecordingRef, Run, RunEnd, RunHeader, RunWriter, TimelineEvent};
use reenact_formats::disk::snapshot::{Entity, Row, StateSnapshot};
use reenact_formats::disk::verdict::{Judgement, Verdict};
use reenact_formats::model::{
    Body, BodyFraming, Completeness, ConnectionId, ExchangeId, Failure, Head, KeyId, Message, Outcome, OutcomeTiming, Reply, Timestamp,
};
use reenact_formats::seam::Explain;
use reenact_verify::report::{self, Named};
use reenact_verify::{Inputs, Objectives, verify};

/// What goes wrong in a run.
#[derive(Clone, Copy, PartialEq)]
enum Defect {
    None,
    /// Amounts lose their cents, second addresses are lost, some requests fail.
    Migration,
    /// It is stopped before its end.
    Stopped,
}

const ENDPOINTS: [(&str, &str, u64); 6] = [
    ("POST", "/customers", 9),
    ("POST", "/login", 14),
    ("GET", "/customers/{}/orders", 6),
    ("POST", "/orders", 18),
    ("GET", "/orders/{}", 4),
    ("PUT", "/customers/{}/addresses/{}", 11),
];
const START: i64 = 1_790_000_000_000_000_000;

/// The same numbers every time, spread like latencies: most small, a few large.
fn spread(seed: u64) -> f64 {
    let mixed = (seed.wrapping_add(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let unit = ((mixed ^ (mixed >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 11) as f64 / (1_u64 << 53) as f64;
    0.5 - (1.0 - unit).ln()
}

fn answer(status: u16, body: &str) -> Message {
    let head = format!("HTTP/1.1 {status} Words\r\nContent-Type: application/json\r\n\r\n");
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    let body = Body { wire_length: bytes.len() as u64, slices: vec![bytes], completeness: Completeness::Whole, framing: BodyFraming::Length };
    Message { head: Head::response(Bytes::from(head)).unwrap(), body, trailers: None }
}

fn outcome(index: u64, run: u64, defect: Defect) -> Outcome {
    let (method, endpoint, base) = ENDPOINTS[(index % 6) as usize];
    let due_ms = index as f64 * 6.0;
    let slow = if defect == Defect::Migration && (8_800.0..9_600.0).contains(&due_ms) { 45.0 } else { 0.0 };
    let took = base as f64 * 0.4 * spread(index * 31 + run * 7919) + slow + 0.6;
    let at = |ms: f64| Timestamp::from_nanos(START + (run as i64) * 60_000_000_000 + (ms * 1e6) as i64);
    let timing = OutcomeTiming {
        due: at(due_ms),
        ready: Some(at(due_ms)),
        sendable: Some(at(due_ms)),
        sent: Some(at(due_ms + 0.05)),
        first_byte: Some(at(due_ms + took * 0.9)),
        done: Some(at(due_ms + took)),
    };
    let late = due_ms > 9_000.0 && defect == Defect::Migration;
    let amount = if late && index % 6 == 4 { "19" } else { "19.95" };
    let body = format!("{{\"id\":{},\"amount\":{amount},\"note\":\"<script>alert(1)</script> & more\"}}", index + run * 3);
    let reply = match (defect, index) {
        (Defect::Migration, 1505 | 1511 | 1517) => Reply::Failed(Failure::Timeout),
        (Defect::Migration, 1523 | 1529) => Reply::Answered { status: 500, response: Some(answer(500, "{\"error\":\"no such column\"}")), redactions: vec![] },
        (Defect::Stopped, 2400..) => Reply::Failed(Failure::Stopped),
        _ => Reply::Answered { status: 200, response: Some(answer(200, &body)), redactions: vec![] },
    };
    Outcome {
        exchange: ExchangeId { connection: ConnectionId(1 + index / 12), index: (index % 12) as u32 + 1 },
        copy: 0,
        session: index / 12,
        method: method.into(),
        endpoint: endpoint.into(),
        phase: if due_ms < 8_800.0 {
            "before".into()
        } else if due_ms < 9_200.0 {
            "migrate".into()
        } else {
            "after".into()
        },
        tags: BTreeMap::new(),
        timing,
        recorded_status: Some(200),
        request_bytes: 200,
        response_bytes: 100,
        bound: vec![],
        produced: vec!["body:/id".into()],
        reply,
    }
}

fn run(folder: &Path, name: &str, number: u64, defect: Defect, key: u8) -> Run {
    let header = RunHeader {
        started: Timestamp::from_nanos(START + (number as i64) * 60_000_000_000),
        recording: RecordingRef {
            path: "recordings/checkout".into(),
            digest: "8c7dd922ad47494fc02c388e12c00eac278d3f0f9f0b9c5a53e3c3d3a5ae5a55".into(),
            expires: None,
        },
        targets: BTreeMap::from([("*".to_owned(), "http://127.0.0.1:8080".to_owned())]),
        key_id: Some(KeyId::from_digest([key; 8])),
        policy_digest: Some("5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9".into()),
        seed: 1,
        speed: 1.0,
        session: "connection".into(),
        tags: BTreeMap::from([("change".to_owned(), "MIG-1".to_owned())]),
        planned: 3000,
        schedule: Duration::from_secs(18),
    };
    let path = folder.join(name);
    let mut writer = RunWriter::create(&path, header.clone()).unwrap();
    (0..3000).for_each(|index| writer.write(&outcome(index, number, defect)).unwrap());
    let hook = TimelineEvent {
        name: "migrate".into(),
        at: header.started.saturating_add(Duration::from_millis(8_800)),
        duration: Duration::from_millis(412),
        result: EventResult::Exited(0),
    };
    let reason = if defect == Defect::Stopped { EndReason::Stopped } else { EndReason::Completed };
    writer
        .finish(&RunEnd { ended: header.started.saturating_add(Duration::from_secs(19)), reason, timeline: if number == 0 { vec![] } else { vec![hook] } })
        .unwrap();
    Run::open(&path).unwrap()
}

fn state(defect: Defect) -> StateSnapshot {
    let cell = |text: String| Some(text.into_boxed_str());
    let address = |index: u32, label: &str| {
        Row::new(vec![cell(format!("user{index}@example.org")), cell(label.to_owned()), cell(format!("{index} Mill Lane")), cell("Springfield".into())])
    };
    let mut addresses: Vec<_> = (0..500).map(|index| address(index, "home")).collect();
    addresses.extend((0..500).filter(|index| index % 5 == 0 && defect != Defect::Migration).map(|index| address(index, "work")));
    let orders = (0..800).map(|index| {
        let amount = if defect == Defect::Migration && index % 90 == 0 { "19" } else { "19.95" };
        Row::new(vec![cell(format!("R-{index:05}")), cell(amount.to_owned()), cell("paid".into())])
    });
    let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    StateSnapshot {
        key_id: KeyId::from_digest([7; 8]),
        policy_digest: "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9".into(),
        database: "sqlite".into(),
        schema: if defect == Defect::None { "v1".into() } else { "v2".into() },
        expires: None,
        entities: vec![
            Entity::new("address", columns(&["email", "label", "street", "city"]), 2, addresses).unwrap(),
            Entity::new("order", columns(&["reference", "amount", "status"]), 1, orders.collect()).unwrap(),
        ],
    }
}

const SLO: &str = "version: 1\nslo:\n  - { sli: success, objective: 99.95% }\n  - { sli: latency, percentile: 95, at_most: 200ms, endpoint: POST /orders }\n  - { sli: latency, percentile: 99, compared_to: baseline, at_most: +10% }\n";

fn verdicts(folder: &Path) -> Vec<(&'static str, Verdict)> {
    let baseline = run(folder, "baseline", 0, Defect::None, 7);
    let judged = |name: &'static str, number, defect, slo: &str| {
        let run = run(folder, &format!("run{number}"), number, defect, 7);
        let (state, baseline_state) = (state(defect), state(Defect::None));
        let objectives = Objectives::parse("slo.yaml", slo).unwrap();
        let inputs = Inputs { run: &run, baseline: &baseline, state: Some(&state), baseline_state: Some(&baseline_state), recording: None };
        (name, verify(inputs, &objectives).unwrap())
    };
    vec![
        judged("v1 against v1", 1, Defect::None, "version: 1"),
        judged("v1 → v2, second addresses lost", 2, Defect::Migration, SLO),
        judged("v1 → v2, stopped", 3, Defect::Stopped, "version: 1"),
    ]
}

#[test]
fn three_runs_three_verdicts_and_every_report() {
    let folder = tempfile::tempdir().unwrap();
    let verdicts = verdicts(folder.path());
    let judgements: Vec<_> = verdicts.iter().map(|(_, verdict)| verdict.judgement).collect();
    assert_eq!(
        judgements,
        [Judgement::Pass, Judgement::Fail, Judgement::Inconclusive],
        "{:#?}",
        verdicts.iter().map(|(_, verdict)| &verdict.reasons).collect::<Vec<_>>()
    );

    let failed = &verdicts[1].1;
    let text = report::text(failed);
    for part in [
        "FAIL: ",
        "[breach] address: of 600 rows 100 missing",
        "[breach] order: of 800 rows 9 changed in amount",
        "failed that the baseline answered: 200 → timeout",
        "missing email=user0@example.org, label=work",
        "amount: 19.95 → 19",
        "success at least 99.95 %",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colour");

    let named: Vec<_> = verdicts.iter().map(|(name, verdict)| Named { name, verdict }).collect();
    let junit = report::junit(&named).unwrap();
    assert!(junit.contains(r#"<testsuite name="v1 against v1" tests="4" skipped="0" errors="0" failures="0">"#), "{junit}");
    assert!(junit.contains("state: address") && junit.contains("<failure") && junit.contains("<error"));

    let html = report::html(&named);
    // Where a reader of the test's output can look at it.
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(kept).unwrap();
    std::fs::write(kept.join("report.html"), &html).unwrap();
    check_html(&html);

    // A report can be drawn again from the document alone.
    let path = folder.path().join("verdict.json");
    std::fs::write(&path, report::json(failed)).unwrap();
    let read = Verdict::open(&path).unwrap();
    assert_eq!(report::text(&read), text);
}

/// It needs nothing from outside, runs nothing, and its tags are balanced.
fn check_html(html: &str) {
    for forbidden in ["<script", "http://", "https://", " src=", "@import", "url(", "NaN", "inf"] {
        let allowed = html.matches(forbidden).all(|_| forbidden == "http://" || forbidden == "inf");
        assert!(allowed, "{forbidden} in the report");
    }
    assert!(html.matches("href=").count() == html.matches("href=\"#").count(), "links stay inside");
    assert!(!html.contains("alert(1)<"), "what stands in an answer is escaped");
    let (mut open, mut rest) = (Vec::new(), html);
    while let Some(at) = rest.find('<') {
        let end = at + rest[at..].find('>').unwrap();
        let tag = &rest[at + 1..end];
        let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap();
        rest = &rest[end + 1..];
        match tag {
            tag if tag.starts_with('!') || tag.ends_with('/') || ["meta", "br"].contains(&name) => {}
            tag if tag.starts_with('/') => assert_eq!(open.pop(), Some(name), "near {}", &rest[..rest.len().min(80)]),
            _ => open.push(name),
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (run(folder.path(), "one", 0, Defect::None, 7), run(folder.path(), "other", 1, Defect::None, 8));
    let state = state(Defect::None);
    let inputs = |run, baseline| Inputs { run, baseline, state: None, baseline_state: None, recording: None };
    for (inputs, expected) in [
        (inputs(&one, &other), "the run and the baseline were redacted under different keys: 0707070707070707 and 0808080808080808"),
        (Inputs { state: Some(&state), ..inputs(&one, &one) }, "a state snapshot was given for the run only"),
        (
            Inputs { state: Some(&state), baseline_state: Some(&state), ..inputs(&other, &other) },
            "the baseline and the state were redacted under different keys",
        ),
    ] {
        let error = verify(inputs, &Objectives::default()).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
        assert!(error.hint().is_some());
    }
}
