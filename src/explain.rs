//! Why something of an exchange is redacted, for a person or for a script.
//!
//! In: an exchange of a raw recording, or HTTP messages as text. Out: what was found in it, by which rule and evidence, and what it becomes.
//! Values are shown to whoever gave them; of a redacted recording there are none to show, and only what is on record is told.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use reenact_formats::disk::recording::wall_clock;
use reenact_formats::model::{Body, BodyFraming, Completeness, Exchange, Head, Message};
use reenact_sanitize::Explained;
use serde_json::{Value, json};

use crate::inspect::printable;

/// An exchange of the HTTP messages in a text: a request, a response, or both, one behind the other. Nothing if there is none.
pub fn exchange_of(text: &[u8]) -> Option<Exchange> {
    let text = text.trim_ascii_start();
    let (request, response) = if text.starts_with(b"HTTP/") {
        (None, Some(text))
    } else {
        let answer = memchr_line(text, b"HTTP/1.");
        (Some(&text[..answer.unwrap_or(text.len())]), answer.map(|at| &text[at..]))
    };
    let request = request.map(|text| message(text, Head::request)).transpose().ok()?;
    let response = response.map(|text| message(text, Head::response)).transpose().ok()?;
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Some(Exchange { start: wall_clock(), request, response, ..Exchange::between(nowhere, nowhere) })
}

fn message<E>(text: &[u8], read: impl FnOnce(Bytes) -> Result<Head, E>) -> Result<Message, E> {
    let end = [&b"\r\n\r\n"[..], b"\n\n"].iter().filter_map(|end| Some(text.windows(end.len()).position(|at| at == *end)? + end.len())).min();
    // A head that was copied without the empty line behind it.
    let (head, body) = match end {
        Some(end) => (text[..end].to_vec(), &text[end..]),
        None => ([text.trim_ascii_end(), b"\r\n\r\n"].concat(), &b""[..]),
    };
    let body = Bytes::copy_from_slice(body.strip_suffix(b"\n").map_or(body, |body| body.strip_suffix(b"\r").unwrap_or(body)));
    Ok(Message {
        head: read(Bytes::from(head))?,
        body: Body {
            wire_length: body.len() as u64,
            slices: if body.is_empty() { Vec::new() } else { vec![body] },
            completeness: Completeness::Whole,
            framing: BodyFraming::Length,
        },
        trailers: None,
    })
}

/// Where a line begins so.
fn memchr_line(text: &[u8], begins: &[u8]) -> Option<usize> {
    text.windows(begins.len() + 1).position(|at| at[0] == b'\n' && &at[1..] == begins).map(|at| at + 1)
}

/// For a person.
pub fn explained_text(all: &[Explained]) -> String {
    if all.is_empty() {
        return "nothing is found: all of it stays\n".to_owned();
    }
    let mut out = String::new();
    for one in all {
        let (path, rule) = (printable(one.path.as_bytes()), printable(one.rule.as_bytes()));
        let _ = writeln!(out, "{} {path}: {rule} ({}), told by {}; {}", one.side.word(), one.severity, one.evidence.word(), one.action.word());
        if !one.value.is_empty() || !one.becomes.is_empty() {
            let _ = writeln!(out, "  {} → {}", printable(&one.value), printable(&one.becomes));
        }
    }
    out
}

/// For a script.
pub fn explained_json(all: &[Explained]) -> Value {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let one = |one: &Explained| {
        json!({
            "side": one.side.word(), "path": one.path, "rule": one.rule, "severity": one.severity, "domain": one.domain,
            "evidence": one.evidence.word(), "action": one.action.word(), "value": text(&one.value), "becomes": text(&one.becomes),
        })
    };
    json!(all.iter().map(one).collect::<Vec<_>>())
}

/// What is on record of an exchange that was redacted before, for a person: no value.
pub fn recorded_text(exchange: &Exchange) -> String {
    let mut out = String::new();
    for redaction in &exchange.redactions {
        let (path, rule) = (printable(redaction.path.as_bytes()), printable(redaction.rule.as_bytes()));
        let _ = writeln!(out, "{} {path}: {rule}; {}", redaction.side.word(), redaction.action.word());
    }
    if out.is_empty() { "nothing is on record: all of it stayed\n".to_owned() } else { out }
}

/// The same for a script.
pub fn recorded_json(exchange: &Exchange) -> Value {
    let one = |redaction: &reenact_formats::model::Redaction| json!({ "side": redaction.side.word(), "path": redaction.path, "rule": redaction.rule, "domain": redaction.domain, "action": redaction.action.word() });
    json!(exchange.redactions.iter().map(one).collect::<Vec<_>>())
}
