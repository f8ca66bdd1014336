//! Captures that nobody here wrote: the counts of requests and responses, and a balanced account, for each file.
//!
//! The folder is named by `REENACT_CORPUS`; without it the test says that it was skipped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Where we differ from the witness and are right: file, requests, responses (1xx included), and why, with packet numbers.
const WE_ARE_RIGHT: &[(&str, u64, u64, &str)] = &[
    (
        "zeek__http_methods.pcap",
        26,
        49,
        "the first line of packet 34 is `OPTIONS` alone: without a target it is no request line (RFC 9112, section 3); its answer, packet 36, is kept",
    ),
    (
        "zeek__http_http_09.pcap",
        1,
        1,
        "packet 4 is a request of HTTP/0.9, `GET /zeek.html`, packet 6 its answer, a body without a head; the witness reads no HTTP/0.9",
    ),
    (
        "zeek__ipv6-http-atomic-frag.pcap",
        4,
        4,
        "packets 8, 16, 26 and 36 are requests of HTTP/0.9 (`GET /bad.html`), 7, 18, 28 and 38 their answers; the witness reads no HTTP/0.9",
    ),
    (
        "sv__tcp-urgp-01-oob_tcp-urgent1.pcap",
        1,
        1,
        "packets 4, 5 and 8 are one request, answered with 200 by packet 10; the urgent byte of packet 5 stays in the stream (RFC 6093, section 3.2)",
    ),
];

/// Where the witness counts records that are no packets.
const NO_PACKETS: &[(&str, u64, &str)] = &[("gp__pcapgo_be_test202.pcapng", 8, "records 1, 7 and 10 are custom blocks")];

struct Row {
    file: String,
    kind: String,
    fields: BTreeMap<String, String>,
}

impl Row {
    fn number(&self, column: &str) -> u64 {
        self.fields[column].parse().unwrap_or_else(|_| panic!("{} of {} is a number", column, self.file))
    }
}

fn rows(folder: &Path) -> Vec<Row> {
    let index = std::fs::read_to_string(folder.join("index.tsv")).expect("the corpus has an index");
    let mut lines = index.lines();
    let names: Vec<&str> = lines.next().expect("a header").split('\t').collect();
    lines
        .map(|line| {
            let fields: BTreeMap<String, String> = names.iter().map(ToString::to_string).zip(line.split('\t').map(str::to_owned)).collect();
            Row { file: fields["file"].clone(), kind: fields["kind"].clone(), fields }
        })
        .collect()
}

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("REENACT_CORPUS");
    if folder.is_none() {
        println!("skipped: REENACT_CORPUS is not set");
    }
    folder.map(|folder| PathBuf::from(folder).join("captures"))
}

/// What `reenact capture` says of a file, redaction included.
fn run(file: &Path) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_reenact"));
    let output = command.arg("capture").arg("-r").arg(file).arg("-o").arg(folder.path().join("rec")).arg("--json").output().expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{}: {error}: {said}", file.display()));
    // A file that is cut off is wrong input, and what came before the cut is recorded all the same.
    let expected = if report["lost"]["truncated_file"].is_null() { 0 } else { 2 };
    assert_eq!(output.status.code(), Some(expected), "{}: {said}", file.display());
    report
}

/// What the account of a file is, by so many threads.
fn account(file: &Path, threads: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reenact"));
    let output = command.args(["capture", "--discard", "--json", "--threads", threads, "-r"]).arg(file).output().expect("the binary runs");
    String::from_utf8(output.stdout).expect("JSON is UTF-8")
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is a number"))
}

fn sum(object: &Value, amount: impl Fn(&Value) -> u64) -> u64 {
    object.as_object().expect("an object").values().map(amount).sum()
}

/// Every packet and every byte is accounted for once.
fn assert_balanced(file: &str, told: &Value) {
    let packets = &told["packets"];
    let counted = number(&packets["tcp"]) + number(&packets["filtered"]) + sum(&packets["other"], number) + number(&packets["lost"]);
    assert_eq!(number(&packets["seen"]), counted, "packets of {file}: {told:#}");
    let in_bytes = ["snap_length", "gap", "resync", "buffer_cap", "body_over_limit", "unparsable", "upgraded"];
    let lost: u64 = in_bytes.iter().filter_map(|cause| told["lost"][cause].as_u64()).sum();
    let foreign = sum(&told["foreign"], |traffic| number(&traffic["bytes"]));
    assert_eq!(number(&told["stream_bytes"]), number(&told["recorded_bytes"]) + foreign + lost, "bytes of {file}: {told:#}");
}

#[test]
fn accounts_are_the_same_by_any_number_of_threads() {
    let Some(folder) = corpus() else { return };
    for row in rows(&folder) {
        let file = folder.join(&row.file);
        let told = account(&file, "1");
        assert_eq!(account(&file, "3"), told, "{}", row.file);
        assert_balanced(&row.file, &serde_json::from_str(&told).expect("an account in JSON"));
    }
}

#[test]
fn counts_agree_with_the_witness() {
    let Some(folder) = corpus() else { return };
    let mut wrong = Vec::new();
    for row in rows(&folder) {
        let told = run(&folder.join(&row.file));
        assert_balanced(&row.file, &told);
        let packets = NO_PACKETS.iter().find(|(file, ..)| *file == row.file).map_or(row.number("packets"), |(_, packets, _)| *packets);
        assert_eq!(number(&told["packets"]["seen"]), packets, "packets of {}", row.file);
        let found = (number(&told["requests"]), number(&told["responses"]) + number(&told["interim"]));
        let expected = (row.number("http1_requests"), row.number("http1_responses"));
        let floor = (row.number("http1_requests_ooo_off"), row.number("http1_responses_ooo_off"));
        let judged = matches!(row.kind.as_str(), "http1" | "tcp" | "smuggle" | "l2" | "tunnel");
        let explained = WE_ARE_RIGHT.iter().find(|(file, ..)| *file == row.file);
        let agrees = match explained {
            Some((_, requests, responses, _)) => found == (*requests, *responses),
            None if row.number("lost_segments") > 0 => found.0 >= floor.0 && found.1 >= floor.1,
            None => found == expected,
        };
        println!(
            "{} {:<8} {:<60} expected {expected:?} floor {floor:?} found {found:?} complete {} lost {} foreign {} {}",
            if agrees { "ok  " } else { "DIFF" },
            row.kind,
            row.file,
            told["complete"],
            told["lost"],
            told["foreign"],
            explained.map_or("", |(.., why)| why)
        );
        if !agrees && judged {
            wrong.push(row.file);
        }
    }
    assert!(wrong.is_empty(), "differ without a reason: {wrong:#?}");
}
