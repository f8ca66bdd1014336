//! Access logs of nginx and Apache: a line a request, in the common or the combined form, with a virtual host in front or more behind.
//!
//! ```text
//! [vhost] client ident user [day/month/year:h:m:s zone] "METHOD target HTTP/x" status bytes ["referer" "user agent" …]
//! ```
//!
//! A line tells no body, few fields, and the time to the second: of Apache when the request came, of nginx when it was answered. Who the user was
//! is not kept: it was in a field that is not known.

use std::net::{IpAddr, SocketAddr};

use reenact_formats::model::{Exchange, Head, Origin, Timestamp, Unknown, Unreadable};

use super::compose::{Compose, Told};
use super::input::Input;
use super::intake::{self, Intake};
use super::lines::{self, Line};
use crate::Error;

pub(super) fn origin() -> Origin {
    use Unknown::{Addresses, Bodies, Connections, Framing, Headers, Nanoseconds, Protocol, Timing};
    Origin::new("access-log", [Addresses, Bodies, Connections, Framing, Headers, Nanoseconds, Protocol, Timing])
}

/// Whether a file begins with such a line.
pub(super) fn begins(bytes: &[u8]) -> bool {
    Entry::read(lines::first(bytes)).is_some()
}

pub(super) fn read(input: &mut Input, intake: &mut Intake<'_>, host: Option<&str>) -> Result<(), Error> {
    while !intake.is_stopped()
        && let Some(line) = lines::next(input)?
    {
        intake.begin_entry();
        let line = match line {
            Line::Text(line) => line,
            Line::TooLong => {
                intake.cannot_read(Unreadable::Length);
                continue;
            }
        };
        match Entry::read(&line).ok_or(Unreadable::Form).and_then(|entry| entry.exchange(intake, host)) {
            Ok(exchange) => intake.give(exchange, input)?,
            Err(why) => intake.cannot_read(why),
        }
    }
    Ok(())
}

/// The parts of a line.
struct Entry<'a> {
    virtual_host: Option<&'a [u8]>,
    client: &'a [u8],
    time: &'a [u8],
    request: Vec<u8>,
    status: &'a [u8],
    length: &'a [u8],
    referer: Vec<u8>,
    user_agent: Vec<u8>,
}

impl<'a> Entry<'a> {
    fn read(line: &'a [u8]) -> Option<Self> {
        let mut words = Words(line);
        let mut before = Vec::new();
        let time = loop {
            match words.next()? {
                Word::Bare(word) if before.len() < MOST_BEFORE => before.push(word),
                Word::Bracketed(time) => break time,
                _ => return None,
            }
        };
        // A user's name may hold spaces; a virtual host never looks like an address.
        let virtual_host = (before.len() > 3 && address(before[0]).is_none() && (address(before[1]).is_some() || before.len() == 4)).then(|| before[0]);
        let client = before.get(usize::from(virtual_host.is_some())).copied().filter(|_| before.len() >= 3)?;
        let Word::Quoted(request) = words.next()? else { return None };
        let (Word::Bare(status), Word::Bare(length)) = (words.next()?, words.next()?) else { return None };
        let mut quoted = || match words.next() {
            Some(Word::Quoted(word)) if word != b"-" => unescaped(word),
            _ => Vec::new(),
        };
        let (referer, user_agent) = (quoted(), quoted());
        Some(Self { virtual_host, client, time, request: unescaped(request), status, length, referer, user_agent })
    }

    fn exchange(self, intake: &mut Intake<'_>, host: Option<&str>) -> Result<Exchange, Unreadable> {
        let start = time(self.time).ok_or(Unreadable::Time)?;
        let (method, rest) = split(&self.request, b' ').ok_or(Unreadable::Request)?;
        let (target, version) = match memchr::memrchr(b' ', rest) {
            Some(at) if rest[at + 1..].starts_with(b"HTTP/") => (&rest[..at], &rest[at + 1..]),
            _ => (rest, &b""[..]),
        };
        let mut composed = Compose::request(method, target, version).filter(|_| !target.is_empty()).ok_or(Unreadable::Request)?;
        let host = self.virtual_host.or_else(|| host.map(str::as_bytes));
        for (name, value) in [(&b"Host"[..], host.unwrap_or_default()), (b"Referer", &self.referer), (b"User-Agent", &self.user_agent)] {
            // An unknown host is an empty one (RFC 9112, section 3.2).
            if !value.is_empty() || name == b"Host" {
                composed.field(name, value);
            }
        }
        let limit = intake.limits.max_body;
        let (request, _) = composed.finish(Head::request, request_body(method), limit).ok_or(Unreadable::Request)?;
        let status = number(self.status).and_then(|status| u16::try_from(status).ok()).ok_or(Unreadable::Response)?;
        let length = if self.length == b"-" { 0 } else { number(self.length).ok_or(Unreadable::Response)? };

        let mut exchange = intake::exchange(intake.place(None), start);
        exchange.client = SocketAddr::new(address(self.client).unwrap_or(intake::NOWHERE.ip()), 0);
        let port = host.and_then(|host| split(host, b':')).and_then(|(_, port)| number(port)).and_then(|port| u16::try_from(port).ok());
        exchange.server.set_port(port.unwrap_or_default());
        if is_answered(status) {
            let body = response_body(method, status, Some(length));
            let composed = Compose::response(b"", status, b"").and_then(|composed| composed.finish(Head::response, body, limit));
            exchange.response = Some(composed.ok_or(Unreadable::Response)?.0);
        }
        exchange.request = Some(request);
        Ok(exchange)
    }
}

/// What is known of a request's body where none is told: those that usually have one may have had one.
pub(super) fn request_body(method: &[u8]) -> Told {
    if matches!(method, b"POST" | b"PUT" | b"PATCH") { Told::Unknown(None) } else { Told::None }
}

/// What is known of a response's body of so many bytes.
pub(super) fn response_body(method: &[u8], status: u16, length: Option<u64>) -> Told {
    let has_none = method == b"HEAD" || matches!(status, 100..200 | 204 | 304) || length == Some(0);
    if has_none { Told::None } else { Told::Unknown(length) }
}

/// Whether an answer was sent: nginx writes 499 where the client did not wait for it, others 0.
pub(super) const fn is_answered(status: u16) -> bool {
    !matches!(status, 0 | 499)
}

enum Word<'a> {
    Bare(&'a [u8]),
    Quoted(&'a [u8]),
    Bracketed(&'a [u8]),
}

/// The words of a line.
struct Words<'a>(&'a [u8]);

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let text = self.0.trim_ascii_start();
        let (word, rest) = match text.first()? {
            b'"' => {
                let mut end = 1;
                while *text.get(end)? != b'"' {
                    end += if text[end] == b'\\' { 2 } else { 1 };
                }
                (Word::Quoted(&text[1..end]), &text[end + 1..])
            }
            b'[' => {
                let end = memchr::memchr(b']', text)?;
                (Word::Bracketed(&text[1..end]), &text[end + 1..])
            }
            _ => {
                let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
                (Word::Bare(&text[..end]), &text[end..])
            }
        };
        self.0 = rest;
        Some(word)
    }
}

/// What stands behind the escapes of both servers.
fn unescaped(word: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(word.len());
    let mut rest = word;
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'\\' {
            plain.push(*byte);
            continue;
        }
        let hex = |digit: &u8| char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match after {
            [b'x', high, low, after @ ..] if hex(high).is_some() && hex(low).is_some() => {
                plain.extend(hex(high).zip(hex(low)).map(|(high, low)| high << 4 | low));
                rest = after;
            }
            [escaped, after @ ..] => {
                plain.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    other => *other,
                });
                rest = after;
            }
            [] => plain.push(b'\\'),
        }
    }
    plain
}

/// `10/Oct/2000:13:55:36 -0700`, perhaps with a fraction.
fn time(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    let (moment, zone) = text.split_once(' ')?;
    let (date, clock) = moment.split_once(':')?;
    let [day, month, year] = <[&str; 3]>::try_from(date.split('/').collect::<Vec<_>>()).ok()?;
    let month = 1 + MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))?;
    let (hours, minutes) = zone.split_at_checked(3)?;
    format!("{year}-{month:02}-{day:0>2}T{clock}{hours}:{minutes}").parse().ok()
}

fn address(word: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn number(word: &[u8]) -> Option<u64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn split(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = memchr::memchr(at, bytes)?;
    Some((&bytes[..place], &bytes[place + 1..]))
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// A virtual host, an address, and a name of a few words.
const MOST_BEFORE: usize = 16;
