//! `reenact verify`: judges a run against a baseline.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use anyhow::Context;
use reenact::pipeline::{self, VerifyJob};
use reenact_formats::disk::verdict::Judgement;
use reenact_sanitize::Policy;
use reenact_verify::Objectives;
use reenact_verify::report::{self, Named};

use super::exit::Exit;
use super::output;
use super::redaction::given_key;

const EXAMPLES: &str = "\
Examples:
  reenact verify run/ --baseline base-run/ --html report.html
  reenact verify run/ --baseline base-run/ --state after/ --baseline-state base-after/ --slo slo.yaml --junit junit.xml";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArgs {
    /// The run to judge
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    run: PathBuf,
    /// The run that it is held against
    #[arg(long, value_name = "RUN", value_hint = ValueHint::DirPath)]
    baseline: PathBuf,
    /// The snapshot of the database after the run
    #[arg(long, value_name = "SNAPSHOT", value_hint = ValueHint::DirPath, requires = "baseline_state")]
    state: Option<PathBuf>,
    /// The snapshot of the database after the baseline run
    #[arg(long, value_name = "SNAPSHOT", value_hint = ValueHint::DirPath, requires = "state")]
    baseline_state: Option<PathBuf>,
    /// Objectives (YAML)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    slo: Option<PathBuf>,
    /// The recording that was played: tells what each target makes anew from what the clients sent
    #[arg(long, value_name = "RECORDING", value_hint = ValueHint::DirPath)]
    recording: Option<PathBuf>,
    /// Write a report as one self-contained page
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    html: Option<PathBuf>,
    /// Write a JUnit XML file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    junit: Option<PathBuf>,
    /// The key that both runs must have been written under
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    key_file: Option<PathBuf>,
    /// The policy (YAML) that both runs must have been written under
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    policy: Option<PathBuf>,
    /// Print the verdict as one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: VerifyArgs) -> anyhow::Result<Exit> {
    let objectives = match &args.slo {
        Some(file) => Objectives::load(file)?,
        None => Objectives::default(),
    };
    let key = given_key(args.key_file.as_deref())?;
    let policy = args.policy.as_deref().map(Policy::load).transpose()?;
    let states = args.state.zip(args.baseline_state);
    let name = args.run.display().to_string();
    let job = VerifyJob { run: args.run, baseline: args.baseline, states, recording: args.recording, objectives, key, policy };
    let verdict = pipeline::verify(&job)?;

    let named = [Named { name: &name, verdict: &verdict }];
    if let Some(file) = &args.html {
        std::fs::write(file, report::html(&named)).with_context(|| format!("cannot write report {}", file.display()))?;
    }
    if let Some(file) = &args.junit {
        std::fs::write(file, report::junit(&named)?).with_context(|| format!("cannot write report {}", file.display()))?;
    }
    output::data(&if args.json { report::json(&verdict) } else { report::text(&verdict) })?;
    Ok(of_judgement(verdict.judgement))
}

/// The exit code of a verdict derives from it alone.
const fn of_judgement(judgement: Judgement) -> Exit {
    match judgement {
        Judgement::Pass => Exit::Pass,
        Judgement::Fail => Exit::Fail,
        _ => Exit::Inconclusive,
    }
}
