//! Into which recording exchanges go: one, or one after the other.
//!
//! In: redacted exchanges, and with each tick the account so far. Out: a recording in the folder that was named; or, where recordings follow
//! one another, recordings in folders of their own in that one, called by number and by the time at which they began. What never happens
//! here: an exchange goes into two recordings, or a folder is removed that is no recording of that series.

use std::collections::VecDeque;
use std::fs;
use std::io::ErrorKind;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use reenact_formats::disk;
use reenact_formats::disk::publish::{TEMPORARY_SUFFIX, begin_no_more};
use reenact_formats::disk::recording::{Extent, Gone, MANIFEST, Manifest, RecordingWriter, Retention, WhenFull, WriterOptions};
use reenact_formats::model::{Exchange, KeyId, LossLedger, Timestamp};
use reenact_sanitize::Originals;

use super::Error;
use super::residue::{Checker, Findings, Looked};
use super::room::RoomWatch;

/// When a recording is ended and another begun, whichever comes first. Looked at once a second, by the time of packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotation {
    /// After so long.
    pub every: Option<Duration>,
    /// When it holds so many bytes before compression.
    pub bytes: Option<u64>,
}

/// What a recorder and its capture tell each other.
pub(super) struct Signals {
    /// Set by the recorder once it wants no more; what is under way then is still taken.
    pub(super) stop: Arc<AtomicBool>,
    /// It wants no more than so many bytes before compression.
    pub(super) most_bytes: Option<u64>,
    /// How many exchanges could not be stored so far.
    pub(super) unstored: Arc<AtomicU64>,
    /// Who is told whether the disk has room.
    pub(super) room: RoomWatch,
}

/// A recording that was written.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) path: PathBuf,
    /// How many exchanges could not be stored in it.
    pub(super) unstored: u64,
    /// What was found in it, if it was looked through.
    pub(super) findings: Option<Result<Findings, Error>>,
}

/// Writes one recording, or one after the other.
pub(super) struct Recorder {
    place: Place,
    signals: Option<Signals>,
}

enum Place {
    One(PathBuf, Box<RecordingWriter>),
    Several(Box<Series>),
}

impl Recorder {
    /// In a folder that does not exist yet or is empty. With a rotation, it may be one that has recordings of an earlier series; each is looked through
    /// once it is closed, where there is someone to do it.
    pub(super) fn create(
        output: &Path,
        options: WriterOptions,
        rotation: Option<(Rotation, Option<Checker>)>,
        signals: Option<Signals>,
    ) -> Result<Self, disk::Error> {
        let options = if signals.is_some() { WriterOptions { when_full: WhenFull::GoOn, ..options } } else { options };
        let place = match rotation {
            None => Place::One(output.to_owned(), Box::new(RecordingWriter::create(output, options)?)),
            Some((rotation, checker)) => Place::Several(Box::new(Series::open(output, options, rotation, checker)?)),
        };
        Ok(Self { place, signals })
    }

    /// Takes an exchange.
    pub(super) fn write(&mut self, exchange: &Exchange) -> Result<(), disk::Error> {
        match &mut self.place {
            Place::One(_, writer) => writer.write(exchange),
            Place::Several(series) => series.write(exchange),
        }
    }

    /// The account of its one recording will count what is not there.
    pub(super) fn miss(&mut self, gone: &Gone) {
        if let Place::One(_, writer) = &mut self.place {
            writer.miss(gone);
        }
    }

    /// A rule has something to say of so many values of many exchanges together; of recordings that follow one another, the last one tells it.
    pub(super) fn tally(&mut self, rule: &str, count: u64) {
        match &mut self.place {
            Place::One(_, writer) => writer.tally(rule, count),
            Place::Several(series) => series.current.iter_mut().for_each(|current| current.writer.tally(rule, count)),
        }
    }

    /// Packet time has reached `now`, and the account so far is `ledger`.
    pub(super) fn tick(&mut self, now: Timestamp, ledger: &LossLedger) -> Result<(), disk::Error> {
        match &mut self.place {
            Place::One(_, writer) => writer.tick(now, ledger)?,
            Place::Several(series) => series.tick(now, ledger)?,
        }
        if let Some(Signals { stop, most_bytes, unstored, room }) = &mut self.signals {
            let Totals { bytes, stored, unstored: not_stored } = match &self.place {
                Place::One(_, writer) => Totals::of(writer),
                Place::Several(series) => series.totals(),
            };
            unstored.store(not_stored, Ordering::Relaxed);
            room.look(stored, not_stored);
            if most_bytes.is_some_and(|most| bytes >= most) {
                stop.store(true, Ordering::SeqCst);
            }
        }
        Ok(())
    }

    /// Has recordings looked through that were closed: `replaced` gives what was replaced since it was asked last.
    pub(super) fn look_through(&mut self, replaced: &mut dyn FnMut() -> Vec<Originals>) -> Result<(), Error> {
        match &mut self.place {
            Place::One(..) => Ok(()),
            Place::Several(series) => series.look_through(replaced),
        }
    }

    /// Publishes what is left. The recordings are those that are still there, in order. What was replaced in those before them that were looked through is
    /// told, too.
    pub(super) fn finish(self, ledger: &LossLedger) -> Result<(Vec<Ended>, Option<Originals>), Error> {
        match self.place {
            Place::One(path, writer) => {
                let unstored = writer.finish(ledger)?.gone.unstored.exchanges;
                Ok((vec![Ended { path, unstored, findings: None }], None))
            }
            Place::Several(series) => series.finish(ledger),
        }
    }
}

/// Removes what was being written below `output` and was not published. The process must be about to end: it begins no file any more.
pub fn abandon(output: &Path) {
    begin_no_more();
    // Of recordings that follow one another one is written, and the one before it perhaps closed.
    let last: Vec<PathBuf> = numbered(output).unwrap_or_default().into_iter().rev().take(2).map(|(_, path)| path).collect();
    for folder in last.iter().map(PathBuf::as_path).chain([output]) {
        let names = entries(folder).unwrap_or_default();
        for name in names.iter().filter(|name| name.starts_with('.') && name.ends_with(TEMPORARY_SUFFIX)) {
            // Best effort: readers pass over what is left.
            let _ = fs::remove_file(folder.join(name));
        }
    }
    // One whose first file was not begun any more is empty, and no recording.
    for folder in last {
        let _ = fs::remove_dir(folder);
    }
}

/// Recordings that follow one another.
struct Series {
    folder: PathBuf,
    options: WriterOptions,
    rotation: Rotation,
    /// Of whole recordings; parts of them stay.
    retention: Retention,
    next: u64,
    /// What recordings took that were closed.
    closed: Totals,
    current: Option<Current>,
    /// The one before it, while its last part is written.
    closing: Option<(PathBuf, JoinHandle<Result<Manifest, disk::Error>>)>,
    /// Those that are closed and were not let go, also of an earlier series, the oldest first.
    kept: VecDeque<PathBuf>,
    key_id: Option<KeyId>,
    checker: Option<Checker>,
    done: Vec<Ended>,
    now: Timestamp,
    /// The account as the last tick told it, and up to where it is in recordings that were closed.
    told: LossLedger,
    accounted: LossLedger,
    /// When the next look is taken whether something is old.
    look: Timestamp,
}

/// What was taken: in bytes before compression, and in exchanges that were stored and that were not.
#[derive(Clone, Copy, Default)]
struct Totals {
    bytes: u64,
    stored: u64,
    unstored: u64,
}

impl Totals {
    fn of(writer: &RecordingWriter) -> Self {
        Self { bytes: writer.bytes(), unstored: writer.unstored(), ..Self::counted(writer.manifest()) }
    }

    /// By the exchanges alone.
    const fn counted(manifest: &Manifest) -> Self {
        Self { bytes: 0, stored: manifest.exchanges + manifest.retired.counts.exchanges, unstored: manifest.gone.unstored.exchanges }
    }

    const fn add(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.stored += other.stored;
        self.unstored += other.unstored;
    }
}

struct Current {
    path: PathBuf,
    writer: Box<RecordingWriter>,
    began: Timestamp,
}

impl Series {
    fn open(folder: &Path, options: WriterOptions, rotation: Rotation, checker: Option<Checker>) -> Result<Self, disk::Error> {
        fs::create_dir_all(folder).map_err(disk::Error::write(folder))?;
        if folder.join(MANIFEST).exists() {
            // A recording is there, not a series of them.
            return Err(disk::Error::OutputNotEmpty { path: folder.to_owned() });
        }
        for entry in entries(folder)? {
            let path = folder.join(&entry);
            if entry.strip_prefix('.').is_some_and(|name| name.strip_suffix(GOING).is_some_and(|name| number_of(name).is_some())) {
                remove(&path)?;
            } else if !entry.starts_with('.') && (number_of(&entry).is_none() || !is_folder(&path)) {
                return Err(disk::Error::NotOurs { path, format: SERIES, why: "recordings that follow one another have a folder for themselves".to_owned() });
            }
        }
        let key_id = options.sanitized.as_ref().map(|sanitized| sanitized.key_id.clone());
        let mut kept = VecDeque::new();
        let numbered = numbered(folder)?;
        for (_, path) in &numbered {
            // One that was killed before it had a manifest, or is damaged, stays; whatever it is, its number is taken.
            let Ok(manifest) = Manifest::read(&path.join(MANIFEST)) else { continue };
            if let Some(why) = strangeness(&manifest, key_id.as_ref()) {
                return Err(disk::Error::NotOurs { path: path.clone(), format: SERIES, why: why.to_owned() });
            }
            kept.push_back(path.clone());
        }
        let next = numbered.last().map_or(1, |(number, _)| number + 1);
        let retention = options.retention;
        let options = WriterOptions { retention: Retention::default(), extent: Extent::Piece, ..options };
        let [told, accounted] = [LossLedger::default(), LossLedger::default()];
        let (now, look) = (BEFORE_ALL, BEFORE_ALL);
        Ok(Self {
            folder: folder.to_owned(),
            options,
            rotation,
            retention,
            next,
            closed: Totals::default(),
            current: None,
            closing: None,
            kept,
            key_id,
            checker,
            done: Vec::new(),
            now,
            told,
            accounted,
            look,
        })
    }

    /// The one that is being written; if there is none, one that begins at `at`.
    fn current(&mut self, at: Timestamp) -> Result<&mut Current, disk::Error> {
        let current = match self.current.take() {
            Some(current) => current,
            None => self.begin(at)?,
        };
        Ok(self.current.insert(current))
    }

    /// Begins another one at `at`. Nothing is left of one that cannot be begun.
    fn begin(&mut self, at: Timestamp) -> Result<Current, disk::Error> {
        let path = self.folder.join(name_of(self.next, at));
        let writer = RecordingWriter::create(&path, self.options.clone()).inspect_err(|_| drop(fs::remove_dir(&path)))?;
        self.next += 1;
        Ok(Current { path, writer: Box::new(writer), began: at })
    }

    /// What was taken so far.
    fn totals(&self) -> Totals {
        let mut totals = self.closed;
        self.current.iter().for_each(|current| totals.add(&Totals::of(&current.writer)));
        totals
    }

    fn write(&mut self, exchange: &Exchange) -> Result<(), disk::Error> {
        // The first exchanges come before the first tick; what time it is no exchange tells, for one may have strayed.
        let at = if self.now == BEFORE_ALL { exchange.start } else { self.now };
        self.current(at)?.writer.write(exchange)
    }

    fn tick(&mut self, now: Timestamp, ledger: &LossLedger) -> Result<(), disk::Error> {
        self.now = self.now.max(now);
        self.told.clone_from(ledger);
        let share = ledger.since(&self.accounted);
        let (now, rotation) = (self.now, self.rotation);
        let current = self.current(now)?;
        current.began = current.began.min(now);
        current.writer.tick(now, &share)?;
        let is_due =
            rotation.every.is_some_and(|every| now.since(current.began) >= every) || rotation.bytes.is_some_and(|bytes| current.writer.bytes() >= bytes);
        if is_due && current.writer.is_empty() {
            // On a silent link no recordings without an exchange pile up.
            current.began = now;
        } else if is_due {
            match self.begin(now) {
                Ok(next) => self.close(Some(next))?,
                // The one that is there has kept room for its account. Whatever is full may have room in a second.
                Err(error) if error.is_full_disk() && self.options.when_full == WhenFull::GoOn => {}
                Err(error) => return Err(error),
            }
        }
        if self.closing.as_ref().is_some_and(|(_, closing)| closing.is_finished()) {
            self.closed()?;
        }
        if is_due || now >= self.look {
            self.look = now.saturating_add(LOOK_EVERY);
            self.retire()?;
        }
        Ok(())
    }

    /// Ends the current recording, while what comes goes into the next.
    fn close(&mut self, next: Option<Current>) -> Result<(), disk::Error> {
        let Some(Current { path, writer, .. }) = std::mem::replace(&mut self.current, next) else { return Ok(()) };
        self.closed()?;
        self.closed.bytes += writer.bytes();
        let share = self.told.since(&self.accounted);
        self.accounted.clone_from(&self.told);
        let finish = thread::Builder::new().name("closing".to_owned()).spawn(move || writer.finish(&share));
        self.closing = Some((path.clone(), finish.map_err(disk::Error::write(&path))?));
        Ok(())
    }

    /// Waits for the one that is being closed.
    fn closed(&mut self) -> Result<(), disk::Error> {
        if let Some((path, closing)) = self.closing.take() {
            let manifest = closing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            let unstored = manifest.gone.unstored.exchanges;
            self.closed.add(&Totals::counted(&manifest));
            self.kept.push_back(path.clone());
            self.checker.iter_mut().for_each(|checker| checker.add(path.clone()));
            self.done.push(Ended { path, unstored, findings: None });
        }
        Ok(())
    }

    fn look_through(&mut self, replaced: &mut dyn FnMut() -> Vec<Originals>) -> Result<(), Error> {
        let Some(checker) = &mut self.checker else { return Ok(()) };
        let looked = checker.turn(replaced)?;
        self.note(looked);
        Ok(())
    }

    fn note(&mut self, looked: Vec<Looked>) {
        for (path, findings) in looked {
            // The latest are the last; one that has gone since needs no note.
            if let Some(ended) = self.done.iter_mut().rfind(|ended| ended.path == path) {
                ended.findings = Some(findings);
            }
        }
    }

    /// Whole recordings that are beyond their number or their time go, also those of an earlier series; those that are written stay.
    fn retire(&mut self) -> Result<(), disk::Error> {
        let Retention { parts: most, age } = self.retention;
        let written = usize::from(self.current.as_ref().is_some_and(|current| !current.writer.is_empty())) + usize::from(self.closing.is_some());
        let mut beyond = most.map_or(0, |most| (self.kept.len() + written).saturating_sub(whole(most)));
        let mut kept = VecDeque::new();
        while let Some(path) = self.kept.pop_front() {
            let is_beyond = beyond > 0;
            beyond = beyond.saturating_sub(1);
            if !is_beyond && age.is_none() {
                kept.push_back(path);
                continue;
            }
            // It may be gone, or another thing by now: then it is no business of ours.
            let manifest = Manifest::read(&path.join(MANIFEST)).ok().filter(|manifest| strangeness(manifest, self.key_id.as_ref()).is_none());
            let Some(manifest) = manifest.filter(|_| is_folder(&path)) else { continue };
            let is_old = age.zip(manifest.to).is_some_and(|(age, to)| self.now.since(to) > age);
            if !is_beyond && !is_old {
                kept.push_back(path);
                continue;
            }
            // First out of sight: whoever is stopped in the middle leaves no half of one.
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let going = self.folder.join(format!(".{name}{GOING}"));
            fs::rename(&path, &going).map_err(disk::Error::write(&path))?;
            remove(&going)?;
            self.done.retain(|ended| ended.path != path);
        }
        self.kept = kept;
        Ok(())
    }

    fn finish(mut self, ledger: &LossLedger) -> Result<(Vec<Ended>, Option<Originals>), Error> {
        self.told.clone_from(ledger);
        let is_only = self.done.is_empty() && self.closing.is_none();
        if self.accounted != self.told || is_only {
            self.current(self.now)?;
        } else if let Some(Current { path, writer, .. }) = self.current.take_if(|current| current.writer.is_empty()) {
            // It was begun, and nothing came.
            drop(writer);
            remove(&path)?;
        }
        self.close(None)?;
        self.closed()?;
        self.retire()?;
        let (looked, replaced) = self.checker.take().map(Checker::finish).unwrap_or_default();
        self.note(looked);
        Ok((self.done, replaced))
    }
}

fn whole(most: NonZero<u64>) -> usize {
    usize::try_from(most.get()).unwrap_or(usize::MAX)
}

/// Why a recording is none of a series under this key, if so.
fn strangeness(manifest: &Manifest, key_id: Option<&KeyId>) -> Option<&'static str> {
    if manifest.extent != Extent::Piece {
        Some("it was not written as one of several that follow one another")
    } else if manifest.key_id.as_ref() != key_id {
        Some("it is under another key")
    } else {
        None
    }
}

fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
}

fn remove(path: &Path) -> Result<(), disk::Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(disk::Error::Write { path: path.to_owned(), source: error }),
        _ => Ok(()),
    }
}

/// What is called like the recordings of a series, the oldest first.
fn numbered(folder: &Path) -> Result<Vec<(u64, PathBuf)>, disk::Error> {
    let named = entries(folder)?.into_iter().filter_map(|name| Some((number_of(&name)?, folder.join(name))));
    let mut numbered: Vec<_> = named.filter(|(_, path)| is_folder(path)).collect();
    numbered.sort();
    Ok(numbered)
}

fn entries(folder: &Path) -> Result<Vec<String>, disk::Error> {
    let names = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>, _>>());
    Ok(names.map_err(disk::Error::read(folder))?.into_iter().map(|name| name.to_string_lossy().into_owned()).collect())
}

/// What the recording with this number is called that begins at `began`: `000012-20261120T120300Z`.
fn name_of(number: u64, began: Timestamp) -> String {
    let time: String = began.to_string().split(['.', 'Z']).next().unwrap_or_default().chars().filter(|char| !matches!(char, '-' | ':')).collect();
    format!("{number:06}-{time}Z")
}

fn number_of(name: &str) -> Option<u64> {
    let (number, time) = name.split_once('-')?;
    let is_like = |(at, byte): (usize, u8)| match at {
        8 => byte == b'T',
        15 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    };
    let is_time = time.len() == 16 && time.bytes().enumerate().all(is_like);
    (is_time && number.len() >= 6 && number.bytes().all(|byte| byte.is_ascii_digit())).then(|| number.parse().ok()).flatten()
}

/// What the names of folders end with that are being removed.
const GOING: &str = ".going.tmp";
/// What a folder holds where recordings follow one another.
const SERIES: &str = "recording of this series";
const BEFORE_ALL: Timestamp = Timestamp::from_nanos(i64::MIN);
const LOOK_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_number_and_time() {
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        for (number, began, name) in [
            (1, time("2026-11-20T12:03:00Z"), "000001-20261120T120300Z"),
            (12, time("2026-11-20T12:03:00.123456789Z"), "000012-20261120T120300Z"),
            (1_234_567, time("1970-01-01T00:00:00Z"), "1234567-19700101T000000Z"),
            (3, Timestamp::from_nanos(i64::MIN), "000003-16770921T001243Z"),
        ] {
            assert_eq!(name_of(number, began), name);
            assert_eq!(number_of(name), Some(number));
        }
        for other in [
            "",
            "000007",
            "202611",
            "000001-",
            "1",
            "00001",
            "000001-20261120",
            "000001-20261120T120300z",
            "x00001-20261120T120300Z",
            "lost+found",
            "000001-2026-1120T12030Z",
        ] {
            assert_eq!(number_of(other), None, "{other}");
        }
    }
}
