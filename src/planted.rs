//! Looks for values that were planted in traffic, in every byte of every file that was made of it.
//!
//! In: the planted values, and a folder. Out: what was found, by file and kind, never the value. It knows nothing of rules, spans or
//! our own readers, so that what they overlook is found: files are read as they are, and Parquet files also page by page after
//! decompression. Values are looked for as they stand, percent-encoded, with JSON escapes, and in base64 at each of its three
//! alignments; compressed bodies are unpacked. What never happens here: anything is changed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use reenact_formats::content::coding;

/// A value that stands in traffic on purpose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Planted {
    /// What it is, e.g. `email`.
    pub kind: String,
    /// The value itself.
    pub value: String,
}

/// Reads a list of planted values: a kind, a tab and a value on each line.
pub fn read(list: &str) -> Vec<Planted> {
    let entries = list.lines().filter_map(|line| line.split_once('\t'));
    entries.map(|(kind, value)| Planted { kind: kind.to_owned(), value: value.to_owned() }).collect()
}

/// A planted value that is still there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Survivor {
    /// The file it stands in.
    pub file: PathBuf,
    /// Where in the file, e.g. `bytes` or `column response_body`.
    pub place: String,
    /// What it is.
    pub kind: String,
    /// Which of the planted values it is, from 0.
    pub index: usize,
}

/// What a search saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// Files read.
    pub files: u64,
    /// Bytes read, those of decompressed pages and bodies included.
    pub bytes: u64,
    /// What is still there.
    pub survivors: BTreeSet<Survivor>,
}

/// A file that could not be searched.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be read.
    #[error("{}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is called Parquet and is none.
    #[error("{}", file.display())]
    Parquet {
        /// The file.
        file: PathBuf,
        /// Why.
        source: ParquetError,
    },
}

/// Looks for one set of values.
pub struct Scanner {
    kinds: Vec<String>,
    /// The values as they stand; letters in either case.
    plain: AhoCorasick,
    /// What the values leave in base64 text, whatever stands before and after them. Several patterns for each value.
    base64: AhoCorasick,
    /// The value that each pattern of `base64` comes from.
    base64_of: Vec<usize>,
}

impl Scanner {
    /// For `planted`; an empty value is never found.
    pub fn new(planted: &[Planted]) -> Self {
        let mut base64_of = Vec::new();
        let mut patterns = Vec::new();
        for (index, planted) in planted.iter().enumerate() {
            for pattern in base64_patterns(planted.value.as_bytes()) {
                patterns.push(pattern);
                base64_of.push(index);
            }
        }
        let automaton = |ignore_case: bool, patterns: &[&[u8]]| {
            let mut builder = AhoCorasick::builder();
            builder
                .match_kind(MatchKind::Standard)
                .ascii_case_insensitive(ignore_case)
                .build(patterns)
                .expect("a planted list is far below the automaton's limits")
        };
        Self {
            kinds: planted.iter().map(|planted| planted.kind.clone()).collect(),
            plain: automaton(true, &planted.iter().map(|planted| planted.value.as_bytes()).collect::<Vec<_>>()),
            base64: automaton(false, &patterns.iter().map(Vec::as_slice).collect::<Vec<_>>()),
            base64_of,
        }
    }

    /// Searches every file below `folder`.
    pub fn folder(&self, folder: &Path) -> Result<Scan, Error> {
        let mut scan = Scan::default();
        let mut waiting = vec![folder.to_owned()];
        while let Some(path) = waiting.pop() {
            let read = |source| Error::Read { file: path.clone(), source };
            if fs::metadata(&path).map_err(read)?.is_dir() {
                for entry in fs::read_dir(&path).map_err(read)? {
                    waiting.push(entry.map_err(read)?.path());
                }
            } else {
                self.file(&path, &mut scan)?;
            }
        }
        Ok(scan)
    }

    /// The indices of the values that stand in `bytes`, in any encoding.
    pub fn bytes(&self, bytes: &[u8]) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for text in [bytes, &percent_decoded(bytes), &unescaped(bytes)] {
            found.extend(self.plain.find_overlapping_iter(text).filter(|hit| hit.start() < hit.end()).map(|hit| hit.pattern().as_usize()));
        }
        found.extend(self.base64.find_overlapping_iter(bytes).map(|hit| self.base64_of[hit.pattern().as_usize()]));
        found
    }

    fn file(&self, path: &Path, scan: &mut Scan) -> Result<(), Error> {
        let bytes = fs::read(path).map_err(|source| Error::Read { file: path.to_owned(), source })?;
        scan.files += 1;
        self.note(path, "bytes", &bytes, scan);
        if path.extension().is_some_and(|extension| extension == "parquet") {
            self.pages(path, scan).map_err(|source| Error::Parquet { file: path.to_owned(), source })?;
        }
        Ok(())
    }

    fn pages(&self, path: &Path, scan: &mut Scan) -> Result<(), ParquetError> {
        let reader = SerializedFileReader::new(File::open(path)?)?;
        for group in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group)?;
            for column in 0..group.num_columns() {
                let place = format!("column {}", group.metadata().column(column).column_path().string());
                for page in group.get_column_page_reader(column)? {
                    let page = page?;
                    self.note(path, &place, page.buffer(), scan);
                    for unpacked in packed_streams(page.buffer()) {
                        self.note(path, &format!("{place}, unpacked"), &unpacked, scan);
                    }
                }
            }
        }
        Ok(())
    }

    fn note(&self, file: &Path, place: &str, bytes: &[u8], scan: &mut Scan) {
        scan.bytes += bytes.len() as u64;
        for index in self.bytes(bytes) {
            scan.survivors.insert(Survivor { file: file.to_owned(), place: place.to_owned(), kind: self.kinds[index].clone(), index });
        }
    }
}

/// What `value` leaves in base64 text at each of the three alignments: the characters that depend on the value alone, in both
/// alphabets. A value of less than six bytes leaves too little to tell it from chance.
fn base64_patterns(value: &[u8]) -> BTreeSet<Vec<u8>> {
    if value.len() < 6 {
        return BTreeSet::new();
    }
    let mut patterns = BTreeSet::new();
    for before in 0..3 {
        let mut padded = vec![0; before];
        padded.extend_from_slice(value);
        // Characters that hold bits of what stands before, or of what follows, differ with it.
        let first = (before * 8).div_ceil(6);
        let end = padded.len() * 8 / 6;
        for text in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            patterns.insert(text.as_bytes()[first..end].to_vec());
        }
    }
    patterns
}

/// `%XX` undone, and `+` as a space.
fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        let hex = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (byte, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits are a byte"));
                rest = &after[2..];
            }
            (b'+', ..) => {
                decoded.push(b' ');
                rest = after;
            }
            _ => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    decoded
}

/// JSON escapes undone wherever they stand.
fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let unit = |at: usize| {
            let digits = bytes.get(at..at + 6)?.strip_prefix(br"\u")?;
            u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        };
        if let Some(first) = unit(at) {
            let pair = unit(at + 6).and_then(|second| char::decode_utf16([first, second]).next()?.ok().filter(|char| char.len_utf16() == 2));
            let (char, length) = pair.map_or((char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER), 6), |char| (char, 12));
            decoded.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            at += length;
        } else if bytes[at] == b'\\' && matches!(bytes.get(at + 1), Some(b'"' | b'\\' | b'/')) {
            decoded.push(bytes[at + 1]);
            at += 2;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    decoded
}

/// What unpacks among the byte arrays of a page: each is preceded by its length, and streams of gzip and zstd are known by how they
/// begin. Brotli and bare deflate have no such mark; for them the residue check is the witness.
fn packed_streams(page: &[u8]) -> Vec<Vec<u8>> {
    const MARKS: [(&[u8], &[u8]); 2] = [(&[0x1f, 0x8b, 0x08], b"gzip"), (&[0x28, 0xb5, 0x2f, 0xfd], b"zstd")];
    let mut unpacked = Vec::new();
    for at in 4..page.len() {
        let Some((_, name)) = MARKS.iter().find(|(mark, _)| page[at..].starts_with(mark)) else { continue };
        let length = page[at - 4..at].try_into().map_or(0, u32::from_le_bytes) as usize;
        let Some(stream) = at.checked_add(length).and_then(|end| page.get(at..end)) else { continue };
        unpacked.extend(coding::decode(name, stream, UNPACKED_LIMIT));
    }
    unpacked
}

/// The most that one stream may unpack to.
const UNPACKED_LIMIT: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn planted(values: &[&str]) -> Vec<Planted> {
        values.iter().map(|value| Planted { kind: "test".to_owned(), value: (*value).to_owned() }).collect()
    }

    #[test]
    fn finds_values_however_they_are_written() {
        let values = planted(&["ada@planted.example", "Zoë/Krüger \"1\""]);
        let scanner = Scanner::new(&values);
        let mut cases: Vec<(Vec<u8>, usize)> = vec![
            (b"to: ADA@planted.example;".to_vec(), 0),
            (b"?mail=ada%40planted.example&".to_vec(), 0),
            (b"?mail=%61da%40planted%2Eexample&".to_vec(), 0),
            (br#"{"mail":"ada\u0040planted.example"}"#.to_vec(), 0),
            (r#"{"name":"Zoë\/Krüger \"1\""}"#.into(), 1),
            (br#"{"name":"Zo\u00eb\/Kr\u00fcger \"1\""}"#.to_vec(), 1),
            (b"name=Zo%C3%AB%2FKr%C3%BCger+%221%22".to_vec(), 1),
        ];
        for before in ["", "a", "ab", "abc"] {
            for after in ["", "x", "xy"] {
                let text = format!("{before}{}{after}", values[0].value);
                cases.push((STANDARD_NO_PAD.encode(&text).into(), 0));
                cases.push((URL_SAFE_NO_PAD.encode(format!("{before}{}{after}", values[1].value)).into(), 1));
            }
        }
        for (text, index) in cases {
            assert_eq!(scanner.bytes(&text), [index].into(), "{}", String::from_utf8_lossy(&text));
        }
        assert_eq!(scanner.bytes(b"ada@planted.test, Zoe Kruger"), BTreeSet::new());
    }

    #[test]
    fn unpacks_byte_arrays_of_a_page() {
        let packed = coding::encode(b"gzip", b"ada@planted.example").expect("gzip packs");
        let mut page = b"page".to_vec();
        page.extend(u32::try_from(packed.len()).expect("small").to_le_bytes());
        page.extend(&packed);
        page.extend(b"what follows");
        assert_eq!(packed_streams(&page), [b"ada@planted.example".to_vec()]);
    }
}
