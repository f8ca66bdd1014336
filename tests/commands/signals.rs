//! Told to stop, and left by their reader: captures and replays end cleanly and keep what was done.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

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
    for name in ["-INT", "-TERM"] {
        let output = folder.path().join(format!("rec{name}"));
        let (child, _stdin) = from_a_pipe(&[], &output);
        waited(500);
        signal(&child, name);
        ended(child).exits(0);
        let inspected = reenact(["inspect", output.to_str().expect("the path is text"), "--json"]).exits(0).json();
        assert!(inspected["exchanges"].as_u64() > Some(500), "{inspected}");
        assert_eq!(inspected["state"], "checked", "{inspected}");
    }
}

/// Says half of the example to a capture from a pipe.
fn from_a_pipe(arguments: &[&str], output: &Path) -> (Child, ChildStdin) {
    let packets = half();
    let mut child = command()
        .args(["capture", "-r", "-", "-o"])
        .arg(output)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(&packets).expect("it reads");
    stdin.flush().expect("it reads");
    (child, stdin)
}

fn half() -> Vec<u8> {
    let packets = fs::read(repository("examples/captures/orders.pcap")).expect("the capture is committed");
    packets[..packets.len() / 2].to_vec()
}

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).map_or_else(|_| Vec::new(), |entries| entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

#[test]
fn a_capture_that_is_told_twice_stops_at_once_and_tears_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, arguments) in [("one", &["--part-size", "64k"][..]), ("several", &["--part-size", "64k", "--rotate-size", "300k"])] {
        let output = folder.path().join(name);
        let (child, stdin) = from_a_pipe(arguments, &output);
        // It listens to signals before it begins to write.
        (0..1200).take_while(|_| names(&output).is_empty()).for_each(|_| waited(50));
        // Both come before it can do anything about the first.
        for name in ["-STOP", "-INT", "-TERM", "-CONT"] {
            signal(&child, name);
        }
        let ran = ended(child).exits(3);
        assert!(ran.stderr.contains("stopped at once"), "{}", ran.stderr);
        drop(stdin);
        let recordings: Vec<_> = if name == "one" { vec![output.clone()] } else { names(&output).iter().map(|name| output.join(name)).collect() };
        for recording in recordings {
            assert!(names(&recording).iter().all(|name| !name.ends_with(".tmp")), "{:?}", names(&recording));
            let inspected = reenact(["inspect", recording.to_str().expect("the path is text"), "--json"]).exits(0).json();
            assert!(inspected["state"] == "redacted" && inspected["finished"] == false, "{inspected}");
        }
    }
}

#[test]
fn recordings_that_follow_one_another_are_looked_through_as_they_are_closed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("recs");
    let (child, stdin) = from_a_pipe(&["--part-age", "2s", "--rotate-size", "200k"], &output);
    let states = || -> Vec<String> {
        let mut names = names(&output);
        names.sort();
        let state = |name: &String| {
            fs::read_to_string(output.join(name).join("manifest.json")).ok()?.lines().find(|line| line.contains("\"state\"")).map(ToOwned::to_owned)
        };
        names.iter().filter_map(state).collect()
    };
    let is_checked = |state: &String| state.contains("checked");
    let mut seen = Vec::new();
    for _ in 0..1200 {
        seen = states();
        // The link has fallen silent: there is none after the one that is not closed.
        if seen.len() > 2 && seen.iter().rev().skip(1).all(is_checked) {
            break;
        }
        waited(50);
    }
    assert!(seen.len() > 2 && seen.iter().rev().skip(1).all(is_checked), "{seen:?}");
    signal(&child, "-INT");
    let ran = ended(child).exits(0);
    drop(stdin);
    assert!(states().iter().all(is_checked), "{:?}\n{}", states(), ran.stderr);
}

#[test]
fn a_silent_pipe_still_publishes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (output, file) = (folder.path().join("rec"), folder.path().join("half.pcap"));
    fs::write(&file, half()).expect("the folder is ours");
    let told = reenact(["capture", "--discard", "--json", "-r", file.to_str().expect("the path is text")]).stdout;
    let told: Value = serde_json::from_str(&told).expect("it is JSON");
    let answered = told["complete"].as_u64().expect("a number");
    assert!(answered > 1000, "{told}");
    let (mut child, stdin) = from_a_pipe(&["--part-age", "3s"], &output);
    // All that was answered stands in parts before anything else is said.
    let published = || {
        let inspected = reenact(["inspect", output.to_str().expect("the path is text"), "--json"]);
        if inspected.code == 0 { inspected.json()["complete"].as_u64().unwrap_or_default() } else { 0 }
    };
    (0..600).take_while(|_| published() < answered).for_each(|_| waited(100));
    assert_eq!(published(), answered);
    assert!(child.try_wait().expect("it is our child").is_none(), "it waits for more");
    signal(&child, "-INT");
    let ran = ended(child).exits(0);
    drop(stdin);
    assert!(ran.stderr.contains("checked"), "{}", ran.stderr);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = command().args(["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let mut first = String::new();
    BufReader::with_capacity(1, child.stdout.take().expect("piped")).read_line(&mut first).expect("it speaks text");
    let ran = ended(child).exits(0);
    assert_eq!(ran.stderr, "");
}
