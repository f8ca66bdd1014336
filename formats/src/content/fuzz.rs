//! The entry points of the fuzzer. Any bytes flow in; nothing flows out but the certainty that what is handed out is what stands there.

use std::ops::Range;

use bytes::Bytes;

use super::charset::Charset;
use super::coding::{decode, encode};
use super::{CodingError, Leaf, visit_body, visit_head};
use crate::model::Head;

/// Takes `data` for a message: its first byte chooses the media type, the second says how much of the rest belongs to the head,
/// in steps of four bytes; then comes the body.
///
/// # Panics
///
/// If the visitor panics, goes backwards, or hands out a value that is not what its raw bytes say.
pub fn fuzz_visitor(data: &[u8]) {
    let [media_type, head, rest @ ..] = data else { return };
    let media_type = MEDIA_TYPES[usize::from(*media_type) % MEDIA_TYPES.len()];
    let (lines, body) = rest.split_at((usize::from(*head) * 4).min(rest.len()));
    let request = [b"POST /x/", lines, b" HTTP/1.1\r\nContent-Type: ", media_type.as_bytes(), b"\r\n\r\n"].concat();
    let response = [b"HTTP/1.1 200 OK\r\nContent-Type: ", media_type.as_bytes(), b"\r\n", lines].concat();
    for head in [Head::request(Bytes::from(request)), Head::response(Bytes::from(response))].into_iter().flatten() {
        visit_head(&head, &mut |leaf| assert_stands(&leaf, head.raw(), &mut 0));
        let mut end = 0;
        visit_body(&head, body, &mut |leaf| assert_stands(&leaf, body, &mut end));
    }
}

/// A leaf's value is what its raw bytes say, each of its bytes stands among them, and no leaf begins before the one before.
fn assert_stands(leaf: &Leaf<'_>, raw: &[u8], start: &mut usize) {
    let Range { start: from, end: to } = leaf.span;
    assert!(*start <= from && from <= to && to <= raw.len(), "{leaf:?} stands in {} bytes, behind {start}", raw.len());
    *start = from;
    let raw = &raw[leaf.span.clone()];
    assert!(leaf.surface.undress(raw) == leaf.value, "{leaf:?} does not say what stands there");
    let offsets = leaf.surface.offsets(raw);
    assert_eq!(offsets.len(), leaf.value.len() + 1, "{leaf:?}: each byte of a value comes from somewhere");
    assert!(offsets.is_sorted() && offsets.last() == Some(&raw.len()), "{leaf:?}: the bytes of a value stand in order");
    assert!(!leaf.template().is_empty(), "every place has a name");
}

/// Takes `data` for content under a coding, which its first byte chooses; and for content that is put under it.
///
/// # Panics
///
/// If a coding or a charset panics, gives more than the limit, or gives back something else than what was put in.
pub fn fuzz_codings(data: &[u8]) {
    let [coding, bytes @ ..] = data else { return };
    let coding = CODINGS[usize::from(*coding) % CODINGS.len()].as_bytes();
    if let Ok(content) = decode(coding, bytes, LIMIT) {
        assert!(content.len() <= LIMIT, "{} bytes are over the limit", content.len());
    }
    match encode(coding, bytes) {
        Ok(encoded) => match decode(coding, &encoded, LIMIT) {
            Ok(content) => assert!(content == bytes, "what comes out is not what was put in"),
            Err(error) => assert!(matches!(error, CodingError::OverLimit { .. }), "its own coding: {error}"),
        },
        Err(error) => assert!(matches!(error, CodingError::Unknown | CodingError::TooManyCodings), "any bytes can be encoded: {error}"),
    }
    for label in CHARSETS {
        let media_type = format!("text/plain; charset={label}");
        let charset = Charset::of(media_type.as_bytes(), bytes).expect("known");
        let Some(text) = charset.decode(bytes) else { continue };
        assert!(charset.encode(&text).as_deref() == Some(bytes), "{label}: what comes out is not what was put in");
        let offsets = charset.offsets(std::str::from_utf8(&text).expect("UTF-8"));
        assert!(offsets.len() == text.len() + 1 && offsets.is_sorted() && offsets.last() == Some(&bytes.len()), "{label}: each byte comes from somewhere");
    }
}

/// Small, so that it is reached.
const LIMIT: usize = 1 << 12;

const CODINGS: [&str; 10] = ["gzip", "deflate", "br", "zstd", "identity", "gzip, br", "x-gzip, deflate", "gzip, gzip, gzip, gzip, gzip", "none", "zstd,,zstd"];

const CHARSETS: [&str; 8] = ["utf-16", "utf-32le", "shift_jis", "euc-jp", "euc-kr", "gb18030", "big5", "koi8-r"];

/// What the visitor tells apart.
const MEDIA_TYPES: [&str; 18] = [
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
    "application/xml; charset=utf-16",
    "text/plain; charset=iso-8859-1",
    "application/soap+xml",
    "application/json-seq",
    "application/octet-stream",
    "text/x-log",
    "",
];

#[cfg(test)]
mod tests {
    use std::fs;

    #[test]
    fn seeds_and_what_the_fuzzer_found() {
        type Target = (&'static str, fn(&[u8]), usize);
        let targets: [Target; 2] = [("visitor", super::fuzz_visitor, 40), ("codings", super::fuzz_codings, 20)];
        for (target, entry, least) in targets {
            let seeds = fs::read_dir(format!("{}/../fuzz/seeds/{target}", env!("CARGO_MANIFEST_DIR"))).expect("the seeds are there");
            let run = seeds.map(|seed| entry(&fs::read(seed.expect("listed").path()).expect("readable"))).count();
            assert!(run >= least, "{target}: only {run} seeds");
        }
    }
}
