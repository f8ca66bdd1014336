//! A disk that is full, for real: a small tmpfs.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod traffic;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use reenact::check::check_recording;
use reenact_formats::disk::Error;
use reenact_formats::disk::recording::{Recording, RecordingWriter, Window, WriterOptions};
use reenact_formats::seam::{Blame, Explain};
use serde_json::Value;
use traffic::{START, at, body, exchange, request, response};

/// A file system of some kilobytes, gone when dropped.
struct SmallDisk {
    path: PathBuf,
    _root: tempfile::TempDir,
}

impl SmallDisk {
    fn mount(kilobytes: u32) -> Option<Self> {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("small");
        fs::create_dir(&path).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={kilobytes}k"), "tmpfs"]).arg(&path).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self { path, _root: root });
        }
        eprintln!("skipped: a tmpfs may not be mounted here (needs root)");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.path).status();
    }
}

/// Writes exchanges whose bodies do not compress until the disk is full.
fn fill(dir: &Path) -> (u64, Error) {
    let mut writer = RecordingWriter::create(dir, WriterOptions { part_bytes: 30_000, ..WriterOptions::default() }).unwrap();
    for n in 0.. {
        let noise: Vec<u8> = (0..150_u64).flat_map(|word| (word + n * 151).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23).to_le_bytes()).collect();
        let row = exchange(n + 1, 1, n, request("POST /x HTTP/1.1\r\n\r\n", body(noise)), response("HTTP/1.1 204 No Content\r\n\r\n", body("")));
        if let Err(error) = writer.write(&row) {
            return (writer.manifest().exchanges, error);
        }
    }
    unreachable!("the disk is full at some time")
}

#[test]
fn a_full_disk_is_told_and_what_was_published_stays() {
    let Some(disk) = SmallDisk::mount(400) else { return };
    let dir = disk.path.join("rec");
    let (published, error) = fill(&dir);

    assert!(published > 0);
    assert!(error.is_full_disk(), "{error:?}");
    assert_eq!(error.blame(), Blame::Ours);
    assert!(error.hint().unwrap().contains("free some space"));
    let text = error.to_string();
    for expected in ["cannot write ", &dir.display().to_string(), "which needs about ", &format!("with {published} exchanges stay")] {
        assert!(text.contains(expected), "{expected}: {text}");
    }

    let recording = Recording::open(&dir).unwrap();
    assert!(!recording.manifest().finished);
    let rows = recording.exchanges(&Window::ALL).unwrap().map(|row| row.map(|row| row.start)).collect::<Result<Vec<_>, _>>().unwrap();
    // A part whose manifest did not fit any more is there too.
    assert!(rows.len() as u64 >= published);
    assert_eq!(rows, (0..rows.len() as u64).map(at).collect::<Vec<_>>());
    assert_eq!(rows.first().map(ToString::to_string).as_deref(), Some(START));
    assert!(check_recording(&dir, None).unwrap().passed());
}

/// What the binary says, and with which code it ends.
fn reenact(arguments: &[&str], input: Stdio) -> (Option<i32>, Value, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_reenact")).args(arguments).stdin(input).output().unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_capture_onto_a_full_disk_counts_what_it_cannot_store() {
    let capture = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/captures/orders.pcap");
    let (code, seen, _) = reenact(&["capture", "-r", capture, "--discard", "--json"], Stdio::null());
    assert_eq!(code, Some(0));
    for source in [capture, "-"] {
        let Some(disk) = SmallDisk::mount(300) else { return };
        let rec = disk.path.join("rec");
        let rec = rec.to_str().unwrap();
        let input = if source == capture { Stdio::null() } else { File::open(capture).unwrap().into() };
        let (code, summary, said) = reenact(&["capture", "-r", source, "-o", rec, "--part-size", "500K", "--json"], input);
        assert_eq!(code, Some(5), "{said}");
        assert!(said.contains("the disk was full when they were seen") && said.contains("hint: free some space"), "{said}");
        let warned = |text: &str| said.matches(text).count();
        let (gone, back) = (warned("warning: the disk is full: "), warned("warning: there is room on the disk again: "));
        assert!(gone > 0 && (back..=back + 1).contains(&gone), "each is told once: {said}");
        let count = |name: &str| summary[name].as_u64().unwrap();
        assert!(count("exchanges") > 100 && count("unstored") > 100, "{summary}");
        assert_eq!((&summary["state"], &summary["finished"]), (&"checked".into(), &true.into()));
        assert_eq!(count("exchanges") + count("unstored"), seen["exchanges"].as_u64().unwrap(), "{summary}");
        assert_eq!(summary["packets"], seen["packets"], "it is read to its end");
        assert!(check_recording(Path::new(rec), None).unwrap().passed());
        assert!(fs::read_dir(rec).unwrap().all(|entry| !entry.unwrap().file_name().to_string_lossy().starts_with('.')));
    }
}

#[test]
fn a_rotation_waits_for_room() {
    let capture = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/captures/orders.pcap");
    let all = reenact(&["capture", "-r", capture, "--discard", "--json"], Stdio::null()).1["exchanges"].as_u64().unwrap();
    let Some(disk) = SmallDisk::mount(400) else { return };
    let recs = disk.path.join("recs");
    let arguments = ["capture", "-r", "-", "-o", recs.to_str().unwrap(), "--part-size", "300K", "--rotate-size", "400K", "--json"];
    let (code, told, said) = reenact(&arguments, File::open(capture).unwrap().into());
    assert_eq!(code, Some(5), "{said}");
    let recordings = told["recordings"].as_array().unwrap();
    let sum = |name: &str| recordings.iter().map(|summary| summary[name].as_u64().unwrap()).sum::<u64>();
    assert!(recordings.len() > 1 && sum("unstored") > 100, "{said}");
    assert_eq!(sum("exchanges") + sum("unstored"), all, "{said}");
    for summary in recordings {
        assert_eq!((&summary["state"], &summary["finished"]), (&"checked".into(), &true.into()), "{said}");
        assert!(check_recording(Path::new(summary["recording"].as_str().unwrap()), None).unwrap().passed());
    }
    assert_eq!(fs::read_dir(&recs).unwrap().count(), recordings.len(), "nothing is left of those that could not be begun");
}

#[test]
fn a_recording_that_cannot_be_marked_keeps_no_other_from_the_report() {
    let capture = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/captures/orders.pcap");
    let all = reenact(&["capture", "-r", capture, "--discard", "--json"], Stdio::null()).1["exchanges"].as_u64().unwrap();
    for kilobytes in [200, 230, 260] {
        let Some(disk) = SmallDisk::mount(kilobytes) else { return };
        let recs = disk.path.join("recs");
        let arguments = ["capture", "-r", "-", "-o", recs.to_str().unwrap(), "--part-size", "100K", "--rotate-size", "300K", "--json"];
        let (code, told, said) = reenact(&arguments, File::open(capture).unwrap().into());
        assert_eq!(code, Some(5), "{said}");
        let recordings = told["recordings"].as_array().unwrap_or_else(|| panic!("{kilobytes}: {said}"));
        let sum = |name: &str| recordings.iter().map(|summary| summary[name].as_u64().unwrap()).sum::<u64>();
        assert_eq!(sum("exchanges") + sum("unstored"), all, "{kilobytes}: {said}");
        assert!(said.contains("  not stored ") && said.contains("error: "), "{kilobytes}: {said}");
        // All of them were looked through, also behind one whose manifest there was no room for.
        for summary in recordings {
            let name = Path::new(summary["recording"].as_str().unwrap()).file_name().unwrap().to_string_lossy().into_owned();
            assert!(summary["state"] == "checked" || said.lines().any(|line| line.contains(&name) && line.contains("not checked: ")), "{kilobytes}: {said}");
        }
    }
}

/// Captures through a pipe, and calls `midway` once half of the packets were sent.
fn capture_through_a_pipe(rec: &Path, options: &[&str], midway: impl FnOnce(&Path)) -> (Option<i32>, Value, String) {
    let packets = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/captures/orders.pcap")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_reenact"));
    command.args(["capture", "-r", "-", "-o", rec.to_str().unwrap(), "--json"]).args(options);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let (first, rest) = packets.split_at(packets.len() / 2);
    input.write_all(first).unwrap();
    midway(rec);
    input.write_all(rest).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Takes what is free, if anything.
fn take_all(path: &Path) {
    let mut file = File::options().append(true).create(true).open(path).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
}

#[test]
fn the_account_is_written_though_another_takes_what_is_freed() {
    let Some(disk) = SmallDisk::mount(500) else { return };
    let (stop, other) = (AtomicBool::new(false), disk.path.join("another's"));
    let (code, summary, said) = thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                thread::yield_now();
                // It begins once the room is kept.
                if disk.path.join("rec/manifest.json").exists() {
                    take_all(&other);
                }
            }
        });
        let ended = capture_through_a_pipe(&disk.path.join("rec"), &["--part-size", "50K"], |_| ());
        stop.store(true, Ordering::Relaxed);
        ended
    });
    assert_eq!(code, Some(5), "{said}");
    let all = reenact(&["capture", "-r", concat!(env!("CARGO_MANIFEST_DIR"), "/examples/captures/orders.pcap"), "--discard", "--json"], Stdio::null()).1;
    let count = |name: &str| summary[name].as_u64().unwrap_or_else(|| panic!("{said}"));
    assert_eq!(count("exchanges") + count("unstored"), all["exchanges"].as_u64().unwrap(), "{said}");
    assert!(summary["finished"] == true && said.contains("  not stored "), "{said}");
}

#[test]
fn an_account_that_cannot_be_written_is_told() {
    let Some(disk) = SmallDisk::mount(300) else { return };
    let other = disk.path.join("another's");
    let (code, _, said) = capture_through_a_pipe(&disk.path.join("rec"), &["--part-size", "50K"], |rec| {
        // Someone removes what keeps room.
        let kept = || fs::read_dir(rec).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.to_string_lossy().contains("/.reserve-"));
        take_all(&other);
        // A part may have been on its way meanwhile.
        for _ in 0..10 {
            kept().for_each(|path| fs::remove_file(path).unwrap_or(()));
            take_all(&other);
        }
    });
    assert_eq!(code, Some(5), "{said}");
    for told in ["does not hold this account", "  packets       12,906 seen", "  not stored ", "error: cannot write "] {
        assert!(said.contains(told), "{told}: {said}");
    }
}

#[test]
fn a_full_disk_is_told_before_any_work_is_done() {
    let Some(disk) = SmallDisk::mount(4) else { return };
    fs::write(disk.path.join("filler"), vec![0; 4096]).unwrap_or(());
    let error = RecordingWriter::create(&disk.path.join("rec"), WriterOptions::default()).map(drop).expect_err("no room for anything");
    assert!(error.is_full_disk(), "{error:?}");
}
