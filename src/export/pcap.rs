//! Packets as they might have been: a pcap file (nanoseconds, raw IP) that Wireshark and our own capture read.
//!
//! ```text
//! exchanges by start ──► per connection: SYN, SYN+ACK, ACK, request, answer, … FIN ──► events by time ──► packets
//! ```
//!
//! Sequence numbers are given when a packet is written, so that an acknowledgment never runs ahead of what was sent. Bytes that a recording does not hold (dropped
//! bodies) are in no packet either: such a packet says how long it was and is cut, as by a snap length. What one connection cannot say of HTTP/1 goes on on a new one: what
//! follows a request without an answer, a body that the end of the connection ends, a tunnel. What never happens here: more is held than what overlaps in time, up to a bound.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reenact_formats::model::{Anomaly, BodyFraming, Completeness, ConnectionId, Exchange, Message};
use reenact_formats::wire::http1::{encode_body, encode_head};

use super::tuples::{Tuple, Tuples};
use super::{Exporter, LeftOut};

#[derive(Default)]
pub(super) struct Pcap {
    tuples: Tuples,
    /// Which of `streams` a recorded connection goes on as.
    open: BTreeMap<ConnectionId, u64>,
    streams: BTreeMap<u64, Stream>,
    opened: u64,
    /// What is to be written, by time, and in the order in which it was thought of.
    events: BTreeMap<(i64, u64), Event>,
    thought: u64,
    held: usize,
    /// What is due before was written.
    now: i64,
}

/// One TCP connection of the file.
struct Stream {
    tuple: Tuple,
    /// The next sequence number of client and server.
    next: [u32; 2],
    /// When each of them sends next at the earliest.
    clock: [i64; 2],
}

struct Event {
    stream: u64,
    from: usize,
    flags: u8,
    data: Vec<u8>,
    /// Bytes behind `data` that are not here.
    missing: usize,
    is_last: bool,
}

/// Part of a message.
enum Piece {
    Here(Vec<u8>),
    Missing(u64),
}

impl Exporter for Pcap {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let mut header = Vec::with_capacity(24);
        header.extend(0xa1b2_3c4d_u32.to_le_bytes());
        header.extend([2_u16.to_le_bytes(), 4_u16.to_le_bytes()].concat());
        header.extend([0_u8; 8]);
        header.extend(SNAP_LENGTH.to_le_bytes());
        header.extend(RAW_IP.to_le_bytes());
        out.write_all(&header)
    }

    fn exchange(&mut self, exchange: &Exchange, out: &mut dyn Write) -> io::Result<Option<LeftOut>> {
        let Some(request) = &exchange.request else { return Ok(Some(LeftOut::NoRequest)) };
        let start = exchange.start.as_nanos();
        self.write_until(start.saturating_sub(OPENING), out)?;
        let stream = self.stream(exchange);
        let sent = exchange.timing.request_end.map_or(start, |end| end.as_nanos());
        let sent = self.message(stream, CLIENT, [start, sent], pieces(request, &[]));
        let Some(response) = &exchange.response else {
            self.close(exchange.id.connection);
            return Ok(None);
        };
        let first = exchange.timing.first_byte.map_or(sent, |first| first.as_nanos()).max(sent);
        let end = exchange.timing.end.map_or(first, |end| end.as_nanos());
        let interim: Vec<u8> = exchange.interim.iter().flat_map(|head| head.raw().iter().copied()).collect();
        self.message(stream, SERVER, [first, end], pieces(response, &interim));
        if response.body.framing == BodyFraming::Close || exchange.anomalies.contains(&Anomaly::Upgraded) || is_cut(request) {
            self.close(exchange.id.connection);
        }
        while self.held > MOST_HELD {
            let Some((key, event)) = self.events.pop_first() else { break };
            self.write(key.0, event, out)?;
        }
        Ok(None)
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let open: Vec<_> = self.open.keys().copied().collect();
        open.into_iter().for_each(|connection| self.close(connection));
        self.write_until(i64::MAX, out)
    }
}

impl Pcap {
    /// What an exchange's connection goes on as; opened if it is not open.
    fn stream(&mut self, exchange: &Exchange) -> u64 {
        let connection = exchange.id.connection;
        let wanted = Tuple { client: exchange.client, server: exchange.server };
        let (tuple, forgotten) = self.tuples.of(connection, wanted, fit);
        if let Some(forgotten) = forgotten {
            self.close(forgotten);
        }
        if let Some(stream) = self.open.get(&connection) {
            return *stream;
        }
        let (stream, start) = (self.opened, exchange.start.as_nanos());
        self.opened += 1;
        // Numbers that tell connections apart which use the same ports one after the other.
        let number = u32::try_from(stream & 0xffff).expect("sixteen bits") << 16;
        self.streams.insert(stream, Stream { tuple, next: [number, number | 1 << 15], clock: [start; 2] });
        self.open.insert(connection, stream);
        for (step, (from, flags)) in [(CLIENT, SYN), (SERVER, SYN | ACK), (CLIENT, ACK)].into_iter().enumerate() {
            let before = OPENING - i64::try_from(step).expect("three") * STEP;
            self.think(start.saturating_sub(before), Event { stream, from, flags, data: Vec::new(), missing: 0, is_last: false });
        }
        stream
    }

    /// Sends a message, its first packet at the first of two times, the others at the last. When it was sent.
    fn message(&mut self, stream: u64, from: usize, [first, last]: [i64; 2], pieces: Vec<Piece>) -> i64 {
        let Some(clock) = self.streams.get(&stream).map(|stream| stream.clock[from]) else { return last };
        let (first, last) = (first.max(clock), last.max(first).max(clock));
        let packets = packets(pieces, first < last);
        for (index, (data, missing)) in packets.into_iter().enumerate() {
            let at = if index == 0 { first } else { last };
            self.think(at, Event { stream, from, flags: PUSH | ACK, data, missing, is_last: false });
        }
        if let Some(stream) = self.streams.get_mut(&stream) {
            stream.clock[from] = last;
            // What the other side sends comes after what it answers.
            stream.clock[SERVER] = stream.clock[SERVER].max(if from == CLIENT { last } else { stream.clock[SERVER] });
        }
        last
    }

    /// Ends what a connection goes on as.
    fn close(&mut self, connection: ConnectionId) {
        let Some(number) = self.open.remove(&connection) else { return };
        let Some(stream) = self.streams.get(&number) else { return };
        let end = stream.clock[CLIENT].max(stream.clock[SERVER]).max(self.now);
        for (step, (from, flags)) in [(SERVER, FIN | ACK), (CLIENT, FIN | ACK), (SERVER, ACK)].into_iter().enumerate() {
            let at = end.saturating_add(i64::try_from(step + 1).expect("three") * STEP);
            self.think(at, Event { stream: number, from, flags, data: Vec::new(), missing: 0, is_last: step == 2 });
        }
    }

    fn think(&mut self, at: i64, event: Event) {
        self.held += event.data.len() + EVENT_BYTES;
        self.events.insert((at, self.thought), event);
        self.thought += 1;
    }

    fn write_until(&mut self, time: i64, out: &mut dyn Write) -> io::Result<()> {
        self.now = self.now.max(time);
        while let Some(entry) = self.events.first_entry()
            && entry.key().0 < time
        {
            let ((at, _), event) = entry.remove_entry();
            self.write(at, event, out)?;
        }
        Ok(())
    }

    fn write(&mut self, at: i64, event: Event, out: &mut dyn Write) -> io::Result<()> {
        let Event { stream: number, from, flags, data, missing, is_last } = event;
        self.held -= data.len() + EVENT_BYTES;
        let Some(stream) = self.streams.get_mut(&number) else { return Ok(()) };
        let Tuple { client, server } = stream.tuple;
        let [source, target] = if from == CLIENT { [client, server] } else { [server, client] };
        let acknowledged = if flags & ACK == 0 { 0 } else { stream.next[1 - from] };
        let packet = packet([source, target], [stream.next[from], acknowledged], flags, &data, missing);
        let length = u32::try_from(data.len() + missing).expect("a packet's payload") + u32::from(flags & (SYN | FIN) != 0);
        stream.next[from] = stream.next[from].wrapping_add(length);
        if is_last {
            self.streams.remove(&number);
        }
        let (seconds, nanos) = (at.max(0) / 1_000_000_000, at.max(0) % 1_000_000_000);
        let mut header = Vec::with_capacity(16);
        for field in [u32::try_from(seconds).unwrap_or(u32::MAX), u32::try_from(nanos).unwrap_or_default()] {
            header.extend(field.to_le_bytes());
        }
        let here = u32::try_from(packet.len()).expect("a packet");
        header.extend(here.to_le_bytes());
        header.extend((here + u32::try_from(missing).expect("a packet")).to_le_bytes());
        out.write_all(&header)?;
        out.write_all(&packet)
    }
}

/// Whether less of a request is here than it announces, so that nothing can follow it.
fn is_cut(message: &Message) -> bool {
    matches!(message.body.completeness, Completeness::TruncatedAt(_)) && message.head.header("content-length").is_none()
}

/// A message as it was on the wire, as far as it is here.
fn pieces(message: &Message, before: &[u8]) -> Vec<Piece> {
    let mut head = before.to_vec();
    encode_head(message, &mut head);
    let body = &message.body;
    if body.completeness == Completeness::Whole {
        let mut framed = Vec::new();
        encode_body(message, &mut framed);
        return vec![Piece::Here(head), Piece::Here(framed)];
    }
    let kept = body.contiguous().into_owned();
    let announced = message.head.header("content-length").and_then(|value| std::str::from_utf8(value).ok()?.trim().parse::<u64>().ok());
    let length = match &body.framing {
        BodyFraming::Length => announced.unwrap_or(body.wire_length),
        _ => body.wire_length,
    };
    let missing = length.saturating_sub(kept.len() as u64).min(MOST_MISSING);
    if matches!(body.framing, BodyFraming::Chunked(_)) {
        let size = format!("{:x}\r\n", kept.len() as u64 + missing);
        head.extend(size.bytes());
        let mut end = b"\r\n0\r\n".to_vec();
        end.extend_from_slice(message.trailers.as_ref().map_or(b"\r\n", |trailers| trailers.raw()));
        return vec![Piece::Here(head), Piece::Here(kept), Piece::Missing(missing), Piece::Here(end)];
    }
    vec![Piece::Here(head), Piece::Here(kept), Piece::Missing(missing)]
}

/// Pieces as payloads of packets, each what is here and how much behind it is not. At least two of them if that is asked for and there are two bytes.
fn packets(pieces: Vec<Piece>, is_parted: bool) -> Vec<(Vec<u8>, usize)> {
    let mut packets: Vec<(Vec<u8>, usize)> = vec![(Vec::new(), 0)];
    let room = |(data, missing): &(Vec<u8>, usize)| SEGMENT - data.len() - missing;
    for piece in pieces {
        match piece {
            Piece::Here(data) => {
                let mut rest = data.as_slice();
                while !rest.is_empty() {
                    let mut last = packets.pop().unwrap_or_default();
                    if last.1 > 0 || room(&last) == 0 {
                        packets.push(std::mem::take(&mut last));
                    }
                    let (now, later) = rest.split_at(rest.len().min(room(&last)));
                    last.0.extend_from_slice(now);
                    packets.push(last);
                    rest = later;
                }
            }
            Piece::Missing(length) => {
                let mut rest = usize::try_from(length).unwrap_or(usize::MAX);
                while rest > 0 {
                    let mut last = packets.pop().unwrap_or_default();
                    if room(&last) == 0 {
                        packets.push(std::mem::take(&mut last));
                    }
                    let now = rest.min(room(&last));
                    last.1 += now;
                    packets.push(last);
                    rest -= now;
                }
            }
        }
    }
    if is_parted && let [(data, missing)] = packets.as_mut_slice() {
        // The last byte comes when the message ended. What is not here stays with the head: who reads a packet that was cut does not wait for more.
        let behind = match (data.len(), *missing) {
            (2.., 0) => Some((data.split_off(data.len() - 1), 0)),
            (_, 2..) => {
                *missing -= 1;
                Some((Vec::new(), 1))
            }
            _ => None,
        };
        packets.extend(behind);
    }
    packets
}

/// An IP packet with a TCP segment in it.
fn packet([source, target]: [SocketAddr; 2], [sequence, acknowledged]: [u32; 2], flags: u8, data: &[u8], missing: usize) -> Vec<u8> {
    let mut segment = Vec::with_capacity(TCP_HEADER + data.len());
    segment.extend([source.port().to_be_bytes(), target.port().to_be_bytes()].concat());
    segment.extend([sequence.to_be_bytes(), acknowledged.to_be_bytes()].concat());
    segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend_from_slice(data);
    let length = u16::try_from(TCP_HEADER + data.len() + missing).expect("a segment fits in a packet");
    let mut pseudo = Vec::with_capacity(40);
    let mut packet = match (source.ip(), target.ip()) {
        (IpAddr::V4(source), IpAddr::V4(target)) => {
            pseudo.extend([source.octets(), target.octets()].concat());
            let total = (length + 20).to_be_bytes();
            let mut header = vec![0x45, 0, total[0], total[1], 0, 0, 0x40, 0, 64, TCP, 0, 0];
            header.extend([source.octets(), target.octets()].concat());
            let sum = checksum(&[&header]).to_be_bytes();
            header[10..12].copy_from_slice(&sum);
            header
        }
        (source, target) => {
            let [source, target] = [source, target].map(mapped);
            pseudo.extend([source.octets(), target.octets()].concat());
            let [high, low] = length.to_be_bytes();
            let mut header = vec![0x60, 0, 0, 0, high, low, TCP, 64];
            header.extend([source.octets(), target.octets()].concat());
            header
        }
    };
    pseudo.extend([0, TCP]);
    pseudo.extend(length.to_be_bytes());
    let sum = checksum(&[&pseudo, &segment]).to_be_bytes();
    segment[16..18].copy_from_slice(&sum);
    packet.extend(segment);
    packet
}

fn mapped(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

/// The internet checksum (RFC 1071) of parts of which all but the last have an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum: u64 = 0;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u64::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or_default()]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("it was folded")
}

/// A server that is not known gets an address that is no one's (RFC 5737), and a port of HTTP.
fn fit(tuple: Tuple) -> Tuple {
    let Tuple { client, mut server } = tuple;
    if server.ip().is_unspecified() {
        server.set_ip(Ipv4Addr::new(192, 0, 2, 1).into());
    }
    if server.port() == 0 {
        server.set_port(80);
    }
    Tuple { client, server }
}

const CLIENT: usize = 0;
const SERVER: usize = 1;
const FIN: u8 = 1;
const SYN: u8 = 2;
const PUSH: u8 = 8;
const ACK: u8 = 16;
const TCP: u8 = 6;
const TCP_HEADER: usize = 20;
/// Between packets of which no one knows when they were sent.
const STEP: i64 = 1000;
/// From the first packet of a connection to the first byte on it.
const OPENING: i64 = 3 * STEP;
/// What one packet carries at most.
const SEGMENT: usize = 32 << 10;
/// Of a body that is not here so much is counted out in packets.
const MOST_MISSING: u64 = 1 << 30;
/// Payloads that wait for their time.
const MOST_HELD: usize = 64 << 20;
const EVENT_BYTES: usize = 128;
const SNAP_LENGTH: u32 = 262_144;
const RAW_IP: u32 = 101;
