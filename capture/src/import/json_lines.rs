//! JSON lines: an object a line, of whatever logs requests as such; which member says what is told by a map, or by the names that are usual.
//!
//! What a line has is taken: time, method and target at least; status, lengths, durations, fields and bodies where there are such members.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reenact_formats::content::split_absolute;
use reenact_formats::model::{Exchange, Head, Origin, Timestamp, Unknown, Unreadable};
use serde_json::Value;

use super::access_log::{is_answered, request_body, response_body};
use super::compose::{Coding, Compose, Told};
use super::input::Input;
use super::intake::{self, Intake};
use super::lines::{self, Line};
use crate::Error;

pub(super) fn origin() -> Origin {
    use Unknown::{Addresses, Bodies, Connections, Framing, Headers, Nanoseconds, Protocol, Timing};
    Origin::new("jsonl", [Addresses, Bodies, Connections, Framing, Headers, Nanoseconds, Protocol, Timing])
}

/// Whether a file begins with an object on a line of its own.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let line = lines::first(bytes);
    let is_object = || serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
    // Of a long line only its beginning is there.
    line.starts_with(b"{") && line.len() > 2 && (is_object() || !bytes.trim_ascii_start().contains(&b'\n'))
}

pub(super) fn read(input: &mut Input, intake: &mut Intake<'_>, fields: &FieldMap, host: Option<&str>) -> Result<(), Error> {
    while !intake.is_stopped()
        && let Some(line) = lines::next(input)?
    {
        intake.begin_entry();
        let entry = match line {
            Line::Text(line) => serde_json::from_slice::<Value>(&line).ok().filter(Value::is_object).ok_or(Unreadable::Form),
            Line::TooLong => Err(Unreadable::Length),
        };
        match entry.and_then(|entry| exchange(&Row { entry: &entry, fields }, intake, host)) {
            Ok(exchange) => intake.give(exchange, input)?,
            Err(why) => intake.cannot_read(why),
        }
    }
    Ok(())
}

/// What a member can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Time,
    Method,
    Target,
    Query,
    Request,
    Version,
    Host,
    Headers,
    Body,
    BodyBase64,
    RequestBytes,
    Status,
    ResponseHeaders,
    ResponseBody,
    ResponseBodyBase64,
    ResponseBytes,
    Duration,
    Client,
    Server,
    Connection,
    Referer,
    UserAgent,
}

/// What it is called, and the members that usually say it. A duration ends in its unit, or is in seconds.
const USUAL: &[(Says, &str, &[&str])] = &[
    (Says::Time, "time", &["start", "time", "timestamp", "@timestamp", "ts", "time_iso8601", "msec", "datetime", "date"]),
    (Says::Method, "method", &["method", "request.method", "request_method", "http_method", "verb"]),
    (Says::Target, "target", &["target", "request.target", "request_uri", "uri", "request.uri", "url", "request.url", "path", "request.path", "request_path"]),
    (Says::Query, "query", &["query", "query_string", "args"]),
    (Says::Request, "request", &["request", "request_line"]),
    (Says::Version, "version", &["version", "request.version", "server_protocol", "protocol", "request.proto"]),
    (Says::Host, "host", &["host", "request.host", "http_host", "server_name", "vhost"]),
    (Says::Headers, "headers", &["headers", "request.headers", "request_headers"]),
    (Says::Body, "body", &["request.body", "request_body"]),
    (Says::BodyBase64, "body-base64", &["request.body_base64"]),
    (Says::RequestBytes, "request-bytes", &["request.body_length", "request_bytes"]),
    (Says::Status, "status", &["status", "response.status", "status_code", "response_status", "response_code"]),
    (Says::ResponseHeaders, "response-headers", &["response.headers", "response_headers", "resp_headers"]),
    (Says::ResponseBody, "response-body", &["response.body", "response_body"]),
    (Says::ResponseBodyBase64, "response-body-base64", &["response.body_base64"]),
    (Says::ResponseBytes, "response-bytes", &["response.body_length", "body_bytes_sent", "response_bytes", "size", "bytes", "bytes_sent"]),
    (Says::Duration, "duration", &["duration_ns", "duration_us", "duration_ms", "request_time_ms", "latency_ms", "duration", "request_time"]),
    (Says::Client, "client", &["client", "remote_addr", "client_ip", "remote_ip", "request.remote_ip", "client_addr"]),
    (Says::Server, "server", &["server", "server_addr"]),
    (Says::Connection, "connection", &["connection"]),
    (Says::Referer, "referer", &["referer", "http_referer", "referrer"]),
    (Says::UserAgent, "user-agent", &["user_agent", "http_user_agent"]),
];

/// Which member says what, where that is not what is usual.
#[derive(Debug, Clone, Default)]
pub struct FieldMap {
    told: Vec<(usize, String)>,
}

/// A part of a map that says nothing.
#[derive(Debug, thiserror::Error)]
pub struct InvalidField(String);

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<_> = USUAL.iter().map(|(_, name, _)| *name).collect();
        write!(f, "{:?} is written WHAT=MEMBER, as in status=response.code; WHAT is one of {}", self.0, known.join(", "))
    }
}

impl FieldMap {
    /// Adds what `other` says.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.told.extend(other.told);
        self
    }
}

impl FromStr for FieldMap {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let told = text.split_once('=').filter(|(_, member)| !member.is_empty());
        let told = told.and_then(|(what, member)| Some((USUAL.iter().position(|(_, name, _)| *name == what)?, member.to_owned())));
        Ok(Self { told: vec![told.ok_or_else(|| InvalidField(text.to_owned()))?] })
    }
}

/// A line, and how it is read.
struct Row<'a> {
    entry: &'a Value,
    fields: &'a FieldMap,
}

impl<'a> Row<'a> {
    /// What says it, and the member's name.
    fn find(&self, says: Says) -> Option<(&'a Value, &'a str)> {
        let (index, (_, _, usual)) = USUAL.iter().enumerate().find(|(_, (known, ..))| *known == says)?;
        let mut told = self.fields.told.iter().filter(|(what, _)| *what == index).map(|(_, member)| member.as_str()).peekable();
        if told.peek().is_some() {
            return told.find_map(|member| Some((self.at(member)?, member)));
        }
        usual.iter().find_map(|member| Some((self.at(member)?, *member)))
    }

    /// A member by its name, or by the names that lead to it.
    fn at(&self, member: &str) -> Option<&'a Value> {
        let entry = self.entry;
        let found = entry.get(member).or_else(|| member.split('.').try_fold(entry, |value, name| value.get(name)));
        found.filter(|value| !value.is_null())
    }

    fn text(&self, says: Says) -> Option<&'a str> {
        self.find(says)?.0.as_str().filter(|text| !text.is_empty() && *text != "-")
    }

    /// A number, or a text that is one.
    fn number(&self, says: Says) -> Option<f64> {
        number(self.find(says)?.0)
    }

    fn length(&self, says: Says) -> Option<u64> {
        let value = self.find(says)?.0;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    }

    fn time(&self) -> Option<Timestamp> {
        let value = self.find(Says::Time)?.0;
        if let Some(text) = value.as_str()
            && let Ok(time) = text.trim().replacen(' ', "T", 1).parse()
        {
            return Some(time);
        }
        // Which unit it is in is plain for all times from 1973 to 5138.
        if let Some(whole) = value.as_i64() {
            let unit = [(100_000_000_000_u64, 1_000_000_000_i64), (100_000_000_000_000, 1_000_000), (100_000_000_000_000_000, 1000)];
            let factor = unit.iter().find(|(below, _)| whole.unsigned_abs() < *below).map_or(1, |(_, factor)| *factor);
            return whole.checked_mul(factor).map(Timestamp::from_nanos);
        }
        let seconds = number(value).filter(|seconds| *seconds >= 0.0)?;
        let seconds = if seconds < 1e11 { seconds } else { seconds / 1e3 };
        Some(Timestamp::default().saturating_add(Duration::try_from_secs_f64(seconds).ok()?))
    }

    fn duration(&self) -> Option<Duration> {
        let (value, member) = self.find(Says::Duration)?;
        let unit = [("_ns", 1e-9), ("_us", 1e-6), ("_ms", 1e-3)].iter().find(|(end, _)| member.ends_with(end)).map_or(1.0, |(_, unit)| *unit);
        if unit == 1e-9 {
            return value.as_u64().map(Duration::from_nanos);
        }
        Duration::try_from_secs_f64(number(value)? * unit).ok()
    }

    /// Fields: pairs in a list, or members of an object, whose values may be lists.
    fn headers(&self, says: Says) -> Vec<(String, String)> {
        let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match self.find(says).map(|(value, _)| value) {
            Some(Value::Array(pairs)) => pairs.iter().filter_map(|pair| Some((pair.get(0)?.as_str()?.to_owned(), word(pair.get(1)?)))).collect(),
            Some(Value::Object(members)) => members
                .iter()
                .flat_map(|(name, value)| match value {
                    Value::Array(values) => values.iter().map(|value| (name.clone(), word(value))).collect::<Vec<_>>(),
                    value => vec![(name.clone(), word(value))],
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    fn body(&self, text: Says, base64: Says) -> Option<Bytes> {
        let coded = self.find(base64).and_then(|(value, _)| STANDARD.decode(value.as_str()?).ok());
        coded.or_else(|| Some(self.find(text)?.0.as_str()?.as_bytes().to_vec())).map(Bytes::from)
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| number.is_finite())
}

fn exchange(row: &Row<'_>, intake: &mut Intake<'_>, host: Option<&str>) -> Result<Exchange, Unreadable> {
    let start = row.time().ok_or(Unreadable::Time)?;
    let line: Vec<&str> = row.text(Says::Request).unwrap_or_default().split(' ').collect();
    let of_line = |index: usize| line.get(index).copied().filter(|word| !word.is_empty());
    let method = row.text(Says::Method).or(of_line(0)).ok_or(Unreadable::Request)?.as_bytes();
    let target = row.text(Says::Target).or(of_line(1)).ok_or(Unreadable::Request)?;
    let version = row.text(Says::Version).or(of_line(2)).unwrap_or_default();
    // A whole URL names the host, too.
    let absolute = split_absolute(target.as_bytes());
    let path = absolute.map_or(target.as_bytes(), |absolute| absolute.rest);
    let path = path.split(|byte| *byte == b'#').next().unwrap_or_default();
    let query = row.text(Says::Query).filter(|_| !path.contains(&b'?')).map_or_else(String::new, |query| format!("?{}", query.trim_start_matches('?')));
    let mut composed = Compose::request(method, &[path, query.as_bytes()].concat(), version.as_bytes()).ok_or(Unreadable::Request)?;
    let headers = row.headers(Says::Headers);
    let host = row.text(Says::Host).map(str::as_bytes).or(absolute.map(|absolute| absolute.host())).or(host.map(str::as_bytes));
    // An unknown host is an empty one (RFC 9112, section 3.2).
    for (name, value) in [
        ("Host", Some(host.unwrap_or_default())),
        ("Referer", row.text(Says::Referer).map(str::as_bytes)),
        ("User-Agent", row.text(Says::UserAgent).map(str::as_bytes)),
    ] {
        if let Some(value) = value.filter(|_| !headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))) {
            composed.field(name.as_bytes(), value);
        }
    }
    headers.iter().for_each(|(name, value)| composed.field(name.as_bytes(), value.as_bytes()));
    let body = match row.body(Says::Body, Says::BodyBase64) {
        Some(body) => Told::Whole(body, Coding::AsSent),
        None => match row.length(Says::RequestBytes) {
            Some(0) => Told::None,
            Some(length) => Told::Unknown(Some(length)),
            None => request_body(method),
        },
    };
    let limit = intake.limits.max_body;
    let (request, odd) = composed.finish(Head::request, body, limit).ok_or(Unreadable::Request)?;
    let status = row.number(Says::Status).map_or(Some(0), |status| format!("{status}").parse::<u16>().ok()).ok_or(Unreadable::Response)?;

    let key = row.find(Says::Connection).map(|(value, _)| value.to_string().into_bytes());
    let mut exchange = intake::exchange(intake.place(key.as_deref()), start);
    let place = |says| row.text(says).and_then(|text| text.parse::<SocketAddr>().ok().or_else(|| Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, 0))));
    exchange.client = place(Says::Client).unwrap_or(intake::NOWHERE);
    exchange.server = place(Says::Server).unwrap_or(intake::NOWHERE);
    exchange.timing.end = row.duration().map(|duration| start.saturating_add(duration));
    exchange.anomalies.extend(odd);
    if is_answered(status) {
        let mut composed = Compose::response(b"", status, b"").ok_or(Unreadable::Response)?;
        row.headers(Says::ResponseHeaders).iter().for_each(|(name, value)| composed.field(name.as_bytes(), value.as_bytes()));
        let body = match row.body(Says::ResponseBody, Says::ResponseBodyBase64) {
            Some(body) => Told::Whole(body, Coding::AsSent),
            None => response_body(method, status, row.length(Says::ResponseBytes).or(composed.announced())),
        };
        let (response, odd) = composed.finish(Head::response, body, limit).ok_or(Unreadable::Response)?;
        exchange.anomalies.extend(odd);
        exchange.response = Some(response);
    }
    exchange.request = Some(request);
    Ok(exchange)
}
