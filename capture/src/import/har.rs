//! HAR 1.2: what browsers, proxies and test tools save of what they loaded.
//!
//! ```text
//! { "log": { "entries": [ { "startedDateTime", "request": {…}, "response": {…}, "timings": {…}, "serverIPAddress", "connection" }, … ] } }
//! ```
//!
//! Bodies stand in it as they were understood, so that heads are made to say so: no content coding, no transfer coding, the length that is there. Names and
//! values of HTTP/2 become those of HTTP/1. What a body's text cannot be (another length than the head announces, a coded request) is not known. What came out
//! of a cache, and what is not HTTP at all (`data:`, `blob:`), was never sent and is passed over.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reenact_formats::content::split_absolute;
use reenact_formats::model::{Anomaly, Exchange, Head, Message, Origin, Timestamp, Unknown, Unreadable};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, Visitor};

use super::compose::{Coding, Compose, Told};
use super::elements::{Element, Elements};
use super::input::Input;
use super::intake::{self, Intake};
use crate::Error;

/// Browsers tell a connection, and some times to the microsecond; not all do.
pub(super) fn origin() -> Origin {
    Origin::new("har", [Unknown::Addresses, Unknown::Connections, Unknown::Framing, Unknown::Nanoseconds, Unknown::Protocol])
}

/// Whether a text begins as such files do.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let after = |bytes: &[u8], word: &[u8]| bytes.trim_ascii_start().strip_prefix(word).map(<[u8]>::to_vec);
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    after(bytes, b"{")
        .and_then(|rest| after(&rest, b"\"log\""))
        .and_then(|rest| after(&rest, b":"))
        .is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"))
}

pub(super) fn read(input: &mut Input, intake: &mut Intake<'_>) -> Result<(), Error> {
    let mut elements = Elements::of(&[b"log", b"entries"]);
    while !intake.is_stopped() {
        let text = match elements.next(input, LONGEST_ENTRY)? {
            Element::Whole(text) => text,
            Element::TooLong => {
                intake.begin_entry();
                intake.cannot_read(Unreadable::Length);
                continue;
            }
            Element::End => return Ok(()),
            Element::Cut => {
                input.mark_damage(&format!("is cut off or damaged behind entry {}", intake.ledger.entries));
                return Ok(());
            }
            Element::Absent => return Err(Error::NotAnImport { name: input.name().to_owned(), format: "har", found: "it has no log.entries".to_owned() }),
        };
        intake.begin_entry();
        // What serde says of a wrong entry may quote it.
        let Ok(entry) = serde_json::from_slice::<Entry>(&text) else {
            intake.cannot_read(Unreadable::Form);
            continue;
        };
        match entry.exchange(intake) {
            Ok(Some(exchange)) => intake.give(exchange, input)?,
            Ok(None) => intake.pass_over(),
            Err(why) => intake.cannot_read(why),
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "startedDateTime", default)]
    started: Option<Text>,
    request: Request,
    #[serde(default)]
    response: Option<Response>,
    #[serde(default)]
    timings: Option<Timings>,
    #[serde(rename = "serverIPAddress", default)]
    server: Option<Text>,
    #[serde(default)]
    connection: Option<serde_json::Value>,
    #[serde(rename = "_fromCache", default)]
    from_cache: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Request {
    method: Text,
    url: Text,
    #[serde(rename = "httpVersion", default)]
    version: Option<Text>,
    #[serde(default)]
    headers: Vec<Field>,
    #[serde(rename = "postData", default)]
    post: Option<Post>,
    #[serde(rename = "bodySize", default)]
    body_size: Option<f64>,
}

#[derive(Deserialize)]
struct Post {
    #[serde(rename = "mimeType", default)]
    media_type: Option<Text>,
    #[serde(default)]
    text: Option<Text>,
    #[serde(default)]
    params: Option<Vec<Field>>,
    #[serde(alias = "_encoding", default)]
    encoding: Option<Text>,
}

#[derive(Deserialize)]
struct Response {
    #[serde(default)]
    status: f64,
    #[serde(rename = "statusText", default)]
    reason: Option<Text>,
    #[serde(rename = "httpVersion", default)]
    version: Option<Text>,
    #[serde(default)]
    headers: Vec<Field>,
    #[serde(default)]
    content: Option<Content>,
    #[serde(rename = "bodySize", default)]
    body_size: Option<f64>,
}

#[derive(Default, Deserialize)]
struct Content {
    #[serde(default)]
    size: Option<f64>,
    #[serde(default)]
    text: Option<Text>,
    #[serde(default)]
    encoding: Option<Text>,
}

#[derive(Deserialize)]
struct Field {
    name: Text,
    #[serde(default)]
    value: Option<Text>,
}

/// Spans of time in milliseconds; below zero, or not there, where one does not apply.
#[derive(Default, Deserialize)]
struct Timings {
    #[serde(default)]
    blocked: Option<f64>,
    #[serde(default)]
    dns: Option<f64>,
    #[serde(default)]
    connect: Option<f64>,
    #[serde(default)]
    send: Option<f64>,
    #[serde(default)]
    wait: Option<f64>,
    #[serde(default)]
    receive: Option<f64>,
}

/// A text. Half of a surrogate pair, which browsers write where they cut a text, is no reason to lose the entry: replacement characters stand in its place.
#[derive(Default)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
                Ok(Text(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        deserializer.deserialize_bytes(Any)
    }
}

/// What stands in a member that may be missing or null.
fn text(text: Option<&Text>) -> &str {
    text.map_or("", |text| &text.0)
}

impl Entry {
    /// The exchange; none if it was never sent.
    fn exchange(mut self, intake: &mut Intake<'_>) -> Result<Option<Exchange>, Unreadable> {
        let address = std::mem::take(&mut self.request.url.0);
        let Some(url) = Url::of(&address).filter(|_| self.from_cache.is_none()) else { return Ok(None) };
        let began: Timestamp = text(self.started.as_ref()).trim().parse().map_err(|_| Unreadable::Time)?;
        let limits = intake.limits;
        let (request, odd) = self.request.message(&url, limits.max_body).ok_or(Unreadable::Request)?;
        let method = request.head.method().unwrap_or_default().to_vec();
        // Without an answer there is a status of zero, or nothing at all.
        let answered = self.response.filter(|response| response.status > 0.0);
        let response = answered.map(|response| response.message(&method, limits.max_body).ok_or(Unreadable::Response)).transpose()?;

        // A text by the format, a number by some who write it.
        let connection = self.connection.map_or_else(String::new, |connection| connection.as_str().map_or_else(|| connection.to_string(), str::to_owned));
        let connection = connection.trim();
        let key = [url.authority, b" ", connection.as_bytes()].concat();
        let is_told = !matches!(connection, "" | "0" | "null");
        let timings = self.timings.unwrap_or_default();
        let start = began.saturating_add([timings.blocked, timings.dns, timings.connect].into_iter().map(milliseconds).sum());
        let mut exchange = intake::exchange(intake.place(is_told.then_some(&key)), start);
        let ip = text(self.server.as_ref()).trim_matches(['[', ']']).parse::<IpAddr>();
        exchange.server = SocketAddr::new(ip.unwrap_or(intake::NOWHERE.ip()), url.port);
        let sent = start.saturating_add(milliseconds(timings.send));
        exchange.timing.request_end = Some(sent);
        exchange.anomalies.extend(odd);
        if let Some((response, odd)) = response {
            let first = sent.saturating_add(milliseconds(timings.wait));
            exchange.timing.first_byte = Some(first);
            exchange.timing.end = Some(first.saturating_add(milliseconds(timings.receive)));
            if response.head.status() == Some(101) {
                exchange.anomalies.insert(Anomaly::Upgraded);
            }
            exchange.anomalies.extend(odd);
            exchange.response = Some(response);
        }
        exchange.request = Some(request);
        Ok(Some(exchange))
    }
}

impl Request {
    fn message(self, url: &Url<'_>, max_body: u64) -> Option<(Message, Option<Anomaly>)> {
        let mut composed = Compose::request(self.method.0.as_bytes(), url.target, text(self.version.as_ref()).as_bytes())?;
        if !self.headers.iter().any(|field| field.name.0.eq_ignore_ascii_case("host")) {
            composed.field(b"Host", url.authority);
        }
        fields(&self.headers, &mut composed);
        let announced = composed.announced().or(size(self.body_size)).filter(|length| *length > 0);
        let is_coded = has_coding(&self.headers);
        let body = match self.post {
            None => announced.map_or(Told::None, |length| Told::Unknown(Some(length))),
            Some(post) => post.body(announced, is_coded),
        };
        composed.finish(Head::request, body, max_body)
    }
}

impl Post {
    /// What was sent, as far as the text can be that.
    fn body(self, announced: Option<u64>, is_coded: bool) -> Told {
        let is_base64 = text(self.encoding.as_ref()) == "base64";
        let params = self.params.unwrap_or_default();
        match self.text {
            Some(Text(encoded)) if is_base64 => STANDARD.decode(encoded).map_or(Told::Unknown(announced), |body| Told::Whole(body.into(), Coding::AsSent)),
            Some(Text(body)) if !is_coded && announced.is_none_or(|length| length == body.len() as u64) && (!body.is_empty() || params.is_empty()) => {
                if body.is_empty() { Told::None } else { Told::Whole(body.into(), Coding::AsSent) }
            }
            _ if !is_coded && !params.is_empty() && text(self.media_type.as_ref()).starts_with("application/x-www-form-urlencoded") => {
                let pairs: Vec<_> = params.iter().map(|field| format!("{}={}", form(&field.name.0), form(text(field.value.as_ref())))).collect();
                Told::Whole(pairs.join("&").into(), Coding::AsSent)
            }
            _ => Told::Unknown(announced),
        }
    }
}

impl Response {
    fn message(self, method: &[u8], max_body: u64) -> Option<(Message, Option<Anomaly>)> {
        let status = size(Some(self.status)).and_then(|status| u16::try_from(status).ok())?;
        let mut composed = Compose::response(text(self.version.as_ref()).as_bytes(), status, text(self.reason.as_ref()).as_bytes())?;
        fields(&self.headers, &mut composed);
        let has_none = method == b"HEAD" || method == b"CONNECT" || matches!(status, 100..200 | 204 | 304);
        let content = self.content.unwrap_or_default();
        let length = size(content.size).filter(|length| *length > 0).or(composed.announced()).or(size(self.body_size));
        let body = match content.text {
            _ if has_none => Told::None,
            Some(Text(encoded)) if text(content.encoding.as_ref()) == "base64" => match STANDARD.decode(encoded) {
                Ok(body) => Told::Whole(body.into(), Coding::Undone),
                Err(_) => Told::Unknown(length),
            },
            Some(Text(body)) if !body.is_empty() => Told::Whole(in_charset(body, &self.headers), Coding::Undone),
            _ if length.is_none_or(|length| length == 0) && (size(content.size) == Some(0) || size(self.body_size) == Some(0)) => Told::None,
            _ => Told::Unknown(length),
        };
        composed.finish(Head::response, body, max_body)
    }
}

/// Fields that are repeated stand as such, or as lines of one value.
fn fields(headers: &[Field], composed: &mut Compose) {
    for field in headers {
        composed.field(field.name.0.as_bytes(), text(field.value.as_ref()).as_bytes());
    }
}

fn has_coding(headers: &[Field]) -> bool {
    headers.iter().any(|field| field.name.0.eq_ignore_ascii_case("content-encoding") && !text(field.value.as_ref()).eq_ignore_ascii_case("identity"))
}

/// A text as the charset of its `Content-Type` writes it, where that is one of single bytes: the file has it in UTF-8.
fn in_charset(body: String, headers: &[Field]) -> Bytes {
    let kind = headers.iter().find(|field| field.name.0.eq_ignore_ascii_case("content-type")).map_or("", |field| text(field.value.as_ref()));
    let is_latin = ["iso-8859-1", "latin1", "windows-1252"].iter().any(|charset| kind.to_ascii_lowercase().contains(charset));
    let bytes = is_latin.then(|| body.chars().map(|char| u8::try_from(char).ok()).collect::<Option<Vec<u8>>>()).flatten();
    bytes.map_or_else(|| body.into(), Bytes::from)
}

/// A value of a form, as it is sent.
fn form(value: &str) -> String {
    let mut sent = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b' ' => sent.push('+'),
            _ if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'*') => sent.push(char::from(byte)),
            // Browsers tell values as they are sent, others as they are meant.
            b'%' | b'+' => sent.push(char::from(byte)),
            _ => sent.push_str(&format!("%{byte:02X}")),
        }
    }
    sent
}

/// A span of time, none if it is below zero.
fn milliseconds(span: Option<f64>) -> Duration {
    span.filter(|span| span.is_finite() && *span > 0.0)
        .map_or(Duration::ZERO, |span| Duration::try_from_secs_f64(span / 1e3).unwrap_or(Duration::MAX).min(LONGEST_SPAN))
}

/// A length, none if it is below zero, which says that no one knows.
fn size(size: Option<f64>) -> Option<u64> {
    let size = size.filter(|size| *size >= 0.0 && *size <= LARGEST_SIZE)?;
    format!("{size:.0}").parse().ok()
}

/// The parts of a URL that a request needs.
struct Url<'a> {
    authority: &'a [u8],
    port: u16,
    target: &'a [u8],
}

impl<'a> Url<'a> {
    /// Of a URL that is fetched by HTTP.
    fn of(url: &'a str) -> Option<Self> {
        let absolute = split_absolute(url.as_bytes())?;
        let default = match absolute.scheme.to_ascii_lowercase().as_slice() {
            b"http" | b"ws" => 80,
            b"https" | b"wss" => 443,
            _ => return None,
        };
        let authority = absolute.host();
        let port = authority.rsplit(|byte| *byte == b':').next().filter(|port| port.len() < authority.len());
        let port = port.and_then(|port| std::str::from_utf8(port).ok()?.parse().ok()).unwrap_or(default);
        Some(Self { authority, port, target: absolute.rest })
    }
}

const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];
/// A longer entry is passed over.
const LONGEST_ENTRY: usize = 128 << 20;
/// Nothing takes longer.
const LONGEST_SPAN: Duration = Duration::from_secs(366 * 24 * 3600);
const LARGEST_SIZE: f64 = 1e15;
