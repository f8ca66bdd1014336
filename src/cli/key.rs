//! `reenact key`: makes a key, names one.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use reenact_sanitize::Key;
use serde_json::json;

use super::exit::Exit;
use super::redaction::{KEY_VARIABLE, given_key};
use super::{InvalidArgument, output};

#[derive(Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Make a key of 32 random bytes and write it to FILE (base64, readable by you alone)
    New {
        /// The file; it must not exist
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Report as one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print the id of a key: what recordings, runs and snapshots name it by
    Id {
        /// The key file; without it REENACT_KEY
        #[arg(value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
        /// Report as one JSON object
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(args: KeyArgs) -> anyhow::Result<Exit> {
    let (key, as_json) = match args.command {
        KeyCommand::New { file, json } => {
            let key = Key::generate()?;
            key.save(&file)?;
            (key, json)
        }
        KeyCommand::Id { file, json } => {
            let key = given_key(file.as_deref())?;
            (key.ok_or_else(|| InvalidArgument::new("no key was given", format!("name a key file, or set {KEY_VARIABLE}")))?, json)
        }
    };
    if as_json {
        output::json(&json!({ "key_id": key.id().as_str() }))?;
    } else {
        output::data(&format!("{}\n", key.id()))?;
    }
    Ok(Exit::Pass)
}
