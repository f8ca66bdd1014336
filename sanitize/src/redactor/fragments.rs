//! JSON containers that were looked at before, and what was found in them: traffic sends the same objects again and again.
//!
//! In: a container in a body, with all that its verdict depends on; once it was looked at, what was found. Out: what was found, where it was looked
//! at before. All lanes share what is kept. It is bounded, stays in memory, and is compared byte for byte; what is forgotten is looked at anew: nothing
//! that comes out of redaction depends on what is kept.

use std::hash::{BuildHasher, Hasher};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;
use reenact_formats::content::Container;

use super::look::Piece;
use crate::memo::Recent;

/// What is kept, in shards so that lanes do not wait for one another.
pub(super) struct Fragments {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
}

struct Shard {
    /// The prints of containers that were met once, each in its place: most are never met again.
    once: Box<[u64]>,
    /// By print; nothing of one that is too heavy to be kept, so that what stands within it is.
    kept: Recent<u64, Option<Arc<Fragment>>>,
}

/// A container that was met, without what stands in it.
pub(super) struct Met {
    print: u64,
    path: Box<str>,
    name: Option<Box<str>>,
}

/// A container, and what was found in it.
pub(super) struct Fragment {
    met: Met,
    raw: Box<[u8]>,
    piece: Piece,
}

/// What is known of a container.
pub(super) enum Sight {
    /// It was not met before.
    First,
    /// It was met before. Once it was looked at, it is to be kept.
    Again(Met),
    /// What was found in it.
    Known(Arc<Fragment>),
}

impl Fragments {
    /// Meets a container.
    pub(super) fn sight(&self, container: &Container<'_>) -> Sight {
        let print = self.print(container);
        let mut shard = self.shard(print);
        if let Some(kept) = shard.kept.get(&print).cloned() {
            drop(shard);
            // Two containers may have one print.
            return kept.filter(|fragment| fragment.is_of(container)).map_or(Sight::First, Sight::Known);
        }
        let place = (print >> 32) as usize % shard.once.len();
        match std::mem::replace(&mut shard.once[place], print) == print {
            true => Sight::Again(Met { print, path: container.path.into(), name: container.name.map(Box::from) }),
            false => Sight::First,
        }
    }

    /// Keeps what was found in a container that was met again.
    pub(super) fn keep(&self, met: Met, raw: &[u8], piece: Piece) {
        let (print, weight) = (met.print, size_of::<Fragment>() + met.path.len() + raw.len() + piece.weight());
        let fragment = Arc::new(Fragment { met, raw: raw.into(), piece });
        let mut shard = self.shard(print);
        if !shard.kept.insert(print, Some(fragment), weight) {
            shard.kept.insert(print, None, 0);
        }
    }

    fn print(&self, container: &Container<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(container.raw);
        components(container.path).for_each(|component| hasher.write(component.as_bytes()));
        hasher.write(container.name.unwrap_or_default().as_bytes());
        hasher.finish()
    }

    fn shard(&self, print: u64) -> MutexGuard<'_, Shard> {
        // What is kept is whole after each step, whoever has panicked.
        self.shards[print as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Fragments {
    fn default() -> Self {
        let shard = |_| Mutex::new(Shard { once: vec![0; ONCE].into(), kept: Recent::new(MAX_WEIGHT) });
        Self { shards: std::array::from_fn(shard), hasher: RandomState::default() }
    }
}

impl Fragment {
    pub(super) const fn piece(&self) -> &Piece {
        &self.piece
    }

    /// What stands for the container.
    pub(super) const fn print(&self) -> u64 {
        self.met.print
    }

    fn is_of(&self, container: &Container<'_>) -> bool {
        *self.raw == *container.raw && self.met.name.as_deref() == container.name && components(&self.met.path).eq(components(container.path))
    }
}

/// Whether what is found in a container depends on its bytes, its path and its name alone: what stands in a `value` may be called what stands beside it
/// says.
pub(super) fn depends_on_itself(container: &Container<'_>) -> bool {
    !container.path.ends_with("value")
}

/// The components of a path, with one index for all: no verdict depends on it.
fn components(path: &str) -> impl Iterator<Item = &str> {
    let is_index = |component: &str| !component.is_empty() && component.bytes().all(|byte| byte.is_ascii_digit());
    path.split('/').map(move |component| if is_index(component) { "0" } else { component })
}

/// How many bytes containers have that are worth being kept.
pub(super) const CONTAINERS: Range<usize> = 128..16 << 10;
const SHARDS: usize = 16;
/// Of one generation of a shard. All of them take twelve megabytes at most.
const MAX_WEIGHT: usize = 384 << 10;
/// Of one shard.
const ONCE: usize = 1 << 12;

#[cfg(test)]
mod tests;
