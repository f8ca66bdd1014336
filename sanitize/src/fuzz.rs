//! The entry point of the fuzzer. Any bytes flow in; nothing flows out but the certainty that redaction keeps its promises.

use std::sync::LazyLock;

use bytes::Bytes;
use reenact_formats::model::{Body, BodyFraming, Completeness, Exchange, Head, Message, Timestamp};
use reenact_formats::seam::Redact;

use crate::{Key, Policy, Redactor, ResidueCheck};

/// Takes `data` for a request: its first byte chooses the media type, the second says how much of the rest belongs to the head, in
/// steps of four bytes; then comes the body.
///
/// # Panics
///
/// If redaction panics, does something else the second time, leaves what its own check finds, or names spans that are none.
pub fn fuzz(data: &[u8]) {
    let [media_type, head, rest @ ..] = data else { return };
    let media_type = MEDIA_TYPES[usize::from(*media_type) % MEDIA_TYPES.len()];
    let (lines, body) = rest.split_at((usize::from(*head) * 4).min(rest.len()));
    assert_spans(media_type, body);
    assert_spans("http/headers", rest);
    let raw = [b"POST /x HTTP/1.1\r\nContent-Type: ", media_type.as_bytes(), b"\r\n", lines, b"\r\n\r\n"].concat();
    let Ok(head) = Head::request(Bytes::from(raw)) else { return };
    let mut once = exchange(Message { head, body: whole(body), trailers: None });
    redactor().exchange(&mut once);
    let mut twice = once.clone();
    redactor().exchange(&mut twice);
    assert!(twice == once, "what was redacted once stays as it is");
    let found = ResidueCheck::new(&Policy::default(), None).exchange(&once);
    assert!(found.is_empty(), "{found:?} are left");
    if let Ok(text) = std::str::from_utf8(rest) {
        redactor().value("customers.note", text);
    }
}

/// Spans lie within the text, in order, each with a length.
fn assert_spans(media_type: &str, text: &[u8]) {
    let mut end = 0;
    for (span, rule) in redactor().spans(media_type, text) {
        assert!(span.start < span.end && span.end <= text.len(), "{rule}: {span:?} of {} bytes", text.len());
        assert!(span.start >= end, "{rule}: {span:?} overlaps what ends at {end}");
        end = span.end;
    }
}

/// One that has seen nothing yet; the rules are read once.
fn redactor() -> Redactor {
    static FIRST: LazyLock<Redactor> = LazyLock::new(|| {
        let key = Key::from_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("thirty-two bytes");
        Redactor::new(&Policy::default(), &key)
    });
    FIRST.lane()
}

fn whole(bytes: &[u8]) -> Body {
    let slices = if bytes.is_empty() { Vec::new() } else { vec![Bytes::copy_from_slice(bytes)] };
    Body { slices, wire_length: bytes.len() as u64, completeness: Completeness::Whole, framing: BodyFraming::Close }
}

fn exchange(request: Message) -> Exchange {
    Exchange { start: Timestamp::from_nanos(1), request: Some(request), ..Exchange::between(([127, 0, 0, 1], 5000).into(), ([127, 0, 0, 1], 80).into()) }
}

/// What the visitor tells apart.
const MEDIA_TYPES: [&str; 12] = [
    "application/json",
    "application/x-ndjson",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "application/xml",
    "text/html",
    "text/plain",
    "text/csv",
    "text/event-stream",
    "application/graphql",
    "application/json; charset=utf-16le",
    "",
];

#[cfg(test)]
mod tests {
    use std::fs;

    #[test]
    fn seeds_and_what_the_fuzzer_found() {
        let seeds = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/detectors")).expect("the seeds are there");
        let run = seeds.map(|seed| super::fuzz(&fs::read(seed.expect("listed").path()).expect("readable"))).count();
        assert!(run > 40, "only {run} seeds");
    }
}
