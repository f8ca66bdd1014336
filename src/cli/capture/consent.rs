//! The options that say which exchanges may be kept.

use clap::Args;
use reenact_capture::{Condition, Consent, Sample, SampleBy};

/// Which exchanges are kept. What is left out is counted, by cause, and never written.
#[derive(Args)]
#[command(next_help_heading = "Consent")]
pub(crate) struct ConsentArgs {
    /// Keep only exchanges like this: host=api.*, path=/v1/*, method=POST, header:x-tenant=acme*. Of each kind that is named one must hold; may be given several times
    #[arg(long, value_name = "RULE")]
    include: Vec<Condition>,
    /// Leave out exchanges like this, whatever is included; may be given several times
    #[arg(long, value_name = "RULE")]
    exclude: Vec<Condition>,
    /// Leave out exchanges whose request or response has this header, or has it with a value like this: x-no-recording, dnt=1; may be given several times
    #[arg(long, value_name = "NAME[=VALUE]", value_parser = Condition::header)]
    opt_out_header: Vec<Condition>,
    /// Keep a share of all sessions, from 0 to 1, chosen by hash: each node keeps the same ones
    #[arg(long, value_name = "SHARE", value_parser = share)]
    sample: Option<f64>,
    /// What makes a session for --sample: connection, client, cookie:NAME or header:NAME
    #[arg(long, value_name = "BY", default_value = "connection", requires = "sample")]
    session: SampleBy,
}

impl ConsentArgs {
    pub(crate) fn consent(self) -> Consent {
        let Self { include, exclude, opt_out_header, sample, session } = self;
        Consent { include, exclude, opt_out: opt_out_header, sample: sample.and_then(|share| Sample::new(share, session)) }
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "is no share; write a number from 0 to 1, as in 0.1".to_owned())
}
