//! Link headers and the tunnels that carry frames: from a type to what stands behind it.

use super::checksum;
use super::name::Name;
use super::{Inside, Tags};
use crate::source::Link;

/// What stands behind the link header of `data`.
pub(super) fn payload<'a>(link: Link, data: &'a [u8], tags: &mut Tags) -> Inside<'a> {
    match link.0 {
        1 => ethernet(data, tags),
        // BSD loopback: an address family in the byte order of the machine that captured, or (108) of the network.
        0 | 108 => data.get(4..).map_or(Inside::Undecodable, Inside::Ip),
        9 | 50 => ppp(data, tags),
        12 | 14 | 101 | 228 | 229 => Inside::Ip(data),
        51 => pppoe(data, tags),
        // Cisco HDLC.
        104 => typed(data, 2, 4, tags),
        105 => wifi(data, tags),
        // Radiotap: version, padding, then its own length, little-endian.
        127 => match data {
            [_, _, low, high, ..] => data.get(usize::from(u16::from_le_bytes([*low, *high]))..).map_or(Inside::Undecodable, |frame| wifi(frame, tags)),
            _ => Inside::Undecodable,
        },
        // Linux cooked, version 1 and 2.
        113 => typed(data, 14, 16, tags),
        276 => typed(data, 0, 20, tags),
        239 => nflog(data),
        other => Inside::Other(Name::Link(other)),
    }
}

pub(super) fn ethernet<'a>(data: &'a [u8], tags: &mut Tags) -> Inside<'a> {
    typed(data, 12, 14, tags)
}

/// A header of `length` bytes with an EtherType at `at`.
fn typed<'a>(data: &'a [u8], at: usize, length: usize, tags: &mut Tags) -> Inside<'a> {
    match (u16_at(data, at), data.get(length..)) {
        (Some(kind), Some(payload)) => ether_type(kind, payload, tags),
        _ => Inside::Undecodable,
    }
}

/// What an EtherType says of `data`.
pub(super) fn ether_type<'a>(mut kind: u16, mut data: &'a [u8], tags: &mut Tags) -> Inside<'a> {
    // VLAN tags (802.1Q, 802.1ad, and what came before it), as many as there are.
    while matches!(kind, 0x8100 | 0x88a8 | 0x9100 | 0x9200) {
        let [control_high, control_low, kind_high, kind_low, rest @ ..] = data else { return Inside::Undecodable };
        *tags = tags.within_vlan(u16::from_be_bytes([*control_high, *control_low]));
        (kind, data) = (u16::from_be_bytes([*kind_high, *kind_low]), rest);
    }
    match kind {
        0x0800 | 0x86dd => Inside::Ip(data),
        0x8864 => pppoe(data, tags),
        0x8847 | 0x8848 => mpls(data),
        TRANSPARENT_ETHERNET => Inside::Ethernet(data),
        // A length, as IEEE 802.3 had it first. With a SNAP header a type follows all the same.
        0..=0x05ff => match data {
            [0xaa, 0xaa, 3, 0, 0, 0, rest @ ..] => typed(rest, 0, 2, tags),
            _ => Inside::Other(Name::Known("llc")),
        },
        _ => Inside::Other(Name::EtherType(kind)),
    }
}

fn pppoe<'a>(data: &'a [u8], tags: &mut Tags) -> Inside<'a> {
    data.get(6..).map_or(Inside::Undecodable, |ppp| ppp_protocol(ppp, tags))
}

fn ppp<'a>(data: &'a [u8], tags: &mut Tags) -> Inside<'a> {
    ppp_protocol(data.strip_prefix(&[0xff, 0x03]).unwrap_or(data), tags)
}

/// A protocol in two bytes, or in one if that is odd (RFC 1661, section 6.5).
fn ppp_protocol<'a>(data: &'a [u8], tags: &mut Tags) -> Inside<'a> {
    let (protocol, payload) = match data {
        [short, payload @ ..] if short & 1 == 1 => (u16::from(*short), payload),
        [high, low, payload @ ..] => (u16::from_be_bytes([*high, *low]), payload),
        _ => return Inside::Undecodable,
    };
    match protocol {
        0x0021 | 0x0057 => Inside::Ip(payload),
        0x0281 | 0x0283 => ether_type(0x8847, payload, tags),
        other => Inside::Other(Name::Ppp(other)),
    }
}

/// Labels up to the last one. No field says what follows: its first bits do, and where they may mean two things, what would come then.
fn mpls(data: &[u8]) -> Inside<'_> {
    let Some(last) = data.chunks_exact(4).position(|label| label[2] & 1 == 1) else { return Inside::Undecodable };
    let payload = &data[(last + 1) * 4..];
    match payload {
        [0x40..=0x4f, ..] if is_ipv4(payload) || !is_ethernet(payload) => Inside::Ip(payload),
        [0x60..=0x6f, ..] if is_ipv6(payload) || !is_ethernet(payload) => Inside::Ip(payload),
        // A pseudowire's control word (RFC 4385), then a frame; or a frame alone.
        [0..=0x0f, _, _, _, frame @ ..] if is_ethernet(frame) => Inside::Ethernet(frame),
        _ if is_ethernet(payload) => Inside::Ethernet(payload),
        _ => Inside::Other(Name::Known("mpls")),
    }
}

fn is_ipv4(data: &[u8]) -> bool {
    let header = data.first().and_then(|first| data.get(..usize::from(first & 0x0f) * 4));
    header.is_some_and(|header| header.len() >= 20 && checksum::sum(header) == checksum::RIGHT)
}

fn is_ipv6(data: &[u8]) -> bool {
    u16_at(data, 4).is_some_and(|length| usize::from(length) + 40 <= data.len())
        && matches!(data.get(6), Some(0 | 6 | 17 | 41 | 43 | 44 | 47 | 50 | 51 | 58..=60))
}

fn is_ethernet(data: &[u8]) -> bool {
    matches!(u16_at(data, 12), Some(0x0800 | 0x0806 | 0x86dd | 0x8100 | 0x88a8 | 0x9100 | 0x8847 | 0x8848 | 0x8863 | 0x8864))
}

/// Linux netfilter log: type-length-value, in the byte order of the machine that captured.
fn nflog(data: &[u8]) -> Inside<'_> {
    let packet = [u16::from_le_bytes, u16::from_be_bytes].into_iter().find_map(|number| nflog_payload(data.get(4..)?, number));
    packet.map_or(Inside::Undecodable, Inside::Ip)
}

fn nflog_payload(mut data: &[u8], number: fn([u8; 2]) -> u16) -> Option<&[u8]> {
    const PAYLOAD: u16 = 9;
    while let [a, b, c, d, ..] = data {
        let (length, kind) = (usize::from(number([*a, *b])), number([*c, *d]));
        if length < 4 {
            return None;
        }
        if kind & 0x7fff == PAYLOAD {
            return data.get(4..length.min(data.len()));
        }
        data = data.get(length.next_multiple_of(4)..)?;
    }
    None
}

/// A data frame of IEEE 802.11, as it is sent: unencrypted, one packet, with a SNAP header.
fn wifi<'a>(data: &'a [u8], tags: &mut Tags) -> Inside<'a> {
    const DATA: u8 = 0x08;
    let [control, flags, ..] = data else { return Inside::Undecodable };
    let (is_data, has_payload, has_quality) = (control & 0x0c == DATA, control & 0x40 == 0, control & 0x80 != 0);
    let (both_ways, protected, ordered) = (flags & 0x03 == 0x03, flags & 0x40 != 0, flags & 0x80 != 0);
    if !is_data || !has_payload || protected {
        return Inside::Other(Name::Known(if protected { "802.11 protected" } else { "802.11 other" }));
    }
    let quality = if has_quality && ordered {
        6
    } else if has_quality {
        2
    } else {
        0
    };
    let header = 24 + if both_ways { 6 } else { 0 } + quality;
    match data.get(header..) {
        Some([0xaa, 0xaa, 0x03, _, _, _, rest @ ..]) => typed(rest, 0, 2, tags),
        Some([_, _, _, _, _, _, ..]) => Inside::Other(Name::Known("802.11 other")),
        _ => Inside::Undecodable,
    }
}

/// GRE (RFC 2784, RFC 2890); `None` for the versions that carry something else, and for source routes (RFC 1701).
pub(super) fn gre<'a>(data: &'a [u8], tags: &mut Tags) -> Option<Inside<'a>> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    const VERSION: u16 = 0x0007;
    let (flags, protocol) = (u16_at(data, 0)?, u16_at(data, 2)?);
    if flags & (VERSION | ROUTING) != 0 {
        return None;
    }
    let optional = [CHECKSUM, KEY, SEQUENCE].into_iter().filter(|flag| flags & flag != 0).count();
    let payload = data.get(4 + optional * 4..)?;
    Some(match protocol {
        // ERSPAN, type I: the frame follows at once; type II, told by its sequence number: after eight bytes.
        0x88be if flags & SEQUENCE == 0 => Inside::Ethernet(payload),
        0x88be => Inside::Ethernet(payload.get(8..)?),
        // Type III: after twelve, and eight more if the last bit says so.
        0x22eb => Inside::Ethernet(payload.get(if payload.get(11)? & 1 == 1 { 20 } else { 12 }..)?),
        // Access points of one maker tunnel their frames so.
        0x8200 => wifi(payload, tags),
        other => ether_type(other, payload, tags),
    })
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

/// GRE, Geneve and others carry whole frames under it.
const TRANSPARENT_ETHERNET: u16 = 0x6558;
