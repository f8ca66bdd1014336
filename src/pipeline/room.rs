//! Whether the disk has room for what is to be stored.
//!
//! In: how many exchanges were stored so far, and how many were not for want of room. Out: word of it, once the disk is full and once there is room again.
//! What never happens here: the same is told twice in a row.

use std::sync::Arc;

/// Whether the disk has room for what is to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskRoom {
    /// There was none for a part: what stood in it is counted, and not stored.
    Gone,
    /// Parts are stored again.
    Back,
}

/// Is told once there is no room on the disk, and once there is again. What is captured waits for it.
pub type OnRoom = Arc<dyn Fn(DiskRoom) + Send + Sync>;

/// Tells of it as it changes.
pub(super) struct RoomWatch {
    tell: Option<OnRoom>,
    is_full: bool,
    /// The most that was told of either: what stands in a recording that is being closed is not told for a while.
    stored: u64,
    unstored: u64,
}

impl RoomWatch {
    pub(super) const fn new(tell: Option<OnRoom>) -> Self {
        Self { tell, is_full: false, stored: 0, unstored: 0 }
    }

    /// So many exchanges were stored, and so many could not be.
    pub(super) fn look(&mut self, stored: u64, unstored: u64) {
        let is_full = unstored > self.unstored || (self.is_full && stored <= self.stored);
        (self.stored, self.unstored) = (self.stored.max(stored), self.unstored.max(unstored));
        if is_full != self.is_full {
            self.is_full = is_full;
            let room = if is_full { DiskRoom::Gone } else { DiskRoom::Back };
            self.tell.iter().for_each(|tell| tell(room));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_disk_without_room_is_told_once_and_once_there_is_room_again() {
        let (tell, told) = mpsc::channel();
        let mut room = RoomWatch::new(Some(Arc::new(move |room| tell.send(room).expect("someone listens"))));
        for (stored, unstored, expected) in [
            (0, 0, None),
            (5, 0, None),
            (5, 3, Some(DiskRoom::Gone)),
            (5, 9, None),
            // One is being closed, and was closed.
            (0, 0, None),
            (5, 9, None),
            (6, 9, Some(DiskRoom::Back)),
            (9, 9, None),
            (9, 10, Some(DiskRoom::Gone)),
            // Some of what came was stored, and the last of it was perhaps not.
            (12, 15, None),
            (13, 15, Some(DiskRoom::Back)),
        ] {
            room.look(stored, unstored);
            assert_eq!(told.try_iter().collect::<Vec<_>>(), Vec::from_iter(expected), "{stored} {unstored}");
        }
    }
}
