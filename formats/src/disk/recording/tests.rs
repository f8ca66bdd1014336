//! Recordings on a real file system.

mod full_disk;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::disk::publish::{Publish, Published, Unpublished};
use crate::disk::table::{self, Footer, Table, TableWriter};
use crate::model::{
    Action, Body, BodyFraming, Completeness, ConnectionId, Exchange, ExchangeId, Head, KeyId, LossCause, LossLedger, Message, Part as MessagePart, Redaction,
    Side, Timing, arbitrary,
};
use crate::seam::{Blame, Explain};

pub(super) fn sanitized() -> Option<Sanitized> {
    Some(Sanitized {
        key_id: KeyId::from_digest([7; 8]),
        key_scope: KeyScope::Shared,
        policy_digest: "ab".repeat(32),
        severities: [("email".to_owned(), "high".to_owned())].into(),
    })
}

/// An exchange that starts `start` nanoseconds after a fixed time, with a body of `size` bytes.
pub(super) fn exchange(connection: u64, start: i64, size: usize) -> Exchange {
    let start = Timestamp::from_nanos(1_700_000_000_000_000_000 + start);
    // Bytes that do not compress, the same on every run.
    let mut state = connection.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let noise = (0..size).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    });
    let body = |bytes: Bytes| Body {
        wire_length: bytes.len() as u64,
        slices: if bytes.is_empty() { Vec::new() } else { vec![bytes] },
        completeness: Completeness::Whole,
        framing: BodyFraming::Length,
    };
    Exchange {
        id: ExchangeId { connection: ConnectionId(connection), index: 1 },
        start,
        timing: Timing { request_end: Some(start), first_byte: Some(start), end: Some(start.saturating_add(Duration::from_micros(5))) },
        request: Some(Message {
            head: Head::request("POST /orders/17?x=1 HTTP/1.1\r\nHost: shop\r\n\r\n".into()).unwrap(),
            body: body(noise.collect::<Vec<_>>().into()),
            trailers: None,
        }),
        response: Some(Message { head: Head::response("HTTP/1.1 201 Created\r\n\r\n".into()).unwrap(), body: body(Bytes::new()), trailers: None }),
        anomalies: [].into(),
        redactions: vec![Redaction {
            side: Side::Request,
            part: MessagePart::Body,
            span: 0..1,
            rule: "email".to_owned(),
            domain: "email".to_owned(),
            action: Action::Pseudonym,
            path: "body:/email".to_owned(),
        }],
        ..Exchange::between("10.0.0.1:40000".parse().unwrap(), "10.0.0.2:80".parse().unwrap())
    }
}

fn write(dir: &Path, options: WriterOptions, exchanges: &[Exchange]) -> Manifest {
    let mut writer = RecordingWriter::create(dir, options).unwrap();
    exchanges.iter().for_each(|exchange| writer.write(exchange).unwrap());
    writer.finish(&LossLedger::default()).unwrap()
}

fn read(dir: &Path, window: &Window) -> Vec<Exchange> {
    Recording::open(dir).unwrap().exchanges(window).unwrap().collect::<Result<_, _>>().unwrap()
}

fn expected_of(exchanges: &[Exchange], window: &Window) -> Vec<Exchange> {
    in_order(exchanges).into_iter().filter(|exchange| window.contains(exchange.start)).collect()
}

fn in_order(exchanges: &[Exchange]) -> Vec<Exchange> {
    let mut sorted = exchanges.to_vec();
    sorted.sort_by_key(|exchange| (exchange.start, exchange.id, exchange.stream));
    sorted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_exchange_comes_back_as_it_was(exchanges in vec(arbitrary::exchange(), 0..12), part_bytes in 1..8000_u64) {
        let dir = tempfile::tempdir().unwrap();
        let manifest = write(dir.path(), WriterOptions { part_bytes, ..WriterOptions::default() }, &exchanges);
        prop_assert_eq!(manifest.exchanges, exchanges.len() as u64);
        let (read, expected) = (read(dir.path(), &Window::ALL), in_order(&exchanges));
        prop_assert_eq!(read.len(), expected.len());
        // Parts that hold equal keys are merged in the order of parts.
        for pair in read.windows(2) {
            prop_assert!((pair[0].start, pair[0].id) <= (pair[1].start, pair[1].id));
        }
        for exchange in &expected {
            prop_assert!(read.contains(exchange));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_window_is_what_a_plain_filter_of_all_would_be(
        starts in vec(0..100_i64, 0..60),
        part_bytes in 700..20_000_u64,
        from in proptest::option::of(0..100_i64),
        to in proptest::option::of(0..100_i64),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let exchanges: Vec<_> = starts.iter().enumerate().map(|(n, start)| exchange(n as u64 + 1, *start, 30)).collect();
        write(dir.path(), WriterOptions { part_bytes, ..WriterOptions::default() }, &exchanges);
        let moment = |nanos: i64| Timestamp::from_nanos(1_700_000_000_000_000_000 + nanos);
        let window = Window { from: from.map(moment), to: to.map(moment) };
        let expected = expected_of(&exchanges, &window);
        prop_assert_eq!(read(dir.path(), &window), expected);

        // Whatever lies between the rows that are wanted, those that are read are these.
        let chosen: Vec<u64> = (1..=60).filter(|number| number % 7 < 3).collect();
        let list = chosen.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let selection = Selection { window, condition: Some(format!("connection in ({list}) and status = 201").parse().unwrap()) };
        let expected: Vec<_> = expected_of(&exchanges, &window).into_iter().filter(|exchange| chosen.contains(&exchange.id.connection.0)).collect();
        let selected: Vec<_> = Recording::open(dir.path()).unwrap().select(&selection, Digests::Skip).unwrap().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(selected, expected);
    }
}

/// A recording of `count` exchanges, a second apart, in parts of `in_part`.
pub(super) fn seconds(dir: &Path, count: i64, in_part: usize) -> Vec<Exchange> {
    let exchanges: Vec<_> = (0..count).map(|second| exchange(second.unsigned_abs() + 1, second * 1_000_000_000, 2000)).collect();
    let part_bytes = exchanges.iter().take(in_part).map(columns::size).sum();
    let options = WriterOptions { part_bytes, sanitized: sanitized(), source: "file some.pcap".to_owned(), ..WriterOptions::default() };
    write(dir, options, &exchanges);
    exchanges
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_nanos(1_700_000_000_000_000_000 + second * 1_000_000_000)
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn open_error(dir: &Path) -> Error {
    let opened = Recording::open(dir).and_then(|recording| recording.exchanges(&Window::ALL)).and_then(|mut all| all.try_for_each(|row| row.map(drop)));
    opened.expect_err("it is not whole")
}

#[test]
fn parts_are_published_by_size_and_the_last_one_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    seconds(dir.path(), 10, 3);
    assert_eq!(files(dir.path()), ["manifest.json", "part-000001.parquet", "part-000002.parquet", "part-000003.parquet", "part-000004.parquet"]);
    let manifest = Recording::open(dir.path()).unwrap().into_manifest();
    assert_eq!(manifest.parts.iter().map(|part| part.counts.exchanges).collect::<Vec<_>>(), [3, 3, 3, 1]);
    assert_eq!((manifest.from, manifest.to), (Some(second(0)), Some(second(9))));
    assert_eq!((manifest.exchanges, manifest.requests, manifest.responses, manifest.complete), (10, 10, 10, 10));
    assert_eq!(manifest.redactions, BTreeMap::from([("email".to_owned(), 10)]));
    assert_eq!((manifest.state, manifest.source.as_str(), manifest.finished), (State::Redacted, "file some.pcap", true));
}

#[test]
fn an_empty_recording_is_one_part_without_rows() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = write(dir.path(), WriterOptions::default(), &[]);
    assert_eq!((manifest.parts.len(), manifest.exchanges, manifest.from), (1, 0, None));
    assert_eq!(read(dir.path(), &Window::ALL), []);
}

#[test]
fn a_window_leaves_other_parts_and_row_groups_unread() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = RecordingWriter::create(dir.path(), WriterOptions { part_bytes: 30 << 20, ..WriterOptions::default() }).unwrap();
    // 100 MiB in parts of 30 MiB, in row groups of 8 MiB.
    for tick in 0..100 {
        writer.write(&exchange(tick + 1, tick.cast_signed() * 1_000_000_000, 1 << 20)).unwrap();
    }
    let manifest = writer.finish(&LossLedger::default()).unwrap();
    assert_eq!(manifest.parts.len(), 4);

    let recording = Recording::open(dir.path()).unwrap();
    let account = |from: Option<i64>, to: Option<i64>| {
        let mut exchanges = recording.exchanges(&Window { from: from.map(second), to: to.map(second) }).unwrap();
        let seen: Vec<_> = exchanges.by_ref().map(|exchange| exchange.unwrap().start).collect();
        assert_eq!(seen, (from.unwrap_or(0)..to.unwrap_or(100)).map(second).collect::<Vec<_>>());
        exchanges.account()
    };
    let all = account(None, None);
    assert_eq!((all.parts, all.parts_skipped, all.row_groups_skipped), (4, 0, 0));
    assert!(all.row_groups >= 13, "{all:?}");
    let one = account(Some(40), Some(41));
    let ReadAccount { row_groups_skipped, bytes, .. } = one;
    assert_eq!(one, ReadAccount { parts: 1, parts_skipped: 3, row_groups: 1, row_groups_skipped, exchanges: 1, bytes });
    assert!(row_groups_skipped >= 3 && bytes > 30 << 20, "all of the part is digested: {one:?}");
    assert_eq!(account(Some(100), None), ReadAccount { parts_skipped: 4, ..ReadAccount::default() });
    assert_eq!(account(Some(29), Some(33)).parts, 2);

    // Without a look at digests, only the pages that hold something wanted are read: the one body, and no other of its row group.
    let condition = Some("connection = 41 and path like '/orders/%'".parse().unwrap());
    for selection in [Selection::from(Window { from: Some(second(40)), to: Some(second(41)) }), Selection { condition, window: Window::ALL }] {
        let mut exchanges = recording.select(&selection, Digests::Skip).unwrap();
        assert_eq!(exchanges.by_ref().map(|exchange| exchange.unwrap().id.connection.0).collect::<Vec<_>>(), [41]);
        let ReadAccount { bytes, .. } = exchanges.account();
        assert!(((1 << 20)..(1 << 20) + 300_000).contains(&bytes), "{bytes}");
    }
}

#[test]
fn parts_that_overlap_are_merged() {
    let dir = tempfile::tempdir().unwrap();
    // Long exchanges complete late: each part holds one that began long before.
    let order = [5, 6, 7, 0, 9, 1, 12, 11, 2, 20, 15, 3];
    let exchanges: Vec<_> = order.iter().enumerate().map(|(n, start)| exchange(n as u64 + 1, start * 1_000_000_000, 100)).collect();
    let part_bytes = exchanges.iter().take(3).map(columns::size).sum();
    write(dir.path(), WriterOptions { part_bytes, ..WriterOptions::default() }, &exchanges);
    assert_eq!(files(dir.path()).len(), 6);
    assert_eq!(read(dir.path(), &Window::ALL), in_order(&exchanges));
    let window = Window { from: Some(second(1)), to: Some(second(12)) };
    let expected: Vec<_> = in_order(&exchanges).into_iter().filter(|exchange| window.contains(exchange.start)).collect();
    assert_eq!(read(dir.path(), &window), expected);
}

#[test]
fn only_parts_of_the_present_moment_are_open() {
    let dir = tempfile::tempdir().unwrap();
    seconds(dir.path(), 20, 2);
    let mut exchanges = Recording::open(dir.path()).unwrap().exchanges(&Window::ALL).unwrap();
    for handed_out in 1..=20_u64 {
        exchanges.next().unwrap().unwrap();
        assert!(exchanges.account().parts <= handed_out.div_ceil(2) + 1, "{:?}", exchanges.account());
    }
    assert!(exchanges.next().is_none());
}

#[test]
fn a_larger_exchange_than_a_part_is_a_part_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let exchanges = [exchange(1, 0, 10), exchange(2, 1, 9 << 20), exchange(3, 2, 10)];
    write(dir.path(), WriterOptions { part_bytes: 1 << 20, ..WriterOptions::default() }, &exchanges);
    assert_eq!(read(dir.path(), &Window::ALL), exchanges);
}

#[test]
fn an_exchange_is_found_by_its_id() {
    let dir = tempfile::tempdir().unwrap();
    let exchanges = seconds(dir.path(), 10, 3);
    let recording = Recording::open(dir.path()).unwrap();
    for exchange in &exchanges {
        assert_eq!(recording.exchange(exchange.id).unwrap().as_ref(), Some(exchange));
    }
    assert_eq!(recording.exchange(ExchangeId { connection: ConnectionId(3), index: 2 }).unwrap(), None);
}

#[test]
fn figures_are_told_by_footers_alone() {
    let dir = tempfile::tempdir().unwrap();
    let exchanges: Vec<_> = (0..20).map(|number| exchange(number + 1, number.cast_signed() * 1_000_000_000, 200_000)).collect();
    write(dir.path(), WriterOptions { part_bytes: 1 << 20, ..WriterOptions::default() }, &exchanges);
    let recording = Recording::open(dir.path()).unwrap();
    let (figures, bytes) = recording.figures(60).unwrap();
    let stored: u64 = recording.manifest().parts.iter().map(|part| part.bytes).sum();
    assert!(recording.manifest().parts.len() == 4 && stored > 4_000_000 && bytes < 200_000, "{bytes} of {stored}");
    let rate = figures.rate.unwrap();
    assert_eq!((figures.connections, figures.statuses[&201], figures.last), (20, 20, exchanges[19].timing.end));
    assert_eq!((rate.counts.iter().sum::<u64>(), rate.counts.iter().filter(|count| **count > 0).count()), (20, 20));

    // A part whose footer says nothing of them is read, and held against its digest.
    let path = dir.path().join("part-000002.parquet");
    let mut altered = fs::read(&path).unwrap();
    altered[1000] ^= 1;
    fs::write(&path, altered).unwrap();
    assert!(recording.figures(60).is_ok(), "no row is read");
    assert!(recording.exchanges(&Window::ALL).unwrap().any(|exchange| matches!(exchange, Err(Error::Altered { .. }))));
}

#[test]
fn a_part_is_published_when_it_has_waited_long_enough() {
    let dir = tempfile::tempdir().unwrap();
    let options = WriterOptions { part_age: Some(Duration::from_secs(30)), ..WriterOptions::default() };
    let mut writer = RecordingWriter::create(dir.path(), options).unwrap();
    let parts = |writer: &RecordingWriter| writer.manifest().parts.len();
    writer.tick(second(0), &LossLedger::default()).unwrap();
    writer.tick(second(40), &LossLedger::default()).unwrap();
    assert_eq!(parts(&writer), 0, "there was nothing to publish");
    // A long exchange began before; what counts is when it was taken in.
    writer.write(&exchange(1, 0, 10)).unwrap();
    for (tick, expected) in [(41, 0), (69, 0), (70, 1), (200, 1)] {
        writer.tick(second(tick), &LossLedger::default()).unwrap();
        assert_eq!(parts(&writer), expected, "at {tick}");
    }
}

#[test]
fn the_shares_of_the_account_add_up_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = RecordingWriter::create(dir.path(), WriterOptions { part_bytes: 1, ..WriterOptions::default() }).unwrap();
    let mut ledger = LossLedger::default();
    for tick in 0..5 {
        ledger.connections += 1;
        ledger.packets.seen += 10;
        ledger.lose(LossCause::Gap, 7);
        *ledger.packets.other.entry("udp".to_owned()).or_default() += 1;
        writer.tick(second(tick), &ledger).unwrap();
        writer.write(&exchange(tick.unsigned_abs(), tick, 10)).unwrap();
    }
    ledger.lose(LossCause::MissingResponse, 1);
    let manifest = writer.finish(&ledger).unwrap();
    assert_eq!((manifest.ledger.clone(), manifest.connections), (ledger.clone(), 5));
    assert_eq!(Recording::open(dir.path()).unwrap().manifest(), &manifest);

    // The footers say the same.
    fs::remove_file(dir.path().join(MANIFEST)).unwrap();
    let rebuilt = Recording::open(dir.path()).unwrap();
    assert!(rebuilt.is_rebuilt());
    let mut expected = manifest;
    expected.parts.iter_mut().for_each(|part| part.sha256 = None);
    assert_eq!(rebuilt.manifest(), &expected);
}

#[test]
fn a_killed_capture_opens_up_to_its_last_part() {
    let dir = tempfile::tempdir().unwrap();
    let exchanges: Vec<_> = (0..7).map(|n: i64| exchange(n.unsigned_abs() + 1, n, 10)).collect();
    let part_bytes = exchanges.iter().take(2).map(columns::size).sum();
    let options = WriterOptions { part_bytes, ..WriterOptions::default() };
    let mut writer = RecordingWriter::create(dir.path(), options).unwrap();
    assert_eq!(Recording::open(dir.path()).unwrap().manifest().exchanges, 0, "it opens before the first part");
    let early = fs::read(dir.path().join(MANIFEST)).unwrap();
    exchanges.iter().for_each(|exchange| writer.write(exchange).unwrap());
    drop(writer);
    // What a writer leaves that was killed in the middle of a part.
    fs::write(dir.path().join(".part-000004.parquet.tmp"), b"PAR1 half a part").unwrap();

    // As it is; killed between a part and its manifest; killed with the manifest lost.
    for manifest in [None, Some(early), Some(Vec::new())] {
        match manifest {
            Some(bytes) if bytes.is_empty() => fs::remove_file(dir.path().join(MANIFEST)).unwrap(),
            Some(bytes) => fs::write(dir.path().join(MANIFEST), bytes).unwrap(),
            None => {}
        }
        let recording = Recording::open(dir.path()).unwrap();
        assert!(!recording.manifest().finished);
        assert_eq!(recording.manifest().exchanges, 6);
        assert_eq!(read(dir.path(), &Window::ALL), exchanges[..6]);
        recording.verify_digests().unwrap();
    }
}

#[test]
fn what_is_wrong_with_a_part_is_said_by_name() {
    type Harm = fn(&Path);
    let cases: [(&str, Harm, &str); 7] = [
        ("missing", |dir| fs::remove_file(dir.join("part-000002.parquet")).unwrap(), "part-000002.parquet is missing"),
        (
            "cut off",
            |dir| {
                let path = dir.join("part-000002.parquet");
                let bytes = fs::read(&path).unwrap();
                fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
            },
            "part-000002.parquet is damaged at byte",
        ),
        (
            "of another recording",
            |dir| {
                let other = tempfile::tempdir().unwrap();
                seconds(other.path(), 1, 3);
                fs::copy(other.path().join("part-000001.parquet"), dir.join("part-000002.parquet")).unwrap();
            },
            "part-000002.parquet is damaged at byte",
        ),
        (
            "one too many",
            |dir| assert!(fs::copy(dir.join("part-000001.parquet"), dir.join("part-000009.parquet")).is_ok()),
            "part-000009.parquet does not belong here",
        ),
        ("swapped", |dir| assert!(fs::copy(dir.join("part-000001.parquet"), dir.join("part-000002.parquet")).is_ok()), "part-000002.parquet"),
        ("not Parquet", |dir| fs::write(dir.join(MANIFEST), b"{").unwrap(), "manifest.json is damaged"),
        (
            "a name that leads elsewhere",
            |dir| {
                let text = fs::read_to_string(dir.join(MANIFEST)).unwrap();
                fs::write(dir.join(MANIFEST), text.replace("part-000002.parquet", "../part-000002.parquet")).unwrap();
            },
            "manifest.json is damaged at field parts",
        ),
    ];
    for (what, harm, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        seconds(dir.path(), 9, 3);
        harm(dir.path());
        let error = open_error(dir.path());
        assert!(error.to_string().contains(expected), "{what}: {error}");
        assert!(error.to_string().contains(&dir.path().display().to_string()), "{what}: {error}");
        assert!(error.hint().is_some(), "{what}: {error}");
        assert_eq!(error.blame(), Blame::Input, "{what}");
        // What is whole stays readable.
        if let Ok(partial) = Recording::open_partial(dir.path()) {
            let first = &partial.manifest().parts[0];
            partial.check_presence(first).and_then(|()| partial.check_digest(first)).unwrap();
        }
    }
}

#[test]
fn a_changed_byte_is_found_by_the_digest_before_anything_is_read() {
    let dir = tempfile::tempdir().unwrap();
    seconds(dir.path(), 6, 6);
    let path = dir.path().join("part-000001.parquet");
    let whole = fs::read(&path).unwrap();
    for position in [0, 42, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        let mut altered = whole.clone();
        altered[position] ^= 0x55;
        fs::write(&path, &altered).unwrap();
        let recording = Recording::open(dir.path()).unwrap();
        let id = ExchangeId { connection: ConnectionId(3), index: 1 };
        for error in [recording.verify_digests().expect_err("altered"), open_error(dir.path()), recording.exchange(id).expect_err("altered")] {
            assert!(error.to_string().contains("part-000001.parquet was altered: its SHA-256 is"), "{error}");
            assert!(error.hint().is_some());
        }
    }
}

#[test]
fn damage_that_no_manifest_tells_of_is_an_error_too() {
    let dir = tempfile::tempdir().unwrap();
    seconds(dir.path(), 6, 6);
    fs::remove_file(dir.path().join(MANIFEST)).unwrap();
    let path = dir.path().join("part-000001.parquet");
    let whole = fs::read(&path).unwrap();
    let mut errors = 0;
    for position in (0..whole.len()).step_by(whole.len() / 150) {
        let mut altered = whole.clone();
        altered[position] ^= 0x55;
        fs::write(&path, &altered).unwrap();
        // Some bytes do not matter, some change a value; what cannot be read is an error with the file's name.
        let rows = Recording::open(dir.path()).and_then(|recording| recording.exchanges(&Window::ALL)?.collect::<Result<Vec<_>, _>>());
        if let Err(error) = rows {
            assert!(error.to_string().contains("part-00000"), "{error}");
            errors += 1;
        }
    }
    assert!(errors > 50, "{errors}");
}

#[test]
fn a_hole_in_the_parts_is_told_when_there_is_no_manifest() {
    let dir = tempfile::tempdir().unwrap();
    seconds(dir.path(), 9, 3);
    fs::remove_file(dir.path().join(MANIFEST)).unwrap();
    fs::remove_file(dir.path().join("part-000002.parquet")).unwrap();
    let recording = Recording::open(dir.path()).unwrap();
    assert_eq!(recording.manifest().missing, ["part-000002.parquet"]);
    assert!(!recording.manifest().finished);
    assert_eq!(read(dir.path(), &Window::ALL).len(), 6);
}

#[test]
fn what_is_no_recording_is_told_apart() {
    let root = tempfile::tempdir().unwrap();
    let (empty, file) = (root.path().join("empty"), root.path().join("file"));
    fs::create_dir(&empty).unwrap();
    fs::write(&file, b"x").unwrap();
    for (path, expected) in [
        (empty, "is not a recording: it holds neither a manifest.json nor a part-000001.parquet"),
        (file, "is not a recording: it is a file"),
        (root.path().join("nowhere"), "cannot read"),
    ] {
        let error = open_error(&path);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.hint().is_some());
        assert_eq!(error.blame(), Blame::Input);
    }
}

#[test]
fn newer_majors_are_refused_and_newer_minors_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let exchanges = seconds(dir.path(), 3, 3);
    let manifest = fs::read_to_string(dir.path().join(MANIFEST)).unwrap();
    let release = format!("\"written_by\": \"{}\"", crate::disk::version::RELEASE);
    for (version, readable) in [("1.9", true), ("2.0", false)] {
        let newer = manifest.replace(&format!("\"{}\"", RECORDING.version), &format!("\"{version}\"")).replace(&release, "\"written_by\": \"7.5.0\"");
        fs::write(dir.path().join(MANIFEST), newer).unwrap();
        if readable {
            assert_eq!(read(dir.path(), &Window::ALL), exchanges);
        } else {
            let error = open_error(dir.path());
            let expected = format!("has recording format 2.0, and this release reads {}; it was written by reenact 7.5.0", RECORDING.version);
            assert!(error.to_string().contains(&expected), "{error}");
            assert_eq!(error.hint().as_deref(), Some("read it with reenact 7.5.0 or later"));
        }
    }
    // A part says it too.
    fs::remove_file(dir.path().join(MANIFEST)).unwrap();
    let newer = Format { version: FormatVersion { major: 2, minor: 0 }, ..RECORDING };
    let folder = Folder::existing(dir.path());
    let table = TableWriter::begin(&folder, "part-000001.parquet", &newer, columns::schema(), table::properties().build()).unwrap();
    table.publish(Footer::new()).unwrap();
    assert!(open_error(dir.path()).to_string().contains("part-000001.parquet has recording format 2.0"));
}

#[test]
fn parts_of_older_minors_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let exchanges = seconds(dir.path(), 3, 3);
    let path = dir.path().join("part-000001.parquet");
    let table = Table::open(&path, &RECORDING).unwrap();
    let batch = table.batches(table.reader()).unwrap().next().unwrap().unwrap();
    let newer = ["node"];
    let older: Vec<usize> = (0..batch.num_columns()).filter(|column| !newer.contains(&batch.schema().field(*column).name().as_str())).collect();
    let batch = batch.project(&older).unwrap();
    let format = Format { version: FormatVersion { major: 1, minor: 0 }, ..RECORDING };
    let mut writer = TableWriter::begin(&Folder::existing(dir.path()), "part-000001.parquet", &format, batch.schema(), table::properties().build()).unwrap();
    writer.row_group(&batch).unwrap();
    let footer = table.footer().clone().into_iter().filter(|(key, _)| {
        ["state", "key_id", "policy_digest", "source", "last", "counts", "ledger", "redactions", "kept"].iter().any(|old| *key == format!("reenact.{old}"))
    });
    writer.publish(footer.collect()).unwrap();
    fs::remove_file(dir.path().join(MANIFEST)).unwrap();
    assert_eq!(read(dir.path(), &Window::ALL), exchanges);
    let (figures, bytes) = Recording::open(dir.path()).unwrap().figures(60).unwrap();
    assert_eq!((figures.statuses[&201], figures.nodes.len()), (3, 0));
    assert!(bytes > fs::metadata(path).unwrap().len(), "it had to be read");
}

#[test]
fn only_redacted_recordings_become_checked() {
    let (raw, redacted) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(raw.path(), WriterOptions::default(), &[exchange(1, 0, 10)]);
    seconds(redacted.path(), 3, 2);
    assert!(matches!(mark_checked(raw.path()), Err(Error::NotRedacted { .. })));
    mark_checked(redacted.path()).unwrap();
    assert_eq!(Recording::open(redacted.path()).unwrap().manifest().state, State::Checked);
    assert_eq!(read(redacted.path(), &Window::ALL).len(), 3);
    // The parts were written before they were checked: without the manifest no one vouches for it.
    fs::remove_file(redacted.path().join(MANIFEST)).unwrap();
    assert_eq!(Recording::open(redacted.path()).unwrap().manifest().state, State::Redacted);
}

#[test]
fn what_has_expired_is_read_no_longer() {
    let day = Duration::from_secs(86400);
    let dir = tempfile::tempdir().unwrap();
    let write_until = |dir: &Path, expires: Timestamp| {
        write(dir, WriterOptions { expires: Some(expires), sanitized: sanitized(), ..WriterOptions::default() }, &[exchange(1, 0, 10)])
    };
    write_until(dir.path(), wall_clock().saturating_add(day));
    assert_eq!(Recording::open(dir.path()).unwrap().manifest().exchanges, 1);
    let expired = tempfile::tempdir().unwrap();
    write_until(expired.path(), "2020-02-01T00:00:00Z".parse().unwrap());
    for manifest in ["there", "gone"] {
        let error = Recording::open_partial(expired.path()).expect_err(manifest);
        assert!(matches!(error, Error::Expired { .. }) && error.to_string().ends_with("expired at 2020-02-01T00:00:00Z"), "{error}");
        assert!(error.hint().is_some());
        // Without it the parts say the same.
        let _ = fs::remove_file(expired.path().join(MANIFEST));
    }
}

#[test]
fn the_same_exchanges_make_the_same_bytes() {
    let parts = |order: &[usize]| {
        let dir = tempfile::tempdir().unwrap();
        let exchanges: Vec<_> = order.iter().map(|n| exchange(*n as u64 + 1, i64::try_from(n / 2).unwrap(), 50)).collect();
        write(dir.path(), WriterOptions::default(), &exchanges);
        fs::read(dir.path().join("part-000001.parquet")).unwrap()
    };
    assert_eq!(parts(&[0, 1, 2, 3, 4, 5]), parts(&[5, 0, 3, 4, 1, 2]));
}

/// A pool of so many threads; none where the caller's does everything.
fn pool(threads: usize) -> Option<Arc<rayon::ThreadPool>> {
    (threads > 1).then(|| Arc::new(rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()))
}

#[test]
fn any_number_of_threads_writes_the_same_bytes() {
    // Three parts of several row groups, of rows that come in no order.
    let exchanges: Vec<_> = (0..40_i64).map(|n| exchange(n.unsigned_abs() + 1, n * 7 % 40, 1 << 20)).collect();
    let written = |threads: usize| -> Vec<(String, Vec<u8>)> {
        let dir = tempfile::tempdir().unwrap();
        let manifest = write(dir.path(), WriterOptions { part_bytes: 18 << 20, pool: pool(threads), ..WriterOptions::default() }, &exchanges);
        assert_eq!(manifest.parts.iter().map(|part| part.counts.exchanges).collect::<Vec<_>>(), [18, 18, 4]);
        files(dir.path()).into_iter().map(|name| (name.clone(), fs::read(dir.path().join(name)).unwrap())).collect()
    };
    let alone = written(1);
    for threads in [2, 3, 8] {
        assert!(written(threads) == alone, "{threads} threads write something else");
    }
}

#[test]
fn an_output_that_holds_something_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    seconds(dir.path(), 1, 1);
    let error = RecordingWriter::create(dir.path(), WriterOptions::default()).map(drop).expect_err("it is not empty");
    assert!(matches!(error, Error::OutputNotEmpty { .. }));
}

#[test]
fn rows_that_are_out_of_order_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let rows = [exchange(1, 5, 1), exchange(2, 3, 1)];
    let folder = Folder::create(dir.path()).unwrap();
    let begun = manifest::Begun {
        state: State::Raw,
        key_id: None,
        key_scope: KeyScope::Shared,
        policy_digest: None,
        expires: None,
        origin: crate::model::Origin::default(),
    };
    let mut manifest = Manifest::new(String::new(), begun);
    let mut share = manifest::Share::of(&manifest, Arc::default());
    rows.iter().for_each(|row| share.count(row));
    let mut table = TableWriter::begin(&folder, "part-000001.parquet", &RECORDING, columns::schema(), table::properties().build()).unwrap();
    let mut batch = columns::Rows::new();
    rows.iter().for_each(|row| batch.push(row));
    table.row_group(&batch.take()).unwrap();
    let Published { bytes, sha256 } = table.publish(share.to_footer()).unwrap();
    manifest.add("part-000001.parquet".to_owned(), bytes, Some(sha256), share);
    manifest.publish(&folder).unwrap();
    assert!(open_error(dir.path()).to_string().ends_with("is damaged at row 1: its rows are not sorted by start"));
}

/// What was done in a place, in order; and it takes its time to make the first part durable.
#[derive(Default)]
struct SlowDevice {
    done: Mutex<Vec<String>>,
    more: Condvar,
}

impl SlowDevice {
    fn did(&self, what: &str, name: &str) {
        self.done.lock().unwrap().push(format!("{what} {name}"));
        self.more.notify_all();
    }
}

struct SlowPlace(Folder, Arc<SlowDevice>);

struct SlowFile(Box<dyn Unpublished>, Arc<SlowDevice>, String);

impl Publish for SlowPlace {
    fn begin(&self, name: &str) -> Result<Box<dyn Unpublished>, Error> {
        self.1.did("begin", name);
        Ok(Box::new(SlowFile(self.0.begin(name)?, Arc::clone(&self.1), name.to_owned())))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path(name)
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        self.1.did("remove", name);
        self.0.remove(name)
    }
}

impl Write for SlowFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Unpublished for SlowFile {
    fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.2);
        self.0.rename(name);
    }

    fn publish(self: Box<Self>) -> Result<Published, Error> {
        let Self(file, device, name) = *self;
        if name == part_name(1) {
            let next = format!("begin {}", part_name(2));
            let waited = device.more.wait_timeout_while(device.done.lock().unwrap(), Duration::from_secs(60), |done| !done.contains(&next)).unwrap();
            assert!(!waited.1.timed_out(), "nothing is done meanwhile");
        }
        let published = file.publish();
        device.did("publish", &name);
        published
    }
}

#[test]
fn while_a_part_is_made_durable_the_next_is_encoded() {
    let dir = tempfile::tempdir().unwrap();
    let device = Arc::<SlowDevice>::default();
    let place = SlowPlace(Folder::create(dir.path()).unwrap(), Arc::clone(&device));
    let options = WriterOptions { part_bytes: 1, pool: pool(2), ..WriterOptions::default() };
    let mut writer = RecordingWriter::create_in(Arc::new(place), options).unwrap();
    (0..5).for_each(|n: i64| writer.write(&exchange(n.unsigned_abs() + 1, n, 50)).unwrap());
    assert!(writer.finish(&LossLedger::default()).unwrap().finished);
    let done = device.done.lock().unwrap();
    let at = |what: &str, number: u64| done.iter().position(|done| *done == format!("{what} {}", part_name(number))).unwrap();
    for part in 1..5 {
        assert!(at("publish", part) < at("publish", part + 1), "they appear in order: {done:?}");
        assert!(at("publish", part) < at("begin", part + 2), "no more than one waits for the device: {done:?}");
    }
}

#[test]
fn columns_that_are_written_specially_are_columns() {
    let schema = columns::schema();
    for column in [columns::BULKY, columns::TIMES, columns::UNIQUE, columns::COMPACT, columns::PLAIN, columns::COUNTED].into_iter().flatten() {
        let field = column.split('.').next().unwrap();
        assert!(schema.index_of(field).is_ok(), "{column}");
    }
}

#[test]
fn the_page_on_formats_names_every_column_with_its_type() {
    use arrow_schema::DataType;
    let page = include_str!("../../../../docs/formats.md");
    for field in columns::schema().fields() {
        let kind = match field.data_type() {
            DataType::Timestamp(..) => "timestamp(µs)",
            DataType::Int64 => "int64",
            DataType::UInt64 => "uint64",
            DataType::UInt32 => "uint32",
            DataType::UInt16 => "uint16",
            DataType::Utf8 => "string",
            DataType::Binary => "binary",
            DataType::Boolean => "bool",
            DataType::List(item) => match item.data_type() {
                DataType::Utf8 => "list<string>",
                DataType::Binary => "list<binary>",
                DataType::UInt64 => "list<uint64>",
                DataType::Struct(_) => "list<struct>",
                other => panic!("{other} has no name on the page"),
            },
            other => panic!("{other} has no name on the page"),
        };
        let nullable = if field.is_nullable() { "?" } else { "" };
        let plain = if columns::PLAIN.contains(&field.name().as_str()) { "plain" } else { "kept" };
        let of_side = ["request", "response"].iter().find_map(|side| field.name().strip_prefix(side)).map(|rest| format!("…{rest}"));
        let names = [Some(field.name().clone()), of_side];
        let rows: Vec<_> = names.into_iter().flatten().map(|name| format!("| `{name}` | {kind}{nullable} | {plain} |")).collect();
        assert!(rows.iter().any(|row| page.contains(row)), "none of {rows:?}");
    }
}

#[test]
fn the_page_on_formats_names_every_key_of_footer_and_manifest() {
    let page = include_str!("../../../../docs/formats.md");
    let dir = tempfile::tempdir().unwrap();
    seconds(dir.path(), 1, 1);
    let manifest: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&fs::read(dir.path().join(MANIFEST)).unwrap()).unwrap();
    let table = Table::open(&dir.path().join("part-000001.parquet"), &RECORDING).unwrap();
    let keys = table.footer().keys().filter(|key| key.starts_with("reenact.")).chain(manifest.keys());
    for key in keys {
        assert!(page.contains(&format!("`{key}`")), "{key}");
    }
}

/// Ten exchanges, one a second, in parts of one; each tick says how many requests there were.
fn kept(dir: &Path, retention: Retention, threads: usize) -> RecordingWriter {
    let options = WriterOptions { part_bytes: 1, retention, sanitized: sanitized(), pool: pool(threads), ..WriterOptions::default() };
    let mut writer = RecordingWriter::create(dir, options).unwrap();
    for n in 0..10_i64 {
        let ledger = LossLedger { requests: n.unsigned_abs(), ..LossLedger::default() };
        writer.tick(second(n), &ledger).unwrap();
        writer.write(&exchange(n.unsigned_abs() + 1, n * 1_000_000_000, 50)).unwrap();
    }
    writer
}

#[test]
fn the_oldest_parts_go_and_leave_their_account() {
    let ledger = LossLedger { requests: 10, ..LossLedger::default() };
    let whole = tempfile::tempdir().unwrap();
    kept(whole.path(), Retention::default(), 1).finish(&ledger).unwrap();
    // The last part has no row: it says that the writer came to its end.
    for (retention, starts) in [
        (Retention { parts: NonZero::new(3), age: None }, vec![8, 9]),
        (Retention { parts: NonZero::new(1), age: None }, vec![]),
        (Retention { parts: None, age: Some(Duration::from_secs(4)) }, vec![5, 6, 7, 8, 9]),
        (Retention { parts: NonZero::new(4), age: Some(Duration::from_secs(7)) }, vec![7, 8, 9]),
        (Retention { parts: NonZero::new(99), age: Some(Duration::from_secs(99)) }, (0..10).collect()),
    ] {
        for threads in [1, 3] {
            let dir = tempfile::tempdir().unwrap();
            let manifest = kept(dir.path(), retention, threads).finish(&ledger).unwrap();
            let left: Vec<_> = read(dir.path(), &Window::ALL).iter().map(|exchange| exchange.start).collect();
            assert_eq!(left, starts.iter().copied().map(second).collect::<Vec<_>>(), "{retention:?}");
            let Manifest { retired, exchanges, redactions, audit, from, .. } = &manifest;
            assert_eq!((retired.parts, retired.counts.exchanges, *exchanges), (10 - *exchanges, 10 - *exchanges, starts.len() as u64), "{retention:?}");
            assert_eq!((redactions.get("email").copied().unwrap_or_default(), audit.rows().map(|(_, row)| row.count).sum()), (*exchanges, *exchanges));
            assert_eq!((*from, manifest.ledger.requests), (starts.first().copied().map(second), 10));
            assert_eq!(files(dir.path()).len() as u64, 1 + 11 - retired.parts);
            // Who wrote it was killed before the files were gone; and the manifest is lost.
            for name in (1..=retired.parts).map(part_name) {
                fs::copy(whole.path().join(&name), dir.path().join(&name)).unwrap();
            }
            assert_eq!(Recording::open(dir.path()).unwrap().manifest(), &manifest);
            assert_eq!(read(dir.path(), &Window::ALL).len(), starts.len());
            fs::remove_file(dir.path().join(MANIFEST)).unwrap();
            let rebuilt = Recording::open(dir.path()).unwrap().into_manifest();
            let vouched = |manifest: &Manifest| manifest.parts.iter().map(|part| Part { sha256: None, ..part.clone() }).collect();
            assert_eq!(rebuilt, Manifest { parts: vouched(&manifest), ..manifest.clone() }, "{retention:?}");
        }
    }
}

#[test]
fn parts_grow_old_on_a_silent_link_and_one_stray_time_ages_none() {
    let dir = tempfile::tempdir().unwrap();
    let age = Some(Duration::from_secs(20));
    let mut writer = kept(dir.path(), Retention { parts: None, age }, 1);
    writer.write(&exchange(99, 999_999 * 1_000_000_000, 50)).unwrap();
    assert_eq!((writer.manifest().parts.len(), writer.manifest().retired.parts), (11, 0));
    let ledger = LossLedger { requests: 11, ..LossLedger::default() };
    for (now, left) in [(20, 11), (24, 7), (40, 1), (99, 1)] {
        writer.tick(second(now), &ledger).unwrap();
        assert_eq!((writer.manifest().parts.len(), files(dir.path()).len()), (left, left + 1), "after {now} s");
        assert_eq!(Recording::open(dir.path()).unwrap().manifest(), writer.manifest());
    }
}
