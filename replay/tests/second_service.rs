//! A recording of one desk is played against another, which issues other numbers, passes, cookies, codes, tags, cursors, links and
//! slips. Every answer must have the recorded status: a single value that was not carried over is refused.

mod desk;

use std::collections::BTreeMap;
use std::time::Duration;

use reenact_formats::disk::run::{EndReason, RecordingRef, Run};
use reenact_formats::model::{ConnectionId, Exchange, ExchangeId, KeyId, Message, Outcome, Redaction, Reply, Timestamp, Timing};
use reenact_formats::seam::Redact;
use reenact_replay::{Control, Plan, PlanOptions, RunOptions, Targets};

use desk::{Client, Desk, Settings, visit};

/// Redacts nothing: there is nobody in these recordings.
struct Nobody;

impl Redact for Nobody {
    fn exchange(&mut self, _: &mut Exchange) {}

    fn response(&mut self, _: Option<&Message>, _: &mut Message) -> Vec<Redaction> {
        Vec::new()
    }

    fn value(&mut self, _: &str, value: &str) -> String {
        value.to_owned()
    }

    fn key_id(&self) -> KeyId {
        KeyId::from_digest([1; 8])
    }

    fn policy_digest(&self) -> String {
        "00".repeat(32)
    }
}

fn settings(seed: u64, first_member: u64, first_loan: u64) -> Settings {
    Settings { seed, first_member, first_loan, marked: true }
}

/// Some members visit a desk, one after the other, each on a connection of its own.
fn record(desk: &Desk, members: u64) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    let mut millis = 0;
    for connection in 1..=members {
        let mut index = 0;
        visit(&mut Client::connect(desk), &format!("nick{connection}"), &mut |request, response| {
            index += 1;
            millis += 4;
            let at = |millis: i64| Timestamp::from_nanos(1_700_000_000_000_000_000 + millis * 1_000_000);
            exchanges.push(Exchange {
                id: ExchangeId { connection: ConnectionId(connection), index },
                start: at(millis),
                timing: Timing { request_end: Some(at(millis)), first_byte: Some(at(millis + 2)), end: Some(at(millis + 3)) },
                request: Some(request),
                response: Some(response),
                anomalies: Default::default(),
                ..Exchange::between("192.0.2.1:1000".parse().expect("an address"), "192.0.2.2:80".parse().expect("an address"))
            });
        });
    }
    exchanges
}

fn replay(exchanges: &[Exchange], desk: &Desk, speed: f64) -> (Vec<Outcome>, EndReason) {
    let options = PlanOptions { speed, ..PlanOptions::default() };
    let plan = Plan::build(exchanges.iter().cloned().map(Ok), &options).expect("a plan");
    let root = tempfile::tempdir().expect("a folder");
    let output = root.path().join("run");
    let target = format!("http://{}", desk.address).parse().expect("a target");
    let options = RunOptions {
        plan: options,
        tags: BTreeMap::from([("team".to_owned(), "tools".to_owned())]),
        timeout: Duration::from_secs(10),
        ..RunOptions::new(RecordingRef { path: "here".into(), digest: "00".into(), expires: None }, Targets::all(target))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let summary = runtime.block_on(reenact_replay::run(plan, &options, Box::new(Nobody), &output, Control::default())).expect("a run");
    let run = Run::open(&output).expect("a run");
    assert_eq!(run.end().expect("an end").reason, summary.reason);
    let outcomes: Vec<_> = run.outcomes().map(|outcome| outcome.expect("readable")).collect();
    assert_eq!((outcomes.len() as u64, summary.outcomes), (summary.outcomes, exchanges.len() as u64));
    (outcomes, summary.reason)
}

fn refusals(outcomes: &[Outcome]) -> Vec<String> {
    let is_as_recorded = |outcome: &&Outcome| !matches!(&outcome.reply, Reply::Answered { status, .. } if Some(*status) == outcome.recorded_status);
    let text = |outcome: &Outcome| {
        let came = match &outcome.reply {
            Reply::Answered { status, .. } => status.to_string(),
            Reply::Failed(failure) => failure.word().to_owned(),
        };
        format!("{} {} {}: {came}, bound {:?}", outcome.exchange, outcome.method, outcome.endpoint, outcome.bound)
    };
    outcomes.iter().filter(is_as_recorded).map(text).collect()
}

#[test]
fn another_desk_gives_the_same_answers() {
    for members in [1, 6] {
        let exchanges = record(&Desk::open(&settings(1, 40, 6)), members);
        let other = Desk::open(&settings(2, 90_016, 20_417));
        for speed in [1.0, 20.0] {
            let (outcomes, reason) = replay(&exchanges, &other, speed);
            assert_eq!(reason, EndReason::Completed);
            let refused = refusals(&outcomes);
            if members == 1 {
                // One visit alone does not show that a loan's borrower is the member's number: the loan is refused, and what was
                // to come of it is sent as it was recorded.
                assert!(refused.iter().all(|refusal| ["/loans", "/labels"].iter().any(|path| refusal.contains(path))), "{refused:?}");
            } else {
                assert_eq!(refused, [""; 0], "{members} members at speed {speed}");
            }
        }
    }
}

#[test]
fn what_a_desk_issued_and_what_it_was_told_are_told_apart() {
    let exchanges = record(&Desk::open(&settings(1, 40, 6)), 6);
    let (outcomes, _) = replay(&exchanges, &Desk::open(&settings(3, 500, 77)), 50.0);
    let of = |method: &str, endpoint: &str| {
        outcomes.iter().filter(move |outcome| outcome.method == method && outcome.endpoint == endpoint).last().expect("one at least")
    };
    assert_eq!(of("POST", "/enrol").produced, ["body:/member/no", "body:/member/pass", "set-cookie:seat"]);
    assert_eq!(of("GET", "/labels/{}").bound, [""; 0], "the client chose the label");
    assert_eq!(
        of("GET", "/members/{}/loans").bound,
        ["POST /enrol body:/member/no -> GET /members/{}/loans target:/1", "POST /enrol body:/member/pass -> GET /members/{}/loans query:pass"]
    );
    for outcome in &outcomes {
        assert_eq!(outcome.phase, "main");
        assert_eq!(outcome.tags["team"], "tools");
        let timing = outcome.timing;
        let order = [Some(timing.due), timing.ready, timing.sendable, timing.sent, timing.first_byte, timing.done];
        assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{order:?}");
        assert!(outcome.request_bytes > 0 && outcome.response_bytes > 0);
    }
}
