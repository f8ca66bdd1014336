//! What packagers need and nobody types: shell completions, man pages, JSON Schemas.

use std::path::PathBuf;

use clap::{Args, CommandFactory, ValueEnum, ValueHint};
use clap_complete::Shell;
use reenact_formats::config::{entities::EntitiesFile, objectives::ObjectivesFile, policy::PolicyFile, rules::PackFile};
use schemars::schema_for;

use super::exit::Exit;
use super::{Cli, output};

#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// The shell to complete for
    shell: Shell,
}

#[derive(Args)]
pub(crate) struct SchemaArgs {
    /// The kind of file that it describes
    #[arg(value_enum)]
    file: SchemaOf,
}

#[derive(Clone, Copy, ValueEnum)]
enum SchemaOf {
    /// What is redacted, and how
    Policy,
    /// Service level objectives
    Objectives,
    /// What belongs to a database's state
    Entities,
    /// A pack of rules: what is looked for
    Rules,
    /// An exchange, as `reenact export --to jsonl` writes it
    Exchange,
}

#[derive(Args)]
pub(crate) struct ManArgs {
    /// Where the pages are written; made if it is missing
    #[arg(value_hint = ValueHint::DirPath)]
    directory: PathBuf,
}

pub(crate) fn completions(args: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "reenact", &mut script);
    output::data(&String::from_utf8(script)?)?;
    Ok(Exit::Pass)
}

pub(crate) fn man(args: &ManArgs) -> anyhow::Result<Exit> {
    std::fs::create_dir_all(&args.directory)?;
    clap_mangen::generate_to(Cli::command(), &args.directory)?;
    Ok(Exit::Pass)
}

pub(crate) fn schema(args: &SchemaArgs) -> anyhow::Result<Exit> {
    output::json(&match args.file {
        SchemaOf::Policy => schema_for!(PolicyFile),
        SchemaOf::Objectives => schema_for!(ObjectivesFile),
        SchemaOf::Entities => schema_for!(EntitiesFile),
        SchemaOf::Rules => schema_for!(PackFile),
        SchemaOf::Exchange => schema_for!(reenact::export::Line),
    })?;
    Ok(Exit::Pass)
}
