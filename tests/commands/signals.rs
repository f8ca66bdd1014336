//! Told to stop, and left by their reader: captures and replays end cleanly and keep what was done.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::program::{Ran, command, reenact, repository, waited};
use crate::service::Service;

pub(crate) fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill runs").success());
}

pub(crate) fn ended(child: Child) -> Ran {
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

#[test]
fn a_replay_stops_and_keeps_what_was_done() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("the path is text").to_owned();
    let (recording, run) = (path("rec"), path("run"));
    reenact(["capture", "-r", &repository("examples/captures/orders.pcap"), "-o", &recording]).exits(0);
    let service = Service::start(&format!("sqlite:{}", path("orders.db")));
    let child = command()
        .args(["replay", &recording, "--target", &service.url, "-o", &run, "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    for _ in 0..200 {
        if Path::new(&run).join("run.json").exists() {
            break;
        }
        waited(50);
    }
    waited(3000);
    signal(&child, "-INT");
    let report = ended(child).exits(3).json();
    assert_eq!(report["reason"], "stopped", "{report}");
    let (answered, outcomes) = (report["answered"].as_u64(), report["outcomes"].as_u64());
    assert!(answered > Some(0) && answered < outcomes, "{report}");
    let header: Value = serde_json::from_slice(&fs::read(Path::new(&run).join("run.json")).expect("it is written")).expect("it is JSON");
    assert!(header.to_string().contains("stopped"), "the run says so itself: {header}");
}

#[test]
fn a_hook_is_waited_for_and_ended_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("the path is text").to_owned();
    let recording = path("rec");
    reenact(["capture", "-r", &repository("examples/captures/orders.pcap"), "-c", "500", "-o", &recording]).exits(0);
    let service = Service::start(&format!("sqlite:{}", path("orders.db")));
    // The sleep is told from others by its length: the shell that waits for it is not what is looked for.
    for (name, seconds, limit, code, why) in [("stopped", "44401", "10m", 3, "stopped"), ("timed-out", "44402", "500ms", 1, "timed out after 0.5s")] {
        let (hook, run) = (format!("sleep {seconds}; echo done"), path(name));
        let child = command()
            .args(["replay", &recording, "--target", &service.url, "-o", &run, "--speed", "100", "--at", "0%", "--exec", &hook, "--hook-timeout", limit])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        if code == 3 {
            while sleeping(seconds) == 0 {
                waited(50);
            }
            waited(5000);
            signal(&child, "-INT");
        }
        let ran = ended(child).exits(code);
        assert!(ran.stderr.contains("hook 1: ") && ran.stderr.contains(why), "{}", ran.stderr);
        assert!(code == 1 || ran.stderr.contains("waiting for hook 1\n"), "{}", ran.stderr);
        assert_eq!(sleeping(seconds), 0, "nothing of the hook goes on");
        let header = fs::read_to_string(Path::new(&run).join("run.json")).expect("it is written");
        assert!(header.contains(why), "the timeline says so: {header}");
    }
}

#[test]
fn a_failed_hook_is_told_with_its_code() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("the path is text").to_owned();
    let recording = path("rec");
    reenact(["capture", "-r", &repository("examples/captures/orders.pcap"), "-c", "500", "-o", &recording]).exits(0);
    let service = Service::start(&format!("sqlite:{}", path("orders.db")));
    let hook = "echo 'no such table' >&2; exit 7";
    let ran = reenact(["replay", &recording, "--target", &service.url, "-o", &path("run"), "--speed", "100", "--at", "50%", "--exec", hook]).exits(1);
    assert!(ran.stderr.contains("no such table\n"), "what it says is seen: {}", ran.stderr);
    assert!(ran.stderr.contains("hook 1: exit code 7"), "{}", ran.stderr);
}

/// How many processes sleep so long.
fn sleeping(seconds: &str) -> usize {
    let command = format!("sleep\0{seconds}\0");
    let processes = fs::read_dir("/proc").expect("this is Linux").flatten();
    processes.filter(|process| fs::read(process.path().join("cmdline")).is_ok_and(|line| line == command.as_bytes())).count()
}

#[test]
fn a_capture_that_is_told_to_stop_is_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recording = folder.path().join("rec").to_str().expect("the path is text").to_owned();
    let packets = fs::read(repository("examples/captures/orders.pcap")).expect("the capture is committed");
    for name in ["-INT", "-TERM"] {
        let output = format!("{recording}{name}");
        let mut child = command()
            .args(["capture", "-r", "-", "-o", &output])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(&packets[..packets.len() / 2]).expect("it reads");
        stdin.flush().expect("it reads");
        waited(500);
        signal(&child, name);
        ended(child).exits(0);
        let inspected = reenact(["inspect", &output, "--json"]).exits(0).json();
        assert!(inspected["exchanges"].as_u64() > Some(500), "{inspected}");
        assert_eq!(inspected["state"], "checked", "{inspected}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = command().args(["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let mut first = String::new();
    BufReader::with_capacity(1, child.stdout.take().expect("piped")).read_line(&mut first).expect("it speaks text");
    let ran = ended(child).exits(0);
    assert_eq!(ran.stderr, "");
}
