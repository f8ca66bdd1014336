//! A file that is read once, from front to back, through a window of which the reader decides how large it is.
//!
//! Compressed bytes flow in, or plain ones; plain bytes flow out. What never happens here: bytes are held that the reader has passed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::gzip::{Damage, Unpacked};
use crate::Error;

pub(super) struct Input {
    name: String,
    source: Box<dyn Read>,
    /// Read from the file, as it is stored.
    read: Arc<AtomicU64>,
    total: Option<u64>,
    /// What was read and not passed stands from `start` on.
    buffer: Vec<u8>,
    start: usize,
    /// Plain bytes that were passed.
    passed: u64,
    has_ended: bool,
    damage: Option<String>,
}

impl Input {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let open = |cause| Error::Open { path: path.to_owned(), cause };
        let file = File::open(path).map_err(open)?;
        let metadata = file.metadata().map_err(open)?;
        if metadata.is_dir() {
            return Err(Error::Directory { path: path.to_owned() });
        }
        let total = metadata.is_file().then_some(metadata.len());
        Ok(Self { total, ..Self::new(&path.display().to_string(), Box::new(file)) })
    }

    pub(super) fn new(name: &str, source: Box<dyn Read>) -> Self {
        let read = Arc::new(AtomicU64::new(0));
        let source = Box::new(Counted { source, read: Arc::clone(&read) });
        let name = name.to_owned();
        Self { name, source, read, total: None, buffer: Vec::new(), start: 0, passed: 0, has_ended: false, damage: None }
    }

    /// If it is compressed with gzip, in however many members, reads what is in it from here on.
    pub(super) fn unpack(&mut self) -> Result<(), Error> {
        if self.fill(GZIP.len())?.starts_with(GZIP) {
            let begun = io::Cursor::new(std::mem::take(&mut self.buffer));
            let rest = std::mem::replace(&mut self.source, Box::new(io::empty()));
            self.source = Box::new(Unpacked::new(BufReader::with_capacity(READ, begun.chain(rest))));
            self.has_ended = false;
        }
        Ok(())
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of the file that were read, and how many there are, if that is known.
    pub(super) fn progress(&self) -> (u64, Option<u64>) {
        (self.read.load(Ordering::Relaxed), self.total)
    }

    /// Where the file is damaged, if it is.
    pub(super) fn damage(&self) -> Option<String> {
        self.damage.clone()
    }

    /// The file is not whole.
    pub(super) fn mark_damage(&mut self, how: &str) {
        self.damage.get_or_insert_with(|| format!("{} {how}", self.name));
    }

    /// What comes next, of at least `length` bytes unless the file ends before.
    pub(super) fn fill(&mut self, length: usize) -> Result<&[u8], Error> {
        while self.buffer.len() - self.start < length && !self.has_ended {
            self.buffer.drain(..std::mem::take(&mut self.start));
            // Step by step: a length that a file claims is not believed before as many bytes are there.
            let kept = self.buffer.len();
            self.buffer.resize(kept + READ, 0);
            let read = self.source.read(&mut self.buffer[kept..]);
            self.buffer.truncate(kept + read.as_ref().map_or(0, |read| *read));
            match read {
                Ok(0) => self.has_ended = true,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.get_ref().is_some_and(|cause| cause.is::<Damage>()) => {
                    self.mark_damage(&error.to_string());
                    self.has_ended = true;
                }
                Err(cause) => return Err(Error::Read { name: self.name.clone(), at: self.read.load(Ordering::Relaxed), cause }),
            }
        }
        Ok(self.window())
    }

    /// What was read and not passed.
    pub(super) fn window(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Whether nothing comes after what is in the window.
    pub(super) const fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Leaves so many bytes of the window behind.
    pub(super) fn pass(&mut self, length: usize) {
        self.start += length;
        self.passed += length as u64;
    }
}

/// Counts what goes through it.
struct Counted {
    source: Box<dyn Read>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Bytes that come in small pieces.
pub(super) struct Steps {
    data: io::Cursor<Vec<u8>>,
    step: usize,
}

impl Steps {
    pub(super) fn new(data: Vec<u8>, step: usize) -> Self {
        Self { data: io::Cursor::new(data), step }
    }
}

impl Read for Steps {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.step);
        let read = self.data.fill_buf()?.len().min(most);
        self.data.read_exact(&mut buffer[..read])?;
        Ok(read)
    }
}

const GZIP: &[u8] = &[0x1f, 0x8b];
/// How much is read at once.
const READ: usize = 256 << 10;
