//! One exchange, readable: heads as they were, bodies decoded, and what was redacted noted below.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reenact_formats::content::{CodingError, decoded_body};
use reenact_formats::model::{BodyFraming, Completeness, DropReason, Exchange, Message, Redaction, Side, Timestamp};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::figures::{bytes, count, duration, printable};

/// One exchange, for a person.
pub fn exchange_text(exchange: &Exchange) -> String {
    let mut out = String::new();
    line(&mut out, &format!("exchange {} ({}, {})", exchange.id, exchange.protocol, exchange.role));
    line(&mut out, &format!("  {} → {}", exchange.client, exchange.server));
    line(&mut out, &format!("  began {}{}", exchange.start, timing_words(exchange)));
    line(&mut out, &format!("  {}", completeness_words(exchange)));
    for side in [Side::Request, Side::Response] {
        if side == Side::Response {
            for head in &exchange.interim {
                rule(&mut out, "informational response");
                head_lines(&mut out, head.raw());
            }
        }
        rule(&mut out, side.word());
        match exchange.message(side) {
            Some(message) => message_lines(&mut out, message),
            None => line(&mut out, "(not seen)"),
        }
        redaction_lines(&mut out, exchange.redactions.iter().filter(|redaction| redaction.side == side));
    }
    out
}

/// One exchange, for a script. A body that is text stands in `text`, another in `base64`.
pub fn exchange_json(exchange: &Exchange) -> Value {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let redactions = exchange.redactions.iter().map(|redaction| {
        json!({
            "side": redaction.side.word(), "part": redaction.part.word(), "span": [redaction.span.start, redaction.span.end],
            "rule": redaction.rule, "domain": redaction.domain, "action": redaction.action.word(), "path": redaction.path,
        })
    });
    json!({
        "id": exchange.id.to_string(),
        "connection": exchange.id.connection.0,
        "protocol": exchange.protocol.word(),
        "role": exchange.role.word(),
        "shape": exchange.shape.word(),
        "client": exchange.client.to_string(),
        "server": exchange.server.to_string(),
        "start": exchange.start.to_string(),
        "request_end": time(exchange.timing.request_end),
        "first_byte": time(exchange.timing.first_byte),
        "response_end": time(exchange.timing.end),
        "complete": exchange.is_complete(),
        "anomalies": exchange.anomalies.iter().map(|anomaly| anomaly.word()).collect::<Vec<_>>(),
        "request": exchange.request.as_ref().map(message_json),
        "interim": exchange.interim.iter().map(|head| String::from_utf8_lossy(head.raw())).collect::<Vec<_>>(),
        "response": exchange.response.as_ref().map(message_json),
        "redactions": redactions.collect::<Vec<_>>(),
    })
}

fn message_json(message: &Message) -> Value {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = |head: &reenact_formats::model::Head| head.headers().map(|header| json!([text(header.name), text(header.value)])).collect::<Vec<_>>();
    let body = &message.body;
    let (decoded, coding_error) = match decoded_body(message, DECODE_LIMIT) {
        Ok(decoded) => (decoded, None),
        Err(error) => (body.contiguous(), Some(error.to_string())),
    };
    let (framing, chunks) = match &body.framing {
        BodyFraming::Empty => ("empty", None),
        BodyFraming::Length => ("length", None),
        BodyFraming::Chunked(chunks) => ("chunked", Some(chunks)),
        BodyFraming::Close => ("close", None),
    };
    let (kept, text_body) = match std::str::from_utf8(&decoded) {
        Ok(text) => ("text", text.to_owned()),
        Err(_) => ("base64", BASE64.encode(&decoded)),
    };
    json!({
        "method": message.head.method().map(text),
        "target": message.head.target().map(text),
        "status": message.head.status(),
        "version": text(message.head.version()),
        "headers": headers(&message.head),
        "trailers": message.trailers.as_ref().map(headers),
        "body": {
            "wire_length": body.wire_length,
            "kept_length": body.kept_length(),
            "state": body_state(body.completeness),
            "framing": framing,
            "chunks": chunks,
            "not_decoded": coding_error,
            kept: text_body,
        },
    })
}

fn timing_words(exchange: &Exchange) -> String {
    let after = |name: &str, time: Option<Timestamp>| time.map(|time| format!("; {name} after {}", duration(time.since(exchange.start)))).unwrap_or_default();
    let timing = &exchange.timing;
    [after("request whole", timing.request_end), after("first byte of the answer", timing.first_byte), after("answer whole", timing.end)].concat()
}

fn completeness_words(exchange: &Exchange) -> String {
    let odd: Vec<_> = exchange.anomalies.iter().map(|anomaly| anomaly.word().replace('_', " ")).collect();
    let odd = if odd.is_empty() { String::new() } else { format!(": {}", odd.join(", ")) };
    format!("{}{odd}", if exchange.is_complete() { "complete" } else { "not complete" })
}

fn message_lines(out: &mut String, message: &Message) {
    head_lines(out, message.head.raw());
    body_lines(out, message);
    if let Some(trailers) = &message.trailers {
        line(out, "");
        line(out, "trailers:");
        head_lines(out, trailers.raw());
    }
}

fn head_lines(out: &mut String, raw: &[u8]) {
    for head_line in raw.split(|byte| *byte == b'\n') {
        let head_line = head_line.strip_suffix(b"\r").unwrap_or(head_line);
        if !head_line.is_empty() {
            line(out, &printable(head_line));
        }
    }
}

fn body_lines(out: &mut String, message: &Message) {
    let body = &message.body;
    let state = state_words(body.completeness, body.wire_length);
    let decoded = decoded_body(message, DECODE_LIMIT);
    let coding = message.head.header("content-encoding").filter(|_| body.kept_length() > 0).map(printable);
    let (shown, coding) = match (decoded, coding) {
        (Ok(shown), Some(coding)) => {
            let note = format!("{coding}: {} on the wire, {} decoded", bytes(body.wire_length), bytes(shown.len() as u64));
            (shown, Some(note))
        }
        (Ok(shown), None) => (shown, None),
        (Err(error), coding) => (body.contiguous(), Some(coding_words(&coding.unwrap_or_default(), &error))),
    };
    if !shown.is_empty() || !state.is_empty() || coding.is_some() {
        line(out, "");
    }
    for note in [state, coding.unwrap_or_default()] {
        if !note.is_empty() {
            line(out, &format!("({note})"));
        }
    }
    if !shown.is_empty() {
        content_lines(out, message, &shown);
    }
}

fn coding_words(coding: &str, error: &CodingError) -> String {
    format!("{coding} that could not be decoded: {error}")
}

fn content_lines(out: &mut String, message: &Message, shown: &[u8]) {
    let media_type = message.head.media_type().unwrap_or_default();
    match text_of(shown) {
        Some(text) => {
            let indented = serde_json::from_str::<IgnoredAny>(text).is_ok().then(|| indent_json(text));
            let text = indented.map_or(Cow::Borrowed(text), Cow::Owned);
            let end = text.char_indices().map(|(at, _)| at).find(|at| *at >= SHOWN_TEXT).unwrap_or(text.len());
            line(out, printable(&text.as_bytes()[..end]).trim_end_matches('\n'));
            if end < text.len() {
                line(out, &format!("({} more; --json has them all)", bytes((text.len() - end) as u64)));
            }
        }
        None => {
            let kind = if media_type.is_empty() { String::new() } else { format!(" of {}", printable(media_type.as_bytes())) };
            line(out, &format!("({} bytes{kind}, beginning with)", count(shown.len() as u64)));
            for row in shown[..shown.len().min(SHOWN_BINARY)].chunks(16) {
                let digits: Vec<_> = row.iter().map(|byte| format!("{byte:02x}")).collect();
                line(out, &format!("  {}", digits.join(" ")));
            }
        }
    }
}

/// The body as text, if it is text.
fn text_of(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let odd = text.chars().filter(|char| char.is_control() && !matches!(char, '\n' | '\r' | '\t' | '\x0c')).count();
    // A stray control character is shown as an escape; a body that is full of them is no text.
    (odd * 20 <= text.len()).then_some(text)
}

/// JSON on several lines, every token as it was written: numbers keep their digits, keys their order.
fn indent_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let (mut quoted, mut escaped) = (false, false);
    let new_line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    for char in text.chars() {
        if quoted {
            out.push(char);
            quoted = escaped || char != '"';
            escaped = char == '\\' && !escaped;
            continue;
        }
        if char.is_ascii_whitespace() {
            continue;
        }
        // A bracket is opened on a line of its own once something follows in it.
        if out.ends_with(OPENING) && !matches!(char, '}' | ']') {
            depth += 1;
            new_line(&mut out, depth);
        }
        match char {
            '}' | ']' if !out.ends_with(OPENING) => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(char);
            }
            ',' => {
                out.push(char);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                out.push(char);
                quoted = char == '"';
            }
        }
    }
    out
}

const OPENING: [char; 2] = ['{', '['];

fn redaction_lines<'a>(out: &mut String, redactions: impl Iterator<Item = &'a Redaction>) {
    let rows: Vec<_> = redactions
        .map(|redaction| {
            let Redaction { part, span, rule, domain, action, path, .. } = redaction;
            let place = if span.is_empty() { part.word().to_owned() } else { format!("{part} {}..{}", span.start, span.end) };
            let rule = if rule == domain { rule.clone() } else { format!("{rule} ({domain})") };
            [place, action.word().to_owned(), rule, path.clone()].map(|word| printable(word.as_bytes()))
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    line(out, "");
    line(out, "redactions:");
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    for [place, action, rule, path] in &rows {
        line(out, &format!("  {place:<0$}  {action:<1$}  {rule:<2$}  {path}", widths[0], widths[1], widths[2]));
    }
}

fn state_words(completeness: Completeness, wire_length: u64) -> String {
    match completeness {
        Completeness::Whole => String::new(),
        Completeness::TruncatedAt(at) => format!("cut off after {}", bytes(at)),
        Completeness::Gap(missing) => format!("{} are missing from its middle", bytes(missing)),
        Completeness::Dropped { reason, seen_whole } => {
            let why = match reason {
                DropReason::OverLimit => "it was over the limit",
                DropReason::Undecodable => "its coding could not be undone",
                DropReason::Incomplete => "not all of it was seen",
                DropReason::Opaque => "its kind is opaque",
                DropReason::Policy => "the policy says so",
                DropReason::NotRecorded => "what was imported did not hold it",
                other => other.word(),
            };
            let whole = if seen_whole { "" } else { ", and it was not seen whole" };
            format!("body of {} dropped: {why}{whole}", bytes(wire_length))
        }
    }
}

fn body_state(completeness: Completeness) -> Value {
    match completeness {
        Completeness::Whole => json!({ "kind": "whole" }),
        Completeness::TruncatedAt(at) => json!({ "kind": "truncated", "after": at }),
        Completeness::Gap(missing) => json!({ "kind": "gap", "missing": missing }),
        Completeness::Dropped { reason, seen_whole } => json!({ "kind": "dropped", "reason": reason.word(), "seen_whole": seen_whole }),
    }
}

fn rule(out: &mut String, name: &str) {
    line(out, "");
    line(out, &format!("── {name} {}", "─".repeat(RULE_WIDTH.saturating_sub(name.len()))));
}

fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "{}", text.trim_end());
}

const RULE_WIDTH: usize = 74;
/// How much of a body is shown to a person.
const SHOWN_TEXT: usize = 64 << 10;
const SHOWN_BINARY: usize = 64;
/// How large a body may become when it is decoded.
const DECODE_LIMIT: usize = 64 << 20;
