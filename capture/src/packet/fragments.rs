//! IP fragments, put together again.
//!
//! Fragments flow in, whole datagrams flow out. Little is held, and not for long: what is given up is counted. The first copy of
//! a byte wins.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use etherparse::IpNumber;
use reenact_formats::model::Timestamp;

use super::Tags;
use super::flow_key::Addresses;

/// What the fragments of one datagram share: source and destination, identification, protocol, and the network they lie in.
type Key = (Addresses, u32, IpNumber, Tags);

pub(super) struct Fragment {
    pub(super) key: Key,
    pub(super) offset: usize,
    /// Whether others follow behind it.
    pub(super) more: bool,
    /// How many packets it took.
    pub(super) packets: u64,
}

#[derive(Default)]
pub(super) struct Fragments {
    datagrams: BTreeMap<Key, Datagram>,
    /// All of them, the oldest in front; and some that are whole by now.
    order: VecDeque<(Timestamp, Key)>,
    /// Memory taken by all pieces.
    held: usize,
    given_up: u64,
}

#[derive(Default)]
struct Datagram {
    since: Timestamp,
    packets: u64,
    length: Option<usize>,
    /// By offset; they do not overlap, and none lies beyond the length. Fragments would pin their blocks: they are copied out.
    pieces: BTreeMap<usize, Box<[u8]>>,
    /// Bytes of all pieces.
    bytes: usize,
}

impl Fragments {
    /// Takes a fragment; gives the datagram if it was the last one missing, and how many packets it took.
    pub(super) fn push(&mut self, fragment: Fragment, data: &[u8], at: Timestamp) -> Option<(Bytes, u64)> {
        let Fragment { key, offset, more, packets } = fragment;
        self.expire(at);
        let datagram = self.datagrams.entry(key).or_insert_with(|| {
            self.order.push_back((at, key));
            Datagram { since: at, ..Datagram::default() }
        });
        let before = datagram.memory();
        datagram.packets += packets;
        if !more && datagram.length.is_none() {
            datagram.end_at(offset + data.len());
        }
        datagram.add(offset, data);
        self.held = self.held - before + datagram.memory();
        let whole = datagram.whole()?;
        let packets = self.remove(&key).map_or(0, |datagram| datagram.packets);
        Some((whole, packets))
    }

    pub(super) fn given_up(&mut self) -> u64 {
        std::mem::take(&mut self.given_up)
    }

    pub(super) fn finish(&mut self) {
        self.order.clear();
        self.held = 0;
        self.given_up += std::mem::take(&mut self.datagrams).into_values().map(|datagram| datagram.packets).sum::<u64>();
    }

    fn remove(&mut self, key: &Key) -> Option<Datagram> {
        let datagram = self.datagrams.remove(key)?;
        self.held -= datagram.memory();
        Some(datagram)
    }

    /// Gives up what has waited for too long, and the oldest while there is too much.
    fn expire(&mut self, now: Timestamp) {
        while let Some((since, key)) = self.order.front().copied() {
            let known = self.datagrams.get(&key).is_some_and(|datagram| datagram.since == since);
            if known && now.since(since) < PATIENCE && self.held < MAX_HELD && self.order.len() < MAX_DATAGRAMS {
                break;
            }
            self.order.pop_front();
            if known {
                self.given_up += self.remove(&key).map_or(0, |datagram| datagram.packets);
            }
        }
    }
}

impl Datagram {
    fn memory(&self) -> usize {
        self.bytes + self.pieces.len() * PIECE
    }

    /// Its length is known: what lies beyond is none of it.
    fn end_at(&mut self, length: usize) {
        self.length = Some(length);
        self.pieces.split_off(&length);
        if let Some(mut last) = self.pieces.last_entry()
            && let Some(inside) = last.get().get(..length - last.key())
        {
            let inside = inside.into();
            last.insert(inside);
        }
        self.bytes = self.pieces.values().map(|piece| piece.len()).sum();
    }

    /// Adds what is not there yet.
    fn add(&mut self, mut start: usize, mut data: &[u8]) {
        if let Some(length) = self.length {
            data = &data[..data.len().min(length.saturating_sub(start))];
        }
        while !data.is_empty() {
            let covered = self.pieces.range(..=start).next_back().map_or(0, |(at, piece)| (at + piece.len()).saturating_sub(start));
            if covered > 0 {
                data = data.get(covered..).unwrap_or_default();
                start += covered;
                continue;
            }
            let room = self.pieces.range(start..).next().map_or(data.len(), |(at, _)| (at - start).min(data.len()));
            let (piece, rest) = data.split_at(room);
            self.pieces.insert(start, piece.into());
            self.bytes += room;
            start += room;
            data = rest;
        }
    }

    fn whole(&self) -> Option<Bytes> {
        let is_whole = self.length == Some(self.bytes);
        is_whole.then(|| self.pieces.values().flatten().copied().collect::<Vec<_>>().into())
    }
}

const MAX_DATAGRAMS: usize = 4096;
const MAX_HELD: usize = 8 << 20;
/// Memory that a piece takes besides its bytes, more or less.
const PIECE: usize = 64;
const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn key(identification: u32) -> Key {
        (Addresses::V4([1, 2]), identification, IpNumber::TCP, Tags::NONE)
    }

    fn push(fragments: &mut Fragments, identification: u32, offset: usize, more: bool, data: &[u8], seconds: i64) -> Option<(Bytes, u64)> {
        let fragment = Fragment { key: key(identification), offset, more, packets: 1 };
        fragments.push(fragment, data, Timestamp::from_nanos(seconds * 1_000_000_000))
    }

    #[test]
    fn any_order_gives_the_datagram() {
        let data = b"abcdefgh01234567tail";
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
            let mut fragments = Fragments::default();
            let mut whole = None;
            for index in order {
                let end = (index * 8 + 8).min(data.len());
                assert!(whole.is_none());
                whole = push(&mut fragments, 7, index * 8, index < 2, &data[index * 8..end], 0);
            }
            assert_eq!(whole, Some((Bytes::from_static(data), 3)));
            assert_eq!((fragments.given_up(), fragments.held), (0, 0));
        }
    }

    #[test]
    fn the_first_copy_of_a_byte_wins() {
        let mut fragments = Fragments::default();
        assert_eq!(push(&mut fragments, 7, 8, true, b"11111111", 0), None);
        assert_eq!(push(&mut fragments, 7, 0, true, b"2222222222222222", 0), None);
        assert_eq!(push(&mut fragments, 7, 0, true, b"3333333333333333", 0), None);
        assert_eq!(push(&mut fragments, 7, 8, false, b"444444444444", 0), Some((Bytes::from_static(b"22222222111111114444"), 4)));
    }

    #[test]
    fn what_lies_beyond_the_end_is_not_kept() {
        let mut fragments = Fragments::default();
        assert_eq!(push(&mut fragments, 7, 40, true, &[0; 64], 0), None);
        assert_eq!(push(&mut fragments, 7, 16, true, &[1; 24], 0), None);
        assert_eq!(push(&mut fragments, 7, 16, false, &[2; 8], 0), None);
        assert_eq!(fragments.held, 8 + PIECE);
        assert_eq!(push(&mut fragments, 7, 16, true, &[3; 24], 0), None);
        assert_eq!(fragments.held, 8 + PIECE);
        let whole = [[4; 16].as_slice(), &[1; 8]].concat();
        assert_eq!(push(&mut fragments, 7, 0, true, &[4; 16], 0), Some((Bytes::from(whole), 5)));
        assert_eq!(fragments.held, 0);
    }

    #[test]
    fn what_stays_incomplete_is_counted() {
        let mut fragments = Fragments::default();
        assert_eq!(push(&mut fragments, 7, 0, true, b"12345678", 0), None);
        assert_eq!(push(&mut fragments, 7, 0, true, b"12345678", 40), None);
        assert_eq!(fragments.given_up(), 1);
        fragments.finish();
        assert_eq!(fragments.given_up(), 1);
    }

    #[test]
    fn a_flood_takes_no_more_than_its_share() {
        let mut fragments = Fragments::default();
        let mut packets = 0;
        for (size, stride) in [(8, 16), (1400, 1400)] {
            for identification in 0..3000 {
                for index in 0..10 {
                    assert_eq!(push(&mut fragments, identification, 8 + index * stride, true, &vec![0; size], 0), None);
                    packets += 1;
                    assert!(fragments.held < MAX_HELD + 2000 && fragments.order.len() <= MAX_DATAGRAMS);
                }
            }
        }
        fragments.finish();
        assert_eq!(fragments.given_up(), packets);
    }
}
