//! `reenact inspect`: what is in a recording.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use reenact::inspect::{audit, audit_json, audit_text, exchange_json, exchange_text, summarize};
use reenact_formats::disk::recording::Recording;
use reenact_formats::model::ExchangeId;

use super::exit::Exit;
use super::{InvalidArgument, output};

const EXAMPLES: &str = "\
Examples:
  reenact inspect rec/
  reenact inspect rec/ --exchange 12.3
  reenact inspect rec/ --redactions
  reenact inspect rec/ --json | jq .redactions";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InspectArgs {
    /// The recording
    #[arg(value_name = "RECORDING", value_hint = ValueHint::DirPath)]
    recording: PathBuf,
    /// Show one exchange: CONNECTION.INDEX, as in 12.3
    #[arg(short, long, value_name = "ID")]
    exchange: Option<ExchangeId>,
    /// Show what was done with what stood where: severity, action, count, rule, domain and path, never a value
    #[arg(long, conflicts_with = "exchange")]
    redactions: bool,
    /// Report as one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<Exit> {
    if args.redactions {
        let audit = audit(&Recording::open(&args.recording)?)?;
        if args.json {
            output::json(&audit_json(&audit))?
        } else {
            output::data(&audit_text(&audit))?
        }
        return Ok(Exit::Pass);
    }
    let Some(id) = args.exchange else {
        let summary = summarize(&args.recording)?;
        if args.json {
            output::json(&summary.json())?
        } else {
            output::data(&summary.text())?
        }
        return Ok(Exit::Pass);
    };
    let exchange = Recording::open(&args.recording)?.exchange(id)?;
    let exchange = exchange.ok_or_else(|| {
        let what = format!("recording {} has no exchange {id}", args.recording.display());
        InvalidArgument::new(what, "an exchange is named as lists of them name it: the number of the packet that opened its connection, and its index there")
    })?;
    if args.json {
        output::json(&exchange_json(&exchange))?
    } else {
        output::data(&exchange_text(&exchange))?
    }
    Ok(Exit::Pass)
}
