//! A service that shares no name, format or id with the demo service, through the built binary: members visit one desk, their
//! packets are captured and redacted, and the recording is played against another desk, which issues other numbers, passes,
//! cookies, codes, tags, cursors, links and slips. A single value that was not carried over is refused.

#[path = "../replay/tests/desk/mod.rs"]
mod desk;

use std::path::Path;
use std::process::{Command, Output};

use reenact_formats::disk::run::{EndReason, Run};
use reenact_formats::model::{Failure, Message, Outcome, Reply};
use reenact_formats::wire::http1::{encode_body, encode_head};

use desk::{Client, Desk, Settings, visit};

#[test]
fn a_recording_of_one_desk_plays_against_another() {
    let root = tempfile::tempdir().expect("a folder");
    let path = |name: &str| root.path().join(name);
    let text = |name: &str| path(name).display().to_string();
    let first = Desk::open(&Settings { seed: 1, first_member: 40, first_loan: 6, marked: true });
    let exchanges = record(&first, 8, &path("desk.pcap"));

    reenact(&["key", "new", &text("key")]);
    reenact(&["capture", "-r", &text("desk.pcap"), "-o", &text("rec"), "--key-file", &text("key")]);
    for session in ["connection", "cookie:seat", "header:x-pass"] {
        let other = Desk::open(&Settings { seed: 2, first_member: 90_016, first_loan: 20_417, marked: true });
        let (target, output) = (format!("http://{}", other.address), text(session));
        reenact(&["replay", &text("rec"), "--target", &target, "--session", session, "--speed", "4", "-o", &output, "--key-file", &text("key")]);
        let run = Run::open(Path::new(&output)).expect("a run");
        assert_eq!(run.end().map(|end| end.reason), Some(EndReason::Completed));
        let outcomes: Vec<_> = run.outcomes().map(|outcome| outcome.expect("readable")).collect();
        assert_eq!(outcomes.len(), exchanges);
        let refused: Vec<_> = outcomes.iter().filter(|outcome| came(outcome) != Ok(outcome.recorded_status.unwrap_or_default())).map(shown).collect();
        assert_eq!(refused, [""; 0], "by {session}");
    }
}

#[test]
fn a_desk_that_is_not_marked_is_refused() {
    let root = tempfile::tempdir().expect("a folder");
    let text = |name: &str| root.path().join(name).display().to_string();
    let desk = Desk::open(&Settings { seed: 1, first_member: 40, first_loan: 6, marked: false });
    record(&desk, 1, &root.path().join("desk.pcap"));
    reenact(&["capture", "-r", &text("desk.pcap"), "-o", &text("rec")]);
    let target = format!("http://{}", desk.address);
    let output = run(&["replay", &text("rec"), "--target", &target, "-o", &text("run")]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("is not marked as a sandbox") && said.contains("--allow-unmarked"), "{said}");
    assert!(!root.path().join("run").exists());
}

fn came(outcome: &Outcome) -> Result<u16, Failure> {
    match outcome.reply {
        Reply::Answered { status, .. } => Ok(status),
        Reply::Failed(failure) => Err(failure),
    }
}

fn shown(outcome: &Outcome) -> String {
    format!("{} {} {}: {:?}, bound {:?}", outcome.exchange, outcome.method, outcome.endpoint, came(outcome), outcome.bound)
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_reenact")).args(arguments).env_remove("REENACT_KEY").output().expect("the binary runs")
}

fn reenact(arguments: &[&str]) {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Some members visit the desk, each on a connection of its own; what was on the wire goes into a capture file. Answers with the
/// number of exchanges.
fn record(desk: &Desk, members: u16, path: &Path) -> usize {
    let mut capture = Capture::default();
    let mut exchanges = 0;
    for member in 0..members {
        let mut connection = capture.connect(40_000 + member);
        visit(&mut Client::connect(desk), &format!("nick{member}"), &mut |request, response| {
            exchanges += 1;
            capture.say(&mut connection, true, &wire(&request));
            capture.say(&mut connection, false, &wire(&response));
        });
        capture.close(&mut connection);
    }
    std::fs::write(path, capture.file).expect("writable");
    exchanges
}

fn wire(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_head(message, &mut bytes);
    encode_body(message, &mut bytes);
    bytes
}

/// A capture file of raw IPv4 packets, a millisecond apart, written as `tcpdump -w` would.
struct Capture {
    file: Vec<u8>,
    micros: u64,
}

/// A connection from a client's port, with the sequence numbers of both sides.
struct Connection {
    port: u16,
    sequence: [u32; 2],
}

impl Default for Capture {
    fn default() -> Self {
        let raw_ip: u32 = 101;
        let header = [0xa1b2_c3d4_u32.to_le_bytes().as_slice(), &[2, 0, 4, 0], &[0; 8], &65_535_u32.to_le_bytes(), &raw_ip.to_le_bytes()].concat();
        Self { file: header, micros: 1_700_000_000_000_000 }
    }
}

impl Capture {
    fn connect(&mut self, port: u16) -> Connection {
        let mut connection = Connection { port, sequence: [1000, 9000] };
        self.packet(&connection, true, SYN, &[]);
        connection.sequence[0] += 1;
        self.packet(&connection, false, SYN | ACK, &[]);
        connection.sequence[1] += 1;
        self.packet(&connection, true, ACK, &[]);
        connection
    }

    fn say(&mut self, connection: &mut Connection, from_client: bool, bytes: &[u8]) {
        for segment in bytes.chunks(1400) {
            self.packet(connection, from_client, ACK | PSH, segment);
            connection.sequence[usize::from(!from_client)] += u32::try_from(segment.len()).expect("short");
        }
        self.packet(connection, !from_client, ACK, &[]);
    }

    fn close(&mut self, connection: &mut Connection) {
        for from_client in [true, false] {
            self.packet(connection, from_client, FIN | ACK, &[]);
            connection.sequence[usize::from(!from_client)] += 1;
        }
        self.packet(connection, true, ACK, &[]);
    }

    fn packet(&mut self, connection: &Connection, from_client: bool, flags: u8, payload: &[u8]) {
        let (client, server) = (([192, 0, 2, 7], connection.port), ([192, 0, 2, 1], 80_u16));
        let (from, to) = if from_client { (client, server) } else { (server, client) };
        let (own, other) = if from_client { (0, 1) } else { (1, 0) };
        let acknowledged = if flags & ACK == 0 { 0 } else { connection.sequence[other] };
        let length = u16::try_from(40 + payload.len()).expect("short");
        let ip = [&[0x45, 0][..], &length.to_be_bytes(), &[0, 0, 0x40, 0, 64, 6, 0, 0], &from.0, &to.0].concat();
        let tcp = [
            &from.1.to_be_bytes()[..],
            &to.1.to_be_bytes(),
            &connection.sequence[own].to_be_bytes(),
            &acknowledged.to_be_bytes(),
            &[0x50, flags, 0xff, 0xff, 0, 0, 0, 0],
        ]
        .concat();
        self.micros += 1000;
        let (seconds, micros) = (self.micros / 1_000_000, self.micros % 1_000_000);
        for word in [seconds, micros, u64::from(length), u64::from(length)] {
            self.file.extend(u32::try_from(word).expect("this century").to_le_bytes());
        }
        self.file.extend([ip, tcp, payload.to_vec()].concat());
    }
}

const FIN: u8 = 1;
const SYN: u8 = 2;
const PSH: u8 = 8;
const ACK: u8 = 16;
