//! HAR 1.2, one entry an exchange.
//!
//! Bodies stand in it as browsers write them: without their content coding where that can be undone, as text where they are text, else in base64. What has no
//! place in the format stands in members whose names begin with an underscore. Bytes of heads that are no UTF-8 are written as Latin-1.

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reenact_formats::content::{MAX_DECODED, decoded_body, split_absolute};
use reenact_formats::disk::version::RELEASE;
use reenact_formats::model::{Completeness, Exchange, Head, Message, Timestamp};
use serde_json::{Value, json};

use super::{Exporter, LeftOut, origin_of, text};

#[derive(Default)]
pub(super) struct Har {
    is_begun: bool,
}

impl Exporter for Har {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let creator = json!({ "name": "reenact", "version": RELEASE });
        write!(out, "{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"pages\":[],\"entries\":[")
    }

    fn exchange(&mut self, exchange: &Exchange, out: &mut dyn Write) -> io::Result<Option<LeftOut>> {
        let Some(request) = &exchange.request else { return Ok(Some(LeftOut::NoRequest)) };
        out.write_all(if std::mem::replace(&mut self.is_begun, true) { b",\n" } else { b"\n" })?;
        serde_json::to_writer(&mut *out, &entry(exchange, request))?;
        Ok(None)
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"\n]}}\n")
    }
}

fn entry(exchange: &Exchange, request: &Message) -> Value {
    let timing = exchange.timing;
    let sent = timing.request_end.unwrap_or(exchange.start);
    let first = timing.first_byte.unwrap_or(sent);
    let spans = [sent.since(exchange.start), first.since(sent), timing.end.unwrap_or(first).since(first)];
    let [send, wait, receive] = spans.map(milliseconds);
    let mut entry = json!({
        "startedDateTime": started(exchange.start),
        "time": milliseconds(spans.iter().sum()),
        "request": request_of(exchange, request),
        "response": exchange.response.as_ref().map_or_else(no_response, response_of),
        "cache": {},
        "timings": { "blocked": -1, "dns": -1, "connect": -1, "send": send, "wait": wait, "receive": receive, "ssl": -1 },
        "connection": exchange.id.connection.to_string(),
        "_id": exchange.id.to_string(),
    });
    if !exchange.server.ip().is_unspecified() {
        entry["serverIPAddress"] = json!(exchange.server.ip().to_string());
    }
    entry
}

fn request_of(exchange: &Exchange, message: &Message) -> Value {
    let head = &message.head;
    let target = text(head.target().unwrap_or_default());
    let is_whole = head.target().is_some_and(|target| split_absolute(target).is_some());
    let slash = if target.starts_with('/') { "" } else { "/" };
    let url = if is_whole { target.clone().into_owned() } else { format!("{}{slash}{target}", origin_of(exchange)) };
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        json!({ "name": name, "value": value })
    });
    let mut request = json!({
        "method": text(head.method().unwrap_or_default()),
        "url": url,
        "httpVersion": version(head),
        "cookies": [],
        "headers": headers(head),
        "queryString": pairs.collect::<Vec<_>>(),
        "headersSize": head.raw().len(),
        "bodySize": length(message),
    });
    if length(message) > 0 {
        let mut post = json!({ "mimeType": text(head.header("content-type").unwrap_or_default()), "params": [] });
        if message.body.completeness == Completeness::Whole {
            let body = message.body.contiguous();
            // As it was sent: what a coding hides is no text.
            match std::str::from_utf8(&body).ok().filter(|_| head.header("content-encoding").is_none()) {
                Some(body) => post["text"] = json!(body),
                None => (post["text"], post["_encoding"]) = (json!(STANDARD.encode(&body)), json!("base64")),
            }
        } else {
            post["comment"] = json!("the body was not kept");
        }
        request["postData"] = post;
    }
    request
}

fn response_of(message: &Message) -> Value {
    let head = &message.head;
    let mut content = json!({ "size": message.body.wire_length, "mimeType": text(head.header("content-type").unwrap_or_default()) });
    if message.body.completeness == Completeness::Whole {
        let body = decoded_body(message, MAX_DECODED).unwrap_or_else(|_| message.body.contiguous());
        content["size"] = json!(body.len());
        match std::str::from_utf8(&body) {
            Ok(body) => content["text"] = json!(body),
            Err(_) => (content["text"], content["encoding"]) = (json!(STANDARD.encode(&body)), json!("base64")),
        }
    } else {
        content["comment"] = json!("the body was not kept");
    }
    let reason = head.raw().split(|byte| *byte == b'\n').next().unwrap_or_default().splitn(3, |byte| *byte == b' ').nth(2).unwrap_or_default();
    json!({
        "status": head.status().unwrap_or_default(),
        "statusText": text(reason.trim_ascii()),
        "httpVersion": version(head),
        "cookies": [],
        "headers": headers(head),
        "content": content,
        "redirectURL": text(head.header("location").unwrap_or_default()),
        "headersSize": head.raw().len(),
        "bodySize": length(message),
    })
}

/// How long a body is: as it is here, or as it was where it is not.
fn length(message: &Message) -> u64 {
    if message.body.completeness == Completeness::Whole { message.body.kept_length() } else { message.body.wire_length }
}

/// As browsers write a request that no one answered.
fn no_response() -> Value {
    json!({
        "status": 0, "statusText": "", "httpVersion": "", "cookies": [], "headers": [], "content": { "size": 0, "mimeType": "" }, "redirectURL": "",
        "headersSize": -1, "bodySize": -1,
    })
}

fn headers(head: &Head) -> Vec<Value> {
    let line = |value: &[u8]| text(value).split(['\r', '\n']).map(str::trim).collect::<Vec<_>>().join(" ");
    head.headers().map(|field| json!({ "name": text(field.name), "value": line(field.value) })).collect()
}

fn version(head: &Head) -> Cow<'_, str> {
    if head.version().is_empty() { "HTTP/0.9".into() } else { text(head.version()) }
}

/// With all nine digits, as the format's times have digits.
fn started(time: Timestamp) -> String {
    let text = time.to_string();
    let (whole, fraction) = text.trim_end_matches('Z').split_once('.').unwrap_or((text.trim_end_matches('Z'), ""));
    format!("{whole}.{fraction:0<9}Z")
}

/// Milliseconds to the nanosecond.
fn milliseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}
