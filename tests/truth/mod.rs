//! The ground truth: what a synthetic capture holds, compared with what a recording of it does.
//!
//! In: flags of `bench/make_big_pcap.py`, which writes a capture and, for each exchange, what is true of it and whether all of its
//! bytes are in the capture. Out: a [`Tally`] of what the built binary made of that capture. Exchanges are told apart by their
//! `X-Request-Id`, which stands in the request and in its answer. What never happens here: a recording is taken at its own word.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use reenact_formats::content::decoded_body;
use reenact_formats::disk::publish::Digest;
use reenact_formats::disk::recording::{Recording, Window};
use reenact_formats::model::{Anomaly, Completeness, Exchange, LossCause, LossLedger, Message, Side};
use serde_json::Value;

/// Every kind of damage, singly and mixed; `RATE` stands for its probability.
pub(crate) const DAMAGES: [&str; 14] = [
    "--loss RATE",
    "--capture-loss RATE",
    "--retrans RATE",
    "--dup RATE",
    "--reorder RATE",
    "--overlap RATE",
    "--midstream RATE",
    "--noclose RATE",
    "--loss RATE --retrans RATE --dup RATE --reorder RATE --overlap RATE",
    "--capture-loss RATE --reorder RATE --dup RATE",
    "--capture-loss RATE --midstream RATE --noclose RATE",
    "--capture-loss RATE --pipeline 0.2",
    "--loss RATE --retrans RATE --reorder RATE --overlap RATE --pipeline 0.2 --vxlan --nanos",
    "--loss RATE --capture-loss RATE --retrans RATE --dup RATE --reorder RATE --overlap RATE --midstream RATE --noclose RATE",
];

/// The probabilities that `RATE` stands for.
pub(crate) const RATES: [&str; 3] = ["0.001", "0.01", "0.05"];

/// What is no damage, and yet not the plainest of captures.
pub(crate) const SHAPES: [&str; 11] = [
    "",
    "--pipeline 0.2",
    "--pipeline 1 --concurrency 8",
    "--vxlan",
    "--bad-checksums",
    "--mss 65000",
    "--mss 80",
    "--nanos",
    "--continue100 0.5",
    "--midstream 1 --noclose 1",
    "--snaplen 1000",
];

/// Captures of one kind, to be made and recorded.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// What is wrong with it, as flags of the generator.
    pub(crate) flags: Vec<String>,
    pub(crate) mebibytes: f64,
    /// One capture for each.
    pub(crate) seeds: Vec<u64>,
    /// Further flags of `reenact capture`.
    pub(crate) capture: Vec<String>,
}

/// What a recording made of a capture.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) exchanges: u64,
    /// Those whose bytes are all in the capture.
    pub(crate) intact: u64,
    /// Intact, and recorded complete, byte for byte.
    pub(crate) recovered: u64,
    /// Intact and not recorded complete: which, and what became of each.
    pub(crate) missed: Vec<String>,
    /// Not intact, and recorded as incomplete, with what is missing.
    pub(crate) incomplete: u64,
    /// Not intact, and complete all the same: what was lost came again in another segment.
    pub(crate) mended: u64,
    /// Not intact, and neither of its heads could be read: its bytes stand in the ledger.
    pub(crate) in_ledger: u64,
    /// Messages that were recorded more than once.
    pub(crate) twice: Vec<String>,
    /// Messages that say what was never sent, requests with another's answer, and losses without a word.
    pub(crate) wrong: Vec<String>,
    pub(crate) ledger: LossLedger,
}

impl Case {
    pub(crate) fn new(flags: &str, mebibytes: f64, seeds: &[u64]) -> Self {
        Self { flags: flags.split_whitespace().map(str::to_owned).collect(), mebibytes, seeds: seeds.to_vec(), capture: Vec::new() }
    }

    /// The least share of the intact exchanges that must be recovered. A hole may hide which answer belongs to which request: in one of two
    /// hundred exchanges at most, but more often where clients send several requests at once and any of them may be missing.
    pub(crate) fn least_recall(&self) -> f64 {
        let has = |wanted: &str| self.flags.iter().any(|flag| flag == wanted);
        match (has("--capture-loss") || has("--snaplen"), has("--pipeline")) {
            (false, _) => 1.0,
            (true, false) => 0.995,
            (true, true) => 0.96,
        }
    }

    /// Makes each capture, records it with the binary `reenact`, and compares.
    pub(crate) fn run(&self, reenact: &Path) -> Tally {
        let mut sum = Tally::default();
        self.seeds.iter().for_each(|seed| sum.add(self.run_one(*seed, reenact)));
        sum
    }

    fn run_one(&self, seed: u64, reenact: &Path) -> Tally {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (capture, truth, recording) = (folder.path().join("capture.pcap"), folder.path().join("truth.jsonl"), folder.path().join("recording"));
        let generator = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/make_big_pcap.py");
        let (size, seed) = (self.mebibytes.to_string(), seed.to_string());
        let mut generate = Command::new("python3");
        generate.arg(generator).arg("--out").arg(&capture).arg("--truth").arg(&truth).args(["--size-mib", &size, "--seed", &seed]).args(&self.flags);
        succeed(&mut generate);
        let mut record = Command::new(reenact);
        record.arg("capture").arg("-r").arg(&capture).arg("-o").arg(&recording).arg("--danger-raw").args(&self.capture);
        succeed(&mut record);
        let pipelined = self.flags.iter().any(|flag| flag == "--pipeline");
        let mut tally = compare(&truth, &recording, if pipelined { Interim::Anywhere } else { Interim::InItsExchange });
        [&mut tally.missed, &mut tally.twice, &mut tally.wrong].into_iter().flatten().for_each(|text| text.insert_str(0, &format!("seed {seed}: ")));
        tally
    }
}

/// Where a `100 Continue` belongs. The generator sends it as soon as it is asked for, and so, to a client that pipelines, before answers
/// that are due earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interim {
    InItsExchange,
    Anywhere,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.flags.is_empty() { "undamaged" } else { "" })?;
        f.write_str(&self.flags.join(" "))
    }
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Tally {
    /// The share of the intact exchanges that was recovered.
    #[expect(clippy::cast_precision_loss, reason = "a share for people, of small numbers")]
    pub(crate) fn recall(&self) -> f64 {
        if self.intact == 0 { 1.0 } else { self.recovered as f64 / self.intact as f64 }
    }

    /// What must never be, however damaged the capture.
    pub(crate) fn faults(&self) -> Vec<String> {
        let unbalanced = (!self.ledger.is_balanced()).then(|| format!("the ledger does not balance: {:?}", self.ledger));
        let twice = self.twice.iter().map(|twice| format!("twice: {twice}"));
        self.wrong.iter().map(|wrong| format!("wrong: {wrong}")).chain(twice).chain(unbalanced).collect()
    }

    /// Whether a capture of this `case` may come out so.
    pub(crate) fn is_acceptable(&self, case: &Case) -> bool {
        self.exchanges > 0 && self.faults().is_empty() && self.recall() >= case.least_recall()
    }

    /// Adds another capture's.
    fn add(&mut self, other: Self) {
        self.exchanges += other.exchanges;
        self.intact += other.intact;
        self.recovered += other.recovered;
        self.missed.extend(other.missed);
        self.incomplete += other.incomplete;
        self.mended += other.mended;
        self.in_ledger += other.in_ledger;
        self.twice.extend(other.twice);
        self.wrong.extend(other.wrong);
        self.ledger.add(&other.ledger);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} intact exchanges; of {} others {} listed as incomplete, {} whole after all, {} in the ledger",
            self.recovered,
            self.intact,
            self.exchanges - self.intact,
            self.incomplete,
            self.mended,
            self.in_ledger
        )
    }
}

/// Compares the recording in `recording` with the truth in `truth`.
fn compare(truth: &Path, recording: &Path, interim: Interim) -> Tally {
    let mut found: BTreeMap<String, Found> = read_truth(truth);
    let recording = Recording::open(recording).expect("a whole recording");
    let mut tally = Tally { ledger: recording.manifest().ledger.clone(), ..Tally::default() };
    for exchange in recording.exchanges(&Window::ALL).expect("readable") {
        let exchange = exchange.expect("readable");
        let problems = see(&mut found, &exchange, interim);
        tally.wrong.extend(problems.into_iter().map(|problem| format!("{} {problem}: {}", exchange.id, shown(&exchange))));
    }
    for (id, found) in found {
        found.count(&id, &mut tally);
    }
    tally
}

/// What is true of one exchange, and what was seen of it.
struct Found {
    truth: Value,
    /// How often each of its messages was recorded.
    messages: [u64; 2],
    complete: bool,
    /// What was said of it where it was recorded as incomplete.
    told: Vec<String>,
}

impl Found {
    fn text(&self, name: &str) -> &str {
        self.truth[name].as_str().expect("the truth has it")
    }

    fn number(&self, name: &str) -> u64 {
        self.truth[name].as_u64().expect("the truth has it")
    }

    fn count(self, id: &str, tally: &mut Tally) {
        let intact = self.truth["intact"].as_bool().expect("the truth has it");
        let seen = self.messages.iter().sum::<u64>() > 0;
        let name = || format!("{id} ({} {} on {}, number {})", self.text("m"), self.text("path"), self.text("flow"), self.number("i"));
        tally.exchanges += 1;
        if self.messages.iter().any(|count| *count > 1) {
            tally.twice.push(format!("{}: {} requests, {} responses", name(), self.messages[0], self.messages[1]));
        }
        match (intact, self.complete) {
            (true, true) => tally.recovered += 1,
            (true, false) => tally.missed.push(format!("{}: {}", name(), if seen { self.told.join("; ") } else { "neither head was read".to_owned() })),
            (false, true) => tally.mended += 1,
            (false, false) if seen => tally.incomplete += 1,
            (false, false) => {
                tally.in_ledger += 1;
                let lost = [LossCause::Gap, LossCause::Resync, LossCause::SnapLength].iter().filter_map(|cause| tally.ledger.lost.get(cause)).sum::<u64>();
                if lost == 0 {
                    tally.wrong.push(format!("{}: it is lost without a word", name()));
                }
            }
        }
        tally.intact += u64::from(intact);
    }
}

fn read_truth(path: &Path) -> BTreeMap<String, Found> {
    let lines = BufReader::new(File::open(path).expect("the truth is there")).lines();
    let truths = lines.map(|line| serde_json::from_str::<Value>(&line.expect("readable")).expect("a line is JSON"));
    truths
        .map(|truth| (truth["rid"].as_str().expect("the truth has it").to_owned(), Found { truth, messages: [0; 2], complete: false, told: Vec::new() }))
        .collect()
}

/// Notes one recorded exchange, and says what is wrong with it.
fn see(found: &mut BTreeMap<String, Found>, exchange: &Exchange, interim: Interim) -> Vec<String> {
    let ids = [Side::Request, Side::Response].map(|side| exchange.message(side).map(|message| header(message, "X-Request-Id")));
    let mut problems = Vec::new();
    match &ids {
        [Some(asked), Some(answered)] if asked != answered => problems.push(format!("pairs the request {asked} with the answer to {answered}")),
        _ => {}
    }
    for (place, (side, id)) in [Side::Request, Side::Response].into_iter().zip(&ids).enumerate() {
        let (Some(id), Some(message)) = (id, exchange.message(side)) else { continue };
        let Some(found) = found.get_mut(id) else {
            problems.push(format!("has a {side} that was never sent"));
            continue;
        };
        found.messages[place] += 1;
        problems.extend(message_problem(found, side, message).map(|problem| format!("has a {side} whose {problem}")));
    }
    let ([Some(id), _] | [None, Some(id)]) = &ids else {
        problems.push("is empty".to_owned());
        return problems;
    };
    let Some(found) = found.get_mut(id) else { return problems };
    if exchange.is_complete() {
        found.complete = problems.is_empty();
        let flow = format!("{}-{}", exchange.client, exchange.server);
        if flow != found.text("flow") {
            problems.push("is of another connection".to_owned());
        }
        if interim == Interim::InItsExchange && exchange.interim.len() as u64 != u64::from(found.truth["cont"] == true) {
            problems.push("has other informational responses".to_owned());
        }
    } else {
        let told: Vec<&str> = exchange.anomalies.iter().map(|anomaly| anomaly.word()).collect();
        if !exchange.anomalies.iter().any(|anomaly| TELLS.contains(anomaly)) {
            problems.push("is incomplete and does not say why".to_owned());
        }
        found.told.push(format!("exchange {} is incomplete: {}", exchange.id, told.join(", ")));
    }
    problems
}

/// What a message says that was never sent.
fn message_problem(found: &Found, side: Side, message: &Message) -> Option<String> {
    let (length, hash, encoding) = match side {
        Side::Request => ("req_len", "req_h", ""),
        _ => ("resp_len", "resp_h", found.text("enc")),
    };
    let head = &message.head;
    let differs = match side {
        Side::Request => head.method() != Some(found.text("m").as_bytes()) || head.target() != Some(found.text("path").as_bytes()),
        _ => head.status().map(u64::from) != Some(found.number("st")),
    };
    if differs {
        return Some("start line is not its own".to_owned());
    }
    let (kept, expected) = (message.body.kept_length(), found.number(length));
    match message.body.completeness {
        Completeness::Whole => match decoded_body(message, 1 << 30) {
            Ok(body) if body.len() as u64 == expected && Digest::of(&body).to_string().starts_with(found.text(hash)) => None,
            Ok(body) => Some(format!("body has {} bytes of {expected}, or others", body.len())),
            Err(error) => Some(format!("body cannot be read: {error}")),
        },
        Completeness::Gap(missing) if encoding.is_empty() && kept + missing > expected => {
            Some(format!("body has {kept} bytes around a hole of {missing}, and had {expected}"))
        }
        Completeness::TruncatedAt(at) if at != kept => Some(format!("body is cut at {at} and has {kept} bytes")),
        Completeness::Dropped { .. } => Some("body was dropped".to_owned()),
        _ if encoding.is_empty() && kept > expected => Some(format!("body has {kept} of {expected} bytes")),
        _ => None,
    }
}

fn header(message: &Message, name: &str) -> String {
    String::from_utf8_lossy(message.head.header(name).unwrap_or_default()).into_owned()
}

/// An exchange in one line.
fn shown(exchange: &Exchange) -> String {
    let side = |side| {
        exchange.message(side).map_or("-".to_owned(), |message| {
            let start = String::from_utf8_lossy(message.head.raw()).lines().next().unwrap_or_default().to_owned();
            format!("{start:?} {} {:?}", header(message, "X-Request-Id"), message.body)
        })
    };
    let told: Vec<&str> = exchange.anomalies.iter().map(|anomaly| anomaly.word()).collect();
    format!("{} {} [{}] {}-{}", side(Side::Request), side(Side::Response), told.join(","), exchange.client, exchange.server)
}

/// The anomalies that say what an incomplete exchange lacks.
const TELLS: [Anomaly; 5] = [Anomaly::Gap, Anomaly::Truncated, Anomaly::MissingRequest, Anomaly::MissingResponse, Anomaly::MalformedChunk];
