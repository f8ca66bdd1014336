//! What of a recording goes while it is still written.
//!
//! In: a manifest, how much is to stay, and the time. Out: the names of the parts that are to go, and a manifest that no longer lists them and
//! says what they held. What never happens here: a file is removed that a published manifest still lists, or one that is not the oldest.

use std::num::NonZero;
use std::time::Duration;

use super::manifest::{Counts, Manifest, Share};
use super::{RECORDING, part_number};
use crate::disk::Error;
use crate::disk::publish::Publish;
use crate::disk::table::Table;
use crate::model::{LossLedger, Timestamp};

/// How much of a recording stays while it is written. The default is all of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// So many parts, the latest.
    pub parts: Option<NonZero<u64>>,
    /// Parts with an exchange that began no longer ago than this, in packet time.
    pub age: Option<Duration>,
}

/// What is no longer here because it was old.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Retired {
    /// How many parts: those with the numbers from 1 to this.
    pub parts: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What stood in them.
    pub counts: Counts,
    /// Their shares of the account. They are in that of the recording, too.
    pub ledger: LossLedger,
}

impl Retention {
    /// How many of the parts that are listed are to go, if `more` come.
    fn excess(&self, manifest: &Manifest, more: usize, now: Timestamp) -> usize {
        let parts = manifest.parts.len();
        let beyond = self.parts.map_or(0, |most| (parts + more).saturating_sub(usize::try_from(most.get()).unwrap_or(usize::MAX)).min(parts));
        let aged = self.age.map_or(0, |age| {
            // A part without an exchange goes with those before it.
            let is_old = |to: Option<Timestamp>| to.is_none_or(|to| now.since(to) > age);
            manifest.parts.iter().take_while(|part| is_old(part.counts.to)).count()
        });
        beyond.max(aged)
    }

    /// Whether anything is to go.
    pub(super) fn is_due(&self, manifest: &Manifest, now: Timestamp) -> bool {
        self.excess(manifest, 0, now) > 0
    }

    /// Takes what is to go when `more` parts come out of the manifest; [`remove`] takes it out of the place once that manifest is published.
    pub(super) fn apply(&self, manifest: &mut Manifest, more: usize, now: Timestamp, place: &dyn Publish) -> Vec<String> {
        let excess = self.excess(manifest, more, now);
        let gone: Vec<_> = manifest.parts.drain(..excess).collect();
        for part in &gone {
            // One that cannot be read goes all the same; then its share is no longer told apart.
            let share = Table::open(&place.path(&part.name), &RECORDING).and_then(|table| Share::from_table(&table)).ok();
            manifest.retire(part, share);
        }
        gone.into_iter().map(|part| part.name).collect()
    }
}

/// Removes parts that no manifest lists any more.
pub(super) fn remove(names: &[String], place: &dyn Publish) -> Result<(), Error> {
    names.iter().try_for_each(|name| place.remove(name))
}

/// Whether the part of this name has gone, whether or not its file is still there: who wrote it may have been killed in between.
pub(super) fn has_gone(name: &str, retired: &Retired) -> bool {
    part_number(name).is_some_and(|number| number <= retired.parts)
}
