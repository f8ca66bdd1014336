//! One packet, from its link header to its TCP payload.
//!
//! A packet flows in as bytes with a link type; a TCP [`Segment`] flows out, its payload still a slice of the same block, or the
//! name of what it was instead. Tunnels are followed to the innermost connection. Nothing is remembered from packet to packet
//! but the fragments of datagrams. This is the only user of etherparse.

mod fragments;
mod link;

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use etherparse::{IpNumber, LaxIpv4Slice, LaxIpv6Slice, LenSource, TcpSlice, UdpHeaderSlice};
use reenact_formats::model::Timestamp;

use self::fragments::{Fragment, Fragments};
use crate::source::Packet;

/// One TCP segment.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) sequence: u32,
    pub(crate) acknowledgment: Option<u32>,
    pub(crate) syn: bool,
    pub(crate) fin: bool,
    pub(crate) rst: bool,
    pub(crate) payload: Bytes,
    /// Bytes of payload that were on the wire, behind those that are here, and were not captured.
    pub(crate) cut: u32,
}

/// What a packet turned out to be.
#[derive(Debug)]
pub(crate) enum Decoded {
    /// A segment, and how many packets it was made of: more than one if it came in fragments.
    Tcp(Segment, u64),
    /// Something that is not TCP, by name.
    Other(String),
    /// A fragment, kept until the others come.
    Fragment,
    /// Its headers could not be read.
    Undecodable,
}

#[derive(Default)]
pub(crate) struct Decoder {
    fragments: Fragments,
}

/// What a packet is decoded with: where it came from and what is missing of it.
struct Frame {
    at: Timestamp,
    /// Bytes on the wire that were not captured.
    cut: u32,
    /// Tunnels passed so far.
    depth: u8,
}

/// What stands behind a link header.
enum Payload {
    Ip(Bytes),
    Ethernet(Bytes),
    Other(String),
    Undecodable,
}

impl Decoder {
    pub(crate) fn decode(&mut self, packet: &Packet) -> Decoded {
        let captured = u32::try_from(packet.data.len()).unwrap_or(u32::MAX);
        let frame = Frame { at: packet.at, cut: packet.wire_length.saturating_sub(captured), depth: 0 };
        self.follow(link::payload(packet.link, &packet.data), &frame)
    }

    /// How many packets were fragments whose datagram was given up since this was last asked.
    pub(crate) fn given_up(&mut self) -> u64 {
        self.fragments.given_up()
    }

    /// Gives up what is still incomplete.
    pub(crate) fn finish(&mut self) {
        self.fragments.finish();
    }

    fn follow(&mut self, payload: Payload, frame: &Frame) -> Decoded {
        match payload {
            Payload::Ip(ip) => self.ip(&ip, frame),
            Payload::Ethernet(_) if frame.depth >= MAX_TUNNELS => Decoded::Other("deep tunnel".to_owned()),
            Payload::Ethernet(inner) => self.follow(link::ethernet(&inner), &Frame { depth: frame.depth + 1, ..*frame }),
            Payload::Other(name) => Decoded::Other(name),
            Payload::Undecodable => Decoded::Undecodable,
        }
    }

    fn ip(&mut self, data: &Bytes, frame: &Frame) -> Decoded {
        match data.first().map(|byte| byte >> 4) {
            Some(4) => self.ipv4(data, frame),
            Some(6) => self.ipv6(data, frame),
            _ => Decoded::Undecodable,
        }
    }

    fn ipv4(&mut self, data: &Bytes, frame: &Frame) -> Decoded {
        let Ok((ip, None)) = LaxIpv4Slice::from_slice(data) else { return Decoded::Undecodable };
        let header = ip.header();
        let payload = data.slice_ref(ip.payload().payload);
        let cut = if ip.payload().incomplete {
            u32::from(header.total_len()) - u32::try_from(data.len()).unwrap_or(u32::MAX).min(u32::from(header.total_len()))
        } else if ip.payload().len_source == LenSource::Slice {
            // The segment was cut up by the network card after it was captured: its length field was not yet set.
            frame.cut
        } else {
            0
        };
        let addresses = (IpAddr::V4(header.source_addr()), IpAddr::V4(header.destination_addr()));
        if ip.is_payload_fragmented() && ip.payload().ip_number == IpNumber::TCP && cut == 0 {
            let fragment = Fragment {
                key: (addresses.0, addresses.1, u32::from(header.identification())),
                offset: usize::from(header.fragments_offset().value()) * 8,
                more: header.more_fragments(),
                data: payload,
            };
            return self.fragment(fragment, addresses, frame);
        }
        self.transport(ip.payload().ip_number, &payload, cut, addresses, frame)
    }

    fn ipv6(&mut self, data: &Bytes, frame: &Frame) -> Decoded {
        let Ok((ip, problem)) = LaxIpv6Slice::from_slice(data) else { return Decoded::Undecodable };
        if problem.is_some() {
            return Decoded::Undecodable;
        }
        let header = ip.header();
        let payload = data.slice_ref(ip.payload().payload);
        let announced = u32::from(header.payload_length()) + 40;
        let cut = if ip.payload().incomplete {
            announced.saturating_sub(u32::try_from(data.len()).unwrap_or(u32::MAX))
        } else if ip.payload().len_source == LenSource::Slice {
            frame.cut
        } else {
            0
        };
        let addresses = (IpAddr::V6(header.source_addr()), IpAddr::V6(header.destination_addr()));
        if ip.is_payload_fragmented() && ip.payload().ip_number == IpNumber::TCP && cut == 0 {
            let fragment = ip.extensions().clone().into_iter().find_map(|extension| match extension {
                etherparse::Ipv6ExtensionSlice::Fragment(fragment) => Some(fragment.to_header()),
                _ => None,
            });
            let Some(fragment) = fragment else { return Decoded::Undecodable };
            let fragment = Fragment {
                key: (addresses.0, addresses.1, fragment.identification),
                offset: usize::from(fragment.fragment_offset.value()) * 8,
                more: fragment.more_fragments,
                data: payload,
            };
            return self.fragment(fragment, addresses, frame);
        }
        self.transport(ip.payload().ip_number, &payload, cut, addresses, frame)
    }

    fn fragment(&mut self, fragment: Fragment, addresses: (IpAddr, IpAddr), frame: &Frame) -> Decoded {
        match self.fragments.push(fragment, frame.at) {
            Some((datagram, packets)) => match segment(&datagram, 0, addresses) {
                Some(segment) => Decoded::Tcp(segment, packets),
                None => {
                    // This packet is counted by the caller, those before it are not counted yet.
                    self.fragments.give_up(packets - 1);
                    Decoded::Undecodable
                }
            },
            None => Decoded::Fragment,
        }
    }

    fn transport(&mut self, protocol: IpNumber, payload: &Bytes, cut: u32, addresses: (IpAddr, IpAddr), frame: &Frame) -> Decoded {
        if protocol == IpNumber::TCP {
            return segment(payload, cut, addresses).map_or(Decoded::Undecodable, |segment| Decoded::Tcp(segment, 1));
        }
        let inner = match protocol {
            _ if frame.depth >= MAX_TUNNELS => None,
            IpNumber::IPV4 | IpNumber::IPV6 => Some(Payload::Ip(payload.clone())),
            IpNumber::GRE => link::gre(payload),
            IpNumber::UDP => tunnel_in_udp(payload),
            _ => None,
        };
        match inner {
            Some(inner) => self.follow(inner, &Frame { depth: frame.depth + 1, ..*frame }),
            None => Decoded::Other(protocol_name(protocol)),
        }
    }
}

fn segment(payload: &Bytes, cut: u32, (source, destination): (IpAddr, IpAddr)) -> Option<Segment> {
    let tcp = TcpSlice::from_slice(payload).ok()?;
    Some(Segment {
        source: SocketAddr::new(source, tcp.source_port()),
        destination: SocketAddr::new(destination, tcp.destination_port()),
        sequence: tcp.sequence_number(),
        acknowledgment: tcp.ack().then(|| tcp.acknowledgment_number()),
        syn: tcp.syn(),
        fin: tcp.fin(),
        rst: tcp.rst(),
        payload: payload.slice_ref(tcp.payload()),
        cut,
    })
}

/// VXLAN (RFC 7348) and Geneve (RFC 8926), by their ports.
fn tunnel_in_udp(payload: &Bytes) -> Option<Payload> {
    let port = UdpHeaderSlice::from_slice(payload).ok()?.destination_port();
    let inner = payload.slice(8..);
    match (port, inner.as_ref()) {
        (4789, [flags, ..]) if inner.len() > 8 && flags & 0x08 != 0 => Some(Payload::Ethernet(inner.slice(8..))),
        (6081, [version_and_length, ..]) if version_and_length >> 6 == 0 => {
            let header = 8 + usize::from(version_and_length & 0x3f) * 4;
            let protocol = u16::from_be_bytes(inner.get(2..4)?.try_into().ok()?);
            Some(link::ether_type(protocol, &inner.slice(header.min(inner.len())..)))
        }
        _ => None,
    }
}

fn protocol_name(protocol: IpNumber) -> String {
    match protocol {
        IpNumber::UDP => "udp".to_owned(),
        IpNumber::ICMP => "icmp".to_owned(),
        IpNumber::IPV6_ICMP => "icmpv6".to_owned(),
        IpNumber::IGMP => "igmp".to_owned(),
        IpNumber::SCTP => "sctp".to_owned(),
        IpNumber::GRE => "gre".to_owned(),
        IpNumber(number) => format!("ip protocol {number}"),
    }
}

/// Tunnels in tunnels are followed this deep.
const MAX_TUNNELS: u8 = 8;
