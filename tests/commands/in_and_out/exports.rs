//! What is exported runs where it is said to run, says what was recorded, and nothing that was recorded runs.

#![expect(clippy::unwrap_used, reason = "what is made here is valid, and a test that cannot go on ends")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::thread::{self, JoinHandle};

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

/// Takes so many requests, each on a connection of its own.
fn server(requests: usize) -> (String, JoinHandle<Vec<Message>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let taken = thread::spawn(move || {
        (0..requests)
            .map(|_| {
                let (mut client, _) = listener.accept().expect("a client comes");
                let mut decoder = Decoder::new(Side::Request, Limits::default());
                let mut buffer = vec![0; 1 << 16];
                loop {
                    let read = client.read(&mut buffer).expect("it sends");
                    assert!(read > 0, "a request was cut");
                    decoder.feed(Bytes::copy_from_slice(&buffer[..read]), Timestamp::default());
                    let message =
                        std::iter::from_fn(|| decoder.next()).find_map(|event| if let Event::Message(decoded) = event { Some(decoded.message) } else { None });
                    if let Some(message) = message {
                        client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").expect("it listens");
                        return message;
                    }
                }
            })
            .collect()
    });
    (url, taken)
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
    let (url, taken) = server(sendable.len());
    let ran = Command::new("sh").args([&scratch.path("requests.sh"), &url]).current_dir(scratch.0.path()).output().expect("there is a shell");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success() && said.is_empty(), "{said}");
    let taken = taken.join().expect("the server took all");
    for (got, expected) in taken.iter().zip(sendable) {
        assert_eq!(asked(got), asked(expected.request.as_ref().unwrap()), "{}", expected.id);
    }
    assert!(!scratch.0.path().join("pwned").exists());
    // Without a target it sends nothing.
    let ran = Command::new("sh").arg(scratch.path("requests.sh")).env_remove("BASE_URL").output().expect("there is a shell");
    assert_eq!(ran.status.code(), Some(2));
}

#[test]
fn a_k6_script_says_what_was_recorded_and_runs_nothing_of_it() {
    let scratch = Scratch::new();
    let exchanges = hostile();
    write(scratch.0.path().join("rec").as_path(), &exchanges);
    scratch.export("rec", "k6", "load.mjs").exits(0);
    let script = fs::read_to_string(scratch.path("load.mjs")).unwrap();
    assert!(script.is_ascii());
    let node = |arguments: &[&str]| Command::new("node").args(arguments).current_dir(scratch.0.path()).env("BASE_URL", "http://h").output();
    let Ok(checked) = node(&["--check", &scratch.path("load.mjs")]) else {
        eprintln!("skipped: node is not here");
        return;
    };
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    // k6's own modules are not here: others in their place tell what would be sent.
    let stand_ins = "const asked = [];\n\
        const http = { request: (method, url, body, more) => { asked.push([method, url, body === null ? '' : Buffer.from(body).toString('base64'), more.headers]); return { status: 200 }; } };\n\
        const encoding = { b64decode: (text) => Uint8Array.from(Buffer.from(text, 'base64')).buffer };\n\
        const waits = [], sleep = (seconds) => waits.push(seconds), check = (answer, checks) => Object.values(checks).forEach((one) => { if (!one(answer)) throw new Error('check'); });\n\
        class SharedArray { constructor(name, make) { return JSON.parse(JSON.stringify(make())); } }\n\
        const exec = { scenario: { iterationInTest: 0, startTime: Date.now() } };\n\
        const __ENV = process.env;\n";
    let body = script.lines().filter(|line| !line.starts_with("import ")).collect::<Vec<_>>().join("\n");
    let body = body.replace("export default function ()", "function session()").replace("export const", "const");
    let end = "\nfor (let i = 0; i < options.scenarios.recorded.iterations; i++) { exec.scenario.iterationInTest = i; session(); }\nconsole.log(JSON.stringify({ asked, waits }));\n";
    fs::write(scratch.path("run.mjs"), [stand_ins, &body, end].concat()).unwrap();
    let ran = node(&[&scratch.path("run.mjs")]).expect("it is here");
    let said: Value = serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&ran.stderr)));
    let asked = said["asked"].as_array().unwrap();
    assert_eq!(asked.len(), exchanges.len() - 1);
    for (got, exchange) in asked.iter().zip(&exchanges) {
        let request = exchange.request.as_ref().unwrap();
        let target = String::from_utf8_lossy(request.head.target().unwrap()).replace("http://shop.example", "");
        assert_eq!((got[0].as_str(), got[1].as_str()), (exchange.method(), Some(format!("http://h{target}").as_str())));
        use base64::Engine as _;
        assert_eq!(got[2], base64::engine::general_purpose::STANDARD.encode(request.body.contiguous()), "{}", exchange.id);
        if let Some(evil) = request.head.header("x-evil") {
            assert_eq!(got[3]["X-Evil"], format!("{}, twice", String::from_utf8_lossy(evil)), "{}", exchange.id);
        }
    }
    // The second and the third request of a session wait for 91 ms each.
    let waits: Vec<f64> = said["waits"].as_array().unwrap().iter().map(|wait| wait.as_f64().unwrap()).collect();
    assert!(waits.iter().filter(|wait| (**wait - 0.091).abs() < 1e-9).count() >= 8, "{waits:?}");
    assert!(!scratch.0.path().join("pwned").exists());
}

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
    assert_eq!((&said["requests"], &said["responses"], &said["lost"]["snap_length"]), (&14.into(), &14.into(), &4.into()), "{said}");
    assert_eq!(tshark("b.pcap", "http.request"), Some(14));
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

    scratch.export("rec", "k6", "load.mjs").exits(0);
    assert!(fs::read_to_string(scratch.path("load.mjs")).unwrap().contains("add(\"9007199254740993\", "));

    let said = scratch.export("rec", "curl", "requests.sh").exits(0);
    assert!(said.stderr.contains("left out: 1 (HEAD with a body)"), "{}", said.stderr);
    // Neither a configuration file nor a proxy leads elsewhere; whoever fails says so at the end.
    scratch.file(".curlrc", "url = http://127.0.0.1:9/elsewhere\n");
    let (url, taken) = server(4);
    let run = |url: &str| {
        let script = scratch.path("requests.sh");
        Command::new("sh").args([&script, url]).env("HOME", scratch.0.path()).env("http_proxy", "http://127.0.0.1:9").output().expect("there is a shell")
    };
    let ran = run(&url);
    assert!(ran.status.success() && ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(taken.join().expect("the server took all").len(), 4);
    assert_eq!(run("http://127.0.0.1:9").status.code(), Some(1));

    // What an erasure has left may hold what was to be erased.
    fs::create_dir(scratch.path(".rec.erasing.tmp")).unwrap();
    let refused = scratch.export("rec", "jsonl", "a.jsonl").exits(2);
    assert!(refused.stderr.contains("an erasure of recording") && refused.stderr.contains("hint: run that `reenact erase` again"), "{}", refused.stderr);
    assert!(!fs::exists(scratch.path("a.jsonl")).expect("the folder is ours"));
}
