//! No planted value survives: every byte of every file that reenact writes is searched for each of them, plain and encoded.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::program::{Ran, reenact, repository};
use crate::service::Service;
use reenact::planted::{Planted, Scanner, read};
use tempfile::TempDir;

struct Story {
    folder: TempDir,
    planted: Vec<Planted>,
    scanner: Scanner,
    packets: String,
}

impl Story {
    fn begin() -> Self {
        let planted = read(&fs::read_to_string(repository("examples/captures/planted.tsv")).expect("the list is committed"));
        assert!(planted.len() > 1000, "the list is long: {}", planted.len());
        let scanner = Scanner::new(&planted);
        Self { folder: tempfile::tempdir().expect("a temporary folder"), planted, scanner, packets: repository("examples/captures/orders.pcap") }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("the path is text").to_owned()
    }

    fn keyed(&self, arguments: &[&str]) -> Ran {
        let key = self.path("key");
        reenact(arguments.iter().copied().chain(["--key-file", &key]))
    }

    /// Holds that nothing of it stands in `folder`, nor in what was printed.
    #[track_caller]
    fn is_clean(&self, folder: &str, printed: &[&Ran]) {
        let scan = self.scanner.folder(Path::new(folder)).expect("all files can be read");
        assert!(scan.files > 0 && scan.survivors.is_empty(), "{folder}: {:#?}", scan.survivors);
        for ran in printed {
            for text in [&ran.stdout, &ran.stderr] {
                assert_eq!(self.scanner.bytes(text.as_bytes()), BTreeSet::new(), "printed for {folder}");
            }
        }
    }
}

/// The scanner sees what is there: a raw recording holds all but the few values that a customer had ready and never sent.
#[test]
fn a_raw_recording_shows_them() {
    let story = Story::begin();
    reenact(["capture", "-r", &story.packets, "-o", &story.path("raw"), "--danger-raw"]).exits(0);
    let scan = story.scanner.folder(Path::new(&story.path("raw"))).expect("all files can be read");
    let found: BTreeSet<usize> = scan.survivors.iter().map(|survivor| survivor.index).collect();
    let missed: BTreeSet<&str> = story.planted.iter().enumerate().filter(|(index, _)| !found.contains(index)).map(|(_, planted)| &*planted.kind).collect();
    assert!(found.len() * 100 >= story.planted.len() * 98, "{} of {} found; missed kinds: {missed:?}", found.len(), story.planted.len());
}

/// Recordings, runs, snapshots and reports hold none, and nothing that is printed on the way does.
#[test]
fn nothing_that_is_written_holds_one() {
    let story = Story::begin();
    reenact(["key", "new", &story.path("key")]).exits(0);
    let recording = story.path("rec");
    let captured = story.keyed(&["capture", "-r", &story.packets, "-o", &recording]).exits(0);
    let inspected = reenact(["inspect", &recording]).exits(0);
    let one = reenact(["inspect", &recording, "--exchange", "1.1"]).exits(0);
    story.is_clean(&recording, &[&captured, &inspected, &one]);

    // The second run is held against the first with its tables moved, so that differences are printed and drawn.
    for (name, migration) in [("baseline", None), ("candidate", Some("defective"))] {
        let database = format!("sqlite:{}", story.path(&format!("{name}.db")));
        let service = Service::start(&database);
        let (run, state) = (story.path(name), story.path(&format!("{name}-state")));
        let mut arguments = vec!["replay", &recording, "--target", &service.url, "-o", &run, "--speed", "8", "--session", "cookie:sid"];
        let migrate = migration.map(|variant| format!("'{}' demo-service migrate --database '{database}' --variant {variant}", env!("CARGO_BIN_EXE_reenact")));
        if let Some(command) = &migrate {
            arguments.extend(["--at", "50%", "--exec", command]);
        }
        let replayed = story.keyed(&arguments).exits(0);
        story.is_clean(&run, &[&replayed]);
        let schema = if migration.is_some() { "v2" } else { "v1" };
        let entities = repository("examples/state/orders.yaml");
        let taken = story.keyed(&["snapshot", &database, "--entities", &entities, "--schema", schema, "--recording", &recording, "-o", &state]).exits(0);
        story.is_clean(&state, &[&taken]);
    }
    let report = story.path("report");
    fs::create_dir(&report).expect("the folder is ours");
    let [run, baseline, state, baseline_state] = ["candidate", "baseline", "candidate-state", "baseline-state"].map(|name| story.path(name));
    let verify = |more: &[&str]| {
        let arguments = ["verify", &run, "--baseline", &baseline, "--state", &state, "--baseline-state", &baseline_state, "--recording", &recording];
        reenact(arguments.iter().chain(more)).exits(1)
    };
    let text = verify(&["--html", &format!("{report}/report.html"), "--junit", &format!("{report}/junit.xml")]);
    let json = verify(&["--json"]);
    story.is_clean(&report, &[&text, &json]);
    // The databases were filled by the replay alone: what it sent was redacted.
    story.is_clean(story.folder.path().to_str().expect("the path is text"), &[]);
}
