//! What a connection is to the recorded service; recordings of recordings: a window out of a long one, one of several machines.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use reenact::explain::exchange_of;
use reenact_formats::disk::recording::{KeyScope, Recording, RecordingWriter, Sanitized, Window, WriterOptions, mark_checked};
use reenact_formats::model::{Exchange, LossLedger};
use reenact_sanitize::{Key, Policy};
use serde_json::Value;

use crate::packets::Capture;
use crate::program::{reenact, repository};
use crate::scratch::Scratch;

impl Scratch {
    /// Records a capture into a folder of that name.
    fn record(&self, name: &str, capture: Capture, options: &[&str]) -> String {
        let packets = self.file(&format!("{name}.pcap"), capture.into_file());
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

    // What is made of one whose oldest parts went adds up as well.
    let [kept, short, sanitized] = ["kept", "short", "sanitized"].map(|name| scratch.path(name));
    let packets = repository("examples/captures/orders.pcap");
    reenact(["capture", "-r", &packets, "-o", &kept, "--key-file", &scratch.path("key"), "--part-size", "256k", "--keep", "3"]).exits(0);
    reenact(["cut", &kept, "-o", &short, "--where", "status = 200"]).exits(0);
    reenact(["sanitize", &kept, "-o", &sanitized, "--key-file", &scratch.path("key")]).exits(0);
    for recording in [&kept, &short, &sanitized] {
        let checked = json(&["check", recording, "--json"]);
        assert_eq!(checked["passed"], true, "{checked}");
    }

    // Without a manifest the parts tell, and nothing vouches for a check.
    fs::remove_file(Path::new(&archive).join("manifest.json")).expect("it is there");
    let said = json(&[&["cut", &archive, "-o", &scratch.path("rebuilt"), "--json"][..], &window].concat());
    assert_eq!((&said["exchanges"], &said["state"]), (&expected.len().into(), &"redacted".into()), "{said}");

    // Nor does anyone tell what was in a part that is not there.
    fs::remove_file(Path::new(&archive).join("part-000002.parquet")).expect("it is there");
    let rebuilt = scratch.path("rebuilt");
    for arguments in [vec!["cut", &archive], vec!["merge", &archive, &rebuilt]] {
        let output = scratch.path(&format!("without-{}", arguments[0]));
        let told = reenact([&arguments[..], &["-o", &output]].concat()).exits(0);
        assert!(told.stderr.contains("1 of its parts is missing"), "{}", told.stderr);
    }
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

#[test]
fn a_damaged_part_leaves_no_half_of_a_recording() {
    let scratch = Scratch::new();
    let many = scratch.path("many");
    let capture = repository("examples/captures/orders.pcap");
    reenact(["capture", "-r", &capture, "-c", "3000", "--part-size", "100k", "--key-file", &scratch.path("key"), "-o", &many]).exits(0);
    let names: Vec<_> = (1..).map(|n| format!("part-{n:06}.parquet")).take_while(|name| Path::new(&many).join(name).exists()).collect();
    assert!(names.len() > 3, "{names:?}");
    let last = Path::new(&many).join(&names[names.len() - 2]);
    let mut altered = fs::read(&last).expect("it is there");
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    fs::write(&last, &altered).expect("the folder is ours");
    let [output, there, copy] = ["out", "there", "copy"].map(|name| scratch.path(name));
    [&there, &copy].into_iter().for_each(|folder| fs::create_dir(folder).expect("the folder is ours"));
    for entry in fs::read_dir(&many).expect("it is there").flatten() {
        fs::copy(entry.path(), Path::new(&copy).join(entry.file_name())).expect("the folder is ours");
    }
    for output in [&output, &there] {
        let (one, other) = (format!("one={many}"), format!("other={copy}"));
        for command in [&["cut", &many, "--verify", "-o", output][..], &["merge", &one, &other, "-o", output]] {
            refused(command, &[&names[names.len() - 2], "altered"]);
            assert_eq!(fs::read_dir(output).map_or(0, Iterator::count), 0, "{command:?}");
        }
    }
    assert!(!Path::new(&output).exists() && Path::new(&there).exists(), "only what it made goes");
}

/// What one machine saw of clients that ask the service, by their ports, with a clock that is so many milliseconds ahead.
fn seen(ports: impl Iterator<Item = u16>, ahead: u64) -> Capture {
    let mut capture = Capture::default();
    capture.pass(ahead);
    let mut last = 40_000;
    for port in ports {
        // Where this one saw nothing, time passed all the same.
        capture.pass(u64::from(port - last) * 1000);
        last = port;
        exchange(&mut capture, ([192, 0, 2, 7], port), SERVICE, &format!("/orders?page={port}"));
    }
    capture
}

#[test]
fn recordings_of_several_machines_become_one() {
    let scratch = Scratch::new();
    // The first saw twenty, the second the last eight of them and twelve more, by a clock that is a second and a half ahead.
    let [one, two] = [scratch.record("web1", seen(40_001..40_021, 0), &[]), scratch.record("web2", seen(40_013..40_033, 1500), &["--expires", "30d"])];
    let all = scratch.path("all");
    let named = [format!("web1={one}"), format!("web2={two}")];
    let said = json(&["merge", &named[0], &named[1], "-o", &all, "--json"]);
    assert_eq!((&said["exchanges"], &said["joined"], &said["state"]), (&32.into(), &8.into(), &"checked".into()), "{said}");
    assert_eq!((&said["nodes"][1]["name"], &said["nodes"][1]["clock"], &said["nodes"][1]["estimated_from"]), (&"web2".into(), &"estimated".into(), &8.into()));
    // The twelve that the second did not see took the first ten milliseconds each.
    assert_eq!(said["nodes"][1]["offset_ms"], 1380.0, "{said}");
    let merged = rows(&all);
    let nodes: Vec<&str> = merged.iter().map(|exchange| exchange.node.as_deref().expect("a node")).collect();
    assert_eq!(nodes, [["web1"; 20].as_slice(), &["web2"; 12]].concat());
    let ids: BTreeSet<_> = merged.iter().map(|exchange| exchange.id).collect();
    assert_eq!(ids.len(), 32);
    // Rows are in the time of the first machine, and otherwise what they were.
    for (row, before) in merged.iter().zip(rows(&one).iter().chain(&rows(&two)[8..])) {
        let apart = row.start.since(before.start).max(before.start.since(row.start));
        assert!(apart.as_millis() < if row.node.as_deref() == Some("web1") { 1 } else { 1600 }, "{apart:?}");
        assert_eq!((&row.request, &row.response, row.client, &row.redactions), (&before.request, &before.response, before.client, &before.redactions));
    }
    assert!(merged.is_sorted_by_key(|exchange| exchange.start));
    assert_eq!(json(&["check", &all, "--json"])["passed"], true);
    let [inspected, of_one, of_two] = [&all, &one, &two].map(|recording| json(&["inspect", recording, "--json"]));
    let packets = |inspected: &Value| inspected["packets"]["seen"].as_u64().expect("a number");
    assert_eq!((packets(&inspected), &inspected["joined"]), (packets(&of_one) + packets(&of_two), &8.into()), "the accounts are added");
    assert_eq!((&inspected["expires"], &inspected["key_id"]), (&of_two["expires"], &of_one["key_id"]), "the first to expire counts");
    assert_eq!(dry_run(&all).as_array().expect("a list").len(), 32);

    // Any number of threads writes the same; what is said of clocks holds, and then nothing was seen twice.
    let digests = |threads: &str| {
        let output = scratch.path(&format!("threads{threads}"));
        reenact(["merge", &one, &two, "-o", &output, "--threads", threads]).exits(0);
        fs::read(Path::new(&output).join("part-000001.parquet")).expect("it was written")
    };
    assert!(digests("1") == digests("3"));
    let apart = json(&["merge", &format!("a={one}"), &format!("b={two}"), "-o", &scratch.path("apart"), "--offset", "b=-2s", "--json"]);
    assert_eq!((&apart["exchanges"], &apart["joined"], &apart["nodes"][1]["offset_ms"]), (&40.into(), &0.into(), &(-2000.0).into()), "{apart}");

    // What was made of two is cut, redacted anew, and merged again.
    let [cut, clean, again] = ["cut", "clean", "again"].map(|name| scratch.path(name));
    reenact(["cut", &all, "-o", &cut, "--where", "node = 'web2'"]).exits(0);
    assert_eq!(rows(&cut).len(), 12);
    reenact(["sanitize", &all, "-o", &clean, "--key-file", &scratch.path("key")]).exits(0);
    let three = scratch.record("web3", seen(40_030..40_035, 0), &[]);
    assert_eq!(json(&["merge", &clean, &format!("web3={three}"), "-o", &again, "--json"])["joined"], 3);
    for recording in [&cut, &clean, &again] {
        assert_eq!(json(&["check", recording, "--json"])["passed"], true, "{recording}");
    }
    let nodes: BTreeSet<_> = rows(&again).iter().map(|exchange| exchange.node.clone().expect("a node").to_string()).collect();
    assert_eq!(nodes.into_iter().collect::<Vec<_>>(), ["web1", "web2", "web3"]);
}

#[test]
fn what_folders_are_called_stays_out_of_what_is_merged() {
    let scratch = Scratch::new();
    let folders = ["ada@planted.example", "web"].map(|name| scratch.record(name, seen(40_001..40_003, 0), &[]));
    fs::rename(&folders[0], scratch.path("bea@planted.example")).expect("the folder is ours");
    let all = scratch.path("all");
    let said = json(&["merge", &scratch.path("bea@planted.example"), &folders[1], "-o", &all, "--offset", "node2=1h", "--json"]);
    assert_eq!([&said["nodes"][0]["name"], &said["nodes"][1]["name"]], ["node1", "node2"], "{said}");
    let nodes: BTreeSet<_> = rows(&all).iter().map(|exchange| exchange.node.clone().expect("a node").to_string()).collect();
    assert_eq!(nodes.into_iter().collect::<Vec<_>>(), ["node1", "node2"]);
    let source = json(&["inspect", &all, "--json"])["source"].as_str().expect("a text").to_owned();
    assert!(source.contains("node1: file") && !source.contains("bea@"), "{source}");
}

#[test]
fn what_is_cut_out_of_a_checked_recording_is_checked_anew() {
    let scratch = Scratch::new();
    let policy = scratch.file("policy.yaml", b"version: 1\nextends: pci\n");
    let recording = scratch.record("rec", service_with_a_dependency(), &["--policy", &policy]);
    let cut = |name: &str, options: &[&str]| json(&[&["cut", &recording, "-o", &scratch.path(name), "--json"], options].concat())["state"].clone();
    let unvouched = reenact(["cut", &recording, "-o", &scratch.path("a"), "--json"]).exits(0);
    assert_eq!(unvouched.json()["state"], "redacted");
    assert!(unvouched.stderr.contains("--verify") && unvouched.stderr.contains("--policy"), "{}", unvouched.stderr);
    assert_eq!([cut("b", &["--verify"]), cut("c", &["--policy", &policy])], ["checked", "checked"]);

    // One that says of itself that it is checked, and is not.
    let rules = Policy::default();
    let sanitized =
        Sanitized { key_id: Key::generate().expect("a key").id(), key_scope: KeyScope::Shared, policy_digest: rules.digest(), severities: rules.severities() };
    let altered = scratch.path("altered");
    let options = WriterOptions { sanitized: Some(sanitized), ..WriterOptions::default() };
    let mut writer = RecordingWriter::create(Path::new(&altered), options).expect("the folder is ours");
    let text = b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\r\n{\"email\":\"ada@planted.example\"}\n";
    writer.write(&exchange_of(text).expect("a request")).expect("it is written");
    writer.finish(&LossLedger::default()).expect("it is written");
    mark_checked(Path::new(&altered)).expect("it is there");
    let cut = reenact(["cut", &altered, "-o", &scratch.path("left"), "--json"]).exits(1);
    assert_eq!((&cut.json()["state"], &cut.json()["residue"]), (&"redacted".into(), &1.into()), "{}", cut.stderr);
    assert!(cut.stderr.contains("email at body:/email") && !cut.stderr.contains("planted"), "{}", cut.stderr);
}

#[test]
fn what_cannot_be_merged_is_said() {
    let scratch = Scratch::new();
    let one = scratch.record("one", seen(40_001..40_004, 0), &[]);
    let two = scratch.record("two", seen(40_001..40_004, 0), &[]);
    let packets = scratch.path("one.pcap");
    let made = |name: &str, options: &[&str]| {
        let recording = scratch.path(name);
        reenact(["capture", "-r", &packets, "-o", &recording].iter().chain(options)).exits(0);
        recording
    };
    let raw = made("raw", &["--danger-raw"]);
    let other_key = made("other-key", &[]);
    let policy = scratch.file("policy.yaml", b"version: 1\nextends: pci\n");
    let other_policy = made("other-policy", &["--key-file", &scratch.path("key"), "--policy", &policy]);
    let output = scratch.path("out");
    let again = format!("again={one}/../one");
    let telling = format!("ada@planted.example={two}");
    let twins = [format!("x={one}"), format!("x={two}")];
    for (arguments, words) in [
        (vec![one.as_str(), &other_key], &["different keys"][..]),
        (vec![&one, &other_policy], &["different policies", "sanitize"]),
        (vec![&one, &raw], &["raw", "neither"]),
        (vec![&one, &again], &["the same recording"]),
        (vec![&twins[0], &twins[1]], &["are called \"x\""]),
        (vec![&one, &two, "--offset", "three=1s"], &["no recording is called \"three\"", "node1, node2"]),
        (vec![&one, &two, "--offset", "two=soon"], &["says no offset"]),
        (vec![&one, &two, "--offset", "node2=1s", "--offset", "node2=2s"], &["second one of that machine"]),
        (vec![&one, "node2="], &["names no recording"]),
        (vec![&one, &two, "--tolerance", "much"], &["is no time"]),
        (vec![&one, &scratch.path("nothing")], &["nothing"]),
        (vec![&one, &telling], &["rule email", "tells of no one"]),
    ] {
        refused(&[&["merge", "-o", &output][..], &arguments].concat(), words);
        assert!(!Path::new(&output).exists(), "{arguments:?}");
    }
    refused(&["merge", &one, &two, "-o", &format!("{two}/all")], &["lies within"]);
    let erasing = scratch.path(".two.erasing.tmp");
    fs::create_dir(&erasing).expect("the folder is ours");
    refused(&["merge", &one, &two, "-o", &output], &["erasure", ".two.erasing.tmp"]);
    refused(&["cut", &two, "-o", &output], &["erasure", ".two.erasing.tmp"]);
    fs::remove_dir(&erasing).expect("it is there");
    let part = Path::new(&two).join("part-000001.parquet");
    let mut altered = fs::read(&part).expect("it is there");
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    fs::write(&part, &altered).expect("the folder is ours");
    refused(&["merge", &one, &two, "-o", &output], &["part-000001.parquet was altered"]);
}
