//! The options of `reenact capture`: what they change, and what they refuse.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::program::{Ran, command, reenact, repository, waited};
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

/// A capture file with packets missing, doubled and out of order.
fn damaged(packets: &[u8]) -> Vec<u8> {
    assert_eq!(packets[..4], [0x4d, 0x3c, 0xb2, 0xa1], "a little-endian pcap file with nanoseconds");
    let (header, mut rest) = packets.split_at(24);
    let mut records = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[8..12].try_into().expect("four bytes")) as usize;
        let (record, after) = rest.split_at(16 + length);
        records.push(record);
        rest = after;
    }
    for at in (53..records.len()).step_by(53) {
        records.swap(at - 1, at);
    }
    let times = |at: usize| {
        if at % 97 == 96 {
            0
        } else if at % 61 == 60 {
            2
        } else {
            1
        }
    };
    let kept = records.iter().enumerate().flat_map(|(at, record)| std::iter::repeat_n(*record, times(at)));
    header.iter().copied().chain(kept.flatten().copied()).collect()
}

/// Every file of a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = folder.read_dir().expect("the folder is there").map(|entry| entry.expect("it can be read").path());
    entries.map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), fs::read(&path).expect("it can be read"))).collect()
}

#[test]
fn any_number_of_threads_writes_the_same_recording() {
    let mut scratch = Scratch::new();
    let (packets, key) = (scratch.path("damaged.pcap"), scratch.path("key"));
    fs::write(&packets, damaged(&fs::read(&scratch.packets).expect("the capture is committed"))).expect("the folder is ours");
    scratch.packets = packets.to_str().expect("the path is text").to_owned();
    let key = key.to_str().expect("the path is text");
    reenact(["key", "new", key]).exits(0);

    for (what, how) in [("raw", &["--danger-raw"][..]), ("redacted", &["--key-file", key])] {
        let recording = |threads: &str| {
            let output = scratch.path(&format!("{what}-{threads}"));
            let output_text = output.to_str().expect("the path is text");
            let told = scratch.capture(&[how, &["-o", output_text, "--threads", threads, "--part-size", "128KiB", "-c", "5000"]].concat()).exits(0).json();
            assert!(told["lost"]["gap"].as_u64() > Some(1000) && told["retransmitted_bytes"].as_u64() > Some(1000), "it is damaged: {told}");
            assert_eq!(told["state"], if what == "raw" { "raw" } else { "checked" });
            assert_eq!(told["seconds"]["residue_check"].is_f64(), what != "raw", "{}", told["seconds"]);
            files(&output)
        };
        let alone = recording("1");
        assert!(alone.len() > 4, "several parts: {:?}", alone.keys());
        for threads in ["2", "3", "8"] {
            let others = recording(threads);
            assert_eq!(others.keys().collect::<Vec<_>>(), alone.keys().collect::<Vec<_>>(), "{what}, {threads} threads");
            let differing: Vec<_> = alone.iter().filter(|(name, bytes)| others[*name] != **bytes).map(|(name, _)| name).collect();
            assert!(differing.is_empty(), "{what}: {threads} threads write other bytes into {differing:?}");
        }
    }

    // The same of the way from one recording to another.
    let clean = |threads: &str| {
        let (raw, output) = (scratch.path("raw-1"), scratch.path(&format!("clean-{threads}")));
        let paths = [&raw, &output].map(|path| path.to_str().expect("the path is text"));
        reenact(["sanitize", paths[0], "-o", paths[1], "--key-file", key, "--threads", threads]).exits(0);
        files(&output)
    };
    assert!(clean("1") == clean("3"), "sanitize writes the same with any number of threads");
}

#[test]
fn however_a_pipe_delivers_it_writes_the_same_recording() {
    let scratch = Scratch::new();
    let packets = damaged(&fs::read(&scratch.packets).expect("the capture is committed"));
    let recording = |name: &str, step: usize| {
        let output = scratch.path(name);
        let mut piped = command();
        piped.args(["capture", "-r", "-", "--danger-raw", "--part-size", "128KiB", "-o"]).arg(&output);
        let mut child = piped.stdin(Stdio::piped()).stderr(Stdio::null()).stdout(Stdio::null()).spawn().expect("the binary starts");
        let mut pipe = child.stdin.take().expect("piped");
        for (number, some) in packets.chunks(step).enumerate() {
            pipe.write_all(some).expect("it reads");
            if number % 16 == 3 {
                waited(5);
            }
        }
        drop(pipe);
        assert!(child.wait().expect("it is our child").success());
        files(&output)
    };
    let at_once = recording("at-once", packets.len());
    assert!(at_once.len() > 4, "several parts: {:?}", at_once.keys());
    for step in [1_000, 40_001] {
        assert!(recording(&step.to_string(), step) == at_once, "{step} bytes at a time make other parts");
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

/// What was left out for `cause`.
fn filtered(summary: &Value, cause: &str) -> u64 {
    summary["filtered"][cause]["exchanges"].as_u64().unwrap_or_default()
}

#[test]
fn what_may_not_be_kept_is_counted_and_not_written() {
    let scratch = Scratch::new();
    let whole = scratch.raw("whole", &[]);
    let total = whole["exchanges"].as_u64().expect("a number");
    assert_eq!(whole["filtered"], serde_json::json!({}));
    let endpoints = |summary: &Value| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        summary["endpoints"].as_array().expect("a list").iter().map(|endpoint| (text(&endpoint["method"]), text(&endpoint["endpoint"]))).collect()
    };
    let rules = ["--include", "method=GET", "--include", "method=POST", "--include", "host=shop.*", "--exclude", "path=/orders*", "--opt-out-header"];
    let rules = [&rules[..], &["authorization=Bearer a*"]].concat();
    let some = scratch.raw("some", &rules);
    let (seen, kept) = (endpoints(&whole), endpoints(&some));
    assert!(seen.iter().any(|(method, path)| method == "POST" && path.starts_with("/orders")), "{seen:?}");
    assert!(!kept.is_empty() && kept.iter().all(|(method, path)| ["GET", "POST"].contains(&method.as_str()) && !path.starts_with("/orders")), "{kept:?}");
    let left_out: u64 = ["excluded", "not_included", "opted_out"].iter().map(|cause| filtered(&some, cause)).sum();
    assert!(["excluded", "not_included", "opted_out"].iter().all(|cause| filtered(&some, cause) > 0), "{}", some["filtered"]);
    assert_eq!(some["exchanges"].as_u64().map(|kept| kept + left_out), Some(total));
    // The same without a recording, and told in words.
    let discarded = scratch.capture(&[&["--discard"], rules.as_slice()].concat()).exits(0);
    assert_eq!(discarded.json()["filtered"], some["filtered"]);
    assert!(discarded.stderr.contains("\n  left out ") && discarded.stderr.contains("excluded "), "{}", discarded.stderr);
    let told = reenact(["inspect", scratch.path("some").to_str().expect("the path is text")]).exits(0);
    assert!(told.stdout.contains("exchanges left out, as a rule excludes"), "{}", told.stdout);

    let sampled = scratch.raw("sampled", &["--sample", "0.3", "--session", "cookie:sid"]);
    let share = sampled["exchanges"].as_u64().expect("a number");
    assert!((total / 6..total / 2).contains(&share) && share + filtered(&sampled, "not_sampled") == total, "{share} of {total}");
    let again = scratch.raw("again", &["--sample", "0.3", "--session", "cookie:sid", "--threads", "2"]);
    assert_eq!(again["endpoints"], sampled["endpoints"]);
}

/// The recordings of a series, the oldest first.
fn series(folder: &Path) -> Vec<PathBuf> {
    let mut recordings: Vec<_> = folder.read_dir().expect("the folder is there").map(|entry| entry.expect("it can be read").path()).collect();
    recordings.sort();
    recordings
}

#[test]
fn a_capture_ends_and_rotates_by_the_time_of_packets() {
    let scratch = Scratch::new();
    let key = scratch.path("key");
    let key = key.to_str().expect("the path is text");
    reenact(["key", "new", key]).exits(0);
    let whole = scratch.raw("whole", &[]);
    let (total, from, to) = (whole["exchanges"].as_u64().expect("a number"), &whole["from"], &whole["to"]);
    assert!(total > 2000, "{from} to {to}");
    let some = scratch.raw("some", &["--duration", "10s"]);
    assert!(some["exchanges"].as_u64() < Some(total / 2) && some["exchanges"].as_u64() > Some(100), "{}", some["exchanges"]);
    let seconds = |threads: &str| scratch.raw(&format!("duration-{threads}"), &["--duration", "1s500ms", "--threads", threads])["exchanges"].clone();
    assert_eq!(seconds("1"), seconds("3"));
    let sized = scratch.raw("sized", &["--max-size", "500k", "--part-size", "100k"]);
    assert!(sized["exchanges"].as_u64() < Some(total) && sized["exchanges"].as_u64() > Some(50), "{}", sized["exchanges"]);

    // Recordings that follow one another hold what one would, and under one key.
    let rotated = |name: &str, arguments: &[&str]| {
        let output = scratch.path(name);
        let arguments = [&["-o", output.to_str().expect("the path is text"), "--key-file", key], arguments].concat();
        (scratch.capture(&arguments).exits(0), series(&output))
    };
    let (told, recordings) = rotated("every", &["--rotate-every", "5s"]);
    let names: Vec<_> = recordings.iter().map(|path| path.file_name().expect("a name").to_string_lossy().into_owned()).collect();
    assert!(names.len() > 3 && names[0].starts_with("000001-20") && names[1].starts_with("000002-20"), "{names:?}");
    let summaries = told.json()["recordings"].as_array().expect("a list").clone();
    assert_eq!(summaries.len(), names.len());
    assert_eq!(summaries.iter().filter_map(|summary| summary["exchanges"].as_u64()).sum::<u64>(), total);
    let bytes = |key: &str| summaries.iter().filter_map(|summary| summary[key].as_u64()).sum::<u64>();
    assert_eq!((Some(bytes("stream_bytes")), Some(bytes("recorded_bytes"))), (whole["stream_bytes"].as_u64(), whole["recorded_bytes"].as_u64()));
    for recording in &recordings {
        let checked = reenact(["check", recording.to_str().expect("the path is text"), "--json"]).exits(0).json();
        assert_eq!((&checked["state"], &checked["problems"]), (&"checked".into(), &serde_json::json!([])), "{checked}");
    }
    // The same bytes at any number of threads.
    let (_, alone) = rotated("alone", &["--rotate-every", "5s", "--threads", "1"]);
    let (_, beside) = rotated("beside", &["--rotate-every", "5s", "--threads", "3"]);
    assert_eq!(alone.iter().map(|path| files(path)).collect::<Vec<_>>(), beside.iter().map(|path| files(path)).collect::<Vec<_>>());

    // A series goes on where an earlier one ended; the last ones stay.
    let (_, again) = rotated("every", &["--rotate-size", "200k", "--keep", "2"]);
    let last = again[again.len() - 1].file_name().expect("a name").to_string_lossy().into_owned();
    assert!(again.len() == 2 && last.starts_with("0000") && last[..6].parse::<usize>().expect("a number") > names.len() + 2, "{again:?}");
    let (_, young) = rotated("young", &["--rotate-every", "2s", "--keep-for", "6s"]);
    assert!((2..7).contains(&young.len()), "{young:?}");
    // What is no recording of this series stays, and nothing is begun beside it.
    let copied = |to: &Path| {
        fs::create_dir_all(to).expect("the folder is ours");
        files(&scratch.path("whole")).iter().for_each(|(name, bytes)| fs::write(to.join(name), bytes).expect("the folder is ours"));
    };
    let of_another_key = series(&scratch.path("young")).pop().expect("some are left").file_name().expect("a name").to_owned();
    let other_key = scratch.path("other-key");
    let other_key = other_key.to_str().expect("the path is text");
    reenact(["key", "new", other_key]).exits(0);
    for (name, key, stranger) in [
        ("photos", key, Path::new("202611/manifest.json")),
        ("copied", key, Path::new("000500-20261120T120300Z/manifest.json")),
        ("young", other_key, Path::new(&of_another_key)),
    ] {
        let folder = scratch.path(name);
        match name {
            "photos" => fs::create_dir_all(folder.join("202611/photos")).and_then(|()| fs::write(folder.join(stranger), "{}")).expect("the folder is ours"),
            "copied" => copied(folder.join(stranger).parent().expect("it is in a folder")),
            _ => {}
        }
        let before = series(&folder);
        let output = folder.to_str().expect("the path is text");
        let ran = scratch.capture(&["-o", output, "--key-file", key, "--rotate-every", "1s", "--keep", "1"]).exits(2);
        assert!(ran.stderr.contains("is not a recording of this series") && ran.stderr.contains("hint: with a rotation"), "{name}: {}", ran.stderr);
        assert!(folder.join(stranger).exists() && series(&folder) == before, "{name}");
    }
    // What is no series is left alone.
    let ran = scratch.capture(&["-o", scratch.path("whole").to_str().expect("the path is text"), "--danger-raw", "--rotate-every", "5s"]).exits(2);
    assert!(ran.stderr.contains("is not empty"), "{}", ran.stderr);
    fs::write(scratch.path("policy.yaml"), "version: 1\nextends: hipaa-safe-harbor\n").expect("the folder is ours");
    let policy = scratch.path("policy.yaml");
    let ran = scratch.capture(&["-o", "never", "--policy", policy.to_str().expect("the path is text"), "--rotate-every", "5s"]).exits(2);
    assert!(ran.stderr.contains("--rotate-every"), "{}", ran.stderr);
}

#[test]
fn old_parts_go_and_the_account_says_so() {
    let scratch = Scratch::new();
    let whole = scratch.raw("whole", &[]);
    for (name, arguments) in [("keep", &["--keep", "3", "--part-size", "100k"][..]), ("keep-for", &["--keep-for", "5s", "--part-age", "2s"])] {
        let kept = scratch.raw(name, arguments);
        let retired = &kept["retired"];
        let parts = kept["parts"].as_array().expect("a list").len() as u64;
        assert!(retired["parts"].as_u64() > Some(1) && (1..8).contains(&parts), "{name}: {retired}, {parts} parts");
        assert!(name != "keep" || parts == 3, "{parts}");
        assert_eq!(retired["exchanges"].as_u64().map(|gone| gone + kept["exchanges"].as_u64().expect("a number")), whole["exchanges"].as_u64());
        assert_eq!((&kept["stream_bytes"], &kept["recorded_bytes"]), (&whole["stream_bytes"], &whole["recorded_bytes"]));
        let path = scratch.path(name);
        assert_eq!(files(&path).keys().filter(|name| name.ends_with(".parquet")).count() as u64, parts);
        let path = path.to_str().expect("the path is text");
        assert_eq!(reenact(["check", path, "--json"]).exits(0).json()["problems"], serde_json::json!([]));
        assert!(reenact(["inspect", path]).exits(0).stdout.contains("retired"));
        // Without the manifest the parts say the same.
        fs::remove_file(scratch.path(name).join("manifest.json")).expect("it is there");
        let rebuilt = reenact(["inspect", path, "--json"]).exits(0).json();
        for key in ["exchanges", "retired", "missing", "stream_bytes", "requests", "finished"] {
            assert_eq!(rebuilt[key], kept[key], "{name}, {key}");
        }
    }
}

/// The capture with every time from the middle on an hour earlier.
fn set_back(packets: &[u8]) -> Vec<u8> {
    let (header, mut rest) = packets.split_at(24);
    let mut file = header.to_vec();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[8..12].try_into().expect("four bytes")) as usize;
        let (record, after) = rest.split_at(16 + length);
        let seconds = u32::from_le_bytes(record[..4].try_into().expect("four bytes"));
        let seconds = if file.len() > packets.len() / 2 { seconds - 3600 } else { seconds };
        file.extend(seconds.to_le_bytes());
        file.extend(&record[4..]);
        rest = after;
    }
    file
}

#[test]
fn a_clock_that_is_set_back_does_no_harm() {
    let mut scratch = Scratch::new();
    let whole = scratch.raw("whole", &["--part-age", "3s"]);
    let packets = scratch.path("set-back.pcap");
    fs::write(&packets, set_back(&fs::read(&scratch.packets).expect("the capture is committed"))).expect("the folder is ours");
    scratch.packets = packets.to_str().expect("the path is text").to_owned();
    let back = scratch.raw("back", &["--part-age", "3s"]);
    for key in ["exchanges", "complete", "lost", "connections"] {
        assert_eq!(back[key], whole[key], "{key}");
    }
    let parts = |summary: &Value| summary["parts"].as_array().map_or(0, Vec::len);
    assert!(parts(&back) + 1 >= parts(&whole) && parts(&whole) > 4, "parts are still cut: {} and {}", parts(&back), parts(&whole));
    assert_eq!(reenact(["check", scratch.path("back").to_str().expect("the path is text"), "--json"]).exits(0).json()["problems"], serde_json::json!([]));
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
        (&["--duration", "10"], ["10", "1h30m"]),
        (&["--keep", "0"], ["0", "--keep"]),
        (&["--rotate-every", "10ms"], ["10ms", "1 s"]),
        (&["--max-size", "1k"], ["1k", "4KiB"]),
        (&["--include", "api.*"], ["`api.*`", "host="]),
        (&["--exclude", "path="], ["`path=`", "="]),
        (&["--opt-out-header", "no such"], ["`no such`", "header"]),
        (&["--sample", "10"], ["10", "0.1"]),
        (&["--sample", "0.1", "--session", "user"], ["user", "session"]),
        (&["--session", "client"], ["--session", "--sample"]),
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
