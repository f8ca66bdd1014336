//! Content codings, and charsets that are codings of their own: undone within a limit, and done again.
//!
//! In: the value of `Content-Encoding` and the bytes under it. Out: the bytes without it, or with it. A coding that is not
//! known, bytes that do not end where their coding ends, and content over the limit are errors: the caller drops such a
//! body, for what cannot be read cannot be scanned. Never more than the limit is inflated.

use std::borrow::Cow;
use std::io::{Read, Write};

use brotli::enc::StandardAlloc;

use super::charset::Charset;
use crate::model::{Head, Message};

/// Why a content coding could not be undone or done again, or edits not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodingError {
    /// The coding has no decoder here.
    #[error("unknown content coding")]
    Unknown,
    /// The bytes are not what their coding says, or go on after its end.
    #[error("content does not match its {coding} coding")]
    Corrupt {
        /// The coding.
        coding: &'static str,
    },
    /// More content than the limit.
    #[error("content over the limit of {limit} bytes once its coding is undone")]
    OverLimit {
        /// The limit.
        limit: usize,
    },
    /// More codings on top of one another than anyone uses.
    #[error("over {MAX_STACKED} content codings on top of one another")]
    TooManyCodings,
    /// Edits whose spans overlap, go backwards, or reach beyond the bytes.
    #[error("edit {position} overlaps another one or reaches beyond the bytes")]
    Spans {
        /// Which edit, from 0.
        position: usize,
    },
    /// The edited head is no head any more.
    #[error("the edited head is no head any more")]
    Head,
}

/// The body without its content codings, and in UTF-8 if it is a text in UTF-16 or UTF-32; borrowed if it came as it is in one piece.
pub fn decoded_body(message: &Message, limit: usize) -> Result<Cow<'_, [u8]>, CodingError> {
    let bytes = message.body.contiguous();
    if bytes.is_empty() {
        return Ok(bytes);
    }
    let encoding = encoding_of(&message.head);
    let content = if codings(&encoding)?.is_empty() {
        if bytes.len() > limit {
            return Err(CodingError::OverLimit { limit });
        }
        bytes
    } else {
        Cow::Owned(decode(&encoding, &bytes, limit)?)
    };
    match charset_of(message) {
        Some(charset) => charset.decode(&content).map(Cow::Owned).ok_or(CodingError::Corrupt { coding: "charset" }),
        None => Ok(content),
    }
}

/// A text in UTF-8.
#[derive(Clone, PartialEq, Eq)]
pub struct DecodedText<'b> {
    /// Its bytes.
    pub text: Cow<'b, [u8]>,
    /// If it was in UTF-16 or UTF-32: where each of its bytes, and its end, stood.
    pub offsets: Option<Vec<usize>>,
}

/// A text of the given media type in UTF-8.
pub fn decoded_text<'b>(content_type: &[u8], bytes: &'b [u8]) -> Result<DecodedText<'b>, CodingError> {
    let Some(charset) = Charset::of(content_type, bytes) else { return Ok(DecodedText { text: Cow::Borrowed(bytes), offsets: None }) };
    let text = charset.decode(bytes).ok_or(CodingError::Corrupt { coding: "charset" })?;
    let offsets = charset.offsets(&String::from_utf8_lossy(&text));
    Ok(DecodedText { text: Cow::Owned(text), offsets: Some(offsets) })
}

/// The charset that a body's text is to be freed of. What is under a content coding must be declared: its first bytes are not at hand.
fn charset_of(message: &Message) -> Option<Charset> {
    let start = message.body.slices.first().map_or(&[][..], |start| start);
    let is_odd = start.iter().take(4).any(|byte| matches!(byte, 0 | 0xfe | 0xff));
    let is_coded = is_odd && !codings(&encoding_of(&message.head)).is_ok_and(|codings| codings.is_empty());
    Charset::of(message.head.header("content-type").unwrap_or_default(), if is_odd && !is_coded { start } else { &[] })
}

/// The bytes of a body whose text is to be `text`: in its charset, under its codings, each in the form that the body has it in.
pub fn encoded_body(message: &Message, text: Vec<u8>) -> Result<Vec<u8>, CodingError> {
    let content = match charset_of(message) {
        Some(charset) => charset.encode(&text).ok_or(CodingError::Corrupt { coding: "charset" })?,
        None => text,
    };
    if content.is_empty() {
        return Ok(content);
    }
    let begins: Vec<u8> = message.body.slices.iter().flatten().copied().take(2).collect();
    encode_like(&encoding_of(&message.head), content, &begins)
}

/// Undoes the codings that `content_encoding` lists, the last one first (RFC 9110, section 8.4).
pub fn decode(content_encoding: &[u8], bytes: &[u8], limit: usize) -> Result<Vec<u8>, CodingError> {
    let mut content = Cow::Borrowed(bytes);
    for coding in codings(content_encoding)?.into_iter().rev() {
        content = Cow::Owned(coding.undo(&content, limit)?);
    }
    if content.len() > limit { Err(CodingError::OverLimit { limit }) } else { Ok(content.into_owned()) }
}

/// Does the codings that `content_encoding` lists, in order. The same bytes always give the same bytes.
pub fn encode(content_encoding: &[u8], bytes: &[u8]) -> Result<Vec<u8>, CodingError> {
    encoded(codings(content_encoding)?, Cow::Borrowed(bytes)).map(Cow::into_owned)
}

fn encoded(codings: Vec<Coding>, bytes: Cow<'_, [u8]>) -> Result<Cow<'_, [u8]>, CodingError> {
    codings.into_iter().try_fold(bytes, |content, coding| coding.redo(&content).map(Cow::Owned))
}

/// Whether the bytes carry more than their content: a file name or a comment in a gzip header (RFC 1952, section 2.3.1), a
/// skippable frame before or behind a zstd one (RFC 8878, section 3.1.2). Encoding the content anew leaves that out.
pub fn carries_more(content_encoding: &[u8], bytes: &[u8]) -> bool {
    match codings(content_encoding).as_deref() {
        Ok([.., Coding::Gzip]) => matches!(bytes, [0x1f, 0x8b, _, flags, ..] if flags & 0b1_1100 != 0),
        Ok([.., Coding::Zstd]) => !zstd::zstd_safe::find_frame_compressed_size(bytes).is_ok_and(|frame| frame == bytes.len()) || bytes.starts_with(SKIPPABLE),
        _ => false,
    }
}

/// Like [`encode`], and where a coding has two forms on the wire, in the form of the one that began with `like`.
fn encode_like(content_encoding: &[u8], bytes: Vec<u8>, like: &[u8]) -> Result<Vec<u8>, CodingError> {
    match codings(content_encoding)? {
        codings if *codings == [Coding::Deflate] && !has_zlib_header(like) => deflate_raw(&bytes),
        codings => encoded(codings, Cow::Owned(bytes)).map(Cow::into_owned),
    }
}

/// All `Content-Encoding` lines of a head as one list.
fn encoding_of(head: &Head) -> Vec<u8> {
    head.headers_named("content-encoding").map(|header| header.value).collect::<Vec<_>>().join(&b","[..])
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

fn codings(content_encoding: &[u8]) -> Result<Vec<Coding>, CodingError> {
    let mut codings = Vec::new();
    for word in content_encoding.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
        codings.push(match word.to_ascii_lowercase().as_slice() {
            b"" | b"identity" => continue,
            b"gzip" | b"x-gzip" => Coding::Gzip,
            b"deflate" => Coding::Deflate,
            b"br" => Coding::Brotli,
            b"zstd" => Coding::Zstd,
            _ => return Err(CodingError::Unknown),
        });
    }
    if codings.len() > MAX_STACKED { Err(CodingError::TooManyCodings) } else { Ok(codings) }
}

impl Coding {
    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    fn undo(self, bytes: &[u8], limit: usize) -> Result<Vec<u8>, CodingError> {
        if bytes.is_empty() {
            return Ok(Vec::new());
        }
        let corrupt = CodingError::Corrupt { coding: self.name() };
        match self {
            Self::Gzip => inflated(flate2::bufread::MultiGzDecoder::new(bytes), bytes.len(), limit, corrupt),
            // RFC 9110, section 8.4.1.2 means the zlib form; some servers send the bare stream.
            Self::Deflate if has_zlib_header(bytes) => {
                let mut rest = bytes;
                let content = inflated(flate2::bufread::ZlibDecoder::new(&mut rest), bytes.len(), limit, corrupt)?;
                if rest.is_empty() { Ok(content) } else { Err(corrupt) }
            }
            Self::Deflate => {
                let mut rest = bytes;
                let content = inflated(flate2::bufread::DeflateDecoder::new(&mut rest), bytes.len(), limit, corrupt)?;
                if rest.is_empty() { Ok(content) } else { Err(corrupt) }
            }
            Self::Brotli => unbrotli(bytes, limit, corrupt),
            Self::Zstd => inflated(zstd::stream::read::Decoder::with_buffer(bytes).map_err(|_| corrupt)?, bytes.len(), limit, corrupt),
        }
    }

    fn redo(self, bytes: &[u8]) -> Result<Vec<u8>, CodingError> {
        let failed = |_: std::io::Error| CodingError::Corrupt { coding: self.name() };
        match self {
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(room_for(bytes), DEFLATE_LEVEL);
                encoder.write_all(bytes).map_err(failed)?;
                encoder.finish().map_err(failed)
            }
            Self::Deflate => {
                let mut encoder = flate2::write::ZlibEncoder::new(room_for(bytes), DEFLATE_LEVEL);
                encoder.write_all(bytes).map_err(failed)?;
                encoder.finish().map_err(failed)
            }
            Self::Brotli => {
                let mut out = Vec::new();
                let params = brotli::enc::BrotliEncoderParams { quality: BROTLI_QUALITY, ..Default::default() };
                brotli::BrotliCompress(&mut &*bytes, &mut out, &params).map_err(failed)?;
                Ok(out)
            }
            Self::Zstd => zstd::bulk::compress(bytes, ZSTD_LEVEL).map_err(failed),
        }
    }
}

fn deflate_raw(bytes: &[u8]) -> Result<Vec<u8>, CodingError> {
    let failed = |_: std::io::Error| CodingError::Corrupt { coding: "deflate" };
    let mut encoder = flate2::write::DeflateEncoder::new(room_for(bytes), DEFLATE_LEVEL);
    encoder.write_all(bytes).map_err(failed)?;
    encoder.finish().map_err(failed)
}

/// The first two bytes of a zlib stream: method 8, and a check that makes them a multiple of 31 (RFC 1950, section 2.2).
fn has_zlib_header(bytes: &[u8]) -> bool {
    matches!(bytes, [first, second, ..] if first & 0x0f == 8 && u16::from_be_bytes([*first, *second]).is_multiple_of(31))
}

/// For `bytes` encoded.
fn room_for(bytes: &[u8]) -> Vec<u8> {
    Vec::with_capacity(bytes.len() / 2 + 64)
}

/// What a decoder of `encoded` bytes gives.
fn inflated(decoder: impl Read, encoded: usize, limit: usize, corrupt: CodingError) -> Result<Vec<u8>, CodingError> {
    let mut content = Vec::with_capacity(encoded.saturating_mul(4).min(MOST_AT_ONCE).min(limit));
    // One byte more than allowed tells "just the limit" from "over it".
    decoder.take(limit as u64 + 1).read_to_end(&mut content).map_err(|_| corrupt)?;
    if content.len() > limit { Err(CodingError::OverLimit { limit }) } else { Ok(content) }
}

/// By the state machine beneath the crate's reader: the reader swallows what follows the stream's end, and that would pass unseen.
fn unbrotli(bytes: &[u8], limit: usize, corrupt: CodingError) -> Result<Vec<u8>, CodingError> {
    let mut state = brotli::BrotliState::new(StandardAlloc::default(), StandardAlloc::default(), StandardAlloc::default());
    let (mut content, mut block) = (Vec::new(), [0; 1 << 14]);
    let (mut available_in, mut at_in) = (bytes.len(), 0);
    loop {
        let (mut available_out, mut at_out, mut total) = (block.len(), 0, 0);
        let result = brotli::BrotliDecompressStream(&mut available_in, &mut at_in, bytes, &mut available_out, &mut at_out, &mut block, &mut total, &mut state);
        content.extend_from_slice(&block[..at_out]);
        if content.len() > limit {
            return Err(CodingError::OverLimit { limit });
        }
        match result {
            brotli::BrotliResult::ResultSuccess if available_in == 0 => return Ok(content),
            brotli::BrotliResult::NeedsMoreOutput => {}
            brotli::BrotliResult::ResultSuccess | brotli::BrotliResult::NeedsMoreInput | brotli::BrotliResult::ResultFailure => return Err(corrupt),
        }
    }
}

// Bodies are encoded anew while others wait for it, and compressed once more, in columns, where they are kept: fast levels, of those that
// still fit their codes to the content.
const DEFLATE_LEVEL: flate2::Compression = flate2::Compression::new(2);
const BROTLI_QUALITY: i32 = 2;
const ZSTD_LEVEL: i32 = 1;

/// As much room as is made for content before it is there.
const MOST_AT_ONCE: usize = 64 << 10;

/// The last three bytes of a skippable frame's magic number stand behind one that varies; this is the form that encoders write.
const SKIPPABLE: &[u8] = b"\x50\x2a\x4d\x18";

/// Two are seen, three are odd, more are an attack.
const MAX_STACKED: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 1 << 20;

    #[test]
    fn every_coding_round_trips() {
        let long: Vec<u8> = (0..100_000_u32).flat_map(|n| (n % 251).to_le_bytes()).collect();
        for encoding in ["", "identity", "gzip", "X-GZip", "deflate", "br", "zstd", "gzip, br", "deflate,identity , zstd,gzip"] {
            for content in [&b""[..], b"x", b"{\"a\":1}", &long] {
                let encoded = encode(encoding.as_bytes(), content).expect("encodes");
                assert_eq!(decode(encoding.as_bytes(), &encoded, LIMIT).expect("decodes"), content, "{encoding}");
                assert_eq!(encode(encoding.as_bytes(), content).expect("encodes"), encoded, "{encoding} is deterministic");
            }
        }
    }

    #[test]
    fn deflate_is_read_and_kept_in_both_forms() {
        let raw = deflate_raw(b"hello hello hello").expect("encodes");
        assert_eq!(decode(b"deflate", &raw, LIMIT).expect("decodes"), b"hello hello hello");
        assert!(!has_zlib_header(&encode_like(b"deflate", b"other".to_vec(), &raw).expect("encodes")));
        let zlib = encode(b"deflate", b"hello").expect("encodes");
        assert!(has_zlib_header(&encode_like(b"deflate", b"other".to_vec(), &zlib).expect("encodes")));
    }

    #[test]
    fn what_codings_carry_beside_the_content_is_told() {
        let mut named = flate2::GzBuilder::new().filename("alice.txt").write(Vec::new(), flate2::Compression::default());
        named.write_all(b"x").expect("encodes");
        let named = named.finish().expect("encodes");
        let zstd = encode(b"zstd", b"x").expect("encodes");
        let skippable = [&zstd[..], b"\x50\x2a\x4d\x18\x05\0\0\0alice"].concat();
        for (encoding, bytes, expected) in [
            ("gzip", &named, true),
            ("gzip", &encode(b"gzip", b"x").expect("encodes"), false),
            ("zstd", &skippable, true),
            ("zstd", &zstd, false),
            ("br", &named, false),
        ] {
            assert_eq!(carries_more(encoding.as_bytes(), bytes), expected, "{encoding}");
        }
        assert_eq!(decode(b"gzip", &named, LIMIT).expect("decodes"), b"x");
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let zeros = vec![0; 4 << 20];
        for encoding in ["gzip", "deflate", "br", "zstd", "gzip, gzip", "identity"] {
            let bomb = encode(encoding.as_bytes(), &zeros).expect("encodes");
            assert_eq!(decode(encoding.as_bytes(), &bomb, LIMIT), Err(CodingError::OverLimit { limit: LIMIT }), "{encoding}");
            assert!(decode(encoding.as_bytes(), &bomb, zeros.len()).is_ok(), "{encoding}");
        }
    }

    #[test]
    fn what_cannot_be_read_whole_is_an_error() {
        for encoding in ["gzip", "deflate", "br", "zstd"] {
            let mut bytes = encode(encoding.as_bytes(), b"some content, some content").expect("encodes");
            for end in 1..bytes.len() {
                assert!(decode(encoding.as_bytes(), &bytes[..end], LIMIT).is_err(), "{encoding} cut at {end}");
            }
            bytes.extend_from_slice(b"alice@example.org");
            assert!(decode(encoding.as_bytes(), &bytes, LIMIT).is_err(), "{encoding} with bytes behind it");
        }
        assert_eq!(decode(b"compress", b"x", LIMIT), Err(CodingError::Unknown));
        assert_eq!(decode(b"gzip,gzip,gzip,gzip,gzip", b"x", LIMIT), Err(CodingError::TooManyCodings));
    }
}
