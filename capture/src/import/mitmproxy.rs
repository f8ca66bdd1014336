//! Flow files of mitmproxy: dictionaries as typed netstrings, one after the other.
//!
//! ```text
//! item := length ":" payload kind      kind: , bytes  ; text  # integer  ^ float  ! boolean  ~ null  ] list  } dictionary
//! ```
//!
//! A reader of our own rather than `mitmdump`'s HAR export: the format is this simple, needs no Python beside the recording, and keeps what HAR loses (bodies as they
//! were sent, times to the microsecond, both ends of a connection). Items are looked up where they stand; nothing is built of them. What never happens
//! here: an item's length is believed before as many bytes are there.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use reenact_formats::model::{Anomaly, Exchange, Head, Origin, Timestamp, Unknown, Unreadable};

use super::compose::{Coding, Compose, Told};
use super::input::Input;
use super::intake::{self, Intake};
use crate::Error;

pub(super) fn origin() -> Origin {
    Origin::new("mitmproxy", [Unknown::Framing, Unknown::Nanoseconds, Unknown::Protocol])
}

/// Whether a file begins with a dictionary.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let Some((length, rest)) = length(bytes) else { return false };
    // A flow is never so short, and begins with a key.
    let key = length > 3 && self::length(rest).is_some();
    match rest.get(length) {
        Some(kind) => key && *kind == b'}',
        None => key,
    }
}

pub(super) fn read(input: &mut Input, intake: &mut Intake<'_>) -> Result<(), Error> {
    while !intake.is_stopped() {
        let window = input.fill(LONGEST_LENGTH + 1)?;
        if window.is_empty() {
            break;
        }
        let Some((length, rest)) = length(window) else {
            input.mark_damage(&format!("has no flow behind flow {}", intake.ledger.entries));
            break;
        };
        let before = window.len() - rest.len();
        intake.begin_entry();
        if length > LONGEST_FLOW {
            intake.cannot_read(Unreadable::Length);
            pass(input, before + length + 1)?;
            continue;
        }
        let end = before + length + 1;
        if input.fill(end)?.len() < end {
            intake.cannot_read(Unreadable::Form);
            input.mark_damage(&format!("ends in the middle of flow {}", intake.ledger.entries));
            break;
        }
        let flow = Item::take(&input.window()[..end]).map(|(flow, _)| flow).filter(|flow| flow.kind == b'}');
        let exchange = flow.ok_or(Unreadable::Form).and_then(|flow| exchange(flow, intake));
        input.pass(end);
        match exchange {
            Ok(Some(exchange)) => intake.give(exchange, input)?,
            Ok(None) => intake.pass_over(),
            Err(why) => intake.cannot_read(why),
        }
    }
    Ok(())
}

/// Leaves so many bytes behind, however many they are.
fn pass(input: &mut Input, mut length: usize) -> Result<(), Error> {
    while length > 0 {
        let step = input.fill(1)?.len().min(length);
        if step == 0 {
            input.mark_damage("ends in the middle of a flow");
            return Ok(());
        }
        input.pass(step);
        length -= step;
    }
    Ok(())
}

/// The length with which an item begins, and what stands behind it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let digits = bytes.iter().take(LONGEST_LENGTH).take_while(|byte| byte.is_ascii_digit()).count();
    let length = std::str::from_utf8(&bytes[..digits]).ok()?.parse().ok()?;
    Some((length, bytes[digits..].strip_prefix(b":")?))
}

/// One value, where it stands.
#[derive(Clone, Copy)]
struct Item<'a> {
    kind: u8,
    payload: &'a [u8],
}

impl<'a> Item<'a> {
    /// The item with which `bytes` begin, and what stands behind it.
    fn take(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (length, rest) = length(bytes)?;
        let (payload, rest) = rest.split_at_checked(length)?;
        let (kind, rest) = rest.split_first()?;
        Some((Self { kind: *kind, payload }, rest))
    }

    /// The items of a list, or the keys and values of a dictionary one after the other.
    fn items(self) -> impl Iterator<Item = Item<'a>> {
        let mut rest = if matches!(self.kind, b']' | b'}') { self.payload } else { &[] };
        std::iter::from_fn(move || {
            let (item, behind) = Item::take(rest)?;
            rest = behind;
            Some(item)
        })
    }

    /// The value of a key; none where it is null.
    fn get(self, key: &str) -> Option<Item<'a>> {
        if self.kind != b'}' {
            return None;
        }
        let mut items = self.items();
        while let (Some(name), Some(value)) = (items.next(), items.next()) {
            if name.payload == key.as_bytes() {
                return (value.kind != b'~').then_some(value);
            }
        }
        None
    }

    fn bytes(self) -> Option<&'a [u8]> {
        matches!(self.kind, b',' | b';').then_some(self.payload)
    }

    fn number(self) -> Option<u64> {
        if self.kind == b'#' { std::str::from_utf8(self.payload).ok()?.parse().ok() } else { None }
    }

    /// Seconds since 1970, to the last digit that is written.
    fn time(self) -> Option<Timestamp> {
        let text = std::str::from_utf8(self.payload).ok().filter(|_| matches!(self.kind, b'^' | b'#'))?;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
        let nanos = digits.parse::<i64>().ok()?;
        Some(Timestamp::from_nanos(whole.parse::<i64>().ok()?.checked_mul(1_000_000_000)?.checked_add(nanos)?))
    }

    /// An address and a port.
    fn address(self) -> Option<SocketAddr> {
        let mut items = self.items();
        let ip = std::str::from_utf8(items.next()?.bytes()?).ok()?.parse::<IpAddr>().ok()?;
        Some(SocketAddr::new(ip, u16::try_from(items.next()?.number()?).ok()?))
    }
}

/// The exchange of a flow; none if it is of another protocol.
fn exchange(flow: Item<'_>, intake: &mut Intake<'_>) -> Result<Option<Exchange>, Unreadable> {
    if flow.get("type").and_then(Item::bytes).is_some_and(|kind| kind != b"http") {
        return Ok(None);
    }
    let asked = flow.get("request").ok_or(Unreadable::Request)?;
    let text = |of: Item<'_>, key: &str| of.get(key).and_then(Item::bytes).unwrap_or_default().to_vec();
    let start = asked.get("timestamp_start").and_then(Item::time).ok_or(Unreadable::Time)?;
    let limit = intake.limits.max_body;

    let method = text(asked, "method");
    let mut composed = Compose::request(&method, &text(asked, "path"), &text(asked, "http_version")).ok_or(Unreadable::Request)?;
    let has_host = fields(asked, "headers").any(|(name, _)| name.eq_ignore_ascii_case(b"host"));
    if !has_host {
        let authority = text(asked, "authority");
        composed.field(b"Host", if authority.is_empty() { host(asked) } else { authority }.as_slice());
    }
    fields(asked, "headers").for_each(|(name, value)| composed.field(name, value));
    let body = body_of(asked, composed.announced());
    let (request, odd) = composed.finish(Head::request, body, limit).ok_or(Unreadable::Request)?;

    let answered = flow.get("response").filter(|response| response.kind == b'}');
    let response = match answered {
        None => None,
        Some(got) => {
            let status = got.get("status_code").and_then(Item::number).and_then(|status| u16::try_from(status).ok()).ok_or(Unreadable::Response)?;
            let mut composed = Compose::response(&text(got, "http_version"), status, &text(got, "reason")).ok_or(Unreadable::Response)?;
            fields(got, "headers").for_each(|(name, value)| composed.field(name, value));
            let has_none = method == b"HEAD" || matches!(status, 100..200 | 204 | 304);
            let body = if has_none { Told::None } else { body_of(got, composed.announced()) };
            Some(composed.finish(Head::response, body, limit).ok_or(Unreadable::Response)?)
        }
    };

    let connection = |name| flow.get(name).filter(|connection| connection.kind == b'}');
    let address = |connection: Option<Item<'_>>, keys: &[&str]| keys.iter().find_map(|key| connection?.get(key)?.address());
    let [client, server] = ["client_conn", "server_conn"].map(connection);
    let key = client.and_then(|client| client.get("id")).and_then(Item::bytes);
    let mut exchange = intake::exchange(intake.place(key), start);
    exchange.client = address(client, &["peername", "address"]).unwrap_or(intake::NOWHERE);
    exchange.server = address(server, &["peername", "ip_address", "address"]).unwrap_or(intake::NOWHERE);
    exchange.timing.request_end = asked.get("timestamp_end").and_then(Item::time);
    exchange.anomalies.extend(odd);
    if let Some((got, (response, odd))) = answered.zip(response) {
        exchange.timing.first_byte = got.get("timestamp_start").and_then(Item::time);
        exchange.timing.end = got.get("timestamp_end").and_then(Item::time);
        exchange.anomalies.extend(odd);
        if response.head.status() == Some(101) {
            exchange.anomalies.insert(Anomaly::Upgraded);
        }
        exchange.response = Some(response);
    }
    exchange.request = Some(request);
    Ok(Some(exchange))
}

/// Names and values.
fn fields<'a>(message: Item<'a>, key: &str) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
    message.get(key).into_iter().flat_map(Item::items).filter_map(|pair| {
        let mut items = pair.items();
        Some((items.next()?.bytes()?, items.next()?.bytes()?))
    })
}

/// A body as it was sent; one that was streamed through is not there.
fn body_of(message: Item<'_>, announced: Option<u64>) -> Told {
    match message.get("content").and_then(Item::bytes) {
        Some([]) => Told::None,
        Some(body) => Told::Whole(Bytes::copy_from_slice(body), Coding::AsSent),
        None => Told::Unknown(announced),
    }
}

/// The host that a request went to, with its port where that says something.
fn host(request: Item<'_>) -> Vec<u8> {
    let mut host = request.get("host").and_then(Item::bytes).unwrap_or_default().to_vec();
    let port = request.get("port").and_then(Item::number).filter(|port| !matches!(port, 80 | 443));
    host.extend(port.into_iter().flat_map(|port| format!(":{port}").into_bytes()));
    host
}

/// Digits of a length.
const LONGEST_LENGTH: usize = 12;
/// A longer flow is passed over.
const LONGEST_FLOW: usize = 128 << 20;
