//! Recordings of several machines, and what a connection is to the recorded service.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::packets::Capture;
use crate::program::reenact;

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
