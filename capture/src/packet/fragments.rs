//! IP fragments, put together again.
//!
//! Fragments of TCP datagrams flow in, whole datagrams flow out. Little is held, and not for long: what is given up is counted.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reenact_formats::model::Timestamp;

/// Source, destination, identification.
type Key = (IpAddr, IpAddr, u32);

pub(super) struct Fragment {
    pub(super) key: Key,
    pub(super) offset: usize,
    pub(super) more: bool,
    pub(super) data: Bytes,
}

#[derive(Default)]
pub(super) struct Fragments {
    datagrams: BTreeMap<Key, Datagram>,
    given_up: u64,
}

#[derive(Default)]
struct Datagram {
    since: Timestamp,
    packets: u64,
    length: Option<usize>,
    /// By offset; the first copy of a byte wins.
    pieces: BTreeMap<usize, Bytes>,
}

impl Fragments {
    /// Takes a fragment; gives the datagram if it was the last one missing, and how many packets it took.
    pub(super) fn push(&mut self, fragment: Fragment, at: Timestamp) -> Option<(Bytes, u64)> {
        self.expire(at);
        let Fragment { key, offset, more, data } = fragment;
        let datagram = self.datagrams.entry(key).or_insert_with(|| Datagram { since: at, ..Datagram::default() });
        datagram.packets += 1;
        if !more {
            datagram.length = Some(offset + data.len());
        }
        // Few fragments pin few blocks for a short time: they are copied out.
        datagram.pieces.entry(offset).or_insert_with(|| Bytes::copy_from_slice(&data));
        let whole = datagram.whole()?;
        let packets = self.datagrams.remove(&key).map_or(0, |datagram| datagram.packets);
        Some((whole, packets))
    }

    pub(super) const fn give_up(&mut self, packets: u64) {
        self.given_up += packets;
    }

    pub(super) fn given_up(&mut self) -> u64 {
        std::mem::take(&mut self.given_up)
    }

    pub(super) fn finish(&mut self) {
        self.given_up += std::mem::take(&mut self.datagrams).into_values().map(|datagram| datagram.packets).sum::<u64>();
    }

    fn expire(&mut self, now: Timestamp) {
        let crowded = self.datagrams.len() >= MAX_DATAGRAMS;
        let mut given_up = 0;
        self.datagrams.retain(|_, datagram| {
            let keep = !crowded && now.since(datagram.since) < PATIENCE;
            given_up += if keep { 0 } else { datagram.packets };
            keep
        });
        self.given_up += given_up;
    }
}

impl Datagram {
    fn whole(&self) -> Option<Bytes> {
        let length = self.length?;
        let mut whole = BytesMut::new();
        for (offset, piece) in &self.pieces {
            if *offset > whole.len() {
                return None;
            }
            whole.extend_from_slice(piece.get(whole.len() - offset..).unwrap_or_default());
        }
        (whole.len() >= length).then(|| whole.freeze().slice(..length))
    }
}

const MAX_DATAGRAMS: usize = 256;
const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_order_gives_the_datagram() {
        let data = b"abcdefgh01234567tail";
        let key = (IpAddr::from([1, 1, 1, 1]), IpAddr::from([2, 2, 2, 2]), 7);
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
            let mut fragments = Fragments::default();
            let mut whole = None;
            for index in order {
                let end = (index * 8 + 8).min(data.len());
                let fragment = Fragment { key, offset: index * 8, more: index < 2, data: Bytes::copy_from_slice(&data[index * 8..end]) };
                whole = fragments.push(fragment, Timestamp::default());
            }
            assert_eq!(whole, Some((Bytes::from_static(data), 3)));
            assert_eq!(fragments.given_up(), 0);
        }
    }

    #[test]
    fn what_stays_incomplete_is_counted() {
        let mut fragments = Fragments::default();
        let key = (IpAddr::from([1, 1, 1, 1]), IpAddr::from([2, 2, 2, 2]), 7);
        let first = || Fragment { key, offset: 0, more: true, data: Bytes::from_static(b"12345678") };
        assert!(fragments.push(first(), Timestamp::default()).is_none());
        assert!(fragments.push(first(), Timestamp::from_nanos(40_000_000_000)).is_none());
        assert_eq!(fragments.given_up(), 1);
        fragments.finish();
        assert_eq!(fragments.given_up(), 1);
    }
}
