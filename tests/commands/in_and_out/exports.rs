//! What is exported runs where it is said to run, says what was recorded, and nothing that was recorded runs.

#![expect(clippy::unwrap_used, reason = "what is made here is valid, and a test that cannot go on ends")]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reenact_formats::disk::recording::{KeyScope, RecordingWriter, Sanitized, WriterOptions};
use reenact_formats::model::{Body, BodyFraming, Completeness, ConnectionId, DropReason, ExchangeId, Head, KeyId, LossLedger, Side, Timestamp, Timing};
use reenact_formats::wire::http1::{Decoder, Event, Limits};
use serde_json::Value;

use super::*;

/// What a shell, a script or a browser would run.
const HOSTILE: &[&str] = &[
    "'; touch pwned; '",
    "\"; touch pwned; \"",
    "$(touch pwned)",
    "`touch pwned`",
    "${touch}#{x}%n%s\\",
    "</script><script>require('fs').writeFileSync('pwned','')</script>",
    "\\\"); require('fs').writeFileSync('pwned',''); (\"",
    "@/etc/passwd",
    "-o pwned",
    "a\u{2028}b\u{202e}é😀",
];

/// A target that is no URL, and the one that says the same.
const NO_URL: (&str, &str) = ("/%zz%2f\"{é}/../x", "/%25zz%2f%22%7B%C3%A9%7D/../x");

fn message(head: Head, body: &[u8]) -> Message {
    let slices = if body.is_empty() { Vec::new() } else { vec![Bytes::copy_from_slice(body)] };
    Message { head, body: Body { slices, wire_length: body.len() as u64, completeness: Completeness::Whole, framing: BodyFraming::Length }, trailers: None }
}

fn exchange(number: u64, head: &str, body: &[u8]) -> Exchange {
    let at = |millis: u64| Timestamp::from_nanos(1_795_176_180_000_000_000 + i64::try_from(millis).unwrap() * 1_000_000);
    let head = format!("{head}Content-Length: {}\r\n\r\n", body.len());
    let answer = Head::response(Bytes::from_static(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")).unwrap();
    Exchange {
        id: ExchangeId { connection: ConnectionId(1 + number / 3), index: u32::try_from(1 + number % 3).unwrap() },
        start: at(number * 100),
        timing: Timing { request_end: Some(at(number * 100 + 1)), first_byte: Some(at(number * 100 + 5)), end: Some(at(number * 100 + 9)) },
        request: Some(message(Head::request(head.into()).unwrap(), body)),
        response: Some(message(answer, b"hi")),
        ..Exchange::between("10.0.0.9:40000".parse().unwrap(), "10.0.0.1:8080".parse().unwrap())
    }
}

/// Requests with every hostile value in every place, and every byte in a body.
fn hostile() -> Vec<Exchange> {
    let all: Vec<u8> = (0..=255).chain(*b"'\"\\\n$(touch pwned)\n").collect();
    let mut exchanges: Vec<_> = HOSTILE
        .iter()
        .map(|value| {
            (
                format!(
                    "POST /a?q={} HTTP/1.1\r\nHost: shop.example\r\nX-Evil: {value}\r\nx-evil: twice\r\nX-Empty:\r\nCookie: a={value}\r\n",
                    value.replace(' ', "+")
                ),
                value.as_bytes().to_vec(),
            )
        })
        .chain([
            ("PUT /all HTTP/1.1\r\nHost: h\r\nContent-Type: application/octet-stream\r\n".to_owned(), all),
            ("DELETE http://shop.example/absolute HTTP/1.1\r\nUser-Agent: x\r\nX-Folded: a\r\n b\r\n".to_owned(), Vec::new()),
            ("HEAD /head HTTP/1.1\r\nHost: h\r\n".to_owned(), Vec::new()),
            (format!("GET {} HTTP/1.1\r\nHost: h\r\nX-Bell: a\x07b\r\n", NO_URL.0), Vec::new()),
        ])
        .zip(0..)
        .map(|((head, body), number)| exchange(number, &head, &body))
        .collect();
    let mut without = exchange(40, "POST /dropped HTTP/1.1\r\nHost: h\r\n", b"gone");
    without.request.as_mut().unwrap().body = Body {
        slices: Vec::new(),
        wire_length: 4,
        completeness: Completeness::Dropped { reason: DropReason::Opaque, seen_whole: true },
        framing: BodyFraming::Length,
    };
    exchanges.push(without);
    exchanges
}

fn write(dir: &Path, exchanges: &[Exchange]) {
    let sanitized = Sanitized { key_id: KeyId::from_digest([0xa5; 8]), key_scope: KeyScope::Shared, policy_digest: "0f".repeat(32), severities: [].into() };
    let mut writer = RecordingWriter::create(dir, WriterOptions { sanitized: Some(sanitized), ..WriterOptions::default() }).unwrap();
    exchanges.iter().for_each(|exchange| writer.write(exchange).unwrap());
    writer.finish(&LossLedger::default()).unwrap();
}

/// A request that arrived.
struct Arrived {
    /// Which of the connections it came on, from 0.
    connection: usize,
    at: Instant,
    message: Message,
}

/// Answers all that comes, on any number of connections, the first `together` of which must be open before a request is read. What arrived can be taken once the client is done.
fn server(together: usize) -> (String, Receiver<Arrived>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let (arrives, arrived) = mpsc::channel();
    thread::spawn(move || {
        let first: Vec<_> = (0..together).map(|_| listener.accept().expect("a client comes")).collect();
        for (connection, (client, _)) in first.into_iter().chain(std::iter::from_fn(|| listener.accept().ok())).enumerate() {
            let arrives = arrives.clone();
            thread::spawn(move || answer(connection, client, &arrives));
        }
    });
    (url, arrived)
}

fn answer(connection: usize, mut client: TcpStream, arrives: &Sender<Arrived>) {
    let mut decoder = Decoder::new(Side::Request, Limits::default());
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = client.read(&mut buffer) {
        decoder.feed(Bytes::copy_from_slice(&buffer[..read]), Timestamp::default());
        while let Some(event) = decoder.next() {
            if let Event::Message(decoded) = event {
                arrives.send(Arrived { connection, at: now(), message: decoded.message }).expect("the test goes on");
                client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: theirs=1; Path=/\r\n\r\n").expect("it listens");
            }
        }
    }
}

/// What of a request a script sends as it was.
fn asked(message: &Message) -> (String, String, Vec<(String, String)>, Vec<u8>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let left = ["host", "content-length", "connection", "accept-encoding"];
    let mut fields: Vec<_> = message
        .head
        .headers()
        .filter(|field| !left.iter().any(|name| field.is(name)))
        .map(|field| (text(field.name), text(field.value).replace("\r\n", "  ")))
        .collect();
    fields.sort();
    let target = text(message.head.target().unwrap()).replace("http://shop.example", "");
    (text(message.head.method().unwrap()), target, fields, message.body.contiguous().into_owned())
}

#[test]
fn a_shell_script_sends_what_was_recorded_and_runs_nothing_of_it() {
    let scratch = Scratch::new();
    let exchanges = hostile();
    write(scratch.0.path().join("rec").as_path(), &exchanges);
    let said = scratch.export("rec", "curl", "requests.sh").exits(0);
    assert!(said.stderr.contains("left out: 1 (body of the request not kept)"), "{}", said.stderr);
    let sendable = &exchanges[..exchanges.len() - 1];
    let (url, arrived) = server(0);
    let ran = Command::new("sh").args([&scratch.path("requests.sh"), &url]).current_dir(scratch.0.path()).output().expect("there is a shell");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success() && said.is_empty(), "{said}");
    let arrived: Vec<_> = arrived.try_iter().collect();
    assert_eq!(arrived.len(), sendable.len());
    for (got, expected) in arrived.iter().zip(sendable) {
        assert_eq!(asked(&got.message), asked(expected.request.as_ref().unwrap()), "{}", expected.id);
    }
    assert!(!scratch.0.path().join("pwned").exists());
    // Without a target it sends nothing.
    let ran = Command::new("sh").arg(scratch.path("requests.sh")).env_remove("BASE_URL").output().expect("there is a shell");
    assert_eq!(ran.status.code(), Some(2));
}

/// It tells no one of itself, and listens nowhere.
const RUN: &[&str] = &["run", "--quiet", "--no-color", "--no-usage-report", "--address", "", "--summary-export", "said.json"];

/// k6 with the script of the folder; none if it is not here.
fn k6(scratch: &Scratch, arguments: &[&str], settings: &[(&str, &str)]) -> Option<Ran> {
    let mut k6 = Command::new("k6");
    k6.args(arguments).arg("load.js").current_dir(scratch.0.path());
    k6.env("HOME", scratch.0.path()).env("K6_NO_USAGE_REPORT", "true").env_remove("BASE_URL").envs(settings.iter().copied());
    let Ok(output) = k6.output() else {
        eprintln!("skipped: k6 is not here");
        return None;
    };
    let [stdout, stderr] = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    Some(Ran { code: output.status.code().unwrap_or(-1), stdout, stderr })
}

/// What k6 says of a run that it has nothing to complain of.
fn said(scratch: &Scratch, ran: Ran) -> Value {
    assert_eq!(ran.exits(0).stderr, "");
    serde_json::from_slice(&fs::read(scratch.path("said.json")).unwrap()).unwrap()
}

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "another process says when it sends")]
    Instant::now()
}

/// What of a request k6 sends: fields of one name as one, and no target that is no URL.
fn asked_by_k6(message: &Message) -> (String, String, BTreeMap<String, String>, Vec<u8>) {
    let (method, target, fields, body) = asked(message);
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in fields {
        let value = value.replace('\x07', " ");
        joined.entry(name.to_lowercase()).and_modify(|before| before.extend([", ", &value])).or_insert(value);
    }
    (method, target.replace(NO_URL.0, NO_URL.1).replace('#', "%23"), joined, body)
}

#[test]
fn k6_sends_what_was_recorded_and_runs_nothing_of_it() {
    let scratch = Scratch::new();
    let exchanges = hostile();
    write(scratch.0.path().join("rec").as_path(), &exchanges);
    scratch.export("rec", "k6", "load.js").exits(0);
    assert!(fs::read_to_string(scratch.path("load.js")).unwrap().is_ascii());
    let sendable = &exchanges[..exchanges.len() - 1];
    let (url, arrived) = server(0);
    // One session at a time, so that all come in order.
    let settings = [("BASE_URL", url.as_str()), ("VUS", "1")];
    let Some(inspected) = k6(&scratch, &["inspect"], &[]) else { return };
    let recorded = &inspected.exits(0).json()["scenarios"]["recorded"];
    assert_eq!((&recorded["vus"], &recorded["iterations"]), (&5.into(), &5.into()), "{recorded}");
    // Without a target it sends nothing.
    let refused = k6(&scratch, RUN, &[]).expect("it is here").exits(107);
    assert!(refused.stderr.contains("say where requests are to be sent"), "{}", refused.stderr);
    let began = now();
    let said = said(&scratch, k6(&scratch, RUN, &settings).expect("it is here"));
    assert_eq!((&said["metrics"]["checks"]["passes"], &said["metrics"]["checks"]["fails"]), (&sendable.len().into(), &0.into()), "{said}");
    let arrived: Vec<_> = arrived.try_iter().collect();
    assert_eq!(arrived.len(), sendable.len());
    for (number, (got, expected)) in arrived.iter().zip(sendable).enumerate() {
        assert_eq!(asked_by_k6(&got.message), asked_by_k6(expected.request.as_ref().unwrap()), "{}", expected.id);
        assert_eq!(got.connection as u64, expected.id.connection.0 - 1, "{}", expected.id);
        // A session begins no sooner than it did; each other request comes no sooner after the answer before it.
        let (since, due) = if number % 3 == 0 { (began, expected.start.since(sendable[0].start)) } else { (arrived[number - 1].at, Duration::from_millis(91)) };
        assert!(got.at.duration_since(since) >= due.saturating_sub(CLOCKS), "{}", expected.id);
    }
    assert!(!scratch.0.path().join("pwned").exists());
}

#[test]
fn k6_runs_sessions_beside_one_another_as_fast_as_it_is_told() {
    let scratch = Scratch::new();
    // A minute each: 200 ms at this speed.
    let steps = [(1, 1, 0), (2, 1, 60), (1, 2, 120), (2, 2, 180)];
    let exchanges = steps.map(|(connection, index, seconds)| Exchange {
        id: ExchangeId { connection: ConnectionId(connection), index },
        ..exchange(seconds * 10, &format!("POST /{connection}/{index} HTTP/1.1\r\nHost: h\r\n"), b"x")
    });
    write(scratch.0.path().join("rec").as_path(), &exchanges);
    scratch.export("rec", "k6", "load.js").exits(0);
    // The first session is not answered before the second has come.
    let (url, arrived) = server(2);
    let began = now();
    let Some(ran) = k6(&scratch, RUN, &[("BASE_URL", &url), ("SPEED", "300")]) else { return };
    let said = said(&scratch, ran);
    assert_eq!((&said["metrics"]["checks"]["passes"], &said["metrics"]["iterations"]["count"]), (&4.into(), &2.into()), "{said}");
    let arrived: Vec<_> = arrived.try_iter().collect();
    for session in 0..2 {
        let [first, second] = [0, 1].map(|index| arrived.iter().filter(|got| got.connection == session).nth(index).expect("two requests on each connection"));
        let targets = [first, second].map(|got| asked(&got.message).1);
        assert_eq!(targets, [1, 2].map(|index| format!("/{}/{index}", session + 1)));
        assert!(first.at.duration_since(began) >= Duration::from_millis(200 * session as u64).saturating_sub(CLOCKS));
        assert!(second.at.duration_since(first.at) >= Duration::from_millis(399).saturating_sub(CLOCKS));
        assert!(second.at.duration_since(began) < Duration::from_secs(60), "it waits as long as was recorded");
    }
}

/// What two clocks may differ by in so short a time.
const CLOCKS: Duration = Duration::from_millis(5);

#[test]
fn packets_are_read_by_wireshark_and_say_the_same_again() {
    let scratch = Scratch::new();
    scratch.shop("rec");
    scratch.export("rec", "pcap", "a.pcap").exits(0);
    let capture =
        |file: &str, recording: &str| reenact(["capture", "-r", &scratch.path(file), "-o", &scratch.path(recording), "--danger-raw", "--json"]).exits(0).json();
    let said = capture("a.pcap", "same");
    let (before, after) = (scratch.exchanges("rec"), scratch.exchanges("same"));
    assert_eq!((&said["lost"], &said["complete"], &said["requests"]), (&serde_json::json!({}), &before.len().into(), &before.len().into()), "{said}");
    assert_eq!(carried(&before), carried(&after));
    assert_eq!(connections(&before), connections(&after));
    let times = |exchanges: &[Exchange]| exchanges.iter().map(|exchange| exchange.timing).collect::<Vec<_>>();
    assert_eq!(times(&before), times(&after));
    let tshark = |file: &str, filter: &str| {
        let path = scratch.path(file);
        let ran = Command::new("tshark")
            .args(["-n", "-r", &path, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-Y", filter, "-T", "fields", "-e", "frame.number"])
            .output()
            .ok()?;
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        Some(ran.stdout.iter().filter(|byte| **byte == b'\n').count())
    };
    let Some(requests) = tshark("a.pcap", "http.request") else {
        eprintln!("skipped: tshark is not here");
        return;
    };
    let responses = tshark("a.pcap", "http.response").expect("it is here");
    assert_eq!((requests, responses), (before.len(), before.len()));
    assert_eq!(tshark("a.pcap", "_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0 || tcp.analysis.flags"), Some(0));
    // What is not here is cut, and the rest stays readable.
    write(scratch.0.path().join("hostile").as_path(), &hostile());
    scratch.export("hostile", "pcap", "b.pcap").exits(0);
    let said = capture("b.pcap", "cut");
    assert_eq!((&said["requests"], &said["responses"], &said["lost"]["snap_length"]), (&15.into(), &15.into(), &4.into()), "{said}");
    assert_eq!(tshark("b.pcap", "http.request"), Some(15));
    assert_eq!(tshark("b.pcap", "_ws.malformed"), Some(0));
}

#[test]
fn lines_say_all_and_can_be_read_again() {
    let scratch = Scratch::new();
    scratch.shop("rec");
    scratch.export("rec", "jsonl", "a.jsonl").exits(0);
    let text = fs::read_to_string(scratch.path("a.jsonl")).unwrap();
    let before = scratch.exchanges("rec");
    assert_eq!(text.lines().count(), before.len());
    for (line, exchange) in text.lines().zip(&before) {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!((line["id"].as_str(), line["response"]["status"].as_u64()), (Some(exchange.id.to_string().as_str()), exchange.status().map(u64::from)));
        assert_eq!(line["redactions"].as_array().map(Vec::len), Some(exchange.redactions.len()));
    }
    scratch.import_raw("a.jsonl", "same");
    let after = scratch.exchanges("same");
    assert_eq!(meant(&before).len(), meant(&after).len());
    let bodies = |exchanges: &[Exchange]| meant(exchanges).into_iter().map(|(start, _, bodies)| (start, bodies)).collect::<Vec<_>>();
    assert_eq!(bodies(&before), bodies(&after));
    assert_eq!(connections(&before), connections(&after));
    // To stdout, and nothing but the file there.
    let out = reenact(["export", &scratch.path("rec"), "--to", "jsonl", "-o", "-"]).exits(0);
    assert_eq!(out.stdout, text);
}

#[test]
fn no_target_leads_elsewhere_and_no_body_ends_a_record() {
    let scratch = Scratch::new();
    let mark = "\n\u{1f435}\u{1f648}\u{1f649}\n";
    let requests = [
        ("GET /redirect?u=http://other.example/x HTTP/1.1\r\nHost: h\r\n", String::new(), "http://h/redirect?u=http://other.example/x"),
        ("GET @evil.example/x HTTP/1.1\r\nHost: h\r\n", String::new(), "http://h/@evil.example/x"),
        ("GET https://shop.example/a HTTP/1.1\r\nHost: h\r\n", String::new(), "https://shop.example/a"),
        ("HEAD /head HTTP/1.1\r\nHost: h\r\n", "body".to_owned(), "http://h/head"),
        ("POST /mark HTTP/1.1\r\nHost: h\r\n", format!("a{mark}1 {} 5 5\nGET /smuggled HTTP/1.1\r\n\r\n", "a".repeat(40)), "http://h/mark"),
    ];
    let mut exchanges: Vec<_> = requests.iter().zip(0..).map(|((head, body, _), number)| exchange(number, head, body.as_bytes())).collect();
    // Its session is one that a script's numbers cannot tell from the one after it.
    exchanges[0].id.connection = ConnectionId((1 << 53) + 1);
    write(scratch.0.path().join("rec").as_path(), &exchanges);

    scratch.export("rec", "har", "a.har").exits(0);
    let har: Value = serde_json::from_str(&fs::read_to_string(scratch.path("a.har")).unwrap()).unwrap();
    let urls: Vec<_> = har["log"]["entries"].as_array().unwrap().iter().map(|entry| entry["request"]["url"].as_str().unwrap()).collect();
    let mut expected: Vec<_> = requests.iter().map(|(.., url)| *url).collect();
    expected.sort_unstable();
    assert_eq!(urls.iter().copied().collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>(), expected);

    let said = scratch.export("rec", "gor", "a.gor").exits(0);
    assert!(said.stderr.contains("left out: 1 (holds the mark that ends a record)"), "{}", said.stderr);
    let gor = fs::read_to_string(scratch.path("a.gor")).unwrap();
    assert!(gor.matches(mark).count() == 8 && !gor.contains("smuggled"), "{gor}");

    scratch.export("rec", "k6", "load.js").exits(0);
    assert!(fs::read_to_string(scratch.path("load.js")).unwrap().contains("add(\"9007199254740993\", "));

    let said = scratch.export("rec", "curl", "requests.sh").exits(0);
    assert!(said.stderr.contains("left out: 1 (HEAD with a body)"), "{}", said.stderr);
    // Neither a configuration file nor a proxy leads elsewhere; whoever fails says so at the end.
    scratch.file(".curlrc", "url = http://127.0.0.1:9/elsewhere\n");
    let (url, arrived) = server(0);
    let run = |url: &str| {
        let script = scratch.path("requests.sh");
        Command::new("sh").args([&script, url]).env("HOME", scratch.0.path()).env("http_proxy", "http://127.0.0.1:9").output().expect("there is a shell")
    };
    let ran = run(&url);
    assert!(ran.status.success() && ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(arrived.try_iter().count(), 4);
    assert_eq!(run("http://127.0.0.1:9").status.code(), Some(1));

    // What an erasure has left may hold what was to be erased.
    fs::create_dir(scratch.path(".rec.erasing.tmp")).unwrap();
    let refused = scratch.export("rec", "jsonl", "a.jsonl").exits(2);
    assert!(refused.stderr.contains("an erasure of recording") && refused.stderr.contains("hint: run that `reenact erase` again"), "{}", refused.stderr);
    assert!(!fs::exists(scratch.path("a.jsonl")).expect("the folder is ours"));
}
