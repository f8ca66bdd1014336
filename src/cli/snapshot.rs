//! `reenact snapshot`: takes the state of a database, redacted.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use reenact::inspect::count;
use reenact::pipeline::{self, SnapshotJob};
use reenact_verify::Entities;
use serde_json::json;

use super::exit::Exit;
use super::redaction::RedactionArgs;
use super::{output, signals};

const EXAMPLES: &str = "\
Examples:
  reenact snapshot postgres://app@127.0.0.1/orders --entities state.yaml --schema v1 --recording rec/ -o before/ --key-file key.txt
  reenact snapshot sqlite:orders.db --entities state.yaml -o before/ --key-file key.txt";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SnapshotArgs {
    /// The database: postgres://…, mysql://… or sqlite:FILE
    #[arg(value_name = "DATABASE")]
    database: String,
    /// What belongs to the state: SQL projections by name (YAML); without it every table as it stands
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    entities: Option<PathBuf>,
    /// Which projections to take, where an entity has one for each schema version
    #[arg(long, value_name = "NAME", default_value = "v1")]
    schema: String,
    /// The recording that was played: values that are its pseudonyms already stay as they are
    #[arg(long, value_name = "RECORDING", value_hint = ValueHint::DirPath)]
    recording: Option<PathBuf>,
    /// The folder that the snapshot is written to; it must not exist, or be empty
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    output: PathBuf,
    /// Report as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    redaction: RedactionArgs,
}

pub(crate) fn run(args: SnapshotArgs) -> anyhow::Result<Exit> {
    let entities = match &args.entities {
        Some(file) => Entities::load(file)?,
        None => Entities::every_table(),
    };
    let redaction = args.redaction.load()?;
    let job = SnapshotJob { database: args.database, entities, schema: args.schema, recording: args.recording, output: args.output, redaction };
    let snapshot = signals::runtime()?.block_on(pipeline::snapshot(&job))?;
    if args.json {
        let entities: Vec<_> = snapshot
            .entities
            .iter()
            .map(|entity| json!({ "name": entity.name(), "rows": entity.rows().len(), "columns": entity.columns(), "root": entity.root().to_string() }))
            .collect();
        output::json(&json!({ "snapshot": job.output, "schema": snapshot.schema, "key_id": snapshot.key_id.as_str(), "entities": entities }))?;
    } else {
        output::note(&format!("snapshot {}", job.output.display()));
        for entity in &snapshot.entities {
            output::note(&format!("  {:<20} {:>10} rows", entity.name(), count(entity.rows().len() as u64)));
        }
    }
    Ok(Exit::Pass)
}
