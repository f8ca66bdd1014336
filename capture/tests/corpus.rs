//! Captures that nobody here wrote: the counts of requests and responses, and a balanced account, for each file.
//!
//! The folder is named by `REENACT_CORPUS`; without it the test says that it was skipped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use reenact_capture::{CaptureOptions, Control, Source, capture};
use reenact_formats::model::{Exchange, LossCause, LossLedger};
use reenact_formats::seam::{BoxError, ExchangeSink};

/// Where we differ from the witness and are right: file, requests, responses (1xx included), and why, with packet numbers.
const WE_ARE_RIGHT: &[(&str, u64, u64, &str)] = &[];

#[derive(Default)]
struct Collect(Vec<Exchange>);

impl ExchangeSink for Collect {
    fn exchange(&mut self, exchange: Exchange) -> Result<(), BoxError> {
        self.0.push(exchange);
        Ok(())
    }
}

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

fn run(path: &Path) -> (LossLedger, Vec<Exchange>) {
    let mut sink = Collect::default();
    let ledger = capture(&Source::File(path.to_owned()), &CaptureOptions::default(), &mut sink, &Control::default());
    (ledger.unwrap_or_else(|error| panic!("{}: {error}", path.display())), sink.0)
}

fn assert_balanced(file: &str, ledger: &LossLedger) {
    let packets = &ledger.packets;
    assert_eq!(packets.seen, packets.tcp + packets.filtered + packets.other.values().sum::<u64>() + packets.lost, "packets of {file}: {ledger:#?}");
    let in_bytes =
        [LossCause::SnapLength, LossCause::Gap, LossCause::Resync, LossCause::BufferCap, LossCause::BodyOverLimit, LossCause::Unparsable, LossCause::Upgraded];
    let lost: u64 = in_bytes.iter().filter_map(|cause| ledger.lost.get(cause)).sum();
    let foreign: u64 = ledger.foreign.values().map(|traffic| traffic.bytes).sum();
    assert_eq!(ledger.stream_bytes, ledger.recorded_bytes + foreign + lost, "bytes of {file}: {ledger:#?}");
}

#[test]
fn counts_agree_with_the_witness() {
    let Some(folder) = corpus() else { return };
    let mut wrong = Vec::new();
    for row in rows(&folder) {
        let (ledger, _) = run(&folder.join(&row.file));
        assert_balanced(&row.file, &ledger);
        if ledger.packets.seen != row.number("packets") {
            println!("     packets {} for {}", ledger.packets.seen, row.number("packets"));
        }
        let found = (ledger.requests, ledger.responses + ledger.interim);
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
            "{} {:<8} {:<60} expected {expected:?} floor {floor:?} found {found:?} complete {} lost {:?} foreign {:?} other {:?} {}",
            if agrees { "ok  " } else { "DIFF" },
            row.kind,
            row.file,
            ledger.complete,
            ledger.lost,
            ledger.foreign,
            ledger.packets.other,
            explained.map_or("", |(.., why)| why)
        );
        if !agrees && judged {
            wrong.push(row.file);
        }
    }
    assert!(wrong.is_empty(), "differ without a reason: {wrong:#?}");
}
