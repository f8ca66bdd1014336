//! Small traffic for tests of files: exchanges at given moments, with the heads and bodies that a test wants.

use std::time::Duration;

use bytes::Bytes;
use reenact_formats::model::{Anomaly, Body, BodyFraming, Completeness, ConnectionId, Exchange, ExchangeId, Head, Message, Timestamp, Timing};

/// When the traffic began.
pub(crate) const START: &str = "2026-11-20T12:03:00Z";

pub(crate) fn at(millis: u64) -> Timestamp {
    START.parse::<Timestamp>().unwrap().saturating_add(Duration::from_millis(millis))
}

pub(crate) fn body(bytes: impl Into<Bytes>) -> Body {
    let bytes = bytes.into();
    Body { wire_length: bytes.len() as u64, slices: vec![bytes], completeness: Completeness::Whole, framing: BodyFraming::Length }
}

pub(crate) fn request(head: &str, body: Body) -> Option<Message> {
    Some(Message { head: Head::request(Bytes::copy_from_slice(head.as_bytes())).unwrap(), body, trailers: None })
}

pub(crate) fn response(head: &str, body: Body) -> Option<Message> {
    Some(Message { head: Head::response(Bytes::copy_from_slice(head.as_bytes())).unwrap(), body, trailers: None })
}

pub(crate) fn exchange(connection: u64, index: u32, millis: u64, request: Option<Message>, response: Option<Message>) -> Exchange {
    Exchange {
        id: ExchangeId { connection: ConnectionId(connection), index },
        start: at(millis),
        timing: Timing {
            request_end: request.as_ref().map(|_| at(millis)),
            first_byte: response.as_ref().map(|_| at(millis + 3)),
            end: response.as_ref().map(|_| at(millis + 4)),
        },
        anomalies: if response.is_some() { [].into() } else { [Anomaly::MissingResponse].into() },
        request,
        response,
        ..Exchange::between("192.0.2.7:40000".parse().unwrap(), "192.0.2.1:80".parse().unwrap())
    }
}
