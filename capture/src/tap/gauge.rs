//! What a live capture shows while it runs, and how much of the traffic it is told to follow.
//!
//! In: the share that whoever watches over the capture sets; figures from the threads of the capture. Out: the same to the other side. What
//! never happens here: anyone waits.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Both sides' view of a live capture. Connections are chosen by a hash of their two ends: those that are followed are followed whole, and
/// a smaller share is part of a larger one.
#[derive(Debug)]
pub struct Gauge {
    followed: AtomicU32,
    is_strained: AtomicBool,
    packets: AtomicU64,
    bytes: AtomicU64,
    exchanges: AtomicU64,
    connections: AtomicU64,
    kernel_drops: AtomicU64,
    interface_drops: AtomicU64,
    shed_packets: AtomicU64,
    shed_connections: AtomicU64,
    ring: AtomicU32,
}

/// What a [`Gauge`] shows. All but the last two are totals since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    /// Packets read.
    pub packets: u64,
    /// Bytes captured of them.
    pub bytes: u64,
    /// Exchanges found.
    pub exchanges: u64,
    /// Packets that the kernel has dropped because its buffer was full.
    pub kernel_drops: u64,
    /// Packets that the interfaces have dropped.
    pub interface_drops: u64,
    /// Packets of connections that were let go because not all could be followed.
    pub shed_packets: u64,
    /// Those connections, as far as their beginnings were seen or they were followed before.
    pub shed_connections: u64,
    /// Connections that are followed.
    pub connections: u64,
    /// About how much of the fullest kernel buffer is taken, in thousandths.
    pub ring: u32,
}

impl Gauge {
    /// All connections.
    pub const WHOLE: u32 = 1 << 16;

    /// Follows so many of [`WHOLE`](Self::WHOLE) from now on.
    pub fn follow(&self, kept: u32) {
        self.followed.store(kept.min(Self::WHOLE), Ordering::Relaxed);
    }

    /// How many of [`WHOLE`](Self::WHOLE) are followed.
    pub fn followed(&self) -> u32 {
        self.followed.load(Ordering::Relaxed)
    }

    /// Whether since the last call packets were lost or passed over because the capture itself did not keep up.
    pub fn was_strained(&self) -> bool {
        self.is_strained.swap(false, Ordering::Relaxed)
    }

    /// What it shows.
    pub fn reading(&self) -> Reading {
        let read = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        Reading {
            packets: read(&self.packets),
            bytes: read(&self.bytes),
            exchanges: read(&self.exchanges),
            kernel_drops: read(&self.kernel_drops),
            interface_drops: read(&self.interface_drops),
            shed_packets: read(&self.shed_packets),
            shed_connections: read(&self.shed_connections),
            connections: read(&self.connections),
            ring: self.ring.load(Ordering::Relaxed),
        }
    }

    /// The capture does not keep up.
    pub(super) fn strain(&self) {
        self.is_strained.store(true, Ordering::Relaxed);
    }

    /// What the reader has seen, and the packets and connections that it has passed over.
    pub(super) fn read(&self, packets: u64, bytes: u64, shed: [u64; 2]) {
        self.packets.store(packets, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
        self.shed_packets.store(shed[0], Ordering::Relaxed);
        // Those that were followed before are counted where they end.
        self.shed_connections.fetch_max(shed[1], Ordering::Relaxed);
    }

    /// What the source has lost, and how full its buffer is.
    pub(super) fn lost(&self, kernel_drops: u64, interface_drops: u64, ring: u32) {
        if self.kernel_drops.swap(kernel_drops, Ordering::Relaxed) < kernel_drops {
            self.strain();
        }
        self.interface_drops.store(interface_drops, Ordering::Relaxed);
        self.ring.store(ring, Ordering::Relaxed);
    }

    /// What the collector knows.
    pub(super) fn found(&self, exchanges: u64, connections: u64) {
        self.exchanges.store(exchanges, Ordering::Relaxed);
        self.connections.store(connections, Ordering::Relaxed);
    }

    /// What stands in the account.
    pub(super) fn accounted(&self, shed_connections: u64) {
        self.shed_connections.fetch_max(shed_connections, Ordering::Relaxed);
    }
}

impl Default for Gauge {
    fn default() -> Self {
        Self {
            followed: AtomicU32::new(Self::WHOLE),
            is_strained: AtomicBool::default(),
            packets: AtomicU64::default(),
            bytes: AtomicU64::default(),
            exchanges: AtomicU64::default(),
            connections: AtomicU64::default(),
            kernel_drops: AtomicU64::default(),
            interface_drops: AtomicU64::default(),
            shed_packets: AtomicU64::default(),
            shed_connections: AtomicU64::default(),
            ring: AtomicU32::default(),
        }
    }
}
