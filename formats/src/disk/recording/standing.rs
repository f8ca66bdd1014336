//! How far a recording has come: which of its parts were published, and what is still to be told.
//!
//! In: parts that were written, in order. Out: the same with their numbers, and manifests that list them and no longer list what is old. Where
//! the disk has no room for a part, and the writer is to go on, what stood in it is counted, and told by the next part that fits.
//! What never happens here: a number is given to a part that was not published, or an exchange is neither stored nor counted.

use std::ops::Deref;
use std::path::PathBuf;

use super::manifest::{Gone, Manifest, Share};
use super::part::Written;
use super::retention::{self, Retention};
use super::{MANIFEST, part_name};
use crate::disk::Error;
use crate::disk::publish::{Publish, Published, Room, Unpublished};
use crate::model::{LossLedger, Timestamp};

/// What a writer does where the disk has no room for a part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It fails: its source is still there, and can be read again.
    #[default]
    Fail,
    /// It counts what it cannot store, and tries again with the next part. For its account it keeps some room from the start.
    GoOn,
}

/// What was published, and what is still to be told.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    /// What was published.
    pub(super) manifest: Manifest,
    /// What could not be stored, until a part tells it.
    untold: Unstored,
    /// Parts that are old, until a manifest that does not list them was published.
    leaving: Vec<String>,
    /// Whether the manifest that was published is older than this one.
    is_behind: bool,
}

/// The account of what could not be stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Unstored {
    ledger: LossLedger,
    gone: Gone,
}

impl Unstored {
    /// That of a part, should there be no room for it.
    pub(super) fn of(share: &Share) -> Self {
        let mut gone = share.gone.clone();
        gone.unstored.add(&share.counts);
        Self { ledger: share.ledger.clone(), gone }
    }

    /// A part tells it beside its own.
    pub(super) fn tell(&self, share: &mut Share) {
        share.ledger.add(&self.ledger);
        share.gone.add(&self.gone);
    }

    fn add(&mut self, other: &Self) {
        self.ledger.add(&other.ledger);
        self.gone.add(&other.gone);
    }
}

/// A part that was written, or why not.
pub(super) struct Attempt {
    pub(super) written: Result<Written, Error>,
    /// What it was called while it was written.
    pub(super) name: String,
    /// About how many bytes it takes.
    pub(super) needed: u64,
    /// What is to be counted where there is no room for it.
    pub(super) unstored: Unstored,
}

impl Standing {
    /// Of a recording that is begun: its manifest is published, and room is kept where the writer is to go on without any.
    pub(super) fn begin(manifest: Manifest, place: &dyn Publish, when_full: WhenFull) -> Result<Self, Error> {
        let begin = || {
            if when_full == WhenFull::GoOn {
                keep_room(place, LEAST_ROOM)?;
            }
            manifest.publish(place)
        };
        begin().inspect_err(|_| give_back(place))?;
        Ok(Self { manifest, untold: Unstored::default(), leaving: Vec::new(), is_behind: false })
    }

    /// Publishes a part, and a manifest that lists it and no longer lists what is old by then.
    pub(super) fn publish(mut self, part: Attempt, place: &dyn Publish, (retention, now): (Retention, Timestamp), when_full: WhenFull) -> Result<Self, Error> {
        let before = self.manifest.clone();
        let gone = retention.apply(&mut self.manifest, 1, now, place);
        let name = part_name(before.retired.parts + before.parts.len() as u64 + 1);
        let published = part.written.and_then(|written| written.publish(&name, &self.manifest.retired, &self.untold));
        let (Published { bytes, sha256 }, share) = match published {
            Err(error) if when_full == WhenFull::GoOn && error.is_full_disk() => {
                self.manifest = before;
                self.untold.add(&part.unstored);
                return Ok(self);
            }
            published => published.map_err(|error| interrupted(&before, place, &part.name, part.needed, error))?,
        };
        self.untold = Unstored::default();
        self.manifest.add(name, bytes, Some(sha256), share);
        self.leaving.extend(gone);
        let told = self.tell(place, when_full);
        told.map_err(|error| interrupted(&self.manifest, place, MANIFEST, 0, error))?;
        Ok(self)
    }

    /// Lets parts go that have grown old by now.
    pub(super) fn retire(&mut self, place: &dyn Publish, (retention, now): (Retention, Timestamp), when_full: WhenFull) -> Result<(), Error> {
        if !retention.is_due(&self.manifest, now) {
            return Ok(());
        }
        self.leaving.extend(retention.apply(&mut self.manifest, 0, now, place));
        self.tell(place, when_full)
    }

    /// How many exchanges could not be stored.
    pub(super) const fn unstored(&self) -> u64 {
        self.manifest.gone.unstored.exchanges.saturating_add(self.untold.gone.unstored.exchanges)
    }

    /// Whether another part is needed to tell all.
    pub(super) fn is_owing(&self) -> bool {
        self.is_behind || self.untold != Unstored::default()
    }

    /// Publishes the manifest, and removes what it no longer lists.
    fn tell(&mut self, place: &dyn Publish, when_full: WhenFull) -> Result<(), Error> {
        let is_let_pass = |error: &Error| when_full == WhenFull::GoOn && error.is_full_disk();
        let mut told = self.manifest.publish(place);
        if told.as_ref().is_err_and(is_let_pass) && !self.leaving.is_empty() {
            // What old parts have taken comes back with it. Else the room stays for the end.
            told = self.manifest.publish(&Kept(place));
        }
        self.is_behind = told.as_ref().is_err_and(is_let_pass);
        if self.is_behind {
            // Readers find the parts all the same, by what stands in them.
            return Ok(());
        }
        let Published { bytes, .. } = told?;
        retention::remove(&std::mem::take(&mut self.leaving), place)?;
        if when_full == WhenFull::GoOn {
            keep_room(place, LEAST_ROOM + bytes).or_else(|error| if is_let_pass(&error) { Ok(()) } else { Err(error) })?;
        }
        Ok(())
    }
}

/// Keeps room for what the end of a recording takes: a part without a row, and the manifest beside the one that it replaces.
fn keep_room(place: &dyn Publish, bytes: u64) -> Result<(), Error> {
    [Room::Next, Room::List].into_iter().try_for_each(|room| place.reserve(room, bytes))
}

/// Gives back what is left of it.
pub(super) fn give_back(place: &dyn Publish) {
    // Best effort: readers pass over it.
    [Room::Next, Room::List].into_iter().for_each(|room| drop(place.reserve(room, 0)));
}

/// A place where files are written into the room that was kept for them.
pub(super) struct Kept<P>(pub(super) P);

impl<P: Deref<Target: Publish> + Send + Sync> Publish for Kept<P> {
    fn begin(&self, name: &str) -> Result<Box<dyn Unpublished>, Error> {
        self.0.begin_in(if name == MANIFEST { Room::List } else { Room::Next }, name)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path(name)
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        self.0.remove(name)
    }

    fn reserve(&self, room: Room, bytes: u64) -> Result<(), Error> {
        self.0.reserve(room, bytes)
    }
}

fn interrupted(manifest: &Manifest, place: &dyn Publish, name: &str, needed: u64, source: Error) -> Error {
    let parts = manifest.parts.len();
    let kept = match parts {
        0 => "nothing was published before it".to_owned(),
        1 => format!("1 part with {} exchanges stays readable", manifest.exchanges),
        _ => format!("{parts} parts with {} exchanges stay readable", manifest.exchanges),
    };
    Error::Interrupted { path: place.path(name), needed: needed.max(LEAST_NEEDED), kept, source: Box::new(source) }
}

const LEAST_ROOM: u64 = 16 << 10;
/// A footer and a manifest need some bytes even without rows.
const LEAST_NEEDED: u64 = 4096;
