//! What GoReplay writes.
//!
//! ```text
//! record  := meta LF payload SEP           the last one may lack its SEP
//! meta    := type SP id SP time [SP latency]
//! type    := 1 request | 2 recorded response | 3 replayed response
//! id      := 24 hexadecimal digits, or 40; the same for what belongs together
//! time    := nanoseconds since 1970; latency: nanoseconds from the first byte to the last, -1 where none was measured
//! SEP     := LF, three monkeys in UTF-8, LF
//! ```
//!
//! Nothing is escaped: a body may hold a SEP, so that one counts only where a meta line follows, or nothing but a few white spaces until the file ends. A short id
//! is made of the client's port, the server's port, the client's address and a sequence number: all but the last tell the
//! connection, which is numbered anew. What waits for its other half is bounded, and given out alone where that does not come.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use memchr::memmem;
use reenact_formats::model::{Anomaly, ExchangeId, Head, LossCause, Origin, Side, Timestamp, Unknown, Unreadable};
use reenact_formats::wire::http1::{Decoded, Decoder, Event, Limits, RequestContext};

use super::input::Input;
use super::intake::{self, Intake};
use crate::Error;

/// Wholly known are heads, bodies and times.
pub(super) fn origin() -> Origin {
    Origin::new("gor", [Unknown::Addresses])
}

/// Whether a file begins with a record.
pub(super) fn begins(bytes: &[u8]) -> bool {
    Meta::read(bytes).is_some()
}

pub(super) fn read(input: &mut Input, intake: &mut Intake<'_>) -> Result<(), Error> {
    let mut waiting = Waiting::default();
    while let Some(record) = next_record(input)?
        && !intake.is_stopped()
    {
        intake.begin_entry();
        if record.ending == Ending::Missing {
            let entry = intake.ledger.entries;
            intake.note(format!("record {entry}, the last of {}, has no end: it was taken as it is", input.name()));
        }
        take(&record, &mut waiting, input, intake)?;
    }
    while let Some(half) = waiting.oldest() {
        half.give(input, intake)?;
    }
    Ok(())
}

/// How a record ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Marked,
    /// The file ends without a mark.
    Missing,
    /// It is longer than anything that is read.
    TooFar,
}

struct Record {
    bytes: Bytes,
    ending: Ending,
}

/// The next record, without its end.
fn next_record(input: &mut Input) -> Result<Option<Record>, Error> {
    let end = memmem::Finder::new(SEPARATOR);
    let (mut searched, mut ending) = (0, Ending::Marked);
    loop {
        let window = input.window();
        if let Some(at) = end.find(&window[searched..]).map(|offset| searched + offset) {
            let behind = at + SEPARATOR.len();
            if window.len() < behind + LONGEST_META && !input.has_ended() {
                searched = at;
                input.fill(behind + LONGEST_META)?;
                continue;
            }
            let after = &window[behind..];
            // What is shorter than a meta line is all that is left of the file.
            let is_last = after.len() < LONGEST_META && after.trim_ascii().is_empty();
            if !is_last && Meta::read(after).is_none() {
                searched = at + 1;
                continue;
            }
            let bytes = if ending == Ending::TooFar { Bytes::new() } else { Bytes::copy_from_slice(&window[..at]) };
            input.pass(behind);
            return Ok(Some(Record { bytes, ending }));
        }
        if input.has_ended() {
            let left = window.len();
            let bytes = Bytes::copy_from_slice(window.trim_ascii_start());
            input.pass(left);
            ending = if ending == Ending::TooFar { ending } else { Ending::Missing };
            return Ok((!bytes.is_empty() || ending == Ending::TooFar).then_some(Record { bytes, ending }));
        }
        searched = window.len().saturating_sub(SEPARATOR.len() - 1);
        if window.len() > LONGEST_RECORD {
            ending = Ending::TooFar;
            input.pass(std::mem::take(&mut searched));
        }
        input.fill(input.window().len() + 1)?;
    }
}

/// The first line of a record.
struct Meta {
    kind: Kind,
    id: Id,
    start: Timestamp,
    end: Timestamp,
    /// Where the payload begins.
    length: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Request,
    Response,
    Replayed,
}

impl Meta {
    /// The meta line with which `bytes` begin.
    fn read(bytes: &[u8]) -> Option<Self> {
        let end = memchr::memchr(b'\n', &bytes[..bytes.len().min(LONGEST_META)])?;
        let mut words = bytes[..end].split(|byte| *byte == b' ');
        let kind = match words.next()? {
            b"1" => Kind::Request,
            b"2" => Kind::Response,
            b"3" => Kind::Replayed,
            _ => return None,
        };
        let id = Id::read(words.next()?)?;
        let number = |word: &[u8]| std::str::from_utf8(word).ok().filter(|word| !word.starts_with('+'))?.parse::<i64>().ok();
        let start = number(words.next()?)?;
        let latency = words.next().map_or(Some(0), number)?;
        let times = [start, start.saturating_add(latency.max(0))].map(Timestamp::from_nanos);
        words.next().is_none().then_some(Self { kind, id, start: times[0], end: times[1], length: end + 1 })
    }
}

/// What records that belong together have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Id([u8; 20]);

impl Id {
    fn read(digits: &[u8]) -> Option<Self> {
        let mut id = [0; 20];
        if !matches!(digits.len(), 24 | 40) {
            return None;
        }
        // The last byte of a short one is none of an older, digest-like one but by accident.
        for (byte, pair) in id.iter_mut().zip(digits.chunks(2)) {
            let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
            *byte = u8::try_from(high? << 4 | low?).ok()?;
        }
        Some(Self(id))
    }

    /// What of it tells the connection; an older id tells nothing.
    fn connection(&self) -> Option<&[u8]> {
        self.0[12..].iter().all(|byte| *byte == 0).then_some(&self.0[..8])
    }

    /// The client's address, and the server's as far as it is known.
    fn addresses(&self) -> [SocketAddr; 2] {
        let Some([c1, c0, s1, s0, a, b, c, d]) = self.connection() else { return [intake::NOWHERE; 2] };
        let port = |high: &u8, low: &u8| u16::from_be_bytes([*high, *low]);
        [(Ipv4Addr::new(*a, *b, *c, *d), port(c1, c0)).into(), (Ipv4Addr::UNSPECIFIED, port(s1, s0)).into()]
    }
}

/// A message, and the informational ones before it.
struct Read {
    decoded: Box<Decoded>,
    interim: Vec<Head>,
}

/// An exchange of which something is known.
struct Half {
    /// The number of the record that came first.
    entry: u64,
    place: ExchangeId,
    id: Id,
    request: Option<Read>,
    /// Not looked into before its request is known.
    response: Option<(Bytes, [Timestamp; 2], u64)>,
}

impl Half {
    const fn new(entry: u64, place: ExchangeId, id: Id) -> Self {
        Self { entry, place, id, request: None, response: None }
    }

    fn size(&self) -> u64 {
        let request = self.request.as_ref().map_or(0, |read| read.decoded.message.head.raw().len() as u64 + read.decoded.message.body.kept_length());
        request + self.response.as_ref().map_or(0, |(bytes, ..)| bytes.len() as u64) + HALF_BYTES
    }

    /// Hands on what is known of it.
    fn give(self, input: &Input, intake: &mut Intake<'_>) -> Result<(), Error> {
        let context =
            self.request.as_ref().map_or(RequestContext { unseen: true, ..RequestContext::default() }, |read| RequestContext::of(&read.decoded.message.head));
        let response = self.response.and_then(|(bytes, times, entry)| decode(Side::Response, bytes, times, Some(context), entry, intake));
        let Some(start) = [&self.request, &response].into_iter().flatten().map(|read| read.decoded.start).next() else { return Ok(()) };
        let mut exchange = intake::exchange(self.place, start);
        [exchange.client, exchange.server] = self.id.addresses();
        if let Some(Read { decoded, .. }) = self.request {
            exchange.timing.request_end = Some(decoded.end);
            exchange.anomalies.extend(decoded.anomalies);
            exchange.request = Some(decoded.message);
        }
        if let Some(Read { decoded, interim }) = response {
            (exchange.timing.first_byte, exchange.timing.end) = (Some(decoded.start), Some(decoded.end));
            exchange.anomalies.extend(decoded.anomalies);
            (exchange.response, exchange.interim) = (Some(decoded.message), interim);
        }
        intake.give(exchange, input)
    }
}

/// Those that wait for their other half, oldest first.
#[derive(Default)]
struct Waiting {
    halves: BTreeMap<u64, Half>,
    entries: BTreeMap<Id, u64>,
    bytes: u64,
}

impl Waiting {
    fn take(&mut self, id: &Id) -> Option<Half> {
        let entry = self.entries.remove(id)?;
        let half = self.halves.remove(&entry)?;
        self.bytes -= half.size();
        Some(half)
    }

    fn put(&mut self, half: Half) {
        self.bytes += half.size();
        self.entries.insert(half.id, half.entry);
        self.halves.insert(half.entry, half);
    }

    fn oldest(&mut self) -> Option<Half> {
        let id = self.halves.values().next()?.id;
        self.take(&id)
    }
}

fn take(record: &Record, waiting: &mut Waiting, input: &Input, intake: &mut Intake<'_>) -> Result<(), Error> {
    if record.ending == Ending::TooFar {
        intake.cannot_read(Unreadable::Length);
        return Ok(());
    }
    let Some(meta) = Meta::read(&record.bytes) else {
        intake.cannot_read(Unreadable::Form);
        return Ok(());
    };
    let payload = record.bytes.slice(meta.length..);
    let entry = intake.ledger.entries;
    let times = [meta.start, meta.end];
    match meta.kind {
        Kind::Replayed => intake.pass_over(),
        Kind::Request => {
            let before = waiting.take(&meta.id);
            let Some(read) = decode(Side::Request, payload, times, None, entry, intake) else {
                before.into_iter().for_each(|half| waiting.put(half));
                return Ok(());
            };
            let half = match before {
                Some(half) if half.request.is_none() => Half { request: Some(read), ..half },
                before => {
                    if let Some(other) = before {
                        other.give(input, intake)?;
                    }
                    let place = intake.place(meta.id.connection());
                    Half { request: Some(read), ..Half::new(entry, place, meta.id) }
                }
            };
            settle(half, waiting, input, intake)?;
        }
        Kind::Response => {
            let half = match waiting.take(&meta.id) {
                Some(half) if half.response.is_none() => half,
                before => {
                    if let Some(other) = before {
                        other.give(input, intake)?;
                    }
                    Half::new(entry, intake.place(meta.id.connection()), meta.id)
                }
            };
            settle(Half { response: Some((payload, times, entry)), ..half }, waiting, input, intake)?;
        }
    }
    while waiting.halves.len() > MOST_WAITING || waiting.bytes > MOST_WAITING_BYTES {
        let Some(half) = waiting.oldest() else { break };
        half.give(input, intake)?;
    }
    Ok(())
}

/// Hands on what is whole; the rest waits.
fn settle(half: Half, waiting: &mut Waiting, input: &Input, intake: &mut Intake<'_>) -> Result<(), Error> {
    if half.request.is_some() && half.response.is_some() {
        return half.give(input, intake);
    }
    waiting.put(half);
    Ok(())
}

/// The message of a record. What stands behind its end is counted; where that is another record whose first line is wrong, as one that cannot be read.
fn decode(side: Side, payload: Bytes, [start, end]: [Timestamp; 2], context: Option<RequestContext>, entry: u64, intake: &mut Intake<'_>) -> Option<Read> {
    let length = payload.len() as u64;
    intake.ledger.stream_bytes += length;
    let (read, used) = message(side, payload.clone(), [start, end], context, intake.limits);
    let rest = &payload[usize::try_from(used).unwrap_or(payload.len()).min(payload.len())..];
    let over_limit = read.as_ref().map_or(0, |read| {
        let is_over = read.decoded.anomalies.contains(&Anomaly::BodyOverLimit);
        if is_over { read.decoded.message.body.wire_length.min(used) } else { 0 }
    });
    intake.ledger.recorded_bytes += used - over_limit;
    intake.ledger.lose(LossCause::BodyOverLimit, over_limit);
    intake.ledger.lose(LossCause::Unparsable, length - used);
    if read.is_none() {
        let why = if side == Side::Request { Unreadable::Request } else { Unreadable::Response };
        intake.ledger.cannot_read(entry, why);
    } else if rest.starts_with(SEPARATOR) {
        for _ in memmem::find_iter(rest, SEPARATOR) {
            intake.begin_entry();
            intake.cannot_read(Unreadable::Form);
        }
    }
    read
}

/// The first message in `payload`, and where it ends.
fn message(side: Side, payload: Bytes, [start, end]: [Timestamp; 2], context: Option<RequestContext>, limits: Limits) -> (Option<Read>, u64) {
    let mut decoder = Decoder::new(side, limits);
    if let Some(context) = context {
        if context.http09 {
            decoder.allow_headless();
        }
        decoder.expect(context);
    }
    decoder.feed(payload, start);
    decoder.close(end);
    let mut interim = Vec::new();
    while let Some(event) = decoder.next() {
        match event {
            Event::Interim { head, .. } => interim.push(*head),
            Event::Message(mut decoded) => {
                (decoded.start, decoded.end) = (start, end);
                let used = decoded.span.end;
                return (Some(Read { decoded, interim }), used);
            }
            Event::Unclaimed { .. } | Event::Lost => break,
            _ => {}
        }
    }
    (None, 0)
}

const SEPARATOR: &[u8] = "\n\u{1f435}\u{1f648}\u{1f649}\n".as_bytes();
/// A type, a long id, two numbers of 64 bits.
const LONGEST_META: usize = 1 + 1 + 40 + 1 + 20 + 1 + 20 + 1;
/// A longer record is passed over.
const LONGEST_RECORD: usize = 64 << 20;
const MOST_WAITING: usize = 1 << 16;
const MOST_WAITING_BYTES: u64 = 64 << 20;
/// What one takes beside its messages.
const HALF_BYTES: u64 = 1024;
