//! The way back to the wire.
//!
//! A message flows in, bytes flow out: the head as it was recorded, the body framed again as it was framed. Nothing here
//! decides on lengths: whoever changes a body makes the head's `Content-Length` right.

use std::io::Write as _;

use crate::model::{BodyFraming, Message};

/// Appends the head as it stands, empty line included.
pub fn encode_head(message: &Message, out: &mut Vec<u8>) {
    out.extend_from_slice(message.head.raw());
}

/// Appends the body in its framing: plain, or in chunks of the recorded lengths, then the trailers.
///
/// Where less of the body is here than was recorded, the chunks end with what is here.
pub fn encode_body(message: &Message, out: &mut Vec<u8>) {
    let body = message.body.contiguous();
    let BodyFraming::Chunked(chunks) = &message.body.framing else {
        out.extend_from_slice(&body);
        return;
    };
    let mut rest: &[u8] = &body;
    for length in chunks.iter().copied().chain([u64::MAX]) {
        let (chunk, after) = rest.split_at(usize::try_from(length).map_or(rest.len(), |length| length.min(rest.len())));
        if chunk.is_empty() {
            continue;
        }
        write!(out, "{:x}\r\n", chunk.len()).expect("writing to memory cannot fail");
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
        rest = after;
    }
    out.extend_from_slice(b"0\r\n");
    match &message.trailers {
        Some(trailers) => out.extend_from_slice(trailers.raw()),
        None => out.extend_from_slice(b"\r\n"),
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Side, Timestamp};
    use crate::wire::http1::{Decoder, Event, Limits, encode_body, encode_head};
    use bytes::Bytes;

    #[test]
    fn what_was_decoded_encodes_to_the_same_bytes() {
        for wire in [
            "GET /a HTTP/1.1\r\nhost: x\r\n\r\n",
            "POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
            "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n",
            "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 9\r\n\r\n",
        ] {
            let mut decoder = Decoder::new(Side::Request, Limits::default());
            decoder.feed(Bytes::from_static(wire.as_bytes()), Timestamp::default());
            let decoded = std::iter::from_fn(|| decoder.next()).find_map(|event| match event {
                Event::Message(decoded) => Some(decoded),
                _ => None,
            });
            let message = decoded.expect("a whole message was fed").message;
            let mut out = Vec::new();
            encode_head(&message, &mut out);
            encode_body(&message, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), wire);
        }
    }
}
