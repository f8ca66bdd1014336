//! JSON lines: an exchange a line, as [`Line`] describes it; `reenact schema exchange` prints its JSON Schema.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reenact_formats::model::{Completeness, Exchange, Head, Message};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Exporter, LeftOut, text};

pub(super) struct JsonLines;

impl Exporter for JsonLines {
    fn exchange(&mut self, exchange: &Exchange, out: &mut dyn Write) -> io::Result<Option<LeftOut>> {
        serde_json::to_writer(&mut *out, &Line::of(exchange))?;
        out.write_all(b"\n")?;
        Ok(None)
    }
}

/// One exchange of a redacted recording.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "An exchange, as `reenact export --to jsonl` writes it")]
pub struct Line {
    /// Connection and index, as `reenact inspect --exchange` takes it.
    id: String,
    /// The first byte of the request; of the response if no request was seen. RFC 3339 in UTC.
    start: String,
    /// From the start to the last byte of the request, in nanoseconds.
    request_ns: Option<u64>,
    /// From the start to the first byte of the final response, in nanoseconds.
    first_byte_ns: Option<u64>,
    /// From the start to the last byte of the response, in nanoseconds.
    duration_ns: Option<u64>,
    /// The connection, a number.
    connection: u64,
    /// The address that opened the connection, and its port; zeros where it is not known.
    client: String,
    /// The address that accepted it, and its port; zeros where it is not known.
    server: String,
    /// `inbound` to the recorded service, or `outbound` to a dependency.
    role: &'static str,
    /// The machine that recorded it, where several did.
    node: Option<String>,
    /// What was odd, in the words of a recording's `anomalies`.
    anomalies: Vec<&'static str>,
    /// What was asked.
    request: Option<RequestLine>,
    /// What answered it.
    response: Option<ResponseLine>,
    /// What was redacted. Never a value.
    redactions: Vec<RedactionLine>,
}

/// A request.
#[derive(Debug, Serialize, JsonSchema)]
struct RequestLine {
    /// E.g. `GET`.
    method: String,
    /// The target as it stands in the request line.
    target: String,
    #[serde(flatten)]
    message: MessageLine,
}

/// The final response.
#[derive(Debug, Serialize, JsonSchema)]
struct ResponseLine {
    /// E.g. 200; null in HTTP/0.9.
    status: Option<u16>,
    #[serde(flatten)]
    message: MessageLine,
}

/// What requests and responses have in common. Bytes of heads that are no UTF-8 are read as Latin-1.
#[derive(Debug, Serialize, JsonSchema)]
struct MessageLine {
    /// E.g. `HTTP/1.1`; empty in HTTP/0.9.
    version: String,
    /// Name and value of each field, in order, duplicates included.
    headers: Vec<(String, String)>,
    /// The body, if it is here and is UTF-8: without its transfer coding, with its content coding.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// The body in base64, if it is here and is no UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    /// How long it was on the wire, before redaction.
    body_length: u64,
    /// `whole`; `cut`: its end is missing; `gap`: some of its middle; else why it is not here: `over_limit`, `undecodable`, `incomplete`, `opaque`, `policy`, `not_recorded`.
    body_state: &'static str,
    /// Fields behind a chunked body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trailers: Vec<(String, String)>,
}

/// One value that was redacted, or kept on purpose.
#[derive(Debug, Serialize, JsonSchema)]
struct RedactionLine {
    /// `request` or `response`.
    side: &'static str,
    /// The rule that found it.
    rule: String,
    /// `pseudonym`, `mask`, `drop`, `hash`, `generalise` or `keep`.
    action: &'static str,
    /// Where, ids templated, e.g. `body:/customer/email`.
    path: String,
}

impl Line {
    fn of(exchange: &Exchange) -> Self {
        let span = |time: Option<reenact_formats::model::Timestamp>| time.map(|time| u64::try_from(time.since(exchange.start).as_nanos()).unwrap_or(u64::MAX));
        Self {
            id: exchange.id.to_string(),
            start: exchange.start.to_string(),
            request_ns: span(exchange.timing.request_end),
            first_byte_ns: span(exchange.timing.first_byte),
            duration_ns: span(exchange.timing.end),
            connection: exchange.id.connection.0,
            client: exchange.client.to_string(),
            server: exchange.server.to_string(),
            role: exchange.role.word(),
            node: exchange.node.as_deref().map(str::to_owned),
            anomalies: exchange.anomalies.iter().map(|anomaly| anomaly.word()).collect(),
            request: exchange.request.as_ref().map(|message| RequestLine {
                method: text(message.head.method().unwrap_or_default()).into_owned(),
                target: text(message.head.target().unwrap_or_default()).into_owned(),
                message: MessageLine::of(message),
            }),
            response: exchange.response.as_ref().map(|message| ResponseLine { status: message.head.status(), message: MessageLine::of(message) }),
            redactions: exchange
                .redactions
                .iter()
                .map(|redaction| RedactionLine {
                    side: redaction.side.word(),
                    rule: redaction.rule.clone(),
                    action: redaction.action.word(),
                    path: redaction.path.clone(),
                })
                .collect(),
        }
    }
}

impl MessageLine {
    fn of(message: &Message) -> Self {
        let body = message.body.contiguous();
        let body_state = match message.body.completeness {
            Completeness::Whole => "whole",
            Completeness::TruncatedAt(_) => "cut",
            Completeness::Gap(_) => "gap",
            Completeness::Dropped { reason, .. } => reason.word(),
        };
        let as_text = std::str::from_utf8(&body);
        let is_here = !body.is_empty();
        Self {
            version: text(message.head.version()).into_owned(),
            headers: fields(&message.head),
            body: as_text.ok().filter(|_| is_here).map(str::to_owned),
            body_base64: as_text.is_err().then(|| STANDARD.encode(&body)),
            body_length: message.body.wire_length,
            body_state,
            trailers: message.trailers.as_ref().map_or_else(Vec::new, fields),
        }
    }
}

fn fields(head: &Head) -> Vec<(String, String)> {
    head.headers().map(|field| (text(field.name).into_owned(), text(field.value).into_owned())).collect()
}
