use std::path::Path;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::disk::Error;
use crate::model::{
    Action, Body, BodyFraming, Completeness, ConnectionId, DropReason, ExchangeId, Failure, Head, Message, Outcome, OutcomeTiming, Part, Redaction, Reply, Side,
};

fn header() -> RunHeader {
    RunHeader {
        started: Timestamp::from_nanos(1_700_000_000_000_000_001),
        recording: RecordingRef { path: "clean".into(), digest: "00".repeat(32), expires: Some(Timestamp::from_nanos(4_000_000_000_000_000_000)) },
        targets: [("*".to_owned(), "http://127.0.0.1:8080".to_owned())].into(),
        key_id: Some(KeyId::from_digest([7; 8])),
        policy_digest: Some("ab".repeat(32)),
        seed: 3,
        speed: 2.5,
        session: "cookie:sid".into(),
        tags: [("team".to_owned(), "payments".to_owned())].into(),
        planned: 9,
        schedule: Duration::from_millis(1234),
    }
}

fn end(reason: EndReason) -> RunEnd {
    let event = |name: &str, result| TimelineEvent { name: name.into(), at: Timestamp::from_nanos(5), duration: Duration::from_nanos(6), result };
    RunEnd {
        ended: Timestamp::from_nanos(1_700_000_001_000_000_000),
        reason,
        timeline: vec![event("hook 1", EventResult::Exited(3)), event("hook 2", EventResult::Failed("ended by signal 9".into()))],
    }
}

fn outcome(index: u32, reply: Reply) -> Outcome {
    Outcome {
        exchange: ExchangeId { connection: ConnectionId(4), index },
        copy: 1,
        session: 2,
        method: "GET".into(),
        endpoint: "/things/{}".into(),
        phase: "main".into(),
        tags: header().tags,
        timing: OutcomeTiming { due: Timestamp::from_nanos(10), done: Some(Timestamp::from_nanos(40)), ..OutcomeTiming::default() },
        recorded_status: Some(200),
        request_bytes: 11,
        response_bytes: 12,
        bound: vec!["POST /things body:/id -> target:/1".into()],
        produced: vec!["body:/id".into(), "set-cookie:k".into()],
        reply,
    }
}

fn read(path: &Path) -> Vec<Outcome> {
    Run::open(path).unwrap().outcomes().map(Result::unwrap).collect()
}

#[test]
fn a_run_comes_back_as_it_was_written() {
    for reason in EndReason::ALL {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("run");
        let outcomes: Vec<_> = (1..10_000).map(|index| outcome(index, Reply::Failed(Failure::Timeout))).collect();
        let mut writer = RunWriter::create(&path, header()).unwrap();
        outcomes.iter().for_each(|outcome| writer.write(outcome).unwrap());
        writer.finish(&end(*reason)).unwrap();

        let run = Run::open(&path).unwrap();
        assert_eq!((run.header(), run.end()), (&header(), Some(&end(*reason))));
        run.verify_digests().unwrap();
        assert_eq!(read(&path), outcomes);
    }
}

#[test]
fn a_killed_run_keeps_what_was_published() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("run");
    let mut writer = RunWriter::create(&path, header()).unwrap();
    assert_eq!((Run::open(&path).unwrap().end(), read(&path)), (None, Vec::new()));
    writer.write(&outcome(1, Reply::Failed(Failure::Closed))).unwrap();
    writer.tick(Timestamp::from_nanos(40)).unwrap();
    assert_eq!(read(&path), [], "too young to be published");
    writer.tick(Timestamp::from_nanos(40).saturating_add(Duration::from_secs(10))).unwrap();
    writer.write(&outcome(2, Reply::Failed(Failure::Closed))).unwrap();
    drop(writer);
    assert_eq!(read(&path), [outcome(1, Reply::Failed(Failure::Closed))]);
}

#[test]
fn what_is_wrong_with_a_run_is_said() {
    let check = |spoil: &dyn Fn(&Path), expected: &str| {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("run");
        let mut writer = RunWriter::create(&path, header()).unwrap();
        (1..=5000).for_each(|index| writer.write(&outcome(index, Reply::Failed(Failure::Closed))).unwrap());
        writer.finish(&end(EndReason::Completed)).unwrap();
        spoil(&path);
        let first_error = || -> Result<(), Error> {
            let run = Run::open(&path)?;
            run.verify_digests()?;
            run.outcomes().try_for_each(|outcome| outcome.map(drop))
        };
        let error = first_error().expect_err(expected).to_string();
        assert!(error.contains(expected) && error.contains(&path.display().to_string()), "{error} should say {expected}");
    };
    let part = |number: usize| format!("outcomes-{number:06}.parquet");
    let remove = |name: String| move |path: &Path| std::fs::remove_file(path.join(&name)).unwrap();
    check(&remove("run.json".into()), "it has no run.json");
    check(&remove(part(1)), "outcomes-000001.parquet is missing");
    check(&remove(part(2)), "outcomes-000002.parquet is missing");
    let copy = |to: usize| move |path: &Path| assert!(std::fs::copy(path.join(part(1)), path.join(part(to))).unwrap() > 0);
    check(&copy(3), "run.json does not list it");
    check(&copy(2), "was altered");
    check(&|path| std::fs::write(path.join("run.json"), "{}").unwrap(), "is damaged");
    let newer = r#"{"format": "run", "version": "2.0", "written_by": "9.0.0"}"#;
    check(&|path| std::fs::write(path.join("run.json"), newer).unwrap(), "has run format 2.0, and this release reads 1.1");
    let root = tempfile::tempdir().unwrap();
    assert!(Run::open(&root.path().join("nowhere")).unwrap_err().to_string().contains("cannot read"));
}

fn replies() -> impl Strategy<Value = Reply> {
    let completeness = prop_oneof![
        Just(Completeness::Whole),
        any::<u64>().prop_map(Completeness::TruncatedAt),
        any::<u64>().prop_map(Completeness::Gap),
        (0..DropReason::ALL.len(), any::<bool>()).prop_map(|(reason, seen_whole)| Completeness::Dropped { reason: DropReason::ALL[reason], seen_whole }),
    ];
    let framing = prop_oneof![
        Just(BodyFraming::Empty),
        Just(BodyFraming::Length),
        Just(BodyFraming::Close),
        proptest::collection::vec(any::<u64>(), 0..4).prop_map(BodyFraming::Chunked),
    ];
    let body = (proptest::collection::vec(any::<u8>(), 0..40), any::<u64>(), completeness, framing).prop_map(|(bytes, wire_length, completeness, framing)| {
        Body { slices: if bytes.is_empty() { Vec::new() } else { vec![Bytes::from(bytes)] }, wire_length, completeness, framing }
    });
    let redaction = (0u64..9, 0u64..9, "[a-z:/]{0,8}").prop_map(|(start, length, text)| Redaction {
        side: Side::Response,
        part: Part::Body,
        span: start..start + length,
        rule: text.clone(),
        domain: text.clone(),
        action: Action::Pseudonym,
        path: text,
    });
    let trailers = proptest::option::of("([a-z]{1,4}: [a-z]{0,4}\r\n){0,2}\r\n");
    let message = (body, 100u16..600, trailers).prop_map(|(body, status, trailers)| Message {
        head: Head::response(format!("HTTP/1.1 {status} x\r\nContent-Type: text/plain\r\n\r\n").into()).unwrap(),
        body,
        trailers: trailers.map(|raw| Head::trailers(raw.into()).unwrap()),
    });
    prop_oneof![
        (0..Failure::ALL.len()).prop_map(|failure| Reply::Failed(Failure::ALL[failure])),
        (100u16..600, proptest::option::of(message), proptest::collection::vec(redaction, 0..3)).prop_map(|(status, response, redactions)| Reply::Answered {
            status,
            response,
            redactions
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_outcome_round_trips(replies in proptest::collection::vec(replies(), 0..6), times in any::<[Option<i64>; 5]>(), due in any::<i64>(), recorded in any::<Option<u16>>()) {
        let [ready, sendable, sent, first_byte, done] = times.map(|time| time.map(Timestamp::from_nanos));
        let timing = OutcomeTiming { due: Timestamp::from_nanos(due), ready, sendable, sent, first_byte, done };
        let outcomes: Vec<_> = (0..).zip(replies).map(|(index, reply)| Outcome { timing, recorded_status: recorded, ..outcome(index, reply) }).collect();
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("run");
        let mut writer = RunWriter::create(&path, header()).unwrap();
        outcomes.iter().for_each(|outcome| writer.write(outcome).unwrap());
        writer.finish(&end(EndReason::Stopped)).unwrap();
        prop_assert_eq!(read(&path), outcomes);
    }
}

#[test]
fn the_page_on_formats_names_every_column_and_field_of_a_run() {
    use arrow_schema::DataType;
    let page = include_str!("../../../../docs/formats.md");
    let section = page.split("\n## ").find(|section| section.starts_with("A run")).expect("a section on runs");
    for field in columns::schema().fields() {
        let kind = match field.data_type() {
            DataType::Timestamp(..) => "timestamp(µs)",
            DataType::Int64 => "int64",
            DataType::UInt64 => "uint64",
            DataType::UInt32 => "uint32",
            DataType::UInt16 => "uint16",
            DataType::Utf8 => "string",
            DataType::Binary => "binary",
            DataType::Map(..) => "map<string, string>",
            DataType::List(item) => match item.data_type() {
                DataType::Utf8 => "list<string>",
                DataType::UInt64 => "list<uint64>",
                DataType::Struct(_) => "list<struct>",
                other => panic!("{other} has no name on the page"),
            },
            other => panic!("{other} has no name on the page"),
        };
        let nullable = if field.is_nullable() { "?" } else { "" };
        let plain = if columns::PLAIN.contains(&field.name().as_str()) { "plain" } else { "kept" };
        let row = format!("| `{}` | {kind}{nullable} | {plain} |", field.name());
        assert!(section.contains(&row), "no row {row}");
    }
    let root = tempfile::tempdir().unwrap();
    RunWriter::create(&root.path().join("run"), header()).unwrap().finish(&end(EndReason::Completed)).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(root.path().join("run/run.json")).unwrap()).unwrap();
    for key in json.as_object().unwrap().keys().chain(json["end"].as_object().unwrap().keys()) {
        assert!(section.contains(&format!("`{key}`")), "{key}");
    }
}

#[test]
fn a_run_expires_with_its_recording() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("run");
    let past = Timestamp::from_nanos(1_500_000_000_000_000_000);
    let mut header = header();
    header.recording.expires = Some(past);
    RunWriter::create(&path, header).unwrap().finish(&end(EndReason::Completed)).unwrap();
    assert!(matches!(Run::open(&path), Err(Error::Expired { expired, .. }) if expired == past));
}
