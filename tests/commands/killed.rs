//! Killed in the middle of a capture (SIGKILL): what was published opens, little is lost, and nothing raw is left.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use reenact::planted::{Scanner, read};
use reenact_capture::{CaptureOptions, Control, capture_from};
use reenact_formats::disk::recording::{Recording, State, Window};
use reenact_formats::model::{Exchange, ExchangeId};
use reenact_formats::seam::{BoxError, ExchangeSink};

use crate::program::{command, reenact, repository};

/// How often, and how many of them at once.
const KILLS: u64 = 50;
const AT_ONCE: u64 = 10;
/// By how much the packets' time is stretched, so that there is enough of it, and how much of it passes in a second.
const STRETCH: u64 = 6;
const PACE: u64 = 10;
/// What is promised, and what may be lost: the rest is for a machine that has other things to do.
const PART_AGE: &str = "15s";
const MOST_LOST: Duration = Duration::from_secs(30);

/// Half of the example, over a longer time. Between its packets are some that no one records, so that pipes are handed on block by
/// block as on a busy link.
struct Traffic {
    header: Vec<u8>,
    /// Packets with their time in nanoseconds since the first.
    packets: Vec<(u64, Vec<u8>)>,
}

impl Traffic {
    fn new() -> Self {
        let file = fs::read(repository("examples/captures/orders.pcap")).expect("the capture is committed");
        assert_eq!((&file[..4], file[20]), (&[0x4d, 0x3c, 0xb2, 0xa1][..], 1), "a little-endian pcap file with nanoseconds, of Ethernet frames");
        let (header, mut rest) = file.split_at(24);
        let number = |bytes: &[u8]| u64::from(u32::from_le_bytes(bytes.try_into().expect("four bytes")));
        let (mut packets, mut first, mut next_filler) = (Vec::new(), None, 0);
        for _ in 0..6000 {
            let (record, after) = rest.split_at(16 + usize::try_from(number(&rest[8..12])).expect("short"));
            rest = after;
            let at = number(&record[..4]) * 1_000_000_000 + number(&record[4..8]);
            let since = (at - *first.get_or_insert(at)) * STRETCH;
            while next_filler <= since {
                packets.push((next_filler, filler()));
                next_filler += 200_000_000;
            }
            packets.push((since, record[16..].to_vec()));
        }
        Self { header: header.to_vec(), packets }
    }

    fn record((since, data): &(u64, Vec<u8>)) -> Vec<u8> {
        let at = 1_700_000_000_000_000_000 + since;
        let length = data.len() as u64;
        let fields = [at / 1_000_000_000, at % 1_000_000_000, length, length].map(|field| u32::try_from(field).expect("it fits").to_le_bytes());
        [&fields.concat(), data.as_slice()].concat()
    }

    /// When each exchange has ended, in nanoseconds since the first packet.
    fn exchanges(&self) -> BTreeMap<ExchangeId, u64> {
        struct Ends(BTreeMap<ExchangeId, u64>);
        impl ExchangeSink for Ends {
            fn exchange(&mut self, exchange: Exchange) -> Result<(), BoxError> {
                let end = exchange.timing.end.unwrap_or(exchange.start).as_nanos() - 1_700_000_000_000_000_000;
                self.0.insert(exchange.id, u64::try_from(end)?);
                Ok(())
            }
        }
        let file: Vec<u8> = self.header.iter().copied().chain(self.packets.iter().flat_map(Self::record)).collect();
        let mut ends = Ends(BTreeMap::new());
        capture_from("memory", Box::new(Cursor::new(file)), &CaptureOptions::default(), &mut ends, &Control::default()).expect("it is a capture");
        ends.0
    }

    /// Says all of it, at its pace, until no one listens; `said` is told up to where that was.
    fn say(&self, mut pipe: ChildStdin, said: &AtomicU64) {
        let began = now();
        if pipe.write_all(&self.header).is_err() {
            return;
        }
        for some in self.packets.chunk_by(|one, other| one.0 / 500_000_000 == other.0 / 500_000_000) {
            let due = Duration::from_nanos(some[0].0 / PACE);
            #[expect(clippy::disallowed_methods, reason = "a link has a pace")]
            thread::sleep(due.saturating_sub(now().duration_since(began)));
            let bytes: Vec<u8> = some.iter().flat_map(Self::record).collect();
            if pipe.write_all(&bytes).is_err() {
                return;
            }
            said.store(some[some.len() - 1].0, Ordering::SeqCst);
        }
        // A live link does not end.
        while pipe.write_all(&[]).is_ok() && said.load(Ordering::SeqCst) != u64::MAX {
            crate::program::waited(20);
        }
    }
}

/// A frame of a protocol that no one knows.
fn filler() -> Vec<u8> {
    [&[2; 12][..], &[0x88, 0xb5], &vec![0; 52_000]].concat()
}

#[expect(clippy::disallowed_methods, reason = "a link has a pace")]
fn now() -> Instant {
    Instant::now()
}

/// The same ones in each run, and no pattern that a capture could meet by chance.
fn random(number: u64) -> u64 {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33
}

/// What stands in unfinished files: as it is, and whatever can be unpacked of it.
fn unpacked(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).expect("it can be read");
    let mut all = bytes.clone();
    for start in (0..bytes.len().saturating_sub(4)).filter(|at| bytes[*at..].starts_with(&[0x28, 0xb5, 0x2f, 0xfd])) {
        if let Ok(frame) = zstd::stream::read::Decoder::with_buffer(&bytes[start..]) {
            // A frame that is cut gives what it has, and then an error.
            let _ = frame.single_frame().read_to_end(&mut all);
        }
    }
    all
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files
}

/// What a killed capture has left.
#[derive(Default)]
struct Left {
    parts: usize,
    exchanges: usize,
    temporary: usize,
    /// Packet time between the end of the earliest exchange that is not there and what was said last.
    lost: Duration,
}

fn kill(number: u64, traffic: &Traffic, ends: &BTreeMap<ExchangeId, u64>, scanner: &Scanner) -> Left {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    for name in ["here", "tmp"] {
        fs::create_dir(path(name)).expect("the folder is ours");
    }
    let mut child = command()
        .args(["capture", "-r", "-", "--part-age", PART_AGE, "-o"])
        .arg(path("rec"))
        .current_dir(path("here"))
        .env("TMPDIR", path("tmp"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let pipe = child.stdin.take().expect("piped");
    let said = AtomicU64::new(0);
    let after = 200 + random(number) % 7_400;
    let said = thread::scope(|scope| {
        scope.spawn(|| traffic.say(pipe, &said));
        crate::program::waited(after);
        child.kill().expect("it runs");
        child.wait().expect("it is our child");
        said.swap(u64::MAX, Ordering::SeqCst)
    });
    let mut left = Left::default();
    for file in files(folder.path()) {
        let text = unpacked(&file);
        let found = scanner.bytes(&text);
        assert!(found.is_empty(), "kill {number} after {after} ms: {} holds {} planted values", file.display(), found.len());
        left.temporary += usize::from(file.extension().is_some_and(|extension| extension == "tmp"));
    }
    assert_eq!(files(&path("here")).len() + files(&path("tmp")).len(), 0, "nothing is written elsewhere");
    if !path("rec/manifest.json").exists() {
        // It was killed before it had begun.
        assert!(said < 20_000_000_000, "kill {number} after {after} ms: no recording");
        return left;
    }
    let recording = Recording::open(&path("rec")).unwrap_or_else(|error| panic!("kill {number} after {after} ms: {error}"));
    recording.verify_digests().expect("what was published is what it was");
    assert!(recording.manifest().state == State::Redacted && !recording.manifest().finished);
    left.parts = recording.manifest().parts.len();
    let mut missing = ends.clone();
    for exchange in recording.exchanges(&Window::ALL).expect("its parts open") {
        let id = exchange.expect("every row is read").id;
        assert!(missing.remove(&id).is_some(), "kill {number}: exchange {id} is none of the traffic, or there twice");
        left.exchanges += 1;
    }
    let earliest = missing.values().min().copied().unwrap_or(u64::MAX);
    left.lost = Duration::from_nanos(said.saturating_sub(earliest));
    assert!(left.lost <= MOST_LOST, "kill {number} after {after} ms: {:?} are lost", left.lost);
    left
}

#[test]
fn killed_at_any_moment_a_capture_leaves_whole_parts_and_nothing_raw() {
    let planted = read(&fs::read_to_string(repository("examples/captures/planted.tsv")).expect("the list is committed"));
    let scanner = Scanner::new(&planted);
    let traffic = Traffic::new();
    let ends = traffic.exchanges();
    assert!(ends.len() > 1000 && ends.values().max() > Some(&60_000_000_000), "{} exchanges", ends.len());
    let next = AtomicU64::new(0);
    let left = Arc::new(Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let number = next.fetch_add(1, Ordering::SeqCst)
                    && number < KILLS
                {
                    let one = kill(number, &traffic, &ends, &scanner);
                    left.lock().expect("no one panicked").push(one);
                }
            });
        }
    });
    let left = left.lock().expect("no one panicked");
    let sum = |figure: fn(&Left) -> usize| left.iter().map(figure).sum::<usize>();
    let longest = left.iter().map(|left| left.lost).max().unwrap_or_default();
    println!(
        "{} kills: {} with parts, {} parts, {} exchanges, {} temporary files, at most {longest:?} lost",
        left.len(),
        sum(|left| usize::from(left.parts > 0)),
        sum(|left| left.parts),
        sum(|left| left.exchanges),
        sum(|left| left.temporary),
    );
    assert_eq!(left.len() as u64, KILLS);
    assert!(sum(|left| usize::from(left.parts > 0)) > 20 && sum(|left| left.exchanges) > 1000, "most had published something");
}

/// What is searched for is found where it is: in the beginning of a file that was not finished.
#[test]
fn an_unfinished_file_with_raw_traffic_would_be_seen() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let raw = folder.path().join("raw");
    reenact(["capture", "-r", &repository("examples/captures/orders.pcap"), "--danger-raw", "-o", raw.to_str().expect("the path is text")]).exits(0);
    let part = fs::read(raw.join("part-000001.parquet")).expect("it was written");
    let torn = folder.path().join(".part-000001.parquet.tmp");
    fs::write(&torn, &part[..part.len() / 2]).expect("the folder is ours");
    let planted = read(&fs::read_to_string(repository("examples/captures/planted.tsv")).expect("the list is committed"));
    let found = Scanner::new(&planted).bytes(&unpacked(&torn));
    assert!(found.len() > 100, "{} of {}", found.len(), planted.len());
}
