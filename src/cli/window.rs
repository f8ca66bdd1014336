//! A stretch of time, as each command takes it that reads some of a recording.

use clap::Args;
use reenact_formats::disk::recording::Window;
use reenact_formats::model::Timestamp;

use super::InvalidArgument;

#[derive(Args)]
pub(crate) struct WindowArgs {
    /// Only exchanges that began at this time or later, as in 2026-11-20T12:03:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only exchanges that began before this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

impl WindowArgs {
    /// The stretch of time.
    pub(crate) fn window(&self) -> Result<Window, InvalidArgument> {
        let hint = "times are written in UTC, as RFC 3339 has them";
        let time =
            |text: &Option<String>| text.as_deref().map(str::parse::<Timestamp>).transpose().map_err(|error| InvalidArgument::new(error.to_string(), hint));
        let window = Window { from: time(&self.from)?, to: time(&self.to)? };
        match (window.from, window.to) {
            (Some(from), Some(to)) if from >= to => {
                Err(InvalidArgument::new(format!("no time lies between --from {from} and --to {to}"), "--to is the later one"))
            }
            _ => Ok(window),
        }
    }
}
