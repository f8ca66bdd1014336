//! What inspect and check say of a small recording, word for word.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod traffic;

use std::fs;
use std::path::Path;

use bytes::Bytes;
use reenact::check::{Finding, check_recording};
use reenact::inspect::{exchange_json, exchange_text, summarize};
use reenact_formats::content::coding;
use reenact_formats::disk::recording::{KeyScope, Recording, RecordingWriter, Sanitized, State, WriterOptions, mark_checked};
use reenact_formats::model::{
    Action, Anomaly, Body, BodyFraming, Completeness, DropReason, Exchange, ForeignTraffic, Head, KeyId, LossCause, LossLedger, Notice, PacketAccount, Part,
    Redaction, Side,
};
use traffic::{START, at, body, exchange, request, response};

/// Seven exchanges of every kind that a view has to tell apart.
fn exchanges() -> Vec<Exchange> {
    let mut login = exchange(
        1,
        1,
        0,
        request(
            "POST /login HTTP/1.1\r\nHost: shop.example\r\nX-User: ann@example.net\r\nContent-Type: application/json\r\n\r\n",
            body(r#"{"user": "ann@example.net", "tags": [], "amount": 1.10, "note": "a {\"b\"}: [c]"}"#),
        ),
        response(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\r\n",
            body(coding::encode(b"gzip", br#"{"token":"tok_0","roles":["x",{"y":{}}]}"#).unwrap()),
        ),
    );
    login.interim.push(Head::response(Bytes::from_static(b"HTTP/1.1 100 Continue\r\n\r\n")).unwrap());
    let redaction = |side, part, span, rule: &str, domain: &str, path: &str| Redaction {
        side,
        part,
        span,
        rule: rule.to_owned(),
        domain: domain.to_owned(),
        action: Action::Pseudonym,
        path: path.to_owned(),
    };
    login.redactions = vec![
        redaction(Side::Request, Part::Head, 50..65, "email", "email", "header:x-user"),
        redaction(Side::Request, Part::Body, 10..25, "email", "email", "body:/user"),
        redaction(Side::Response, Part::Body, 10..15, "token", "opaque", "body:/token"),
        Redaction { action: Action::Keep, ..redaction(Side::Response, Part::Body, 20..21, "phone", "phone", "body:/roles/0") },
    ];
    let orders = (0..3).map(|n| {
        exchange(
            2,
            n + 1,
            500 + 1000 * u64::from(n),
            request(&format!("GET /orders/{}?page=1 HTTP/1.1\r\nHost: shop.example\r\n\r\n", 17 + n), Body::empty()),
            response("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", body("seventeen\n")),
        )
    });
    let dropped = Body {
        slices: Vec::new(),
        wire_length: 12_000_000,
        completeness: Completeness::Dropped { reason: DropReason::OverLimit, seen_whole: true },
        framing: BodyFraming::Length,
    };
    let image = exchange(
        3,
        1,
        2600,
        request("PUT /\x1b[2Jphoto HTTP/1.1\r\nX-Odd: \x1b]0;owned\x07\r\n\r\n", dropped),
        response("HTTP/1.1 500 Oops\r\nContent-Type: image/png\r\n\r\n", body((0..100_u8).map(|n| n.wrapping_mul(37)).collect::<Vec<_>>())),
    );
    let unanswered = exchange(3, 2, 5800, request("GET /orders/99 HTTP/1.1\r\n\r\n", Body::empty()), None);
    let unasked =
        Exchange { anomalies: [Anomaly::MissingRequest].into(), ..exchange(4, 1, 5900, None, response("HTTP/1.1 204 No Content\r\n\r\n", Body::empty())) };
    [login].into_iter().chain(orders).chain([image, unanswered, unasked]).collect()
}

fn ledger() -> LossLedger {
    let mut ledger = LossLedger {
        packets: PacketAccount { seen: 1240, tcp: 1200, filtered: 25, other: [("udp".to_owned(), 12)].into(), lost: 3 },
        connections: 6,
        stream_bytes: 60_000,
        recorded_bytes: 57_500,
        retransmitted_bytes: 1460,
        requests: 6,
        responses: 6,
        interim: 1,
        complete: exchanges().iter().filter(|exchange| exchange.is_complete()).count() as u64,
        ..LossLedger::default()
    };
    ledger.foreign.insert("tls".to_owned(), ForeignTraffic { connections: 2, bytes: 1800 });
    ledger.lose(LossCause::KernelDrop, 3);
    ledger.lose(LossCause::Gap, 700);
    ledger.lose(LossCause::MissingResponse, 1);
    ledger.anomalies.insert(Anomaly::Midstream, 2);
    ledger.notice(Notice::PairedAcrossTags, 1);
    ledger
}

fn write(dir: &Path) {
    let sanitized = Some(Sanitized {
        key_id: KeyId::from_digest([0xa5; 8]),
        key_scope: KeyScope::Shared,
        policy_digest: "0f".repeat(32),
        severities: [("email".to_owned(), "high".to_owned())].into(),
    });
    let options = WriterOptions { sanitized, source: "file shop.pcap".to_owned(), ..WriterOptions::default() };
    let mut writer = RecordingWriter::create(dir, options).unwrap();
    exchanges().iter().for_each(|exchange| writer.write(exchange).unwrap());
    writer.finish(&ledger()).unwrap();
}

/// The text without what differs from machine to machine and from release to release.
fn stable(text: &str, dir: &Path) -> String {
    let text = text.replace(&dir.display().to_string(), "REC");
    match text.split_once("on disk ").and_then(|(before, rest)| Some((before, rest.split_once(" in ")?.1))) {
        Some((before, after)) => format!("{before}on disk SIZE in {after}"),
        None => text,
    }
}

#[test]
fn a_summary_says_what_is_there_and_what_is_not() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("rec");
    write(&dir);
    insta::assert_snapshot!(stable(&summarize(&dir).unwrap().text(), &dir));
}

#[test]
fn a_summary_for_a_script_has_its_keys() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("rec");
    write(&dir);
    let json = summarize(&dir).unwrap().json();
    for (key, expected) in [
        ("exchanges", serde_json::json!(7)),
        ("requests", 6.into()),
        ("responses", 6.into()),
        ("interim", 1.into()),
        ("complete", 5.into()),
        ("connections", 6.into()),
        ("state", "redacted".into()),
        ("key_id", "a5a5a5a5a5a5a5a5".into()),
        ("lost", serde_json::json!({ "gap": 700, "kernel_drop": 3, "missing_response": 1 })),
        ("redactions", serde_json::json!({ "email": 2, "token": 1 })),
        ("kept", serde_json::json!({ "phone": 1 })),
        ("statuses", serde_json::json!({ "200": 4, "204": 1, "500": 1 })),
        ("anomalies", serde_json::json!({ "midstream": 2, "missing_request": 1, "missing_response": 1 })),
        ("notices", serde_json::json!({ "paired_across_tags": 1 })),
        ("foreign", serde_json::json!({ "tls": { "connections": 2, "bytes": 1800 } })),
        ("from", START.into()),
        ("to", at(5904).to_string().into()),
    ] {
        assert_eq!(json[key], expected, "{key}");
    }
    assert_eq!(json["endpoints"][0]["endpoint"], "/orders/{}");
    assert_eq!(json["endpoints"][0]["statuses"], serde_json::json!({ "2xx": 3 }));
    assert_eq!(json["rate"]["exchanges"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum::<u64>(), 7);
}

#[test]
fn one_exchange_is_readable() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("rec");
    write(&dir);
    let recording = Recording::open(&dir).unwrap();
    let shown: Vec<_> = exchanges().iter().map(|exchange| exchange_text(&recording.exchange(exchange.id).unwrap().unwrap())).collect();
    insta::assert_snapshot!("login", shown[0]);
    insta::assert_snapshot!("binary", shown[4]);
    insta::assert_snapshot!("unanswered", shown[5]);
    for text in shown {
        assert!(text.chars().all(|char| !char.is_control() || char == '\n' || char == '\t'), "a control byte reaches the terminal");
    }
}

#[test]
fn one_exchange_for_a_script_has_its_body() {
    let exchanges = exchanges();
    let login = exchange_json(&exchanges[0]);
    assert_eq!(login["id"], "1.1");
    assert_eq!(login["response"]["body"]["text"], r#"{"token":"tok_0","roles":["x",{"y":{}}]}"#);
    assert_eq!(login["request"]["headers"][1], serde_json::json!(["X-User", "ann@example.net"]));
    assert_eq!(login["redactions"][0]["span"], serde_json::json!([50, 65]));
    let image = exchange_json(&exchanges[4]);
    assert_eq!(image["request"]["body"]["state"], serde_json::json!({ "kind": "dropped", "reason": "over_limit", "seen_whole": true }));
    assert!(image["response"]["body"]["base64"].as_str().unwrap().starts_with("ACVKb5"));
}

#[test]
fn a_whole_recording_passes() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("rec");
    write(&dir);
    let mut looked_at = 0;
    let mut look = |_: &Exchange| {
        looked_at += 1;
        Vec::new()
    };
    let report = check_recording(&dir, Some(&mut look)).unwrap();
    assert!(report.passed(), "{}", report.text());
    assert_eq!(looked_at, 7);
    insta::assert_snapshot!(stable(&report.text(), &dir));
    mark_checked(&dir).unwrap();
    assert_eq!(Recording::open(&dir).unwrap().manifest().state, State::Checked);
}

#[test]
fn residue_is_told_by_rule_and_path() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("rec");
    write(&dir);
    let mut look = |exchange: &Exchange| match exchange.target() {
        Some(target) if target.starts_with(b"/orders/") => vec![Finding { exchange: exchange.id, rule: "phone".to_owned(), path: "target:/1".to_owned() }],
        _ => Vec::new(),
    };
    let report = check_recording(&dir, Some(&mut look)).unwrap();
    assert!(!report.passed());
    assert_eq!(report.json()["findings"], serde_json::json!([{ "rule": "phone", "path": "target:/1", "times": 4, "first": "2.1" }]));
    assert!(report.text().contains("phone at target:/1: 4 times, first in exchange 2.1"), "{}", report.text());
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("rec");
    let mut writer = RecordingWriter::create(&dir, WriterOptions { part_bytes: 1, ..WriterOptions::default() }).unwrap();
    exchanges().iter().for_each(|exchange| writer.write(exchange).unwrap());
    let mut wrong = ledger();
    wrong.packets.tcp -= 1;
    writer.finish(&wrong).unwrap();
    let part = |number: u32| dir.join(format!("part-{number:06}.parquet"));
    fs::remove_file(part(2)).unwrap();
    let whole = fs::read(part(4)).unwrap();
    fs::write(part(4), &whole[..100]).unwrap();
    let mut altered = fs::read(part(5)).unwrap();
    altered[40] ^= 1;
    fs::write(part(5), altered).unwrap();
    fs::copy(part(1), part(77)).unwrap();

    let report = check_recording(&dir, None).unwrap();
    let text = report.text();
    for expected in [
        "REC: failed",
        "4.parquet is damaged at byte 100: it has 100 bytes, and the manifest says",
        "2.parquet is missing",
        "5.parquet was altered: its SHA-256 is",
        "77.parquet does not belong here: the manifest does not list it",
        "the account does not add up: packets that entered, and what became of them (1240 and 1239)",
        "residue: not looked for: the recording is raw",
        "hint: ",
    ] {
        assert!(stable(&text, &dir).contains(expected), "{expected}: {text}");
    }
    assert_eq!(report.problems.len(), 5, "{text}");
    assert_eq!(report.json()["exchanges"], 4);
}
