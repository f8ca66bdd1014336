//! The command line: the only place with clap, anyhow and stdout.
//!
//! What flows in: arguments, environment, signals. What flows out: data on stdout, everything else on stderr, one exit code.
//! Each command is a file: its arguments as typed, and a `run` that makes of them what the library will do. What never happens
//! here: work on exchanges; that is `pipeline`'s and the crates' below it.

mod capture;
mod check;
mod cut;
mod database;
mod demo;
mod demo_service;
mod duration;
mod erase;
mod exit;
mod export;
mod generate;
mod import;
mod inspect;
mod key;
mod merge;
mod output;
mod policy;
mod privileges;
mod progress;
mod redaction;
mod replay;
mod report;
mod sandbox;
mod sanitize;
mod signals;
mod size;
mod snapshot;
mod threads;
mod verify;
mod window;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use reenact_formats::seam::{Blame, Explain};

use exit::Exit;

/// Record production traffic, take the people and the secrets out of it, replay it against a sandbox, and prove what it did.
#[derive(Parser)]
#[command(version, propagate_version = true, disable_help_subcommand = true, after_help = EXAMPLES, max_term_width = 120)]
struct Cli {
    /// Say more on stderr: -v what happens, -vv in detail (REENACT_LOG sets filters)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  reenact demo                                                   the whole pipeline on an embedded sandbox
  reenact key new key.txt                                        a key; what is written under one key joins
  reenact capture -r traffic.pcapng -o rec/ --key-file key.txt   from packets to a redacted recording
  reenact inspect rec/                                           what is in it
  reenact replay rec/ --target http://127.0.0.1:8080 -o run/ --key-file key.txt
  reenact verify run/ --baseline base-run/ --html report.html

Exit codes: 0 pass; 1 fail; 2 what was given is wrong; 3 stopped by safety or a signal; 4 inconclusive; 5 our own side.";

#[derive(Subcommand)]
enum Command {
    /// Watch the whole pipeline on an embedded capture and sandbox; ends with a report
    Demo(demo::DemoArgs),
    /// Turn packets, live or from a file, into a redacted recording
    Capture(Box<capture::CaptureArgs>),
    /// Turn another tool's file into a redacted recording
    Import(import::ImportArgs),
    /// Write a redacted recording as another tool's file
    Export(export::ExportArgs),
    /// Make a key, or name one
    Key(key::KeyArgs),
    /// Propose a policy from a recording
    Policy(policy::PolicyArgs),
    /// Redact a recording into a new one, or a sandbox copy of a database in place; or explain what would become of an exchange
    Sanitize(sanitize::SanitizeArgs),
    /// Mark a database as a copy that may be rewritten
    Sandbox(sandbox::SandboxArgs),
    /// Show what is in a recording
    Inspect(inspect::InspectArgs),
    /// Make one recording of those of several machines
    Merge(merge::MergeArgs),
    /// Cut a window out of a long recording, reading only the pages that it needs
    Cut(cut::CutArgs),
    /// Take a person's exchanges out of a recording
    Erase(erase::EraseArgs),
    /// Check that a recording is whole, unaltered and free of residue; or another file of ours
    Check(check::CheckArgs),
    /// Play a recording against a sandbox
    Replay(replay::ReplayArgs),
    /// Take the state of a database, redacted
    Snapshot(snapshot::SnapshotArgs),
    /// Judge a run against a baseline
    Verify(verify::VerifyArgs),
    #[command(hide = true)]
    DemoService(demo_service::DemoServiceArgs),
    #[command(hide = true)]
    Completions(generate::CompletionsArgs),
    #[command(hide = true)]
    Man(generate::ManArgs),
    #[command(hide = true)]
    Schema(generate::SchemaArgs),
}

/// An argument that clap could not know to be wrong.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct InvalidArgument {
    what: String,
    hint: Option<String>,
}

impl InvalidArgument {
    pub(crate) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: Some(hint.into()) }
    }
}

impl Explain for InvalidArgument {
    fn blame(&self) -> Blame {
        Blame::Input
    }

    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

/// Runs the command line of this process.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are data; a broken pipe under them is no failure.
            let _ = error.print();
            return if error.use_stderr() { Exit::Input.into() } else { ExitCode::SUCCESS };
        }
    };
    start_log(cli.verbose);
    forbid_core_dumps();
    match run(cli.command) {
        Ok(exit) => exit.into(),
        Err(error) if exit::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&error);
            exit::of_error(&error).into()
        }
    }
}

fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Demo(args) => demo::run(&args),
        Command::Capture(args) => capture::run(*args),
        Command::Import(args) => import::run(args),
        Command::Export(args) => export::run(&args),
        Command::Key(args) => key::run(args),
        Command::Policy(args) => policy::run(args),
        Command::Sanitize(args) => sanitize::run(&args),
        Command::Sandbox(args) => sandbox::run(args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Merge(args) => merge::run(args),
        Command::Cut(args) => cut::run(args),
        Command::Erase(args) => erase::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Replay(args) => replay::run(args),
        Command::Snapshot(args) => snapshot::run(args),
        Command::Verify(args) => verify::run(args),
        Command::DemoService(args) => demo_service::run(args),
        Command::Completions(args) => generate::completions(&args),
        Command::Man(args) => generate::man(&args),
        Command::Schema(args) => generate::schema(&args),
    }
}

/// What is in memory stays there: raw traffic and keys must not be in a file because something went wrong.
fn forbid_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let is_limited = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).is_ok();
    // Where the kernel hands them to a program, that limit says nothing.
    #[cfg(target_os = "linux")]
    let is_limited = is_limited && rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).is_ok();
    if !is_limited {
        output::warning("core dumps could not be forbidden: a crash may leave what was in memory in a file");
    }
}

fn start_log(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("REENACT_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
}
