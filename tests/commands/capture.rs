//! The options of `reenact capture`: what they change, and what they refuse.

use std::path::{Path, PathBuf};

use crate::program::{Ran, reenact, repository};
use serde_json::Value;
use tempfile::TempDir;

/// A folder, and a capture of a thousand exchanges that everyone has.
struct Scratch {
    folder: TempDir,
    packets: String,
}

impl Scratch {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder"), packets: repository("examples/captures/orders.pcap") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn capture(&self, arguments: &[&str]) -> Ran {
        reenact(["capture", "-r", &self.packets, "--json"].iter().chain(arguments))
    }

    /// Captures raw into a folder of that name.
    fn raw(&self, name: &str, arguments: &[&str]) -> Value {
        let output = self.path(name);
        let output = output.to_str().expect("the path is text");
        self.capture(&[&["-o", output, "--danger-raw"], arguments].concat()).exits(0).json()
    }
}

#[test]
fn discarding_tells_the_same_and_leaves_nothing() {
    let scratch = Scratch::new();
    let seen = scratch.capture(&["--discard"]).exits(0);
    assert!(seen.stderr.contains("nothing is kept: ") && seen.stderr.contains("\n  packets "), "{}", seen.stderr);
    assert!(!seen.stderr.contains("warning: "), "no key is needed: {}", seen.stderr);
    assert_eq!(scratch.folder.path().read_dir().expect("the folder is ours").count(), 0);

    let (seen, recorded) = (seen.json(), scratch.raw("rec", &[]));
    let seen = seen.as_object().expect("one object");
    for (key, value) in seen {
        assert_eq!(*value, recorded[key], "{key}");
    }
    for key in ["exchanges", "complete", "packets", "stream_bytes", "lost", "foreign", "anomalies"] {
        assert!(seen.contains_key(key), "{key}");
    }
    for key in ["recording", "parts", "state"] {
        assert!(!seen.contains_key(key), "{key}");
    }
}

#[test]
fn limits_change_what_is_kept() {
    let scratch = Scratch::new();
    let whole = scratch.raw("whole", &[]);
    let parts = |summary: &Value| summary["parts"].as_array().map(Vec::len);
    assert_eq!(parts(&whole), Some(1));
    assert!(parts(&scratch.raw("parts", &["--part-size", "64k"])) > Some(2));
    let headless = scratch.raw("bodies", &["--max-body", "0"]);
    assert_eq!(headless["exchanges"], whole["exchanges"]);
    assert!(headless["anomalies"]["body_over_limit"].as_u64() > Some(500), "{}", headless["anomalies"]);
    assert_eq!(whole["anomalies"]["body_over_limit"], Value::Null);
    let tagged =
        scratch.raw("tagged", &["--flow-key", "tuple+vlan", "--verify-checksums", "--max-flows", "9999", "--max-buffered", "1.5GiB", "--threads", "2"]);
    assert_eq!(tagged["packets"]["seen"], whole["packets"]["seen"]);
}

#[test]
fn wrong_options_are_named_with_what_would_be_right() {
    let scratch = Scratch::new();
    let output = scratch.path("rec");
    let output = output.to_str().expect("the path is text");
    for (arguments, named) in [
        (&["--part-size", "64X"][..], ["64X", "8MiB"]),
        (&["--part-size", "0"], ["--part-size", "4KiB"]),
        (&["--part-size", "1000T"], ["1000T", "4GiB"]),
        (&["--max-body", "much"], ["much", "8MiB"]),
        (&["--max-body", "2G"], ["2G", "256MiB"]),
        (&["--max-buffered", "0"], ["--max-buffered", "1MiB"]),
        (&["--max-flows", "0"], ["--max-flows", "1"]),
        (&["--max-flows", "99999999999"], ["99999999999", "268435456"]),
        (&["--threads", "0"], ["--threads", "512"]),
        (&["--threads", "many"], ["many", "--threads 4"]),
        (&["--flow-key", "vlan"], ["vlan", "tuple+vlan"]),
        (&["--discard"], ["--discard", "--output"]),
    ] {
        let ran = scratch.capture(&[&["-o", output, "--danger-raw"], arguments].concat()).exits(2);
        assert!(ran.stderr.starts_with("error: ") && named.iter().all(|name| ran.stderr.contains(name)), "{arguments:?} names {named:?}:\n{}", ran.stderr);
        assert!(!Path::new(output).exists(), "{arguments:?} leaves nothing behind");
    }
    for conflicting in [&["--danger-raw"][..], &["--key-file", "key"], &["--policy", "policy.yaml"], &["--part-size", "1M"]] {
        let ran = scratch.capture(&[&["--discard"], conflicting].concat()).exits(2);
        assert!(ran.stderr.contains(conflicting[0]), "{conflicting:?}:\n{}", ran.stderr);
    }
    assert!(scratch.capture(&[]).exits(2).stderr.contains("--discard"), "the hint names both ways");
}
