//! A service that shares no name, format or id with the demo service, through the built binary: members visit one desk, their
//! packets are captured and redacted, and the recording is played against another desk, which issues other numbers, passes,
//! cookies, codes, tags, cursors, links and slips. A single value that was not carried over is refused.

#[path = "../replay/tests/desk/mod.rs"]
mod desk;
#[expect(dead_code, reason = "time passes by itself here")]
mod packets;

use std::path::Path;
use std::process::{Command, Output};

use reenact_formats::disk::run::{EndReason, Run};
use reenact_formats::model::{Failure, Message, Outcome, Reply};
use reenact_formats::wire::http1::{encode_body, encode_head};

use desk::{Client, Desk, Settings, visit};
use packets::Capture;

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
    std::fs::write(path, capture.into_file()).expect("writable");
    exchanges
}

fn wire(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_head(message, &mut bytes);
    encode_body(message, &mut bytes);
    bytes
}
