//! One packet, from its link header to its TCP payload.
//!
//! A packet flows in as a place in a block, with a link type; a TCP [`Segment`] flows out, its payload still a place in the same
//! block. What was no TCP is counted by name, what could not be read is counted as lost. Tunnels are followed to the innermost
//! connection. Nothing is remembered from packet to packet but the fragments of datagrams, and nothing is copied but they. This
//! is the only user of etherparse.

mod checksum;
mod flow_key;
mod fragments;
mod link;
mod name;
mod plain;

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6HeaderSlice, TcpHeaderSlice, UdpHeaderSlice};
use reenact_formats::model::{LossCause, LossLedger, Notice, Timestamp};

use self::flow_key::Addresses;
pub(crate) use self::flow_key::{Direction, FlowKey, Meeting, Tags};
use self::fragments::{Fragment, Fragments};
use self::name::Name;
use crate::source::{MAX_PACKET, Packet};
use crate::{CaptureOptions, Checksums, FlowKeying};

/// One TCP segment.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) struct Segment {
    pub(crate) flow: FlowKey,
    pub(crate) direction: Direction,
    /// Where it was seen, whether or not the key says so too.
    pub(crate) tags: Tags,
    pub(crate) at: Timestamp,
    pub(crate) sequence: u32,
    pub(crate) acknowledgment: Option<u32>,
    pub(crate) syn: bool,
    pub(crate) fin: bool,
    pub(crate) rst: bool,
    pub(crate) payload: Payload,
    /// Bytes of payload that were on the wire, behind those that are here, and were not captured.
    pub(crate) cut: u32,
}

/// Where the bytes of a segment stand.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) enum Payload {
    /// In the block of its batch.
    Within(Range<u32>),
    /// In a datagram that was put together from fragments.
    Own(Bytes),
}

impl Payload {
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Within(range) => range.is_empty(),
            Self::Own(bytes) => bytes.is_empty(),
        }
    }

    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Within(range) => range.len() as u64,
            Self::Own(bytes) => bytes.len() as u64,
        }
    }

    /// The bytes themselves; `block` is that of the batch.
    pub(crate) fn bytes(&self, block: &Bytes) -> Bytes {
        match self {
            Self::Within(range) if range.is_empty() => Bytes::new(),
            Self::Within(range) => block.slice(range.start as usize..range.end as usize),
            Self::Own(bytes) => bytes.clone(),
        }
    }
}

pub(crate) struct Decoder {
    keying: FlowKeying,
    checksums: Checksums,
    fragments: Fragments,
    /// What became of the packets that are no longer on their way, but for the others.
    ledger: LossLedger,
    /// Those that are not TCP.
    others: BTreeMap<Name, u64>,
}

/// What is known of a packet while its headers are taken off.
#[derive(Clone, Copy)]
struct Frame<'a> {
    whole: Whole<'a>,
    at: Timestamp,
    /// Bytes on the wire that were not captured.
    cut: u32,
    /// Tunnels passed so far.
    depth: u8,
    tags: Tags,
    /// How many packets it was made of: more than one if it came in fragments.
    packets: u64,
    /// Whether the addresses are those that the sender's checksum is of: a packet on a source route has others.
    routed: bool,
}

/// What the slices that are decoded are slices of.
#[derive(Clone, Copy)]
enum Whole<'a> {
    Block(&'a Bytes),
    Datagram(&'a Bytes),
}

/// What stands behind a header.
enum Inside<'a> {
    Ip(&'a [u8]),
    Ethernet(&'a [u8]),
    /// Something that is not followed further, by name.
    Other(Name),
    Undecodable,
}

impl Decoder {
    pub(crate) fn new(options: &CaptureOptions) -> Self {
        Self { keying: options.flow_key, checksums: options.checksums, fragments: Fragments::default(), ledger: LossLedger::default(), others: BTreeMap::new() }
    }

    /// What became of the packets so far: those with TCP in them, others, lost. Fragments whose datagram is not whole yet are not
    /// in it; whoever gives the packets counts them as seen.
    pub(crate) fn ledger(&self) -> LossLedger {
        let mut ledger = self.ledger.clone();
        ledger.packets.other = self.others.iter().map(|(name, packets)| (name.to_string(), *packets)).collect();
        ledger
    }

    /// The segment in `packet`, if there is one. `block` is that of its batch.
    pub(crate) fn decode(&mut self, block: &Bytes, packet: &Packet) -> Option<Segment> {
        let data = &block[packet.data.start as usize..packet.data.end as usize];
        if let Some(segment) = plain::segment(packet, data).filter(|_| self.checksums == Checksums::Count) {
            self.ledger.packets.tcp += 1;
            return Some(segment);
        }
        self.decode_any(block, packet, data)
    }

    fn decode_any(&mut self, block: &Bytes, packet: &Packet, data: &[u8]) -> Option<Segment> {
        let captured = packet.data.end - packet.data.start;
        let cut = packet.wire_length.min(MAX_PACKET as u32).saturating_sub(captured);
        let mut frame = Frame { whole: Whole::Block(block), at: packet.at, cut, depth: 0, tags: Tags::NONE, packets: 1, routed: false };
        let inside = link::payload(packet.link, data, &mut frame.tags);
        let segment = self.follow(inside, frame);
        self.lose_given_up();
        segment
    }

    /// Gives up what is still incomplete.
    pub(crate) fn finish(&mut self) {
        self.fragments.finish();
        self.lose_given_up();
    }

    fn lose_given_up(&mut self) {
        let packets = self.fragments.given_up();
        if packets > 0 {
            self.lose(LossCause::FragmentIncomplete, packets);
        }
    }

    fn lose(&mut self, cause: LossCause, packets: u64) {
        self.ledger.packets.lost += packets;
        self.ledger.lose(cause, packets);
    }

    fn follow(&mut self, mut inside: Inside<'_>, mut frame: Frame<'_>) -> Option<Segment> {
        loop {
            match inside {
                Inside::Ip(ip) => return self.ip(ip, frame),
                Inside::Ethernet(_) if frame.depth >= MAX_TUNNELS => inside = DEEP,
                Inside::Ethernet(inner) => {
                    frame.depth += 1;
                    inside = link::ethernet(inner, &mut frame.tags);
                }
                Inside::Other(name) => {
                    *self.others.entry(name).or_default() += frame.packets;
                    return None;
                }
                Inside::Undecodable => return self.undecodable(&frame),
            }
        }
    }

    fn undecodable(&mut self, frame: &Frame<'_>) -> Option<Segment> {
        self.lose(LossCause::UndecodablePacket, frame.packets);
        None
    }

    fn drop_bad(&mut self, frame: &Frame<'_>) -> Option<Segment> {
        self.lose(LossCause::BadChecksum, frame.packets);
        None
    }

    fn ip(&mut self, data: &[u8], frame: Frame<'_>) -> Option<Segment> {
        match data.first().map(|byte| byte >> 4) {
            Some(4) => self.ipv4(data, frame),
            Some(6) => self.ipv6(data, frame),
            _ => self.undecodable(&frame),
        }
    }

    fn ipv4(&mut self, data: &[u8], mut frame: Frame<'_>) -> Option<Segment> {
        let Ok(header) = Ipv4HeaderSlice::from_slice(data) else { return self.undecodable(&frame) };
        let start = header.slice().len();
        let Some(payload) = within(data, start, usize::from(header.total_len()), &mut frame) else { return self.undecodable(&frame) };
        if checksum::sum(header.slice()) != checksum::RIGHT {
            match self.checksums {
                Checksums::Count => self.ledger.notice(Notice::BadIpChecksum, frame.packets),
                Checksums::Verify => return self.drop_bad(&frame),
            }
        }
        let addresses = Addresses::V4([header.source(), header.destination()].map(u32::from_be_bytes));
        if header.is_fragmenting_payload() {
            let fragment = Fragment {
                key: (addresses, u32::from(header.identification()), header.protocol(), self.key_tags(frame.tags)),
                offset: usize::from(header.fragments_offset().value()) * 8,
                more: header.more_fragments(),
                packets: frame.packets,
            };
            return self.fragment(fragment, payload, frame);
        }
        self.transport(header.protocol(), payload, addresses, frame)
    }

    fn ipv6(&mut self, data: &[u8], mut frame: Frame<'_>) -> Option<Segment> {
        let Ok(header) = Ipv6HeaderSlice::from_slice(data) else { return self.undecodable(&frame) };
        let length = match usize::from(header.payload_length()) {
            // A jumbogram (RFC 2675), or a packet that the network card was to cut up.
            0 => 0,
            length => IPV6_HEADER + length,
        };
        let Some(payload) = within(data, IPV6_HEADER, length, &mut frame) else { return self.undecodable(&frame) };
        let addresses = Addresses::V6([header.source(), header.destination()]);
        self.ipv6_payload(header.next_header(), payload, addresses, frame)
    }

    /// Passes over extension headers (RFC 8200, section 4).
    fn ipv6_payload(&mut self, mut protocol: IpNumber, mut payload: &[u8], addresses: Addresses, mut frame: Frame<'_>) -> Option<Segment> {
        loop {
            let length = match (protocol, payload) {
                (IpNumber::IPV6_FRAGMENTATION_HEADER, [next, _, high, low, a, b, c, d, rest @ ..]) => {
                    let place = u16::from_be_bytes([*high, *low]);
                    let (offset, more) = (usize::from(place >> 3) * 8, place & 1 == 1);
                    (protocol, payload) = (IpNumber(*next), rest);
                    if offset == 0 && !more {
                        // All of it in one fragment (RFC 6946).
                        continue;
                    }
                    let key = (addresses, u32::from_be_bytes([*a, *b, *c, *d]), protocol, self.key_tags(frame.tags));
                    return self.fragment(Fragment { key, offset, more, packets: frame.packets }, payload, frame);
                }
                (IpNumber::AUTHENTICATION_HEADER, [_, length, ..]) => (usize::from(*length) + 2) * 4,
                (
                    IpNumber::IPV6_HEADER_HOP_BY_HOP
                    | IpNumber::IPV6_ROUTE_HEADER
                    | IpNumber::IPV6_DESTINATION_OPTIONS
                    | IpNumber::MOBILITY_HEADER
                    | IpNumber::HIP
                    | IpNumber::SHIM6,
                    [_, length, ..],
                ) => (usize::from(*length) + 1) * 8,
                _ => return self.transport(protocol, payload, addresses, frame),
            };
            frame.routed |= protocol == IpNumber::IPV6_ROUTE_HEADER && payload.get(3).is_some_and(|left| *left > 0);
            let (Some(next), Some(rest)) = (payload.first(), payload.get(length..)) else { return self.undecodable(&frame) };
            (protocol, payload) = (IpNumber(*next), rest);
        }
    }

    fn fragment(&mut self, fragment: Fragment, payload: &[u8], frame: Frame<'_>) -> Option<Segment> {
        let (addresses, _, protocol, _) = fragment.key;
        if frame.cut > 0 {
            // Without its end it does not help the others.
            self.lose(LossCause::FragmentIncomplete, frame.packets);
            return None;
        }
        if frame.depth >= MAX_TUNNELS {
            return self.follow(DEEP, frame);
        }
        let (datagram, packets) = self.fragments.push(fragment, payload, frame.at)?;
        // Fragments in fragments are no deeper than tunnels in tunnels.
        let frame = Frame { whole: Whole::Datagram(&datagram), packets, depth: frame.depth + 1, ..frame };
        match addresses {
            Addresses::V4(_) => self.transport(protocol, &datagram, addresses, frame),
            Addresses::V6(_) => self.ipv6_payload(protocol, &datagram, addresses, frame),
        }
    }

    fn transport(&mut self, mut protocol: IpNumber, mut payload: &[u8], addresses: Addresses, mut frame: Frame<'_>) -> Option<Segment> {
        while protocol == IpNumber::AUTHENTICATION_HEADER {
            let inner = payload.get(1).and_then(|length| payload.get((usize::from(*length) + 2) * 4..));
            let (Some(next), Some(inner)) = (payload.first(), inner) else { return self.undecodable(&frame) };
            (protocol, payload) = (IpNumber(*next), inner);
        }
        if protocol == IpNumber::TCP {
            return self.tcp(payload, addresses, &frame);
        }
        let inside = match protocol {
            _ if frame.depth >= MAX_TUNNELS => None,
            IpNumber::IPV4 | IpNumber::IPV6 => Some(Inside::Ip(payload)),
            IpNumber::GRE => link::gre(payload, &mut frame.tags),
            IpNumber::UDP => tunnel_in_udp(payload, &mut frame.tags),
            _ => None,
        };
        match inside {
            Some(inside) => self.follow(inside, Frame { depth: frame.depth + 1, ..frame }),
            None => self.follow(Inside::Other(Name::Ip(protocol.0)), frame),
        }
    }

    fn tcp(&mut self, data: &[u8], addresses: Addresses, frame: &Frame<'_>) -> Option<Segment> {
        let Ok(tcp) = TcpHeaderSlice::from_slice(data) else { return self.undecodable(frame) };
        if self.checksums == Checksums::Verify && frame.cut == 0 && !frame.routed && checksum::of_tcp(addresses, data) != checksum::RIGHT {
            return self.drop_bad(frame);
        }
        self.ledger.packets.tcp += frame.packets;
        let (flow, direction) = FlowKey::of(addresses, [tcp.source_port(), tcp.destination_port()], self.key_tags(frame.tags));
        Some(Segment {
            flow,
            direction,
            tags: frame.tags,
            at: frame.at,
            sequence: tcp.sequence_number(),
            acknowledgment: tcp.ack().then(|| tcp.acknowledgment_number()),
            syn: tcp.syn(),
            fin: tcp.fin(),
            rst: tcp.rst(),
            payload: frame.whole.payload(&data[tcp.slice().len()..]),
            cut: frame.cut,
        })
    }

    /// The tags, if they are to tell connections apart.
    const fn key_tags(&self, tags: Tags) -> Tags {
        match self.keying {
            FlowKeying::Tuple => Tags::NONE,
            FlowKeying::TupleAndTags => tags,
        }
    }
}

impl Whole<'_> {
    fn payload(self, part: &[u8]) -> Payload {
        match self {
            Self::Block(block) => {
                let start = part.as_ptr().addr() - block.as_ptr().addr();
                let place = |at: usize| u32::try_from(at).expect("a block is smaller than 4 GiB");
                Payload::Within(place(start)..place(start + part.len()))
            }
            Self::Datagram(datagram) => Payload::Own(datagram.slice_ref(part)),
        }
    }
}

/// The payload of a datagram whose header says that it has `length` bytes in all, headers included. What follows it is padding of
/// the frame. A length of zero says that it was not set yet: the network card was to cut up what was captured.
fn within<'a>(data: &'a [u8], header: usize, length: usize, frame: &mut Frame<'_>) -> Option<&'a [u8]> {
    if length == 0 {
        return data.get(header..);
    }
    let captured = length.min(data.len());
    frame.cut = u32::try_from(length - captured).unwrap_or(u32::MAX);
    data.get(header..captured)
}

/// VXLAN (RFC 7348) and Geneve (RFC 8926), by their ports.
fn tunnel_in_udp<'a>(payload: &'a [u8], tags: &mut Tags) -> Option<Inside<'a>> {
    let port = UdpHeaderSlice::from_slice(payload).ok()?.destination_port();
    let inner = &payload[8..];
    match (port, inner) {
        (4789, [flags, _, _, _, a, b, c, _, frame @ ..]) if flags & 0x08 != 0 && !frame.is_empty() => {
            *tags = Tags::within_network(u32::from_be_bytes([0, *a, *b, *c]));
            Some(Inside::Ethernet(frame))
        }
        (6081, [version_and_length, _, high, low, a, b, c, _, rest @ ..]) if version_and_length >> 6 == 0 => {
            *tags = Tags::within_network(u32::from_be_bytes([0, *a, *b, *c]));
            let options = usize::from(version_and_length & 0x3f) * 4;
            Some(link::ether_type(u16::from_be_bytes([*high, *low]), rest.get(options..).unwrap_or_default(), tags))
        }
        _ => None,
    }
}

const IPV6_HEADER: usize = 40;
/// Tunnels in tunnels are followed this deep.
const MAX_TUNNELS: u8 = 8;
const DEEP: Inside<'_> = Inside::Other(Name::Known("deep tunnel"));
