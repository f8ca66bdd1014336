//! Which protocol a connection speaks, told by the first bytes of either side.
//!
//! Chunks flow in and are held; a verdict flows out, after a few bytes in nearly all traffic. Where the beginning was not seen,
//! the unmistakable start of an HTTP message is looked for a little longer.

use reenact_formats::model::Side;
use reenact_formats::wire::http1::{Opening, opening, seek};

use super::{Flow, Placed};
use crate::flow::Direction;
use crate::tcp::Content;

pub(crate) enum Verdict {
    Undecided,
    Http1 { requests: Direction },
    Foreign { name: &'static str, open: bool },
}

#[derive(Default)]
pub(crate) struct Probing {
    held: Vec<Placed>,
    /// How many of the first are known not to be slices of a block.
    settled: usize,
    /// Bytes of the streams in them.
    held_bytes: u64,
    ways: [Way; 2],
}

/// One direction.
#[derive(Default)]
struct Way {
    /// Its first bytes, or those behind a hole at its beginning.
    prefix: Vec<u8>,
    /// A hole came before the prefix.
    holed: bool,
    /// The prefix begins nothing that is known.
    unknown: bool,
}

/// What a few bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Name(&'static str),
    /// More bytes are needed.
    Undecided,
    Nothing,
}

impl Probing {
    pub(super) fn take(&mut self, placed: Placed, flow: &Flow) -> Verdict {
        let direction = placed.direction;
        let way = &mut self.ways[direction];
        match &placed.chunk.content {
            Content::Data(data) => {
                let room = PREFIX.saturating_sub(way.prefix.len());
                way.prefix.extend_from_slice(&data[..data.len().min(room)]);
                self.held_bytes += data.len() as u64;
            }
            Content::Gap(..) => {
                way.prefix.clear();
                way.holed = true;
            }
            Content::Passed(_) | Content::End | Content::Cut => {}
        }
        let is_data = matches!(placed.chunk.content, Content::Data(_));
        self.held.push(placed);
        if is_data { self.judge(direction, flow) } else { Verdict::Undecided }
    }

    fn judge(&mut self, direction: Direction, flow: &Flow) -> Verdict {
        let way = &mut self.ways[direction];
        let bytes = way.prefix.as_slice();
        let amid = way.holed || flow.midstream;
        let told = foreign(bytes);
        if let Told::Name(name) = told {
            return Verdict::Foreign { name, open: false };
        }
        let (as_request, as_response) = (opening(Side::Request, bytes), opening(Side::Response, bytes));
        if as_request == Opening::Message || (as_request == Opening::Http09 && !amid) || (amid && seek(Side::Request, bytes).is_some()) {
            return Verdict::Http1 { requests: direction };
        }
        if as_response == Opening::Message || (amid && seek(Side::Response, bytes).is_some()) {
            return Verdict::Http1 { requests: 1 - direction };
        }
        way.unknown = told == Told::Nothing && as_request != Opening::Undecided && as_response != Opening::Undecided;
        let hopeless = !amid && self.ways.iter().all(|way| way.unknown);
        let patience = if amid { PATIENCE_AMID } else { PATIENCE };
        if hopeless || self.held_bytes > patience { Verdict::Foreign { name: "other", open: amid } } else { Verdict::Undecided }
    }

    /// Whether the first bytes of a direction are somewhere within a message.
    pub(super) fn begins_amid(&self, direction: Direction, requests: Direction, flow: &Flow) -> bool {
        let side = if direction == requests { Side::Request } else { Side::Response };
        let way = &self.ways[direction];
        let line = way.prefix.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        // The rest of a body may look like a start line of its own, up to the true one that ends the line.
        let begins = opening(side, &way.prefix) == Opening::Message && seek(side, line).unwrap_or_default() == 0;
        flow.midstream && !way.holed && !begins
    }

    pub(super) fn release(&mut self) -> Vec<Placed> {
        std::mem::take(&mut self.held)
    }

    /// Bytes in memory for it: a thousand pieces of one byte are a thousand pieces.
    pub(super) fn held(&self) -> u64 {
        let prefixes: usize = self.ways.iter().map(|way| way.prefix.len()).sum();
        self.held_bytes + (prefixes + self.held.len() * size_of::<Placed>()) as u64
    }

    pub(super) const fn has_bytes(&self) -> bool {
        self.held_bytes > 0
    }

    pub(super) fn settle(&mut self) {
        for placed in &mut self.held[self.settled..] {
            placed.chunk.content.settle();
        }
        self.settled = self.held.len();
    }
}

/// The direction of requests, if a chunk begins with a message of HTTP.
pub(super) fn requests_of(placed: &Placed) -> Option<Direction> {
    let Content::Data(data) = &placed.chunk.content else { return None };
    let begins = |side| opening(side, data) == Opening::Message;
    if begins(Side::Request) {
        Some(placed.direction)
    } else if begins(Side::Response) {
        Some(1 - placed.direction)
    } else {
        None
    }
}

/// The name of a protocol that has no parser here.
fn foreign(bytes: &[u8]) -> Told {
    for (name, magic) in MAGIC {
        if bytes.starts_with(magic) {
            return Told::Name(name);
        }
        if magic.starts_with(bytes) {
            return Told::Undecided;
        }
    }
    let told = [tls(bytes), smb(bytes), postgresql(bytes), mysql(bytes), redis(bytes), greeting(bytes), mongodb(bytes), mqtt(bytes), binary(bytes)];
    let name = told.into_iter().find(|told| matches!(told, Told::Name(_)));
    name.unwrap_or(if told.contains(&Told::Undecided) { Told::Undecided } else { Told::Nothing })
}

/// A record header: content type, then major version 3.
fn tls(bytes: &[u8]) -> Told {
    match bytes {
        [0x14..=0x17, 3, 0..=4, ..] => Told::Name("tls"),
        [0x14..=0x17] | [0x14..=0x17, 3] => Told::Undecided,
        _ => Told::Nothing,
    }
}

/// A start-up packet: its length, then the version or a request for encryption or cancellation.
fn postgresql(bytes: &[u8]) -> Told {
    match bytes {
        [0, 0, _, _, 0x04, 0xd2, 0x16, 0x2e..=0x30, ..] | [0, 0, _, _, 0, 3, 0, 0..=2, ..] => Told::Name("postgresql"),
        [0, 0, rest @ ..] if rest.len() < 6 => Told::Undecided,
        [0] => Told::Undecided,
        _ => Told::Nothing,
    }
}

/// The server's greeting: a packet of number 0, protocol 10, the server's version in digits.
fn mysql(bytes: &[u8]) -> Told {
    match bytes {
        [length, _, 0, 0, 10, digit, ..] if *length > 20 && digit.is_ascii_digit() => Told::Name("mysql"),
        [_, _, 0, 0] | [_, _, 0, 0, 10] => Told::Undecided,
        _ => Told::Nothing,
    }
}

/// RESP: an array with its count, or one of the usual answers.
fn redis(bytes: &[u8]) -> Told {
    match bytes {
        [b'*', rest @ ..] => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            match rest.get(digits..) {
                Some([] | [b'\r']) if digits < 8 => Told::Undecided,
                Some([b'\r', b'\n', ..]) if digits > 0 => Told::Name("redis"),
                _ => Told::Nothing,
            }
        }
        [b'+', ..] if bytes.starts_with(b"+OK\r\n") || bytes.starts_with(b"+PONG\r\n") => Told::Name("redis"),
        [b'+'] | [b'+', b'O' | b'P', ..] if bytes.len() < 7 => Told::Undecided,
        _ => Told::Nothing,
    }
}

/// A server that speaks first, in words: a status of 220, then who it is.
fn greeting(bytes: &[u8]) -> Told {
    let Some(rest) = bytes.strip_prefix(b"220") else {
        return if b"220".starts_with(bytes) { Told::Undecided } else { Told::Nothing };
    };
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let says = |word: &[u8]| line.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
    match rest.first() {
        Some(b' ' | b'-') if says(b"SMTP") => Told::Name("smtp"),
        Some(b' ' | b'-') if says(b"FTP") => Told::Name("ftp"),
        None | Some(b' ' | b'-') if line.len() == rest.len() && rest.len() < 512 => Told::Undecided,
        _ => Told::Nothing,
    }
}

/// A session message of four bytes' length in front of the protocol's own mark.
fn smb(bytes: &[u8]) -> Told {
    match bytes {
        [0, 0, _, _, 0xfe | 0xff, b'S', b'M', b'B', ..] => Told::Name("smb"),
        _ => Told::Nothing,
    }
}

/// A message header: length, two identifiers, then the code of a message or of the first query.
fn mongodb(bytes: &[u8]) -> Told {
    match bytes {
        [length, _, _, 0, _, _, _, _, _, _, _, _, 0xdd | 0xd4, 0x07, 0, 0, ..] if *length >= 16 => Told::Name("mongodb"),
        _ => Told::Nothing,
    }
}

/// A connect packet: its kind, its length in one or two bytes, the protocol's name.
fn mqtt(bytes: &[u8]) -> Told {
    match bytes {
        [0x10, _, 0, 4, b'M', b'Q', b'T', b'T', ..] | [0x10, _, _, 0, 4, b'M', b'Q', b'T', b'T', ..] => Told::Name("mqtt"),
        [0x10, ..] if bytes.len() < 9 => Told::Undecided,
        _ => Told::Nothing,
    }
}

/// Openings in a fixed shape of a few bytes.
fn binary(bytes: &[u8]) -> Told {
    match bytes {
        [0x12, 1, 0, _, 0, 0, ..] => Told::Name("mssql"),
        [3, 0, 0, _, _, 0xe0, ..] => Told::Name("rdp"),
        [1, 1, 0, 1, 0, 8, 0, 0, ..] => Told::Name("fastcgi"),
        [3..=5, 0, 0, _, 1 | 5, 0, 0, ..] => Told::Name("cassandra"),
        [0x30, length, 2, 1, _, 0x60, ..] if *length < 0x80 => Told::Name("ldap"),
        [0x12 | 3..=5 | 1 | 0x30, ..] if bytes.len() < 8 => Told::Undecided,
        _ => Told::Nothing,
    }
}

/// Openings that say plainly what follows.
const MAGIC: [(&str, &[u8]); 9] = [
    ("http2", b"PRI * HTTP/2.0\r\n"),
    ("ssh", b"SSH-"),
    ("amqp", b"AMQP"),
    ("smtp", b"EHLO "),
    ("smtp", b"HELO "),
    ("imap", b"* OK "),
    ("pop3", b"+OK "),
    ("nats", b"INFO {"),
    ("bittorrent", b"\x13BitTorrent protocol"),
];
/// Bytes of each direction that are looked at.
const PREFIX: usize = 16 << 10;
/// Bytes held before a connection is given up on.
const PATIENCE: u64 = 4 << 10;
/// The same where the beginning was not seen.
const PATIENCE_AMID: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_by_content() {
        for (bytes, told) in [
            (&b"\x16\x03\x01\x02\x00\x01"[..], Told::Name("tls")),
            (b"\x16", Told::Undecided),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Told::Name("http2")),
            (b"PRI", Told::Undecided),
            (b"\x00\x00\x00\x08\x04\xd2\x16\x2f", Told::Name("postgresql")),
            (b"\x00\x00\x00\x55\x00\x03\x00\x00user\x00", Told::Name("postgresql")),
            (b"\x4a\x00\x00\x00\x0a8.0.35\x00", Told::Name("mysql")),
            (b"*1\r\n$4\r\nPING\r\n", Told::Name("redis")),
            (b"*1", Told::Undecided),
            (b"+PONG\r\n", Told::Name("redis")),
            (b"SSH-2.0-OpenSSH_9.2\r\n", Told::Name("ssh")),
            (b"220 mail.example ESMTP ready\r\n", Told::Name("smtp")),
            (b"220-mail.example\r\n220 ready\r\n", Told::Nothing),
            (b"220 (vsFTPd 3.0.5)\r\n", Told::Name("ftp")),
            (b"220 mail", Told::Undecided),
            (b"EHLO client\r\n", Told::Name("smtp")),
            (b"* OK IMAP4rev1\r\n", Told::Name("imap")),
            (b"+OK ready\r\n", Told::Name("pop3")),
            (b"\x00\x00\x00\x45\xffSMB", Told::Name("smb")),
            (b"\x35\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00", Told::Name("mongodb")),
            (b"\x10\x0c\x00\x04MQTT\x04", Told::Name("mqtt")),
            (b"\x12\x01\x00\x2f\x00\x00\x01\x00", Told::Name("mssql")),
            (b"\x30\x0c\x02\x01\x01\x60\x07", Told::Name("ldap")),
            (b"GET / HTTP/1.1\r\n", Told::Nothing),
            (b"HTTP/1.1 200 OK\r\n", Told::Nothing),
            (b"hello", Told::Nothing),
        ] {
            assert_eq!(foreign(bytes), told, "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}
