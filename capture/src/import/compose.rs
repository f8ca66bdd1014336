//! Messages of the parts that a file tells of them.
//!
//! Parts flow in, as hostile as they come; a message flows out that HTTP could send: one start line, one line for each field, a `Content-Length` that is that of
//! the body. What never happens here: a part ends the line that it stands in.

use bytes::Bytes;
use reenact_formats::model::{Anomaly, Body, BodyFraming, Completeness, DropReason, Head, InvalidHead, Message, is_token};

/// What is known of a body.
pub(super) enum Told {
    /// There was none.
    None,
    /// All of it, and whether its content coding was undone.
    Whole(Bytes, Coding),
    /// Of so many bytes, if that is known.
    Unknown(Option<u64>),
}

/// Whether a body stands as it was on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    AsSent,
    Undone,
}

/// A message in the making.
pub(super) struct Compose {
    head: Vec<u8>,
    announced: Option<u64>,
    /// Where a length stood, and what it was called.
    length: Option<(usize, Vec<u8>)>,
}

impl Compose {
    /// A request line. The version is HTTP/1.0 if that is said, else HTTP/1.1. Nothing if the method is none.
    pub(super) fn request(method: &[u8], target: &[u8], version: &[u8]) -> Option<Self> {
        if !is_token(method) {
            return None;
        }
        let mut head = [method, b" "].concat();
        let target = target.split(|byte| *byte == b'#').next().unwrap_or_default();
        if target.is_empty() {
            head.push(b'/');
        }
        for byte in target {
            if byte.is_ascii_control() || *byte == b' ' {
                head.extend(format!("%{byte:02X}").bytes());
            } else {
                head.push(*byte);
            }
        }
        head.extend([b" ", wire_version(version), b"\r\n"].concat());
        Some(Self { head, announced: None, length: None })
    }

    /// A status line. Nothing if the status is none.
    pub(super) fn response(version: &[u8], status: u16, reason: &[u8]) -> Option<Self> {
        if !(100..1000).contains(&status) {
            return None;
        }
        let mut head = [wire_version(version), format!(" {status} ").as_bytes()].concat();
        head.extend(reason.iter().map(|byte| if byte.is_ascii_control() { b' ' } else { *byte }));
        head.extend(b"\r\n");
        Some(Self { head, announced: None, length: None })
    }

    /// A field, or one for each line of its value. A name that is none, as those of HTTP/2's pseudo fields, is left out; so are lengths and transfer codings.
    pub(super) fn field(&mut self, name: &[u8], value: &[u8]) {
        if !is_token(name) {
            return;
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            self.length.get_or_insert_with(|| (self.head.len(), name.to_vec()));
            self.announced = std::str::from_utf8(value.trim_ascii()).ok().and_then(|value| value.parse().ok());
            return;
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            return;
        }
        for line in value.split(|byte| *byte == b'\n') {
            self.head.extend([name, b": "].concat());
            self.head.extend(line.trim_ascii().iter().map(|byte| if matches!(byte, b'\r' | b'\0') { b' ' } else { *byte }));
            self.head.extend(b"\r\n");
        }
    }

    /// What `Content-Length` says.
    pub(super) const fn announced(&self) -> Option<u64> {
        self.announced
    }

    /// The message, with a body; one that is longer than `max_body` is dropped, and that is said.
    pub(super) fn finish(mut self, read: impl Fn(Bytes) -> Result<Head, InvalidHead>, body: Told, max_body: u64) -> Option<(Message, Option<Anomaly>)> {
        let length = match &body {
            Told::None => self.announced,
            Told::Whole(bytes, _) => Some(bytes.len() as u64).filter(|length| *length > 0 || self.announced.is_some()),
            Told::Unknown(length) => length.or(self.announced).filter(|length| *length <= LARGEST_LENGTH),
        };
        if let Some(length) = length {
            let (at, name) = self.length.unwrap_or_else(|| (self.head.len(), b"Content-Length".to_vec()));
            let line = [name.as_slice(), format!(": {length}\r\n").as_bytes()].concat();
            self.head.splice(at..at, line);
        }
        self.head.extend(b"\r\n");
        let mut head = read(Bytes::from(self.head)).ok()?;
        let mut odd = None;
        let body = match body {
            Told::None => Body::empty(),
            Told::Whole(bytes, coding) => {
                if coding == Coding::Undone {
                    head = without_coding(&head, &read)?;
                }
                let wire_length = bytes.len() as u64;
                let is_over = wire_length > max_body;
                odd = is_over.then_some(Anomaly::BodyOverLimit);
                Body {
                    slices: if is_over || bytes.is_empty() { Vec::new() } else { vec![bytes] },
                    wire_length,
                    completeness: if is_over { Completeness::Dropped { reason: DropReason::OverLimit, seen_whole: true } } else { Completeness::Whole },
                    framing: BodyFraming::Length,
                }
            }
            Told::Unknown(_) => Body {
                slices: Vec::new(),
                wire_length: length.unwrap_or_default(),
                completeness: Completeness::Dropped { reason: DropReason::NotRecorded, seen_whole: false },
                framing: BodyFraming::Length,
            },
        };
        Some((Message { head, body, trailers: None }, odd))
    }
}

/// The head of a body whose content coding was undone: it no longer says that there is one.
fn without_coding(head: &Head, read: impl Fn(Bytes) -> Result<Head, InvalidHead>) -> Option<Head> {
    let mut raw = Vec::with_capacity(head.raw().len());
    for line in head.raw().split_inclusive(|byte| *byte == b'\n') {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        if !name.eq_ignore_ascii_case(b"content-encoding") {
            raw.extend_from_slice(line);
        }
    }
    read(Bytes::from(raw)).ok()
}

fn wire_version(version: &[u8]) -> &'static [u8] {
    if version.eq_ignore_ascii_case(b"http/1.0") { b"HTTP/1.0" } else { b"HTTP/1.1" }
}

/// A length above it was never counted.
const LARGEST_LENGTH: u64 = 1_000_000_000_000_000;
