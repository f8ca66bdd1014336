//! What a connection is to the recorded service; recordings of recordings: a window out of a long one, one of several machines.

use std::fs;
use std::path::{Path, PathBuf};

use reenact_formats::disk::recording::{Recording, Window};
use reenact_formats::model::Exchange;
use serde_json::Value;
use tempfile::TempDir;

use crate::packets::Capture;
use crate::program::{reenact, repository};

/// A folder with a key.
struct Scratch(TempDir);

impl Scratch {
    fn new() -> Self {
        let scratch = Self(tempfile::tempdir().expect("a temporary folder"));
        reenact(["key", "new", &scratch.path("key")]).exits(0);
        scratch
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("the path is text").to_owned()
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = PathBuf::from(self.path(name));
        fs::write(&path, content).expect("the folder is ours");
        self.path(name)
    }

    /// Records a capture into a folder of that name.
    fn record(&self, name: &str, capture: Capture, options: &[&str]) -> String {
        let packets = self.file(&format!("{name}.pcap"), &capture.into_file());
        let recording = self.path(name);
        reenact(["capture", "-r", &packets, "-o", &recording, "--key-file", &self.path("key")].iter().chain(options)).exits(0);
        recording
    }
}

const SERVICE: ([u8; 4], u16) = ([192, 0, 2, 1], 8080);
const DEPENDENCY: ([u8; 4], u16) = ([192, 0, 2, 9], 80);

fn exchange(capture: &mut Capture, client: ([u8; 4], u16), server: ([u8; 4], u16), path: &str) {
    let mut connection = capture.connect_between(client, server);
    capture.say(&mut connection, true, format!("GET {path} HTTP/1.1\r\nHost: shop.example\r\n\r\n").as_bytes());
    capture.say(&mut connection, false, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    capture.close(&mut connection);
}

/// Two clients ask a service, and it asks a dependency.
fn service_with_a_dependency() -> Capture {
    let mut capture = Capture::default();
    exchange(&mut capture, ([192, 0, 2, 7], 40_000), SERVICE, "/orders");
    exchange(&mut capture, (SERVICE.0, 50_000), DEPENDENCY, "/stock");
    exchange(&mut capture, ([192, 0, 2, 8], 40_000), SERVICE, "/carts");
    capture
}

fn dry_run(recording: &str) -> Value {
    reenact(["replay", recording, "--target", "http://127.0.0.1:9", "--dry-run", "--json"]).exits(0).json()["requests"].clone()
}

#[test]
fn what_a_service_asks_is_outbound_and_not_replayed() {
    let scratch = Scratch::new();
    for (number, (options, roles)) in [
        (&[][..], ["inbound", "outbound", "inbound"]),
        (&["--service", "192.0.2.1:8080"], ["inbound", "outbound", "inbound"]),
        (&["--service", ":80"], ["outbound", "inbound", "outbound"]),
        (&["--service", "192.0.2.1", "--service", "192.0.2.9:80"], ["inbound"; 3]),
    ]
    .into_iter()
    .enumerate()
    {
        let recording = scratch.record(&format!("rec{number}"), service_with_a_dependency(), options);
        let shown = ["1.1", "11.1", "21.1"].map(|id| reenact(["inspect", &recording, "--exchange", id, "--json"]).exits(0).json()["role"].clone());
        assert_eq!(shown, roles, "{options:?}");
        let sent = dry_run(&recording).as_array().expect("a list").len();
        assert_eq!(sent, roles.iter().filter(|role| **role == "inbound").count(), "{options:?}");
    }
    let elsewhere = scratch.record("elsewhere", service_with_a_dependency(), &["--service", ":1"]);
    let refused = reenact(["replay", &elsewhere, "--target", "http://127.0.0.1:9", "--dry-run"]).exits(2);
    assert!(
        refused.stderr.contains("3 that it sent to others") && refused.stderr.contains("hint: ") && refused.stderr.contains("--service"),
        "{}",
        refused.stderr
    );
    let packets = scratch.path("rec0.pcap");
    let wrong = reenact(["capture", "-r", &packets, "--discard", "--service", "192.0.2.1:http"]).exits(2);
    assert!(wrong.stderr.contains("192.0.2.1:http") && wrong.stderr.contains("hint: "), "{}", wrong.stderr);
}

/// The exchanges of a recording, each with when it started.
fn rows(recording: &str) -> Vec<Exchange> {
    let recording = Recording::open(Path::new(recording)).expect("a recording");
    recording.exchanges(&Window::ALL).expect("it can be read").map(|exchange| exchange.expect("it can be read")).collect()
}

fn json(arguments: &[&str]) -> Value {
    reenact(arguments).exits(0).json()
}

/// Fails unless it is refused with all of these words.
fn refused(arguments: &[&str], words: &[&str]) {
    let refused = reenact(arguments).exits(2);
    for word in words.iter().chain(&["hint: "]) {
        assert!(refused.stderr.contains(word), "{arguments:?}: {word}: {}", refused.stderr);
    }
}

#[test]
fn a_window_is_cut_out_of_an_archive() {
    let scratch = Scratch::new();
    let archive = scratch.path("archive");
    reenact(["capture", "-r", &repository("examples/captures/orders.pcap"), "-o", &archive, "--key-file", &scratch.path("key"), "--part-size", "256k"])
        .exits(0);
    let all = rows(&archive);
    let (from, to) = (all[1000].start, all[1100].start);
    let window = ["--from", &from.to_string(), "--to", &to.to_string()];

    let cut = scratch.path("cut");
    let said = json(&[&["cut", &archive, "-o", &cut, "--json"][..], &window].concat());
    let expected: Vec<_> = all.iter().filter(|exchange| from <= exchange.start && exchange.start < to).cloned().collect();
    assert_eq!(rows(&cut), expected);
    assert_eq!((&said["exchanges"], &said["state"]), (&expected.len().into(), &"checked".into()), "{said}");
    assert_eq!(said["of"]["exchanges"], all.len(), "{said}");
    let share = said["read"]["bytes"].as_f64().expect("a number") / said["of"]["bytes"].as_f64().expect("a number");
    assert!(share < 0.5 && said["read"]["parts"].as_u64() < said["of"]["parts"].as_u64(), "{said}");
    assert_eq!(json(&["check", &cut, "--json"])["passed"], true);
    let inspected = json(&["inspect", &cut, "--json"]);
    assert_eq!(inspected["cut"], all.len() - expected.len(), "{inspected}");
    assert_eq!(inspected["key_id"], json(&["inspect", &archive, "--json"])["key_id"]);

    // What is cut is cut again, and redacted anew, and its account still adds up.
    let again = scratch.path("again");
    let condition = "method = 'POST' and path like '/orders%' and status between 200 and 299";
    reenact(["cut", &cut, "-o", &again, "--where", condition, "--verify"]).exits(0);
    let wanted = |exchange: &&Exchange| {
        exchange.method() == Some("POST")
            && exchange.target().is_some_and(|target| target.starts_with(b"/orders"))
            && exchange.status().is_some_and(|status| (200..300).contains(&status))
    };
    let found = rows(&again);
    assert_eq!(found, expected.iter().filter(wanted).cloned().collect::<Vec<_>>());
    assert!(!found.is_empty() && found.len() < expected.len());
    let clean = scratch.path("clean");
    reenact(["sanitize", &again, "-o", &clean, "--key-file", &scratch.path("key")]).exits(0);
    assert_eq!(json(&["check", &clean, "--json"])["passed"], true);

    // Without a manifest the parts tell, and nothing vouches for a check.
    fs::remove_file(Path::new(&archive).join("manifest.json")).expect("it is there");
    let said = json(&[&["cut", &archive, "-o", &scratch.path("rebuilt"), "--json"][..], &window].concat());
    assert_eq!((&said["exchanges"], &said["state"]), (&expected.len().into(), &"redacted".into()), "{said}");
}

#[test]
fn what_cannot_be_cut_is_said() {
    let scratch = Scratch::new();
    let recording = scratch.record("rec", service_with_a_dependency(), &[]);
    let output = scratch.path("cut");
    let within = format!("{recording}/../rec/./deep/cut");
    for (arguments, words) in [
        (&["--from", "2001-01-01T00:00:00Z", "--to", "2001-01-01T01:00:00Z"][..], &["nothing in that time", "2023-11-14"][..]),
        (&["--from", "2023-01-01T00:00:01Z", "--to", "2023-01-01T00:00:01Z"], &["no time lies between"]),
        (&["--from", "noon"], &["noon"]),
        (&["--where", "methd = 'GET'"], &["character 1", "`method`?"]),
        (&["--where", "status = 'x'"], &["character 10", "a number"]),
    ] {
        refused(&[&["cut", &recording, "-o", &output], arguments].concat(), words);
        assert!(!Path::new(&output).exists(), "{arguments:?}");
    }
    refused(&["cut", &recording, "-o", &within], &["lies within"]);
    refused(&["cut", &recording, "-o", &recording], &["lies within"]);
    refused(&["cut", &scratch.path("nothing"), "-o", &output], &["nothing"]);
    let empty = reenact(["cut", &recording, "-o", &scratch.path("empty"), "--where", "status = 599"]).exits(0);
    assert!(empty.stderr.contains("0 of 3 exchanges") && empty.stderr.contains("warning: "), "{}", empty.stderr);

    let part = Path::new(&recording).join("part-000001.parquet");
    let whole = fs::read(&part).expect("it is there");
    let mut altered = whole.clone();
    altered[whole.len() / 3] ^= 1;
    fs::write(&part, &altered).expect("the folder is ours");
    refused(&["cut", &recording, "-o", &output, "--verify"], &["part-000001.parquet was altered"]);
    fs::write(&part, &whole[..whole.len() - 9]).expect("the folder is ours");
    refused(&["cut", &recording, "-o", &scratch.path("other")], &["part-000001.parquet is damaged"]);
    fs::remove_file(&part).expect("it is there");
    refused(&["cut", &recording, "-o", &scratch.path("other")], &["part-000001.parquet is missing"]);
}
