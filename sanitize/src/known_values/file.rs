//! Files of known values: a value a line, or a table whose first row names its columns.
//!
//! In: a path. Out: a set of digests. A line is gone once its values are digested; an error names the file and the line, and quotes
//! nothing.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::{KnownValues, KnownValuesBuilder};
use crate::Error;
use crate::detect::names::Names;
use crate::rules::Rules;

impl KnownValues {
    /// Those in a file of UTF-8: a table, if it is called `.csv` or `.tsv` or its first row looks like the head of one; otherwise a
    /// value a line.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| Error::ReadKnownValues { path: path.to_owned(), source })?;
        let mut lines = Lines { path, input: BufReader::with_capacity(BUFFER, file), line: String::new(), number: 0 };
        let is_table = path.extension().is_some_and(|extension| TABLES.iter().any(|table| extension.eq_ignore_ascii_case(table)));
        if !lines.next()? {
            return Err(lines.wrong("the file is empty"));
        }
        let known = match table_head(&lines, is_table)? {
            Some((columns, delimiter)) => table(&mut lines, columns, delimiter)?,
            None => {
                let mut builder = KnownValuesBuilder::new(Vec::new());
                loop {
                    builder.add(0, &lines.line);
                    if !lines.next()? {
                        break builder.finish();
                    }
                }
            }
        };
        if known.count() == 0 {
            return Err(Error::NoKnownValues { from: path.display().to_string() });
        }
        Ok(known)
    }
}

/// The columns that the first line names, and what stands between them.
fn table_head(lines: &Lines<'_>, is_table: bool) -> Result<Option<(Vec<String>, char)>, Error> {
    let delimiter = ['\t', ';', ','].into_iter().find(|delimiter| lines.line.contains(*delimiter));
    let mut row = Row::default();
    if !row.add(&lines.line, delimiter.unwrap_or(',')) {
        return if is_table { Err(lines.wrong("the first row has a quote that is not closed")) } else { Ok(None) };
    }
    let columns = row.cells;
    let names = Names::of(&Rules::built_in());
    let is_value = |cell: &str| cell.contains('@') || !cell.chars().any(char::is_alphabetic);
    let is_head = !columns.iter().any(|cell| is_value(cell));
    if is_table && !is_head {
        return Err(lines.wrong("the first row must name the columns, and holds a value or nothing in one of them"));
    }
    let is_one = is_table || (delimiter.is_some() && is_head && columns.iter().any(|cell| !names.lookup(cell.trim()).is_empty()));
    Ok(is_one.then_some((columns, delimiter.unwrap_or(','))))
}

fn table(lines: &mut Lines<'_>, columns: Vec<String>, delimiter: char) -> Result<KnownValues, Error> {
    let width = columns.len();
    let mut builder = KnownValuesBuilder::new(columns);
    let mut row = Row::default();
    while lines.next()? {
        if lines.line.trim().is_empty() {
            continue;
        }
        let began = lines.number;
        row.clear();
        while !row.add(&lines.line, delimiter) {
            if !lines.next()? || row.length() > MAX_LINE {
                return Err(lines.wrong_at(began, "a quote that opens in this row is not closed"));
            }
        }
        if row.cells.len() > width {
            return Err(lines.wrong_at(began, "the row has more cells than the first row has names"));
        }
        row.cells.iter().enumerate().for_each(|(place, cell)| builder.add(place, cell));
    }
    Ok(builder.finish())
}

/// The cells of a row (RFC 4180): one in quotes may hold what stands between cells, doubled quotes, and line breaks.
#[derive(Default)]
struct Row {
    cells: Vec<String>,
    open: bool,
}

impl Row {
    fn clear(&mut self) {
        self.cells.clear();
        self.open = false;
    }

    fn length(&self) -> usize {
        self.cells.iter().map(String::len).sum()
    }

    /// Adds a line. False if a quote is still open at its end.
    fn add(&mut self, line: &str, delimiter: char) -> bool {
        let mut characters = line.chars().peekable();
        if self.open {
            self.push('\n');
        } else {
            self.cells.push(String::new());
        }
        while let Some(character) = characters.next() {
            match character {
                '"' if self.open && characters.peek() == Some(&'"') => {
                    characters.next();
                    self.push('"');
                }
                '"' if self.open => self.open = false,
                // Only at the beginning of a cell; elsewhere it is a character like any other.
                '"' if self.cells.last().is_some_and(String::is_empty) => self.open = true,
                other if other == delimiter && !self.open => self.cells.push(String::new()),
                other => self.push(other),
            }
        }
        !self.open
    }

    fn push(&mut self, character: char) {
        if let Some(cell) = self.cells.last_mut() {
            cell.push(character);
        }
    }
}

/// The lines of a file, one at a time.
struct Lines<'p> {
    path: &'p Path,
    input: BufReader<File>,
    line: String,
    number: u64,
}

impl Lines<'_> {
    /// Reads the next one, without its end. False if there is none.
    fn next(&mut self) -> Result<bool, Error> {
        let mut bytes = std::mem::take(&mut self.line).into_bytes();
        bytes.clear();
        self.number += 1;
        loop {
            let buffered = self.input.fill_buf().map_err(|source| Error::ReadKnownValues { path: self.path.to_owned(), source })?;
            if buffered.is_empty() {
                break;
            }
            let (length, is_whole) = memchr::memchr(b'\n', buffered).map_or((buffered.len(), false), |at| (at + 1, true));
            bytes.extend_from_slice(&buffered[..length]);
            self.input.consume(length);
            if bytes.len() > MAX_LINE {
                return Err(self.wrong("the line is longer than a megabyte"));
            }
            if is_whole {
                break;
            }
        }
        if bytes.is_empty() {
            return Ok(false);
        }
        let end = bytes.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
        bytes.truncate(end);
        if self.number == 1 && bytes.starts_with(BYTE_ORDER_MARK) {
            bytes.drain(..BYTE_ORDER_MARK.len());
        }
        self.line = String::from_utf8(bytes).map_err(|_| self.wrong("it is not UTF-8"))?;
        Ok(true)
    }

    fn wrong(&self, what: &'static str) -> Error {
        self.wrong_at(self.number, what)
    }

    fn wrong_at(&self, line: u64, what: &'static str) -> Error {
        Error::KnownValues { path: self.path.to_owned(), line, what }
    }
}

const TABLES: [&str; 3] = ["csv", "tsv", "tab"];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const MAX_LINE: usize = 1 << 20;
const BUFFER: usize = 256 << 10;
