//! Bad input: one clear error with the file, the place and a hint, the right exit code, no panic, and what was complete stays readable.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::program::{Ran, command, ran, reenact, repository};
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The capture that the cases are cut from.
fn packets() -> Vec<u8> {
    fs::read(repository("examples/captures/orders.pcap")).expect("the capture is committed")
}

/// Runs it, and holds that it ends with `code` and one error that names each of `named`, with a hint.
#[track_caller]
fn refused(arguments: &[&str], code: i32, named: &[&str]) -> Ran {
    let ran = reenact(arguments).exits(code);
    explained(&ran.stderr, named);
    ran
}

#[track_caller]
fn explained(stderr: &str, named: &[&str]) {
    let lines = |start: &str| stderr.lines().filter(|line| line.starts_with(start)).collect::<Vec<_>>();
    let errors = lines("error: ");
    assert_eq!(errors.len(), 1, "one error:\n{stderr}");
    assert_eq!(lines("hint: ").len(), 1, "one hint:\n{stderr}");
    for name in named {
        assert!(errors[0].contains(name), "the error names {name}:\n{stderr}");
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
}

/// A folder, and paths in it.
struct Scratch(TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("the path is text").to_owned()
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.path(name);
        fs::write(&path, content).expect("the folder is ours");
        path
    }

    /// A small recording.
    fn recording(&self, name: &str) -> String {
        let (key, recording) = (self.path(&format!("{name}.key")), self.path(name));
        reenact(["key", "new", &key]).exits(0);
        reenact(["capture", "-r", &repository("examples/captures/orders.pcap"), "-c", "3000", "-o", &recording, "--key-file", &key]).exits(0);
        recording
    }
}

#[test]
fn captures_that_are_none() {
    let scratch = Scratch::new();
    let folder = scratch.0.path().to_str().expect("text").to_owned();
    let cases: [(&str, String); 4] = [
        ("nothing", scratch.path("missing.pcap")),
        ("an empty file", scratch.file("empty.pcap", b"")),
        ("a text", scratch.file("notes.pcap", b"these are my notes on the capture of yesterday\n")),
        ("a folder", folder),
    ];
    for (index, (what, input)) in cases.iter().enumerate() {
        let output = scratch.path(&format!("out{index}"));
        let ran = refused(&["capture", "-r", input, "-o", &output], 2, &[input]);
        assert!(ran.stdout.is_empty(), "{what}: {}", ran.stdout);
        assert!(!Path::new(&output).exists(), "{what} leaves no folder behind");
    }
}

#[test]
fn a_truncated_capture_keeps_what_was_whole() {
    let scratch = Scratch::new();
    let packets = packets();
    let input = scratch.file("cut.pcap", &packets[..packets.len() / 2 + 7]);
    let recording = scratch.path("rec");
    let ran = refused(&["capture", "-r", &input, "-o", &recording, "--json"], 2, &[&input, "ends inside the record at byte"]);
    assert_eq!(ran.json()["lost"]["truncated_file"], json!(1), "{}", ran.stdout);
    reenact(["check", &recording]).exits(0);
    let inspected = reenact(["inspect", &recording, "--json"]).exits(0).json();
    assert!(inspected["exchanges"].as_u64() > Some(500), "{inspected}");
    assert_eq!(inspected["lost"]["truncated_file"], json!(1), "{inspected}");
}

#[test]
fn arguments_that_are_wrong() {
    let scratch = Scratch::new();
    let recording = scratch.recording("rec");
    let run = scratch.path("run");
    let replay = |more: &[&str]| {
        let mut arguments = vec!["replay", &recording, "-o", &run, "--target", "http://127.0.0.1:9"];
        arguments.extend(more);
        arguments.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    for (arguments, named) in [
        (replay(&["--tag", "peak"]), "peak"),
        (replay(&["--map", "api.example.com"]), "api.example.com"),
        (replay(&["--session", "browser"]), "browser"),
        (replay(&["--at", "halfway", "--exec", "true"]), "halfway"),
        (replay(&["--at", "50%"]), "--at"),
        (replay(&["--speed", "0"]), "speed"),
        (replay(&["--from", "yesterday"]), "yesterday"),
    ] {
        let ran = reenact(&arguments).exits(2);
        assert!(ran.stderr.contains("error: ") && ran.stderr.contains(named), "{arguments:?} names {named}:\n{}", ran.stderr);
        assert!(!Path::new(&run).exists(), "{arguments:?} leaves nothing behind");
    }
}

#[test]
fn recordings_that_are_not_whole() {
    let scratch = Scratch::new();
    let part = |recording: &str| -> PathBuf { Path::new(recording).join("part-000001.parquet") };

    let missing = scratch.recording("missing");
    fs::remove_file(part(&missing)).expect("the part is there");
    refused(&["inspect", &missing], 2, &["part-000001.parquet"]);

    let altered = scratch.recording("altered");
    let mut bytes = fs::read(part(&altered)).expect("the part is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(part(&altered), bytes).expect("the folder is ours");
    reenact(["check", &altered]).exits(1);
    refused(&["replay", &altered, "-o", &scratch.path("run"), "--target", "http://127.0.0.1:9"], 2, &["part-000001.parquet"]);

    let newer = scratch.recording("newer");
    let manifest = Path::new(&newer).join("manifest.json");
    let mut value: Value = serde_json::from_slice(&fs::read(&manifest).expect("the manifest is there")).expect("it is JSON");
    raise_version(&mut value);
    fs::write(&manifest, value.to_string()).expect("the folder is ours");
    refused(&["inspect", &newer], 2, &["newer", "99"]);

    refused(&["inspect", &scratch.path("nothing")], 2, &["nothing"]);
    refused(&["inspect", &scratch.file("file", b"text")], 2, &["file"]);
}

/// Sets the major version of a manifest to one that no release has.
fn raise_version(manifest: &mut Value) {
    let version = manifest.get_mut("version").expect("a manifest has a version");
    *version = match &*version {
        Value::String(text) => json!(format!("99.{}", text.split('.').nth(1).unwrap_or("0"))),
        _ => json!({ "major": 99, "minor": 0 }),
    };
}

#[test]
fn policies_and_keys_that_are_wrong() {
    let scratch = Scratch::new();
    let input = repository("examples/captures/orders.pcap");
    let capture = |option: &str, file: &str, named: &[&str]| refused(&["capture", "-r", &input, "-o", &scratch.path("out"), option, file], 2, named);
    let policy = scratch.file("policy.yaml", b"version: 1\nruels: {}\n");
    capture("--policy", &policy, &["policy.yaml", "ruels"]);
    capture("--policy", &scratch.path("no-policy.yaml"), &["no-policy.yaml"]);
    capture("--key-file", &scratch.file("short.key", b"c2hvcnQ=\n"), &["short.key"]);
    capture("--key-file", &scratch.path("no.key"), &["no.key"]);
    assert!(!Path::new(&scratch.path("out")).exists(), "nothing is written before the arguments are known to be right");
    let key = scratch.path("key");
    reenact(["key", "new", &key]).exits(0);
    refused(&["key", "new", &key], 2, &["key"]);
}

#[test]
fn an_output_that_exists() {
    let scratch = Scratch::new();
    let input = repository("examples/captures/orders.pcap");
    let full = scratch.path("full");
    fs::create_dir(&full).expect("the folder is ours");
    fs::write(Path::new(&full).join("mine"), b"keep me").expect("the folder is ours");
    refused(&["capture", "-r", &input, "-o", &full], 2, &["full"]);
    refused(&["capture", "-r", &input, "-o", &scratch.file("file", b"keep me")], 2, &["file"]);
    assert_eq!(fs::read(Path::new(&full).join("mine")).expect("still there"), b"keep me");
}

#[test]
fn a_disk_without_space() {
    let scratch = Scratch::new();
    let output = scratch.path("rec");
    // A limit on the size of files stands in for a full disk: no privilege is needed for it.
    let script = format!(
        "trap '' XFSZ; ulimit -f 100; exec '{}' capture -r '{}' -o '{output}'",
        env!("CARGO_BIN_EXE_reenact"),
        repository("examples/captures/orders.pcap")
    );
    let ran = ran(Command::new("sh").args(["-c", &script]).stdin(Stdio::null())).exits(5);
    assert!(ran.stderr.contains("error: ") && ran.stderr.contains(&output), "{}", ran.stderr);
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    // What could not be stored is in the account of what was.
    let summary = reenact(["inspect", &output, "--json"]).exits(0).json();
    let count = |name: &str| summary[name].as_u64().expect("it is a number");
    assert!(count("unstored") > 1000 && summary["finished"] == true && summary["state"] == "checked", "{summary}");
    let seen = reenact(["capture", "-r", &repository("examples/captures/orders.pcap"), "--discard", "--json"]).exits(0).json();
    assert_eq!((count("exchanges"), &summary["unstored"]), (0, &seen["exchanges"]), "{summary}");
    let page = reenact(["inspect", &output]).exits(0).stdout;
    assert!(page.contains("exchanges not stored: the disk was full") && !page.contains("nothing was lost") && !page.contains("recorded (100 %)"), "{page}");
    reenact(["check", &output]).exits(0);
}

#[test]
fn a_target_that_is_down() {
    let scratch = Scratch::new();
    let recording = scratch.recording("rec");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free").port();
    let target = format!("http://127.0.0.1:{port}");
    refused(&["replay", &recording, "--target", &target, "-o", &scratch.path("run")], 2, &[&port.to_string()]);
}

#[test]
fn a_database_that_fails() {
    let scratch = Scratch::new();
    let out = scratch.path("snap");
    for (database, named) in [
        ("postgres://app:hunter2@127.0.0.1:9/orders".to_owned(), "127.0.0.1"),
        (format!("sqlite:{}", scratch.path("no.db")), "no.db"),
        ("oracle://somewhere".to_owned(), "oracle"),
    ] {
        let ran = refused(&["snapshot", &database, "-o", &out, "--entities", &repository("examples/state/orders.yaml")], 2, &[named]);
        assert!(!ran.stderr.contains("hunter2"), "a password never reaches an error: {}", ran.stderr);
    }
}

#[test]
fn a_password_is_not_repeated_however_its_address_was_mistyped() {
    let scratch = Scratch::new();
    let out = scratch.path("out");
    for database in ["postgres//u:s3cr3tpw@h/x", "postgres:/u:s3cr3tpw@h/x", "postgres://u:s3cr3tpw?pw@h/x", "postgres://u:s3cr3tpw/x", "mysql:u:s3cr3tpw@h"] {
        for (arguments, named) in [
            (["snapshot", database, "-o", &out].as_slice(), ""),
            (&["check", database], "database"),
            (&["demo-service", "serve", "--database", database], "the demo service"),
            (&["demo-service", "migrate", "--database", database], "the demo service"),
        ] {
            let ran = refused(arguments, 2, &[named]);
            assert!(!(ran.stdout + &ran.stderr).contains("s3cr3t"), "{arguments:?}: {}", ran.stderr);
        }
    }
    refused(&["demo-service", "serve", "--database", "postgres://app:s3cr3tpw@127.0.0.1:1/x"], 2, &["PostgreSQL"]);
}

#[test]
fn a_raw_recording_is_not_replayed() {
    let scratch = Scratch::new();
    let raw = scratch.path("raw");
    reenact(["capture", "-r", &repository("examples/captures/orders.pcap"), "-c", "500", "-o", &raw, "--danger-raw"]).exits(0);
    refused(&["replay", &raw, "--target", "http://127.0.0.1:9", "-o", &scratch.path("run")], 3, &["raw"]);
}

#[test]
fn a_killed_capture_keeps_what_it_had_published() {
    let scratch = Scratch::new();
    let recording = scratch.path("rec");
    let packets = packets();
    let mut child = command()
        .args(["capture", "-r", "-", "-o", &recording])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("piped");
    // The same traffic once more, later than a part may grow old; then it waits for the rest, and is killed.
    stdin.write_all(&packets).expect("it reads");
    stdin.write_all(&later(&packets, 120)[..packets.len() / 2]).expect("it reads");
    stdin.flush().expect("it reads");
    let part = |number: u32| Path::new(&recording).join(format!("part-{number:06}.parquet"));
    for _ in 0..600 {
        if part(1).exists() {
            break;
        }
        #[expect(clippy::disallowed_methods, reason = "gives another process time to work")]
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");

    let published = (1..).map(part).take_while(|part| part.exists());
    let rows: i64 = published.map(|part| SerializedFileReader::try_from(part.as_path()).expect("a part is whole").metadata().file_metadata().num_rows()).sum();
    assert!(rows > 500, "a part was published before the end: {rows}");
    let inspected = reenact(["inspect", &recording, "--json"]).exits(0).json();
    assert_eq!(inspected["exchanges"], json!(rows), "{inspected}");
    let checked = reenact(["check", &recording, "--json"]);
    assert_eq!(checked.json()["exchanges"], json!(rows), "{}", checked.stdout);
}

/// The packets of a capture, without its header, so many seconds later.
fn later(packets: &[u8], seconds: u32) -> Vec<u8> {
    let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
    let mut packets = packets[24..].to_vec();
    let mut at = 0;
    while at < packets.len() {
        let moved = number(&packets[at..at + 4]) + seconds;
        packets[at..at + 4].copy_from_slice(&moved.to_le_bytes());
        at += 16 + number(&packets[at + 8..at + 12]) as usize;
    }
    packets
}
