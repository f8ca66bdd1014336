//! Recordings on a disk that has no room for all of them.

use super::*;
use crate::disk::publish::Room;
use crate::model::LossUnit;

/// A disk with room for so many bytes, all of them in one folder. What is removed or was never published gives back what it took.
struct SmallDisk {
    folder: Folder,
    state: Arc<Mutex<Sizes>>,
}

struct Sizes {
    capacity: u64,
    taken: BTreeMap<String, u64>,
    /// Whether another one takes whatever is free, at once.
    is_wanted: bool,
}

struct SmallFile {
    file: Option<Box<dyn Unpublished>>,
    state: Arc<Mutex<Sizes>>,
    name: String,
    temporary: String,
    written: u64,
}

impl Sizes {
    fn left(&self) -> u64 {
        self.capacity.saturating_sub(self.taken.values().sum())
    }

    /// Lets `name` grow up to `wanted`, as far as there is room. Gives how far it reaches.
    fn grow(&mut self, name: &str, wanted: u64) -> u64 {
        let left = self.left();
        let taken = self.taken.entry(name.to_owned()).or_default();
        *taken += wanted.saturating_sub(*taken).min(left);
        *taken
    }

    fn give_back(&mut self, name: &str) {
        self.taken.remove(name);
        self.others();
    }

    fn others(&mut self) {
        if self.is_wanted {
            *self.taken.entry("another's".to_owned()).or_default() += self.left();
        }
    }
}

impl SmallDisk {
    fn new(dir: &Path, capacity: u64) -> (Arc<Self>, Arc<Mutex<Sizes>>) {
        let state = Arc::new(Mutex::new(Sizes { capacity, taken: BTreeMap::new(), is_wanted: false }));
        (Arc::new(Self { folder: Folder::create(dir).unwrap(), state: Arc::clone(&state) }), state)
    }

    fn file(&self, file: Box<dyn Unpublished>, name: &str, temporary: String) -> Box<dyn Unpublished> {
        Box::new(SmallFile { file: Some(file), state: Arc::clone(&self.state), name: name.to_owned(), temporary, written: 0 })
    }
}

impl Publish for SmallDisk {
    fn begin(&self, name: &str) -> Result<Box<dyn Unpublished>, Error> {
        Ok(self.file(self.folder.begin(name)?, name, format!(".{name}")))
    }

    fn begin_in(&self, room: Room, name: &str) -> Result<Box<dyn Unpublished>, Error> {
        Ok(self.file(self.folder.begin_in(room, name)?, name, room.file().to_owned()))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        self.state.lock().unwrap().give_back(name);
        self.folder.remove(name)
    }

    fn reserve(&self, room: Room, bytes: u64) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap();
        if bytes == 0 {
            state.give_back(room.file());
            return self.folder.reserve(room, 0);
        }
        let held = state.grow(room.file(), bytes);
        if held < bytes { Err(Error::Write { path: self.path(room.file()), source: io::ErrorKind::StorageFull.into() }) } else { Ok(()) }
    }
}

impl Write for SmallFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let reaches = self.state.lock().unwrap().grow(&self.temporary, self.written + bytes.len() as u64);
        let fits = usize::try_from(reaches - self.written).unwrap().min(bytes.len());
        if fits == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.as_mut().unwrap().write_all(&bytes[..fits])?;
        self.written += fits as u64;
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().unwrap().flush()
    }
}

impl Unpublished for SmallFile {
    fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        self.file.as_mut().unwrap().rename(name);
    }

    fn publish(mut self: Box<Self>) -> Result<Published, Error> {
        let published = self.file.take().unwrap().publish()?;
        let mut state = self.state.lock().unwrap();
        state.taken.remove(&self.temporary);
        state.taken.insert(self.name.clone(), self.written);
        state.others();
        Ok(published)
    }
}

impl Drop for SmallFile {
    fn drop(&mut self) {
        if self.file.is_some() {
            self.state.lock().unwrap().give_back(&self.temporary);
        }
    }
}

/// Thirty, of three kilobytes each, and how many bytes five of them take in a part.
fn thirty() -> (Vec<Exchange>, u64) {
    let exchanges: Vec<_> = (0..30).map(|n: i64| exchange(n.unsigned_abs() + 1, n * 1_000_000_000, 3000)).collect();
    let part_bytes = exchanges.iter().take(5).map(columns::size).sum();
    (exchanges, part_bytes)
}

#[test]
fn a_full_disk_says_what_it_needed_and_what_is_safe() {
    [1, 2].into_iter().for_each(fill_disks);
}

fn fill_disks(threads: usize) {
    let (exchanges, part_bytes) = thirty();
    let mut seen_kept = BTreeMap::new();
    for capacity in (0..160_000).step_by(8_000) {
        let dir = tempfile::tempdir().unwrap();
        let (place, _) = SmallDisk::new(dir.path(), capacity);
        let written = RecordingWriter::create_in(place, WriterOptions { part_bytes, pool: pool(threads), ..WriterOptions::default() })
            .and_then(|mut writer| exchanges.iter().try_for_each(|exchange| writer.write(exchange)).map(|()| writer))
            .and_then(|writer| writer.finish(&LossLedger::default()));
        let readable = if files(dir.path()).is_empty() { 0 } else { read(dir.path(), &Window::ALL).len() };
        assert!(files(dir.path()).iter().all(|name| !name.ends_with(".tmp")), "{:?}", files(dir.path()));
        let Err(error) = written else {
            assert_eq!(readable, 30);
            continue;
        };
        assert!(error.is_full_disk(), "{error}");
        assert_eq!(error.blame(), Blame::Ours);
        assert!(error.hint().is_some_and(|hint| hint.contains("space")));
        if let Error::Interrupted { path, needed, kept, .. } = &error {
            assert!(path.starts_with(dir.path()) && *needed > 0);
            let kept_count: usize =
                kept.split_whitespace().rev().nth(2).and_then(|word| word.parse().ok()).or_else(|| kept.split(' ').nth(3)?.parse().ok()).unwrap_or(0);
            assert!(kept_count <= readable, "{error}: {readable}");
            seen_kept.insert(readable, kept.clone());
        }
    }
    assert!(seen_kept.len() >= 3, "{seen_kept:?}");
}

/// The account after so many exchanges.
fn account(exchanges: u64) -> LossLedger {
    let mut ledger = LossLedger { requests: exchanges, responses: exchanges, complete: exchanges, ..LossLedger::default() };
    ledger.lose(LossCause::Gap, exchanges);
    ledger
}

#[test]
fn what_a_full_disk_has_no_room_for_is_counted() {
    let (exchanges, part_bytes) = thirty();
    // Another one wants all that there is, from the second part on or at the end; the room that was kept is not its.
    for (threads, wanted_from) in [(1, 10), (1, 29), (2, 10), (2, 29)] {
        let mut seen = BTreeMap::new();
        for capacity in (20_000..400_000).step_by(40_000) {
            let dir = tempfile::tempdir().unwrap();
            let (place, state) = SmallDisk::new(dir.path(), capacity);
            let options = WriterOptions { part_bytes, pool: pool(threads), when_full: WhenFull::GoOn, ..WriterOptions::default() };
            let mut writer = match RecordingWriter::create_in(place, options) {
                Ok(writer) => writer,
                Err(error) => {
                    assert!(error.is_full_disk() && state.lock().unwrap().taken.is_empty(), "{capacity}: {error}");
                    continue;
                }
            };
            for (n, exchange) in exchanges.iter().enumerate() {
                writer.write(exchange).unwrap();
                writer.tick(exchange.start, &account(n as u64 + 1)).unwrap();
                let mut disk = state.lock().unwrap();
                disk.is_wanted |= n >= wanted_from;
                disk.others();
            }
            let manifest = writer.finish(&account(30)).unwrap();
            let stored = read(dir.path(), &Window::ALL).len() as u64;
            assert_eq!((manifest.exchanges, manifest.gone.unstored.exchanges), (stored, 30 - stored), "{capacity}");
            assert_eq!((manifest.ledger.clone(), manifest.finished, manifest.ledger.lost_in(LossUnit::Bytes)), (account(30), true, 30), "{capacity}");
            assert!(files(dir.path()).iter().all(|name| !name.ends_with(".tmp")));
            assert!(!state.lock().unwrap().taken.keys().any(|name| name.ends_with(".tmp")));
            // It says the same of itself without its manifest: no part has a number without a file.
            let opened = Recording::open(dir.path()).unwrap().into_manifest();
            assert_eq!(opened, manifest);
            fs::remove_file(dir.path().join(MANIFEST)).unwrap();
            let rebuilt = Recording::open(dir.path()).unwrap().into_manifest();
            assert_eq!((rebuilt.gone, rebuilt.ledger, rebuilt.missing.len(), rebuilt.finished), (manifest.gone, manifest.ledger, 0, true), "{capacity}");
            seen.insert(stored, capacity);
        }
        let most = if wanted_from == 10 { 5 } else { 20 };
        assert!(seen.len() >= if wanted_from == 10 { 2 } else { 4 } && seen.contains_key(&0) && seen.keys().any(|stored| *stored >= most), "{seen:?}");
    }
}

#[test]
fn once_there_is_room_again_parts_are_stored_again() {
    let (exchanges, part_bytes) = thirty();
    let (dir, one) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let of_a_part = write(one.path(), WriterOptions { part_bytes, ..WriterOptions::default() }, &exchanges[..5]).parts[0].bytes;
    let (place, state) = SmallDisk::new(dir.path(), (64 << 10) + 2 * of_a_part);
    let retention = Retention { parts: NonZero::new(3), age: None };
    let mut writer = RecordingWriter::create_in(place, WriterOptions { part_bytes, retention, when_full: WhenFull::GoOn, ..WriterOptions::default() }).unwrap();
    let room = [None, None, Some(0), Some(0), Some(1 << 20), None];
    for (part, (five, capacity)) in exchanges.chunks(5).zip(room).enumerate() {
        let mut disk = state.lock().unwrap();
        disk.capacity = capacity.unwrap_or(disk.capacity);
        drop(disk);
        five.iter().for_each(|exchange| writer.write(exchange).unwrap());
        writer.tick(five[4].start, &account(part as u64 * 5 + 5)).unwrap();
        assert_eq!(writer.unstored(), [0, 0, 5, 10, 10, 10][part]);
    }
    let manifest = writer.finish(&account(30)).unwrap();
    // Of four parts that were stored, and the last one without a row, three stay.
    assert_eq!((manifest.gone.unstored.exchanges, manifest.retired.counts.exchanges, manifest.exchanges), (10, 10, 10));
    assert_eq!(manifest.parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), [part_name(3), part_name(4), part_name(5)]);
    assert_eq!(
        read(dir.path(), &Window::ALL).iter().map(|exchange| exchange.start).collect::<Vec<_>>(),
        exchanges[20..].iter().map(|one| one.start).collect::<Vec<_>>()
    );
    assert_eq!(manifest.ledger, account(30));
}
