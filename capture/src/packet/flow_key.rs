//! What tells one connection from another.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The two ends of a connection, in an order that both directions share; with the networks they lie in, where that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FlowKey {
    /// Of the rest. It is asked for many times with each packet, and tells nearly all others apart.
    hash: u64,
    addresses: Addresses,
    ports: [u16; 2],
    tags: Tags,
}

/// Which way a segment goes: from the first end of the key (0) or from the second (1).
pub(crate) type Direction = usize;

/// The networks within which a packet's addresses mean something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Tags {
    /// The two innermost VLANs; 0 is none.
    vlans: [u16; 2],
    /// Of VXLAN or Geneve; 0 is none.
    network: u32,
}

/// In which networks the two directions of a connection were seen.
#[derive(Debug, Default)]
pub(crate) struct Meeting {
    first: [Option<Tags>; 2],
    shared: bool,
}

impl Meeting {
    pub(crate) fn saw(&mut self, direction: Direction, tags: Tags) {
        self.first[direction].get_or_insert(tags);
        self.shared |= self.first[1 - direction] == Some(tags);
    }

    /// Whether each was seen, and never where the other was.
    pub(crate) const fn is_across(&self) -> bool {
        matches!(self.first, [Some(_), Some(_)]) && !self.shared
    }
}

/// Of one family: packets of one have two of the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Addresses {
    V4([u32; 2]),
    V6([[u8; 16]; 2]),
}

impl FlowKey {
    /// The key of a packet from the first to the second of these, and which way that is.
    pub(super) fn of(addresses: Addresses, ports: [u16; 2], tags: Tags) -> (Self, Direction) {
        let turned = match &addresses {
            Addresses::V4([source, destination]) => (source, ports[0]) > (destination, ports[1]),
            Addresses::V6([source, destination]) => (source, ports[0]) > (destination, ports[1]),
        };
        if !turned {
            return (Self::in_order(addresses, ports, tags), 0);
        }
        let addresses = match addresses {
            Addresses::V4([source, destination]) => Addresses::V4([destination, source]),
            Addresses::V6([source, destination]) => Addresses::V6([destination, source]),
        };
        (Self::in_order(addresses, [ports[1], ports[0]], tags), 1)
    }

    fn in_order(addresses: Addresses, ports: [u16; 2], tags: Tags) -> Self {
        let wide = |octets: &[u8]| octets.iter().fold(0, |number: u64, octet| number << 8 | u64::from(*octet));
        let [first, second] = ports.map(u64::from);
        let rest = mix(first << 16 | second, u64::from(tags.network) << 32 | u64::from(tags.vlans[0]) << 16 | u64::from(tags.vlans[1]));
        let hash = match &addresses {
            Addresses::V4([first, second]) => mix(u64::from(*first) << 32 | u64::from(*second), rest),
            Addresses::V6([first, second]) => {
                let halves = [&first[..8], &first[8..], &second[..8], &second[8..]];
                halves.into_iter().fold(rest, |hash, half| mix(wide(half), hash))
            }
        };
        Self { hash, addresses, ports, tags }
    }

    /// The source of direction 0 and of direction 1.
    pub(crate) fn ends(&self) -> [SocketAddr; 2] {
        let [first, second] = match self.addresses {
            Addresses::V4(addresses) => addresses.map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
            Addresses::V6(addresses) => addresses.map(|octets| IpAddr::V6(Ipv6Addr::from_octets(octets))),
        };
        [SocketAddr::new(first, self.ports[0]), SocketAddr::new(second, self.ports[1])]
    }

    /// A hash that is the same in every process, on every machine: what is chosen by it is chosen alike everywhere.
    pub(crate) const fn shard(&self) -> u64 {
        self.hash
    }

    /// Whether the connection is among the `kept` of [`Gauge::WHOLE`](crate::Gauge::WHOLE) that are followed: chosen alike everywhere, and
    /// not by what chooses its shard.
    pub(crate) fn is_among(&self, kept: u32) -> bool {
        self.shard() >> (u64::BITS - crate::Gauge::WHOLE.ilog2()) < u64::from(kept)
    }
}

impl Hash for FlowKey {
    /// One number, for a table to mix with its own secret.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.shard());
    }
}

impl Tags {
    pub(crate) const NONE: Self = Self { vlans: [0; 2], network: 0 };

    /// Within a VLAN, too; its upper bits are not part of its name.
    pub(super) const fn within_vlan(self, control: u16) -> Self {
        match control & 0x0fff {
            // A tag for its priority alone.
            0 => self,
            vlan => Self { vlans: [self.vlans[1], vlan], ..self },
        }
    }

    /// Within a tunnelled network; the VLANs on the way there are none of its own.
    pub(super) const fn within_network(network: u32) -> Self {
        Self { vlans: [0; 2], network }
    }
}

/// Each bit of both numbers moves about half of the result's: the two halves of a long product, one over the other.
fn mix(one: u64, other: u64) -> u64 {
    let product = u128::from(one ^ 0x9e37_79b9_7f4a_7c15) * u128::from(other ^ 0xd1b5_4a32_d192_ed03);
    let [low, high] = [product & u128::from(u64::MAX), product >> 64].map(|half| u64::try_from(half).expect("half of it"));
    low ^ high
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn v6(last: u8) -> [u8; 16] {
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last)).octets()
    }

    #[test]
    fn both_directions_share_a_key() {
        let pairs = [
            (Addresses::V4([1, 2]), Addresses::V4([2, 1])),
            (Addresses::V4([7, 7]), Addresses::V4([7, 7])),
            (Addresses::V6([v6(1), v6(2)]), Addresses::V6([v6(2), v6(1)])),
        ];
        for (there, back) in pairs {
            let (key, way) = FlowKey::of(there, [4000, 80], Tags::default());
            let (same, other) = FlowKey::of(back, [80, 4000], Tags::default());
            assert_eq!((key, way), (same, 1 - other));
            assert_eq!(key.shard(), same.shard());
            assert_eq!(key.ends()[way].port(), 4000);
        }
        let (key, _) = FlowKey::of(Addresses::V4([0x0a00_0002, 0x0a00_0001]), [80, 4000], Tags::default());
        assert_eq!(key.ends(), ["10.0.0.1:4000", "10.0.0.2:80"].map(|end| end.parse::<SocketAddr>().expect("an address")));
    }

    #[test]
    fn tags_tell_connections_apart() {
        let key = |tags| FlowKey::of(Addresses::V4([1, 2]), [4000, 80], tags).0;
        let plain = Tags::default();
        assert_eq!(key(plain), key(plain.within_vlan(0xe000)), "a priority is no network");
        assert_eq!(key(plain.within_vlan(7)), key(plain.within_vlan(0x2007)));
        let others = [plain.within_vlan(7), plain.within_vlan(7).within_vlan(8), Tags::within_network(7), Tags::within_network(7).within_vlan(7)];
        for (index, one) in others.into_iter().enumerate() {
            for other in others.into_iter().skip(index + 1).chain([plain]) {
                assert_ne!(key(one), key(other));
                assert_ne!(key(one).shard(), key(other).shard());
            }
        }
    }

    #[test]
    fn directions_meet_across_tags_or_in_one() {
        let [one, other] = [1, 2].map(|vlan| Tags::NONE.within_vlan(vlan));
        let cases: &[(&[(Direction, Tags)], bool)] = &[
            (&[(0, one)], false),
            (&[(0, one), (1, one)], false),
            (&[(0, one), (1, other), (0, one)], true),
            (&[(0, Tags::NONE), (1, other)], true),
            // Both directions were mirrored from both.
            (&[(0, one), (0, other), (1, other), (1, one)], false),
        ];
        for (seen, expected) in cases {
            let mut meeting = Meeting::default();
            seen.iter().for_each(|(direction, tags)| meeting.saw(*direction, *tags));
            assert_eq!(meeting.is_across(), *expected, "{seen:?}");
        }
    }

    #[test]
    fn shards_are_fixed_and_even() {
        let shard = |client: u32, port: u16| FlowKey::of(Addresses::V4([0x0a00_0000 + client, 0x0a63_0001]), [port, 8080], Tags::default()).0.shard() % 64;
        let mut counts = BTreeMap::<u64, u32>::new();
        for client in 0..64 {
            for port in 40_000..40_100 {
                *counts.entry(shard(client, port)).or_default() += 1;
            }
        }
        assert_eq!(counts.len(), 64);
        assert!(counts.values().all(|count| (60..=140).contains(count)), "{counts:?}");
        assert_eq!((shard(1, 40_000), shard(2, 50_000)), (6, 44), "results depend on these numbers: they never change");
    }
}
