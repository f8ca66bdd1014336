//! What other tools write becomes a recording, and a recording what they read.

mod exports;

use std::fs;

use reenact_formats::content::{MAX_DECODED, decoded_body};
use reenact_formats::disk::recording::{Recording, Window};
use reenact_formats::model::{Exchange, Message};

use crate::program::{Ran, reenact, repository};
use crate::scratch::Scratch;

impl Scratch {
    /// Imports a file of the folder.
    fn import(&self, file: &str, recording: &str, more: &[&str]) -> Ran {
        let [file, recording, key] = [file, recording, "key"].map(|name| self.path(name));
        reenact([&["import", &file, "-o", &recording, "--key-file", &key], more].concat())
    }

    /// Imports a file as it is.
    fn import_raw(&self, file: &str, recording: &str) {
        reenact(["import", &self.path(file), "-o", &self.path(recording), "--danger-raw"]).exits(0);
    }

    /// Exports a recording of the folder.
    fn export(&self, recording: &str, to: &str, file: &str) -> Ran {
        reenact(["export", &self.path(recording), "--to", to, "-o", &self.path(file)])
    }

    fn exchanges(&self, recording: &str) -> Vec<Exchange> {
        let recording = Recording::open(self.0.path().join(recording).as_path()).expect("it was just written");
        recording.exchanges(&Window::ALL).expect("it can be read").map(|exchange| exchange.expect("it can be read")).collect()
    }

    /// A recording of the shop.
    fn shop(&self, recording: &str) {
        let packets = repository("examples/captures/orders.pcap");
        reenact(["capture", "-r", &packets, "-c", "2000", "-o", &self.path(recording), "--key-file", &self.path("key")]).exits(0);
    }
}

/// What of exchanges every format can carry: when each began, what was sent, what came back. In one order.
fn carried(exchanges: &[Exchange]) -> Vec<(i64, Vec<u8>, Vec<u8>)> {
    let bytes = |message: Option<&Message>| {
        let mut bytes = Vec::new();
        if let Some(message) = message {
            reenact_formats::wire::http1::encode_head(message, &mut bytes);
            reenact_formats::wire::http1::encode_body(message, &mut bytes);
        }
        bytes
    };
    let mut carried: Vec<_> =
        exchanges.iter().map(|exchange| (exchange.start.as_nanos(), bytes(exchange.request.as_ref()), bytes(exchange.response.as_ref()))).collect();
    carried.sort();
    carried
}

/// When an exchange began, the lines of both heads, both bodies.
type Meant = (i64, [Vec<String>; 2], [Vec<u8>; 2]);

/// What of exchanges is meant, however it is framed and coded: when each began, heads without what says how the body is sent, bodies without coding.
fn meant(exchanges: &[Exchange]) -> Vec<Meant> {
    let sides = |exchange: &Exchange| [exchange.request.clone(), exchange.response.clone()];
    let head = |message: Option<Message>| {
        let head = message.map(|message| String::from_utf8_lossy(message.head.raw()).into_owned()).unwrap_or_default();
        let is_framing = |line: &str| ["content-length", "transfer-encoding", "content-encoding"].iter().any(|name| line.to_lowercase().starts_with(name));
        head.lines().filter(|line| !is_framing(line)).map(str::to_owned).collect()
    };
    let body = |message: Option<Message>| message.map_or_else(Vec::new, |message| decoded_body(&message, MAX_DECODED).expect("it can be decoded").into_owned());
    let mut meant: Vec<_> = exchanges.iter().map(|exchange| (exchange.start.as_nanos(), sides(exchange).map(head), sides(exchange).map(body))).collect();
    meant.sort();
    meant
}

/// How many exchanges each connection has, in order of the connections' first.
fn connections(exchanges: &[Exchange]) -> Vec<usize> {
    let mut firsts: Vec<(u64, usize)> = Vec::new();
    for exchange in exchanges {
        match firsts.iter_mut().find(|(connection, _)| *connection == exchange.id.connection.0) {
            Some((_, count)) => *count += 1,
            None => firsts.push((exchange.id.connection.0, 1)),
        }
    }
    firsts.into_iter().map(|(_, count)| count).collect()
}

#[test]
fn goreplay_files_go_in_and_out_and_in_again() {
    let scratch = Scratch::new();
    scratch.shop("rec");
    scratch.export("rec", "gor", "a.gor").exits(0);
    // As it is: what were pseudonyms in the recording are values like any other in the file, and would get pseudonyms of their own.
    scratch.import_raw("a.gor", "same");
    let (before, after) = (scratch.exchanges("rec"), scratch.exchanges("same"));
    assert_eq!(carried(&before), carried(&after));
    assert_eq!(connections(&before), connections(&after));
    let said = scratch.import("a.gor", "again", &["--json"]).exits(0).json();
    assert_eq!((&said["state"], &said["origin"]["kind"]), (&"checked".into(), &"gor".into()), "{said}");
    assert_eq!(said["exchanges"], before.len());
    scratch.export("again", "gor", "b.gor").exits(0);
    scratch.import_raw("b.gor", "same-again");
    assert_eq!(carried(&scratch.exchanges("again")), carried(&scratch.exchanges("same-again")));
}

#[test]
fn har_files_go_in_and_out_and_in_again() {
    let scratch = Scratch::new();
    scratch.shop("rec");
    scratch.export("rec", "har", "a.har").exits(0);
    scratch.import_raw("a.har", "same");
    let (before, after) = (scratch.exchanges("rec"), scratch.exchanges("same"));
    assert_eq!(meant(&before), meant(&after));
    assert_eq!(connections(&before), connections(&after));
    let times = |exchanges: &[Exchange]| exchanges.iter().map(|exchange| exchange.timing).collect::<Vec<_>>();
    assert_eq!(times(&before), times(&after));
    // A tool that reads the format finds in it what it asks for.
    let har: serde_json::Value = serde_json::from_slice(&fs::read(scratch.path("a.har")).expect("it was just written")).expect("it is JSON");
    let entries = har["log"]["entries"].as_array().expect("an array");
    assert_eq!((&har["log"]["version"], entries.len()), (&"1.2".into(), before.len()));
    for entry in entries {
        for member in ["startedDateTime", "time", "request", "response", "cache", "timings"] {
            assert!(!entry[member].is_null(), "{member}: {entry}");
        }
        for member in ["method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"] {
            assert!(!entry["request"][member].is_null(), "{member}: {entry}");
        }
        for member in ["status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL", "headersSize", "bodySize"] {
            assert!(!entry["response"][member].is_null(), "{member}: {entry}");
        }
        assert!(entry["request"]["url"].as_str().is_some_and(|url| url.starts_with("http://shop.internal/")), "{entry}");
    }
}

#[test]
fn logs_become_requests_that_can_be_planned() {
    let scratch = Scratch::new();
    let log = "203.0.113.7 - mina [20/Nov/2026:12:03:00 +0000] \"GET /orders?email=mina.harker%40carfax.net HTTP/1.1\" 200 17 \"-\" \"curl/8\"\n\
               203.0.113.7 - mina [20/Nov/2026:12:03:01 +0000] \"POST /orders HTTP/1.1\" 201 2 \"-\" \"curl/8\"\nsomething else\n";
    scratch.file("access.log", log);
    let lines = "{\"ts\":1795176180,\"method\":\"GET\",\"uri\":\"/orders?email=mina.harker%40carfax.net\",\"st\":200,\"remote_ip\":\"203.0.113.7\"}\n{\"ts\":1795176181,\"method\":\"POST\",\"uri\":\"/orders\",\"st\":201}\n{}\n";
    scratch.file("lines.jsonl", lines);
    for (file, more) in [("access.log", ["--host", "shop.example"]), ("lines.jsonl", ["--field", "status=st"])] {
        let said = scratch.import(file, &format!("{file}.rec"), &[&more[..], &["--json"]].concat()).exits(0).json();
        assert_eq!((&said["exchanges"], &said["lost"]["unreadable_entry"], &said["state"]), (&2.into(), &1.into(), &"checked".into()), "{said}");
        assert!(said["origin"]["unknown"].as_array().is_some_and(|unknown| unknown.contains(&"bodies".into())), "{said}");
        let exchanges = scratch.exchanges(&format!("{file}.rec"));
        let target = String::from_utf8_lossy(exchanges[0].target().expect("a request")).into_owned();
        assert!(target.starts_with("/orders?email=") && !target.contains("mina"), "{target}");
        assert_eq!(exchanges.iter().map(Exchange::status).collect::<Vec<_>>(), [Some(200), Some(201)]);
        // What had a body that no one knows is not sent; what had none is.
        let planned = reenact(["replay", &scratch.path(&format!("{file}.rec")), "--target", "http://127.0.0.1:9", "--dry-run"]).exits(0);
        assert!(
            planned.stdout.contains("1.1 after 0 ns to") && planned.stdout.contains("2.1 after 1 s to http://127.0.0.1:9: not sent, its body was"),
            "{}",
            planned.stdout
        );
    }
    let wrong = scratch.import("lines.jsonl", "none", &["--field", "stat=st"]).exits(2);
    assert!(wrong.stderr.contains("response-bytes"), "{}", wrong.stderr);
}

#[test]
fn imports_are_redacted_and_say_what_could_not_be_read() {
    let scratch = Scratch::new();
    let id = "9c401f900a01020300000001";
    let ask = "POST /login HTTP/1.1\r\nHost: shop.example\r\nAuthorization: Bearer 9f2c7e51d0b84a6fa1b3\r\nContent-Type: application/json\r\nContent-Length: 33\r\n\r\n{\"email\":\"mina.harker@carfax.net\"}";
    let ask = ask.replace("33", &(ask.len() - ask.find("\r\n\r\n").unwrap_or_default() - 4).to_string());
    let text = format!("1 {id} 1700000000000000000 5\n{ask}\n🐵🙈🙉\n1 {id} 1700000000000000009 5\nmina.harker@carfax.net\n🐵🙈🙉\n");
    scratch.file("a.gor", &text);
    let said = scratch.import("a.gor", "rec", &[]).exits(0);
    assert!(said.stderr.contains("entry 2 (request)") && !said.stderr.contains("mina"), "{}", said.stderr);
    let shown = reenact(["inspect", &scratch.path("rec")]).exits(0).stdout;
    assert!(shown.contains("not told") && shown.contains("entry 2: there is no request in it"), "{shown}");
    for entry in fs::read_dir(scratch.path("rec")).expect("it was just written") {
        let bytes = fs::read(entry.expect("an entry").path()).expect("it can be read");
        for planted in ["mina.harker", "9f2c7e51d0b84a6fa1b3"] {
            assert!(!bytes.windows(planted.len()).any(|window| window == planted.as_bytes()), "{planted}");
        }
    }
    // Raw only when asked for in so many words, and then it goes nowhere.
    let raw = scratch.path("raw");
    reenact(["import", &scratch.path("a.gor"), "-o", &raw, "--danger-raw"]).exits(0);
    let refused = scratch.export("raw", "gor", "raw.gor").exits(2);
    assert!(refused.stderr.contains("is raw") && refused.stderr.contains("hint: run `reenact sanitize`"), "{}", refused.stderr);
    assert!(!fs::exists(scratch.path("raw.gor")).expect("the folder is ours"));
}

#[test]
fn files_that_are_none_are_named_and_leave_nothing() {
    let scratch = Scratch::new();
    let packets = fs::read(repository("examples/captures/orders.pcap")).expect("the capture is committed");
    for (name, content, found) in
        [("a.pcap", packets.as_slice(), "a packet capture"), ("b.txt", b"my secret notes", "text of an unknown form"), ("c", b"", "is empty")]
    {
        scratch.file(name, content);
        let refused = scratch.import(name, "rec", &[]).exits(2);
        assert!(refused.stderr.contains(found) && refused.stderr.contains("hint: ") && !refused.stderr.contains("secret"), "{}", refused.stderr);
        assert!(!fs::exists(scratch.path("rec")).expect("the folder is ours"), "{name}");
    }
    scratch.file("d", "no line of a log\n");
    let refused = scratch.import("d", "rec", &["--from", "access-log"]).exits(2);
    assert!(refused.stderr.contains("none of its 1 entries can be read"), "{}", refused.stderr);
    assert!(!fs::exists(scratch.path("rec")).expect("the folder is ours"));
    let refused = scratch.import("missing", "rec", &[]).exits(2);
    assert!(refused.stderr.contains("cannot open"), "{}", refused.stderr);
}
