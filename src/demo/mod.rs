//! The demo: the whole pipeline on an embedded capture and an embedded sandbox.
//!
//! In: a folder to write to, and this program's own file, which is the sandbox too. Out: a recording, four runs with their
//! snapshots, three verdicts and a report. The capture was made with tcpdump of the demo service under the traffic of invented
//! people; a list tells every personal value and secret that stands in it. What never happens here: anything that a user could not
//! do with the commands; the stages call the very functions that the commands call.

mod example;
mod sandbox;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reenact_capture::{CaptureOptions, Source, Tap};
use reenact_formats::disk::recording::{Retention, Window};
use reenact_formats::disk::verdict::{Judgement, Verdict};
use reenact_formats::model::InvalidHead;
use reenact_formats::seam::{Blame, Explain};
use reenact_replay::{At, Control, Hook, Permissions, PlanOptions, RunSummary, SessionBy, Targets};
use reenact_sanitize::{Key, Policy, Redactor};
use reenact_verify::report::{self, Named};
use reenact_verify::{Entities, Objectives};
use tokio::sync::watch;

use crate::pipeline::{self, CaptureJob, Recorded, Redaction, ReplayJob, SnapshotJob, VerifyJob, Watch};
use crate::planted::{self, Scan, Scanner};
pub use example::Example;
use sandbox::Sandbox;

/// One replay of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Play {
    /// The name of its files.
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// The migration that runs half-way, under traffic.
    pub migration: Option<&'static str>,
    /// What its verdict should be.
    pub expected: Judgement,
}

/// What the others are held against.
const BASELINE: Play = Play { name: "v1", title: "v1, the baseline", migration: None, expected: Judgement::Pass };

const CANDIDATES: [Play; 3] = [
    Play { name: "v1-again", title: "v1 again", migration: None, expected: Judgement::Pass },
    Play { name: "v2-right", title: "v1 that becomes v2 half-way, the right migration", migration: Some("right"), expected: Judgement::Pass },
    Play { name: "v2-defective", title: "v1 that becomes v2 half-way, a defective migration", migration: Some("defective"), expected: Judgement::Fail },
];

/// How much faster than recorded the capture is played.
const SPEED: f64 = 4.0;

/// The report on all three.
const REPORT: &str = "report.html";

/// Marks a folder as an earlier demo's, which the next one may replace.
const MARK: &str = ".reenact-demo";

const PACKETS: &[u8] = include_bytes!("../../examples/captures/orders.pcap");
const PLANTED: &str = include_str!("../../examples/captures/planted.tsv");
const POLICY: &str = include_str!("../../examples/policies/orders.yaml");
const ENTITIES: &str = include_str!("../../examples/state/orders.yaml");

/// What happens, as it happens.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A stage begins.
    Stage {
        /// What it does.
        title: &'a str,
    },
    /// So much of the stage is done.
    Progress {
        /// Exchanges that are settled.
        done: u64,
        /// All of them.
        total: u64,
    },
    /// The recording is written.
    Recorded(&'a Recorded),
    /// One exchange before and after redaction.
    Example(&'a Example),
    /// Files were searched for planted values.
    Scanned {
        /// How many values were looked for.
        planted: usize,
        /// What was found.
        scan: &'a Scan,
    },
    /// A replay ended.
    Replayed(&'a RunSummary),
    /// A verdict was reached.
    Judged {
        /// On which replay.
        play: Play,
        /// The verdict.
        verdict: &'a Verdict,
    },
}

/// What came of a demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whether everything was as it should be: nothing planted survived, and the three verdicts are the expected ones.
    pub as_expected: bool,
    /// Where the report is.
    pub report: PathBuf,
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A stage failed.
    #[error(transparent)]
    Pipeline(#[from] pipeline::Error),
    /// A key could not be made, or the embedded policy is wrong.
    #[error(transparent)]
    Sanitize(#[from] reenact_sanitize::Error),
    /// A report could not be made.
    #[error(transparent)]
    Verify(#[from] reenact_verify::Error),
    /// A target that cannot be one.
    #[error(transparent)]
    Replay(#[from] reenact_replay::Error),
    /// A file could not be searched.
    #[error("cannot search for planted values")]
    Scan(#[from] planted::Error),
    /// The example exchange is wrong.
    #[error("the embedded example is no HTTP")]
    Example(#[from] InvalidHead),
    /// The output folder holds something that no demo wrote.
    #[error("output folder {} exists and was not written by a demo", path.display())]
    NotOurs {
        /// The folder.
        path: PathBuf,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The sandbox does not run.
    #[error("cannot {what} the demo service")]
    Sandbox {
        /// What failed.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl Explain for Error {
    fn blame(&self) -> Blame {
        match self {
            Self::Pipeline(error) => error.blame(),
            Self::Sanitize(error) => error.blame(),
            Self::Verify(error) => error.blame(),
            Self::Replay(error) => error.blame(),
            Self::NotOurs { .. } => Blame::Input,
            Self::Write { source, .. } if source.kind() != io::ErrorKind::StorageFull => Blame::Input,
            Self::Scan(_) | Self::Example(_) | Self::Write { .. } | Self::Sandbox { .. } => Blame::Ours,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Pipeline(error) => error.hint(),
            Self::NotOurs { .. } => Some("name another folder with -o".to_owned()),
            _ => None,
        }
    }
}

/// Runs the demo. `program` is this program's own file; `output` is replaced if an earlier demo wrote it.
pub async fn run(program: &Path, output: &Path, tell: &mut dyn FnMut(Event<'_>)) -> Result<Outcome, Error> {
    prepare(output)?;
    let mut demo =
        Demo { program, output, redaction: Redaction { key: Key::generate()?, policy: Policy::parse("the demo's policy", POLICY)?, known_values: None }, tell };
    let planted = planted::read(PLANTED);
    let scanner = Scanner::new(&planted);

    demo.capture()?;
    demo.example()?;
    (demo.tell)(Event::Stage { title: "Look for every planted value in every byte of the recording" });
    let scan = scanner.folder(&demo.path("recording"))?;
    (demo.tell)(Event::Scanned { planted: planted.len(), scan: &scan });
    let mut as_expected = scan.survivors.is_empty();

    demo.play(BASELINE).await?;
    let mut verdicts = Vec::new();
    for play in CANDIDATES {
        demo.play(play).await?;
        let verdict = demo.judge(play)?;
        as_expected &= verdict.judgement == play.expected;
        verdicts.push((play, verdict));
    }
    let named: Vec<Named<'_>> = verdicts.iter().map(|(play, verdict)| Named { name: play.title, verdict }).collect();
    demo.write(REPORT, &report::html(&named))?;
    demo.write("junit.xml", &report::junit(&named)?)?;

    (demo.tell)(Event::Stage { title: "Look for every planted value in all that was written: runs, snapshots, databases, reports" });
    let scan = scanner.folder(output)?;
    (demo.tell)(Event::Scanned { planted: planted.len(), scan: &scan });
    as_expected &= scan.survivors.is_empty();
    Ok(Outcome { as_expected, report: output.join(REPORT) })
}

/// Makes the output folder, or empties it if an earlier demo filled it.
fn prepare(output: &Path) -> Result<(), Error> {
    let failed = |source| Error::Write { path: output.to_owned(), source };
    let holds_something = match fs::read_dir(output) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(failed(error)),
    };
    if holds_something {
        if !output.join(MARK).is_file() {
            return Err(Error::NotOurs { path: output.to_owned() });
        }
        fs::remove_dir_all(output).map_err(failed)?;
    }
    fs::create_dir_all(output).map_err(failed)?;
    fs::write(output.join(MARK), "reenact demo wrote this folder and may replace it\n").map_err(failed)
}

struct Demo<'a> {
    program: &'a Path,
    output: &'a Path,
    redaction: Redaction,
    tell: &'a mut dyn FnMut(Event<'_>),
}

impl Demo<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.output.join(name)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.path(name);
        fs::write(&path, text).map_err(|source| Error::Write { path, source })
    }

    /// From the embedded packets to a recording. The packets themselves stay out of the output: they are raw.
    fn capture(&mut self) -> Result<(), Error> {
        (self.tell)(Event::Stage { title: "Capture: from packets that tcpdump saw to a redacted recording" });
        let file =
            tempfile::Builder::new().prefix("orders-").suffix(".pcap").tempfile().map_err(|source| Error::Write { path: std::env::temp_dir(), source })?;
        fs::write(file.path(), PACKETS).map_err(|source| Error::Write { path: file.path().to_owned(), source })?;
        let job = CaptureJob {
            expires: None,
            part_age: None,
            rotation: None,
            retention: Retention::default(),
            max_bytes: None,
            source: Source::File(file.path().to_owned()),
            options: CaptureOptions::default(),
            output: self.path("recording"),
            part_bytes: reenact_formats::disk::recording::PART_BYTES,
            redaction: Some(self.redaction.clone()),
            watch: Watch::default(),
        };
        let control = reenact_capture::Control::default();
        let tap = Tap::open(&job.source, &job.options, &control).map_err(pipeline::Error::from)?;
        for written in pipeline::capture(&job, tap, &control)? {
            let mut recorded = written.check()?;
            if let Some(error) = recorded.failed.take() {
                return Err(error.into());
            }
            (self.tell)(Event::Recorded(&recorded));
        }
        Ok(())
    }

    fn example(&mut self) -> Result<(), Error> {
        (self.tell)(Event::Stage { title: "Redact: one exchange as it was sent, and as it is written" });
        let mut redactor = Redactor::new(&Policy::default(), &self.redaction.key);
        (self.tell)(Event::Example(&example::example(&mut redactor)?));
        Ok(())
    }

    /// Plays the recording against a sandbox of its own, and takes the state that it leaves.
    async fn play(&mut self, play: Play) -> Result<(), Error> {
        (self.tell)(Event::Stage { title: &format!("Replay against {}", play.title) });
        let databases = self.path("databases");
        fs::create_dir_all(&databases).map_err(|source| Error::Write { path: databases.clone(), source })?;
        let sandbox = Sandbox::start(self.program, databases.join(format!("{}.db", play.name))).await?;
        let job = ReplayJob {
            recording: self.path("recording"),
            window: Window::ALL,
            plan: PlanOptions { speed: SPEED, session: SessionBy::Cookie("sid".to_owned()) },
            targets: Targets::all(sandbox.url.parse()?),
            permissions: Permissions::default(),
            tags: vec![("variant".to_owned(), play.name.to_owned())],
            hooks: play.migration.map(|variant| Hook { at: At::Share(0.5), command: sandbox.migration(self.program, variant) }).into_iter().collect(),
            hook_timeout: Duration::from_secs(600),
            max_in_flight: 512,
            timeout: Duration::from_secs(30),
            keep_responses: true,
            output: self.path(&format!("{}-run", play.name)),
            redaction: self.redaction.clone(),
        };
        let summary = self.watched(job).await?;
        (self.tell)(Event::Replayed(&summary));
        let snapshot = SnapshotJob {
            database: sandbox.database.clone(),
            entities: Entities::parse("the demo's entities", ENTITIES)?,
            schema: if play.migration.is_some() { "v2" } else { "v1" }.to_owned(),
            recording: Some(self.path("recording")),
            output: self.path(&format!("{}-state", play.name)),
            redaction: self.redaction.clone(),
        };
        pipeline::snapshot(&snapshot).await?;
        sandbox.stop().await
    }

    /// Replays, and tells how far it is.
    async fn watched(&mut self, job: ReplayJob) -> Result<RunSummary, Error> {
        let (sender, mut progress) = watch::channel((0, 0));
        let report = move |now: &reenact_replay::Progress| {
            sender.send_replace((now.settled, now.planned));
        };
        let mut replay = std::pin::pin!(job.prepare()?.run(Control { progress: Some(Box::new(report)), ..Control::default() }));
        loop {
            tokio::select! {
                summary = &mut replay => return Ok(summary?),
                Ok(()) = progress.changed() => {
                    let (done, total) = *progress.borrow_and_update();
                    (self.tell)(Event::Progress { done, total });
                }
            }
        }
    }

    /// Holds a candidate against the baseline.
    fn judge(&mut self, play: Play) -> Result<Verdict, Error> {
        let path = |play: Play, kind: &str| self.path(&format!("{}-{kind}", play.name));
        let job = VerifyJob {
            run: path(play, "run"),
            baseline: path(BASELINE, "run"),
            states: Some((path(play, "state"), path(BASELINE, "state"))),
            recording: Some(self.path("recording")),
            objectives: Objectives::default(),
            key: None,
            policy: None,
        };
        let verdict = pipeline::verify(&job)?;
        self.write(&format!("{}-verdict.json", play.name), &report::json(&verdict))?;
        (self.tell)(Event::Judged { play, verdict: &verdict });
        Ok(verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_demo_is_replaced_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("out");
        prepare(&output).unwrap();
        fs::write(output.join("old"), "").unwrap();
        prepare(&output).unwrap();
        assert!(!output.join("old").exists());
        fs::remove_file(output.join(MARK)).unwrap();
        fs::write(output.join("mine"), "").unwrap();
        assert!(matches!(prepare(&output), Err(Error::NotOurs { .. })));
        assert!(output.join("mine").exists());
    }
}
