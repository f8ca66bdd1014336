//! What a file is, by its first bytes.

use super::ImportFormat;
use super::input::Input;
use super::{access_log, gor, har, json_lines, mitmproxy};
use crate::Error;

/// The format of what `input` begins with.
pub(super) fn format(input: &mut Input) -> Result<ImportFormat, Error> {
    let beginning = input.fill(LOOKED_AT)?;
    if beginning.trim_ascii().is_empty() {
        return Err(Error::NothingToImport { name: input.name().to_owned() });
    }
    let format = match () {
        () if gor::begins(beginning) => Some(ImportFormat::Gor),
        () if har::begins(beginning) => Some(ImportFormat::Har),
        () if mitmproxy::begins(beginning) => Some(ImportFormat::Mitmproxy),
        () if json_lines::begins(beginning) => Some(ImportFormat::JsonLines),
        () if access_log::begins(beginning) => Some(ImportFormat::AccessLog),
        () => None,
    };
    format.ok_or_else(|| Error::NotTraffic { name: input.name().to_owned(), found: looks_like(input.window()) })
}

/// What bytes look like that are of no format that can be imported. Never the bytes themselves.
fn looks_like(bytes: &[u8]) -> &'static str {
    const KNOWN: &[(&[u8], &str)] = &[
        (&[0xd4, 0xc3, 0xb2, 0xa1], PACKETS),
        (&[0xa1, 0xb2, 0xc3, 0xd4], PACKETS),
        (&[0x4d, 0x3c, 0xb2, 0xa1], PACKETS),
        (&[0xa1, 0xb2, 0x3c, 0x4d], PACKETS),
        (&[0x0a, 0x0d, 0x0d, 0x0a], PACKETS),
        (b"PAR1", "a Parquet file"),
        (b"PK\x03\x04", "a zip archive"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "data compressed with zstd"),
        (b"BZh", "data compressed with bzip2"),
        (&[0xfd, b'7', b'z', b'X', b'Z'], "data compressed with xz"),
        (b"SQLite format 3", "a SQLite database"),
        (b"%PDF", "a PDF document"),
        (b"<", "XML or HTML"),
        (b"{", "JSON, but neither a HAR file nor lines of objects"),
        (b"[", "a JSON array"),
    ];
    let text = bytes.trim_ascii_start();
    let known = KNOWN.iter().find(|(magic, _)| bytes.starts_with(magic) || text.starts_with(magic));
    let is_text = std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(|char| char.is_control() && !char.is_whitespace()));
    known.map_or(if is_text { "text of an unknown form" } else { "unknown binary data" }, |(_, name)| name)
}

/// What is read with `reenact capture`.
pub(crate) const PACKETS: &str = "a packet capture";
/// Enough to tell.
const LOOKED_AT: usize = 4 << 10;
