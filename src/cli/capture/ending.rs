//! The options that say when a capture ends, when a recording does, and how much of them stays.

use std::num::NonZero;
use std::time::Duration;

use clap::Args;
use reenact::pipeline::Rotation;
use reenact_formats::disk::recording::Retention;

use crate::cli::duration::duration_of;
use crate::cli::size::{Size, size_within};

/// When it ends, and what stays. Times are those of packets: the same for a file as live.
#[derive(Args)]
#[command(next_help_heading = "Ending")]
pub(crate) struct EndingArgs {
    /// Stop after this long, as in 90s, 10m, 1h30m or 7d
    #[arg(long, value_name = "TIME", value_parser = duration_of(Duration::from_millis(1)))]
    pub(super) duration: Option<Duration>,
    /// Stop once this much was recorded, before compression; it takes a fifth to a tenth of that on the disk
    #[arg(long, value_name = "SIZE", value_parser = size_within(4 << 10, 1 << 50), conflicts_with = "discard")]
    max_size: Option<Size>,
    /// What was seen is on the disk after this long, and safe from whatever happens to the process; a file's parts are cut by size alone unless this is given
    #[arg(long, value_name = "TIME", value_parser = duration_of(Duration::from_secs(1)), conflicts_with = "discard")]
    part_age: Option<Duration>,
    /// Begin a new recording after this long: DIR then holds recordings, called by number and time
    #[arg(long, value_name = "TIME", value_parser = duration_of(Duration::from_secs(1)), conflicts_with = "discard")]
    rotate_every: Option<Duration>,
    /// Begin a new recording once one holds this much, before compression
    #[arg(long, value_name = "SIZE", value_parser = size_within(4 << 10, 1 << 50), conflicts_with = "discard")]
    rotate_size: Option<Size>,
    /// Keep the last N parts; with --rotate-every or --rotate-size, the last N recordings
    #[arg(long, value_name = "N", conflicts_with = "discard")]
    keep: Option<NonZero<u64>>,
    /// Keep parts (recordings likewise) with an exchange that began no longer ago than this
    #[arg(long, value_name = "TIME", value_parser = duration_of(Duration::from_secs(1)), conflicts_with = "discard")]
    keep_for: Option<Duration>,
}

impl EndingArgs {
    pub(super) fn rotation(&self) -> Option<Rotation> {
        let rotation = Rotation { every: self.rotate_every, bytes: self.rotate_size.map(|size| size.0) };
        (rotation != Rotation::default()).then_some(rotation)
    }

    pub(super) const fn retention(&self) -> Retention {
        Retention { parts: self.keep, age: self.keep_for }
    }

    pub(super) fn max_bytes(&self) -> Option<u64> {
        self.max_size.map(|size| size.0)
    }

    /// How long an exchange may wait for others, by default where more may come for ever.
    pub(super) fn part_age(&self, is_endless: bool) -> Option<Duration> {
        self.part_age.or_else(|| is_endless.then_some(PART_AGE))
    }
}

const PART_AGE: Duration = Duration::from_secs(30);
