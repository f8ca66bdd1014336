//! Records of cells: CSV (RFC 4180) and its like, with commas, semicolons, tabs or bars between the cells.
//!
//! The first record names the columns if all of its cells could be names. Nothing is validated: records may be of any length,
//! and a quote that is never closed runs to the end.

use std::borrow::Cow;
use std::ops::Range;

use super::Visit;
use super::body::Spot;
use super::leaf::{Leaf, LeafKind, Surface};
use super::path::{Paths, push_name};
use crate::model::Part;

pub(super) fn visit(bytes: &[u8], spot: Spot<'_>, f: Visit<'_>) {
    let separator = separator_of(bytes);
    let mut columns: Vec<Cow<'_, str>> = Vec::new();
    let (mut at, mut row, mut column, mut names_columns) = (0, 0, 0, true);
    let (mut paths, mut name) = (Paths::default(), String::new());
    while at < bytes.len() {
        let cell = cell_at(bytes, at, separator);
        let value = cell.surface.undress(&bytes[cell.span.clone()]);
        if row == 0 {
            let text = String::from_utf8_lossy(&bytes[cell.span.clone()]);
            names_columns &= is_column_name(&text);
            columns.push(text);
        }
        name.clear();
        let named = columns.get(column).filter(|_| row > 0 && names_columns);
        let path = paths.start(&[spot.prefix, "/"]).index(row);
        let path = match named {
            Some(named) => {
                push_name(&mut name, named);
                path.push(&name).text()
            }
            None => path.push("/").index(column).text(),
        };
        if !cell.span.is_empty() {
            let span = spot.offset + cell.span.start..spot.offset + cell.span.end;
            f.leaf(Leaf { part: Part::Body, path, name: named.map(|named| Cow::Borrowed(&**named)), kind: LeafKind::Cell, span, value, surface: cell.surface });
        }
        at = cell.next;
        column += 1;
        if cell.ends_record {
            (row, column) = (row + 1, 0);
        }
    }
}

struct CellPlace {
    /// Between the quotes, or without the space around it.
    span: Range<usize>,
    surface: Surface,
    next: usize,
    ends_record: bool,
}

fn cell_at(bytes: &[u8], at: usize, separator: u8) -> CellPlace {
    let is_end = |byte: &u8| *byte == separator || matches!(byte, b'\r' | b'\n');
    let end_from = |from: usize| bytes[from..].iter().position(is_end).map_or(bytes.len(), |end| from + end);
    let quoted = (bytes[at] == b'"').then(|| quoted_end(bytes, at + 1));
    // What stands behind a closing quote belongs to the cell, too, which is then a bare one with odd quotes.
    let (span, surface, end) = match quoted {
        Some(close) if bytes.get(close + 1).is_none_or(is_end) => (at + 1..close, Surface::CellQuoted, (close + 1).min(bytes.len())),
        _ => {
            let end = end_from(at);
            let start = at + (bytes[at..end].len() - bytes[at..end].trim_ascii_start().len());
            (start..start + bytes[start..end].trim_ascii_end().len(), Surface::Cell, end)
        }
    };
    let line_end = match &bytes[end..] {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    };
    CellPlace { span, surface, next: end + if line_end > 0 { line_end } else { 1 }, ends_record: line_end > 0 }
}

/// Where the closing quote stands: the first one that is not doubled.
fn quoted_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(quote) = memchr::memchr(b'"', bytes.get(at..).unwrap_or_default()).map(|quote| at + quote) {
        if bytes.get(quote + 1) != Some(&b'"') {
            return quote;
        }
        at = quote + 2;
    }
    bytes.len()
}

/// The one of the customary separators that the first line has most of.
fn separator_of(bytes: &[u8]) -> u8 {
    let line = &bytes[..memchr::memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len())];
    let count = |separator: &u8| memchr::memchr_iter(*separator, line).count();
    // Of equals, the last one is the answer.
    [b'|', b';', b'\t', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

/// Whether a cell of the first record names a column: words, few digits, nothing that values have.
fn is_column_name(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    (1..=MAX_NAME).contains(&text.len())
        // `address_2`, `SHA256`
        && (digits <= 2 || digits <= 4 && text.starts_with(char::is_alphabetic))
        && text.contains(char::is_alphabetic)
        && text.chars().all(|character| character.is_alphanumeric() || matches!(character, ' ' | '_' | '-' | '.' | '/' | '(' | ')' | '#' | '$' | '\u{feff}'))
}

const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::leaf::told;
    use super::*;

    fn leaves(text: &str) -> Vec<String> {
        told(text, |f| {
            visit(text.as_bytes(), Spot::BODY, f);
        })
    }

    #[test]
    fn columns_name_their_cells() {
        assert_eq!(
            leaves("First Name,e/mail\r\n\"Roe, \"\"J\"\"\" , x\n,\"a\nb\",more"),
            [
                "body:/0/0 - First Name",
                "body:/0/1 - e/mail",
                "body:/1/First Name First Name \"Roe",
                "body:/1/e~1mail e/mail \"\"J\"\"\"",
                "body:/1/2 - x",
                "body:/2/e~1mail e/mail a\nb",
                "body:/2/2 - more",
            ]
        );
        assert_eq!(leaves("name;mail\n\"a \"\"b\"\"\";c"), ["body:/0/0 - name", "body:/0/1 - mail", "body:/1/name name a \"b\"", "body:/1/mail mail c"]);
        assert_eq!(leaves("SHA256,b\n1,"), ["body:/0/0 - SHA256", "body:/0/1 - b", "body:/1/SHA256 SHA256 1"]);
        assert_eq!(leaves("x@y.z\tb\n1\t2"), ["body:/0/0 - x@y.z", "body:/0/1 - b", "body:/1/0 - 1", "body:/1/1 - 2"]);
    }

    #[test]
    fn every_prefix_is_read_without_panic() {
        let text = "a,b\r\n\"x\"\"y\",\"z\"q,\n\r\"";
        for end in 0..=text.len() {
            leaves(&text[..end]);
        }
    }
}
