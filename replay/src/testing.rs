//! Exchanges for tests.

use bytes::Bytes;
use reenact_formats::model::{
    Body, BodyFraming, Completeness, ConnectionId, Exchange, ExchangeId, Head, Initiator, Message, Protocol, Role, Shape, Timestamp, Timing,
};

/// A request as it is written in tests: `METHOD target`, header lines, an empty line, a body. Newlines stand for CRLF; `Host` and
/// `Content-Length` are added.
pub(crate) fn request(text: &str) -> Message {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let (start, headers) = head.split_once('\n').unwrap_or((head, ""));
    let raw = raw_head(&format!("{start} HTTP/1.1"), &format!("Host: recorded.example\n{headers}"), body);
    Message { head: Head::request(raw).unwrap(), body: message_body(body), trailers: None }
}

/// A response as it is written in tests: `STATUS`, header lines, an empty line, a body.
pub(crate) fn response(text: &str) -> Message {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let (start, headers) = head.split_once('\n').unwrap_or((head, ""));
    let raw = raw_head(&format!("HTTP/1.1 {start} x"), headers, body);
    Message { head: Head::response(raw).unwrap(), body: message_body(body), trailers: None }
}

fn raw_head(start: &str, headers: &str, body: &str) -> Bytes {
    let is_json = body.starts_with(['{', '[']);
    let content_type = if is_json && !headers.contains("Content-Type") { "Content-Type: application/json\n" } else { "" };
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\n", body.len()) };
    let headers = if headers.is_empty() { String::new() } else { format!("{}\n", headers.trim_end()) };
    format!("{start}\n{headers}{content_type}{length}\n").replace('\n', "\r\n").into()
}

fn message_body(body: &str) -> Body {
    if body.is_empty() {
        return Body::empty();
    }
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    Body { wire_length: bytes.len() as u64, slices: vec![bytes], completeness: Completeness::Whole, framing: BodyFraming::Length }
}

/// The exchange `index` of `connection`, under way from `start` to `end` (milliseconds).
pub(crate) fn exchange(connection: u64, index: u32, start: i64, end: i64, request_text: &str, response_text: &str) -> Exchange {
    let at = |millis: i64| Timestamp::from_nanos(millis * 1_000_000);
    Exchange {
        id: ExchangeId { connection: ConnectionId(connection), index },
        stream: 0,
        protocol: Protocol::Http1,
        role: Role::Inbound,
        initiator: Initiator::Client,
        shape: Shape::Unary,
        client: "192.0.2.1:1000".parse().unwrap(),
        server: "192.0.2.2:80".parse().unwrap(),
        start: at(start),
        timing: Timing { request_end: Some(at(start)), first_byte: Some(at(end)), end: Some(at(end)) },
        request: Some(request(request_text)),
        interim: Vec::new(),
        response: Some(response(response_text)),
        anomalies: std::collections::BTreeSet::new(),
        redactions: Vec::new(),
    }
}

/// One exchange after the other, ten milliseconds apart, each over when the next begins: connection, request, response.
pub(crate) fn script(lines: &[(u64, &str, &str)]) -> Vec<Exchange> {
    let mut indices = std::collections::BTreeMap::new();
    (0..)
        .zip(lines)
        .map(|(position, (connection, request, response))| {
            let index: &mut u32 = indices.entry(*connection).or_default();
            *index += 1;
            exchange(*connection, *index, position * 10, position * 10 + 5, request, response)
        })
        .collect()
}
