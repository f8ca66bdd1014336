//! A disk that is full, for real: a small tmpfs.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod traffic;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use reenact::check::check_recording;
use reenact_formats::disk::Error;
use reenact_formats::disk::recording::{Recording, RecordingWriter, Window, WriterOptions};
use reenact_formats::seam::{Blame, Explain};
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

#[test]
fn a_full_disk_is_told_before_any_work_is_done() {
    let Some(disk) = SmallDisk::mount(4) else { return };
    fs::write(disk.path.join("filler"), vec![0; 4096]).unwrap_or(());
    let error = RecordingWriter::create(&disk.path.join("rec"), WriterOptions::default()).map(drop).expect_err("no room for anything");
    assert!(error.is_full_disk(), "{error:?}");
}
