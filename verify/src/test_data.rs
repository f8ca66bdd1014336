//! Exchanges and messages for tests, in few words.

use std::collections::BTreeMap;

use bytes::Bytes;
use reenact_formats::model::{Body, BodyFraming, Completeness, Exchange, Head, Message, Outcome, OutcomeTiming, Reply, Timestamp};

/// A message with a JSON body.
pub(crate) fn message(head: Head, body: &str) -> Message {
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    let framing = if body.is_empty() { BodyFraming::Empty } else { BodyFraming::Length };
    let body = Body { wire_length: bytes.len() as u64, slices: vec![bytes], completeness: Completeness::Whole, framing };
    Message { head, body, trailers: None }
}

/// An answer with a JSON body; `headers` end in a line break each.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Message {
    let raw = format!("HTTP/1.1 {status} Words\r\nContent-Type: application/json\r\n{headers}\r\n");
    message(Head::response(Bytes::from(raw)).expect("a status line"), body)
}

/// An exchange of JSON bodies; `line` is method and target.
pub(crate) fn exchange(id: &str, line: &str, request: &str, status: u16, response: &str) -> Exchange {
    let raw = format!("{line} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\r\n");
    let address = "192.0.2.1:80".parse().expect("an address");
    Exchange {
        id: id.parse().expect("an id"),
        start: Timestamp::from_nanos(0),
        request: Some(message(Head::request(Bytes::from(raw)).expect("a request line"), request)),
        response: Some(answer(status, "", response)),
        ..Exchange::between(address, address)
    }
}

/// An outcome of `GET /things/{}`, due at once and answered after 10 ms with a JSON body.
pub(crate) fn outcome(id: &str, status: u16, body: &str) -> Outcome {
    let at = |milliseconds: i64| Timestamp::from_nanos(1_790_000_000_000_000_000 + milliseconds * 1_000_000);
    let timing = OutcomeTiming { due: at(0), ready: Some(at(0)), sendable: Some(at(0)), sent: Some(at(0)), first_byte: Some(at(9)), done: Some(at(10)) };
    Outcome {
        exchange: id.parse().expect("an id"),
        copy: 0,
        session: 1,
        method: "GET".to_owned(),
        endpoint: "/things/{}".to_owned(),
        phase: "run".to_owned(),
        tags: BTreeMap::new(),
        timing,
        recorded_status: Some(status),
        request_bytes: 100,
        response_bytes: 100,
        bound: Vec::new(),
        produced: Vec::new(),
        reply: Reply::Answered { status, response: Some(answer(status, "", body)), redactions: Vec::new() },
    }
}
