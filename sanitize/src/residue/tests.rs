//! The rewriter is broken on purpose, in what it has made: the check must see each way.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reenact_formats::content::coding;
use reenact_formats::model::{Body, BodyFraming};
use reenact_formats::seam::Redact;

use super::*;
use crate::key::test_key;
use crate::redactor::tests::{exchange, json, request, response};
use crate::{Policy, Redactor};

const MAIL: &str = "ada@planted.example";
const TOKEN: &str = "q8Zk2vPn7tRw4xLs";
const ANSWER: &str = r#"{"email":"ada@planted.example","token":"q8Zk2vPn7tRw4xLs","note":"n"}"#;

/// An exchange as it should be, and what was replaced in it.
fn redacted() -> (Exchange, Originals) {
    let (head, content) = json(ANSWER);
    let asked = request(&format!("GET /me?mail={MAIL} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}"), b"");
    let mut exchange = exchange(0, asked, response(&head, &content));
    exchange.interim = vec![Head::response(Bytes::from_static(b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n")).expect("a head")];
    let mut redactor = Redactor::new(&Policy::default(), &test_key());
    redactor.exchange(&mut exchange);
    (exchange, redactor.into_originals().0)
}

fn answer(exchange: &mut Exchange) -> &mut Message {
    exchange.response.as_mut().expect("an answer")
}

/// Puts a body in place of the answer's, with nothing on record of it.
fn put(exchange: &mut Exchange, content: &[u8]) {
    answer(exchange).body = Body {
        slices: vec![Bytes::copy_from_slice(content)],
        wire_length: content.len() as u64,
        completeness: Completeness::Whole,
        framing: BodyFraming::Length,
    };
    exchange.redactions.retain(|redaction| (redaction.side, redaction.part) != (Side::Response, Part::Body));
}

type Fault = fn(&mut Exchange);

#[test]
fn every_fault_of_a_rewriter_is_seen() {
    let faults: [(&str, Fault, &str, &str); 13] = [
        ("a hit is skipped", |exchange| put(exchange, ANSWER.as_bytes()), "body:/email", "email"),
        (
            "the record says another place",
            |exchange| {
                let mut recorded = std::mem::take(&mut exchange.redactions);
                recorded.iter_mut().filter(|redaction| redaction.part == Part::Body).for_each(|redaction| redaction.span = 60..62);
                put(exchange, ANSWER.as_bytes());
                exchange.redactions = recorded;
            },
            "body:/email",
            "email",
        ),
        (
            "what is on record was not done",
            |exchange| {
                let recorded = std::mem::take(&mut exchange.redactions);
                put(exchange, ANSWER.as_bytes());
                // Where the values are, as if they had been replaced.
                let at = |value: &str| ANSWER.find(value).map(|at| at as u64..(at + value.len()) as u64).expect("it is there");
                let spans = [at(MAIL), at(TOKEN)];
                let in_body = recorded.iter().filter(|redaction| redaction.part == Part::Body).zip(spans);
                exchange.redactions = in_body
                    .map(|(redaction, span)| Redaction { span, ..redaction.clone() })
                    .chain(recorded.iter().filter(|redaction| redaction.part != Part::Body).cloned())
                    .collect();
            },
            "body:/token",
            "original",
        ),
        ("an escape hides a value", |exchange| put(exchange, br#"{"note":"ada\u0040planted.example"}"#), "body:/note", "email"),
        (
            "a text in base64 is left",
            |exchange| put(exchange, format!(r#"{{"note":"{}"}}"#, STANDARD.encode(format!(r#"{{"user":"{MAIL}"}}"#))).as_bytes()),
            "body:/note",
            "email",
        ),
        (
            "a packed body is left",
            |exchange| {
                let packed = coding::encode(b"gzip", ANSWER.as_bytes()).expect("packs");
                let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len());
                answer(exchange).head = Head::response(Bytes::from(head)).expect("a head");
                put(exchange, &packed);
            },
            "body:/email",
            "email",
        ),
        (
            "trailers are left",
            |exchange| answer(exchange).trailers = Some(Head::trailers(Bytes::from(format!("X-User: {MAIL}\r\n\r\n"))).expect("trailers")),
            "header:x-user",
            "email",
        ),
        (
            "the head of an informational response is left",
            |exchange| {
                let head = format!("HTTP/1.1 103 Early Hints\r\nLink: </a?for={MAIL}>; rel=preload\r\n\r\n");
                exchange.interim[0] = Head::response(Bytes::from(head)).expect("a head");
            },
            "header:link?for",
            "email",
        ),
        ("a recurrence is missed", |exchange| put(exchange, format!(r#"{{"id":"{TOKEN}"}}"#).as_bytes()), "body:/id", "original"),
        ("a recurrence is missed within a text", |exchange| put(exchange, format!(r#"{{"note":"see {TOKEN}, twice"}}"#).as_bytes()), "body:/note", "original"),
        ("an address is left", |exchange| exchange.client = "93.184.216.34:1".parse().expect("an address"), "metadata:client", "ip"),
        ("a machine is called after someone", |exchange| exchange.node = Some(MAIL.into()), "metadata:node", "email"),
        ("a body that no one can read is left", |exchange| put(exchange, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "body:", "opaque_body"),
    ];
    let policy = Policy::default();
    let (whole, originals) = redacted();
    let check = ResidueCheck::new(&policy, Some(&originals));
    assert_eq!(check.exchange(&whole), []);
    for (what, fault, path, rule) in faults {
        let mut broken = whole.clone();
        fault(&mut broken);
        if path == "metadata:client" {
            broken.redactions.retain(|redaction| redaction.path != path);
        }
        let found = check.exchange(&broken);
        assert!(found.iter().any(|finding| finding.path == path && finding.rule == rule), "{what}: {found:?}");
        assert!(!format!("{found:?}").contains(MAIL) && !format!("{found:?}").contains(TOKEN), "{what}");
    }
}

#[test]
fn what_the_policy_names_or_knows_must_not_be_left_either() {
    let policy = Policy::parse("p.yaml", "version: 1\nlocations: { 'body:/nick': { action: mask } }\n").expect("reads");
    let mut known = crate::KnownValuesBuilder::new(Vec::new());
    known.add(0, "Blue Whale 7");
    let known = known.finish();
    let (mut exchange, _) = redacted();
    put(&mut exchange, br#"{"nick":"bear","note":"the blue whale 7 case"}"#);
    let found: Vec<String> =
        ResidueCheck::new(&policy, None).with_known_values(Some(&known)).exchange(&exchange).into_iter().map(|finding| finding.rule).collect();
    assert_eq!(found, ["location", "known_value"]);
    // What it keeps is on record as kept, and passes.
    exchange.redactions.extend([9..13, 23..44].map(|span| Redaction {
        side: Side::Response,
        part: Part::Body,
        span,
        rule: "location".to_owned(),
        domain: String::new(),
        action: Action::Keep,
        path: "body:/nick".to_owned(),
    }));
    assert_eq!(ResidueCheck::new(&policy, None).with_known_values(Some(&known)).exchange(&exchange), []);
}
