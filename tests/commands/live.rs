//! Captures from the loopback interface. Where that is not permitted, they say so and pass.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::program::{Ran, command, reenact, waited};
use crate::service::Service;
use crate::signals::{ended, signal};

/// A capture that runs, of what is said to a service.
struct Capture {
    folder: tempfile::TempDir,
    service: Service,
    child: Child,
}

impl Capture {
    /// Begins one; none where it is not permitted.
    fn start(interfaces: &[&str], options: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = folder.path().join("orders.db");
        let service = Service::start(&format!("sqlite:{}", database.display()));
        let port = service.url.rsplit_once(':').expect("it has a port").1.to_owned();
        let mut child = command()
            .args(["capture", "-o"])
            .arg(folder.path().join("rec"))
            .args(interfaces.iter().flat_map(|name| ["-i", name]))
            .args(options)
            .args(["tcp", "port", &port])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        // The recording's folder is made once the interfaces are open.
        for _ in 0..600 {
            if folder.path().join("rec/manifest.json").exists() {
                return Some(Self { folder, service, child });
            }
            if child.try_wait().expect("it is our child").is_some() {
                let ran = ended(child);
                assert!(ran.code == 2 && ran.stderr.contains("no permission"), "{}", ran.stderr);
                println!("skipped: a live capture is not permitted here");
                return None;
            }
            waited(50);
        }
        panic!("the capture does not begin");
    }

    fn recording(&self) -> std::path::PathBuf {
        self.folder.path().join("rec")
    }

    /// Asks the service on a connection of its own.
    fn ask(&self) {
        let address = self.service.url.strip_prefix("http://").expect("it is a URL");
        let mut stream = TcpStream::connect(address).expect("the service listens");
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Stops it; gives what it has said and what it has recorded.
    fn stop(self) -> (Ran, Value) {
        waited(500);
        signal(&self.child, "-INT");
        let ran = ended(self.child).exits(0);
        let summary = inspected(&self.folder.path().join("rec"));
        (ran, summary)
    }
}

fn inspected(recording: &Path) -> Value {
    reenact(["inspect", recording.to_str().expect("the path is text"), "--json"]).exits(0).json()
}

#[test]
fn a_live_capture_sees_what_is_said_once() {
    for interfaces in [&["lo"][..], &["any"], &["lo", "any"]] {
        let Some(capture) = Capture::start(interfaces, &[]) else { return };
        (0..5).for_each(|_| capture.ask());
        let (_, summary) = capture.stop();
        assert_eq!((&summary["requests"], &summary["responses"], &summary["complete"]), (&5.into(), &5.into(), &5.into()), "{interfaces:?}: {summary}");
        let again = summary["retransmitted_bytes"].as_u64().expect("it is a number");
        // The kernel shows what is said on the loopback interface as it leaves and as it comes in; whoever listens at two places hears it twice.
        assert_eq!(again > 0, interfaces.len() > 1, "{interfaces:?}: {summary}");
    }
}

#[test]
fn interfaces_are_listed_and_wrong_ones_named() {
    let listed = reenact(["capture", "-D", "--json"]).exits(0).json();
    let interfaces = listed["interfaces"].as_array().expect("it is a list");
    assert!(interfaces.iter().any(|interface| interface["name"] == "lo" && interface["loopback"] == true), "{listed}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("rec");
    let output = output.to_str().expect("the path is text");
    for (arguments, named) in [
        (&["-i", "lo", "-i", "no-such-link"][..], &["no-such-link"][..]),
        (&["-i", "lo", "tcp", "prt", "80"], &["`tcp prt 80`", "pcap-filter"]),
        (&["-i", "lo", "-B", "1"], &["--buffer-size", "512"]),
        (&["-i", "lo", "-p", "--promiscuous"], &["--promiscuous"]),
    ] {
        let ran = reenact([&["capture", "-o", output], arguments].concat()).exits(2);
        assert!(named.iter().all(|name| ran.stderr.contains(name)), "{arguments:?} names {named:?}:\n{}", ran.stderr);
        assert!(!Path::new(output).exists(), "{arguments:?} leaves nothing behind");
    }
}
