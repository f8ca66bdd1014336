//! Rewriting by span: bytes that no edit names stay what they are.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::coding::{self, CodingError, decoded_body};
use crate::model::{Head, Message, StartLine};

/// New bytes for a span.
#[derive(Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced, in bytes of the part as it is; empty to insert.
    pub span: Range<usize>,
    /// What stands there afterwards, [dressed](super::Surface::dress) for its place.
    pub replacement: Vec<u8>,
}

impl std::fmt::Debug for Edit {
    /// Never the bytes.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edit").field("span", &self.span).field("replacement_bytes", &self.replacement.len()).finish_non_exhaustive()
    }
}

/// The edits to a message, by part. In each list spans ascend and do not overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    /// To the raw head.
    pub head: Vec<Edit>,
    /// To the body without its content codings.
    pub body: Vec<Edit>,
    /// To the raw trailers.
    pub trailers: Vec<Edit>,
}

impl Edits {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.head.is_empty() && self.body.is_empty() && self.trailers.is_empty()
    }
}

/// Where the replacements stand afterwards, edit by edit, in the coordinates of the edited part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placed {
    /// In the raw head.
    pub head: Vec<Range<usize>>,
    /// In the body without its content codings.
    pub body: Vec<Range<usize>>,
    /// In the raw trailers.
    pub trailers: Vec<Range<usize>>,
}

/// Makes the edits. A body that is edited is decoded, edited, and encoded again as it was; `Content-Length` and the chunks'
/// lengths are made right. A part without edits stays as it is, byte for byte. On an error nothing has changed.
pub fn rewrite(message: &mut Message, edits: Edits) -> Result<Placed, CodingError> {
    if edits.body.is_empty() {
        return rewrite_decoded(message, &[], &edits);
    }
    let decoded = decoded_body(message, MAX_DECODED)?.into_owned();
    rewrite_decoded(message, &decoded, &edits)
}

/// Like [`rewrite`], for a caller that has the [decoded](decoded_body) body at hand. It is not looked at if no edit is to the body.
pub fn rewrite_decoded(message: &mut Message, decoded: &[u8], edits: &Edits) -> Result<Placed, CodingError> {
    let mut head_edits = Cow::Borrowed(edits.head.as_slice());
    let body = if edits.body.is_empty() {
        None
    } else {
        let encoded = coding::encoded_body(message, apply(decoded, &edits.body)?)?;
        length_edits(&message.head, encoded.len(), &mut head_edits);
        Some(encoded)
    };
    let head = edited_head(&message.head, &head_edits)?;
    let trailers = message.trailers.as_ref().map(|trailers| edited_head(trailers, &edits.trailers)).transpose()?;
    if let Some(head) = head {
        message.head = head;
    }
    if let Some(Some(trailers)) = trailers {
        message.trailers = Some(trailers);
    }
    if let Some(body) = body {
        message.body.replace(Bytes::from(body));
    }
    let spans = |edits: &[Edit]| edits.iter().map(|edit| edit.span.clone()).collect::<Vec<_>>();
    Ok(Placed {
        head: placed(&spans(&edits.head), &head_edits),
        body: placed(&spans(&edits.body), &edits.body),
        trailers: placed(&spans(&edits.trailers), &edits.trailers),
    })
}

/// Where each of `spans` stands once `edits`, which hold most of them, are made.
pub fn placed(spans: &[Range<usize>], edits: &[Edit]) -> Vec<Range<usize>> {
    let (mut grown, mut shrunk, mut edits) = (0, 0, edits.iter().peekable());
    spans
        .iter()
        .map(|span| {
            while let Some(edit) = edits.next_if(|edit| edit.span.end <= span.start && edit.span != *span) {
                grown += edit.replacement.len();
                shrunk += edit.span.len();
            }
            let start = span.start + grown - shrunk;
            match edits.next_if(|edit| edit.span == *span) {
                Some(edit) => {
                    grown += edit.replacement.len();
                    shrunk += edit.span.len();
                    start..start + edit.replacement.len()
                }
                None => start..start + span.len(),
            }
        })
        .collect()
}

/// `bytes` with the edits made.
pub fn apply(bytes: &[u8], edits: &[Edit]) -> Result<Vec<u8>, CodingError> {
    let mut out = Vec::with_capacity(bytes.len() + edits.iter().map(|edit| edit.replacement.len()).sum::<usize>());
    let mut at = 0;
    for (position, Edit { span, replacement }) in edits.iter().enumerate() {
        let kept = bytes.get(at..span.start).filter(|_| span.start <= span.end && span.end <= bytes.len()).ok_or(CodingError::Spans { position })?;
        out.extend_from_slice(kept);
        out.extend_from_slice(replacement);
        at = span.end;
    }
    out.extend_from_slice(&bytes[at..]);
    Ok(out)
}

fn edited_head(head: &Head, edits: &[Edit]) -> Result<Option<Head>, CodingError> {
    if edits.is_empty() {
        return Ok(None);
    }
    let raw = Bytes::from(apply(head.raw(), edits)?);
    let edited = match head.start_line() {
        StartLine::Request { .. } => Head::request(raw),
        StartLine::Response { .. } => Head::response(raw),
        StartLine::Absent => Head::trailers(raw),
    };
    edited.map(Some).map_err(|_| CodingError::Head)
}

/// Every `Content-Length` that is a number becomes `length`; these edits win over others to the same header.
fn length_edits(head: &Head, length: usize, edits: &mut Cow<'_, [Edit]>) {
    for header in head.headers_named("content-length").filter(|header| !header.value.is_empty() && header.value.iter().all(u8::is_ascii_digit)) {
        let span = header.value_span();
        let replacement = length.to_string().into_bytes();
        if *header.value == *replacement && edits.iter().all(|edit| edit.span.end <= span.start || edit.span.start >= span.end) {
            continue;
        }
        let edits = edits.to_mut();
        edits.retain(|edit| edit.span.end <= span.start || edit.span.start >= span.end);
        let at = edits.partition_point(|edit| edit.span.start < span.start);
        edits.insert(at, Edit { span, replacement });
    }
}

/// No body is inflated beyond this, whatever the caller looked at before.
pub const MAX_DECODED: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::content::{Leaf, visit_body, visit_head};
    use crate::model::{Body, BodyFraming, Completeness};

    fn message(encoding: &str, content: &[u8], framing: BodyFraming) -> Message {
        let encoded = if content.is_empty() { Vec::new() } else { coding::encode(encoding.as_bytes(), content).expect("encodes") };
        let length = if framing == BodyFraming::Length { format!("Content-Length: {}\r\n", encoded.len()) } else { String::new() };
        let raw = format!("POST /a/b?c=d HTTP/1.1\r\nContent-Type: application/octet-stream\r\nContent-Encoding: {encoding}\r\n{length}x: y\r\n\r\n");
        let body = Body { wire_length: encoded.len() as u64, slices: vec![Bytes::from(encoded)], completeness: Completeness::Whole, framing };
        Message {
            head: Head::request(Bytes::from(raw)).expect("a head"),
            body,
            trailers: Some(Head::trailers(Bytes::from_static(b"T: u\r\n\r\n")).expect("trailers")),
        }
    }

    fn edit(span: Range<usize>, replacement: &[u8]) -> Edit {
        Edit { span, replacement: replacement.to_vec() }
    }

    #[test]
    fn nothing_to_edit_changes_nothing() {
        for encoding in ENCODINGS {
            let before = message(encoding, b"{\"a\":\"b\"}", BodyFraming::Length);
            let mut after = before.clone();
            rewrite(&mut after, Edits::default()).expect("rewrites");
            assert_eq!(after, before);
        }
    }

    #[test]
    fn lengths_are_made_right() {
        for encoding in ENCODINGS {
            let mut message = message(encoding, b"{\"a\":\"b\"}", BodyFraming::Length);
            rewrite(&mut message, Edits { body: vec![edit(6..7, b"a longer value")], ..Edits::default() }).expect("rewrites");
            assert_eq!(decoded_body(&message, 1000).expect("decodes").as_ref(), b"{\"a\":\"a longer value\"}", "{encoding}");
            assert_eq!(message.head.header("content-length"), Some(message.body.kept_length().to_string().as_bytes()));
        }
        let mut message = message("identity", b"12345678", BodyFraming::Chunked(vec![3, 5]));
        rewrite(&mut message, Edits { body: vec![edit(0..8, b"1234")], ..Edits::default() }).expect("rewrites");
        assert_eq!(message.body.framing, BodyFraming::Chunked(vec![3, 1]));
    }

    #[test]
    fn head_and_trailers_are_edited_in_place() {
        let mut message = message("", b"x", BodyFraming::Length);
        let edits = Edits { head: vec![edit(8..9, b"BBB"), edit(10..10, b"!")], body: vec![edit(0..1, b"")], trailers: vec![edit(3..4, b"vv")] };
        rewrite(&mut message, edits).expect("rewrites");
        assert_eq!(message.head.target(), Some(&b"/a/BBB?!c=d"[..]));
        assert_eq!(message.head.header("content-length"), Some(&b"0"[..]));
        assert_eq!(message.trailers.expect("kept").header("t"), Some(&b"vv"[..]));
        assert_eq!(message.body.kept_length(), 0);
    }

    #[test]
    fn tells_where_replacements_stand() {
        let mut message = message("gzip", b"{\"a\":\"b\",\"c\":1}", BodyFraming::Length);
        let span = |name: &str, message: &Message| message.head.headers_named(name).next().expect("there").value_span();
        let edits = Edits {
            head: vec![edit(6..7, b"long"), edit(span("x", &message), b"zzz")],
            body: vec![edit(6..7, &[b'q'; 90]), edit(13..14, b"22")],
            trailers: vec![edit(3..4, b"")],
        };
        let placed = rewrite(&mut message, edits).expect("rewrites");
        let head: Vec<_> = placed.head.iter().map(|span| &message.head.raw()[span.clone()]).collect();
        assert_eq!(head, [&b"long"[..], b"zzz"]);
        let decoded = decoded_body(&message, 1000).expect("decodes");
        assert_eq!(&decoded[placed.body[1].clone()], b"22");
        assert_eq!(placed.trailers.first(), Some(&(3..3)));
    }

    #[test]
    fn bad_edits_are_refused_and_change_nothing() {
        let before = message("gzip", b"{\"a\":1}", BodyFraming::Length);
        let cases = [
            (vec![edit(5..6, b""), edit(5..6, b"")], CodingError::Spans { position: 1 }),
            (vec![edit(3..4, b""), edit(1..2, b"")], CodingError::Spans { position: 1 }),
            (vec![edit(0..9999, b"")], CodingError::Spans { position: 0 }),
        ];
        for (edits, expected) in cases {
            let mut after = before.clone();
            assert_eq!(rewrite(&mut after, Edits { body: edits, ..Edits::default() }), Err(expected));
            assert_eq!(after, before);
        }
        let mut after = before.clone();
        assert_eq!(rewrite(&mut after, Edits { head: vec![edit(0..6, b"")], ..Edits::default() }), Err(CodingError::Head));
        assert_eq!(after, before);
    }

    proptest! {
        #[test]
        fn edited_content_is_what_comes_out(content in proptest::collection::vec(any::<u8>(), 1..200), cuts in proptest::collection::vec((0_usize..200, any::<Vec<u8>>()), 0..5), encoding in proptest::sample::select(ENCODINGS)) {
            let mut cuts: Vec<_> = cuts.into_iter().map(|(at, replacement)| (at.min(content.len()), replacement)).collect();
            cuts.sort();
            let edits: Vec<Edit> = cuts.chunks(2).filter_map(|pair| match pair { [(start, replacement), (end, _)] => Some(edit(*start..*end, replacement)), _ => None }).collect();
            let mut message = message(encoding, &content, BodyFraming::Length);
            rewrite(&mut message, Edits { body: edits.clone(), ..Edits::default() }).expect("rewrites");
            let decoded = decoded_body(&message, 1 << 20).expect("decodes");
            prop_assert_eq!(decoded.as_ref(), apply(&content, &edits).expect("applies"));
        }

        #[test]
        fn any_bytes_are_visited_within_bounds(raw in any::<Vec<u8>>(), body in any::<Vec<u8>>(), content_type in proptest::sample::select(&["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "text/plain", "application/x-ndjson", "application/xml", ""][..])) {
            let raw = [format!("POST /x HTTP/1.1\r\nContent-Type: {content_type}\r\n").as_bytes(), &raw].concat();
            let head = Head::request(Bytes::from(raw)).expect("a head");
            // Every leaf is in bounds, in order, and says what its raw bytes say.
            let said = |leaf: &Leaf<'_>, raw: &[u8]| raw.get(leaf.span.clone()).is_some_and(|raw| leaf.surface.undress(raw) == leaf.value);
            let (mut end, mut fine) = (0, true);
            visit_head(&head, &mut |leaf| fine &= said(&leaf, head.raw()));
            visit_body(&head, &body, &mut |leaf| {
                fine &= leaf.span.start >= end && said(&leaf, &body);
                end = leaf.span.start;
            });
            prop_assert!(fine);
        }
    }

    const ENCODINGS: &[&str] = &["identity", "gzip", "deflate", "br", "zstd", "gzip, br"];
}
