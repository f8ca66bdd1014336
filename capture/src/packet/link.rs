//! Link headers: from a link type to what stands behind it.

use bytes::Bytes;

use super::Payload;
use crate::source::Link;

/// What stands behind the link header of `data`.
pub(super) fn payload(link: Link, data: &Bytes) -> Payload {
    match link.0 {
        // BSD loopback: an address family in the byte order of the machine that captured, or (108) of the network.
        0 | 108 => after(data, 4).map_or(Payload::Undecodable, Payload::Ip),
        1 => ethernet(data),
        9 | 50 => ppp(data),
        12 | 14 | 101 | 228 | 229 => Payload::Ip(data.clone()),
        51 => pppoe(data),
        // Cisco HDLC.
        104 => typed(data, 2, 4),
        105 => wifi(data),
        // Radiotap: version, padding, then its own length, little-endian.
        127 => match data.get(2..4) {
            Some(length) => after(data, usize::from(u16::from_le_bytes([length[0], length[1]]))).map_or(Payload::Undecodable, |frame| wifi(&frame)),
            None => Payload::Undecodable,
        },
        // Linux cooked, version 1 and 2.
        113 => typed(data, 14, 16),
        276 => typed(data, 0, 20),
        239 => nflog(data),
        other => Payload::Other(format!("link {}", name(other))),
    }
}

pub(super) fn ethernet(data: &Bytes) -> Payload {
    typed(data, 12, 14)
}

/// A header of `length` bytes with an EtherType at `at`.
fn typed(data: &Bytes, at: usize, length: usize) -> Payload {
    match (u16_at(data, at), after(data, length)) {
        (Some(kind), Some(payload)) => ether_type(kind, &payload),
        _ => Payload::Undecodable,
    }
}

/// What an EtherType says of `data`.
pub(super) fn ether_type(mut kind: u16, data: &Bytes) -> Payload {
    let mut data = data.clone();
    // VLAN tags (802.1Q, 802.1ad, and what came before it), as many as there are.
    while matches!(kind, 0x8100 | 0x88a8 | 0x9100 | 0x9200) {
        match (u16_at(&data, 2), after(&data, 4)) {
            (Some(inner), Some(payload)) => (kind, data) = (inner, payload),
            _ => return Payload::Undecodable,
        }
    }
    match kind {
        0x0800 | 0x86dd => Payload::Ip(data),
        0x8864 => pppoe(&data),
        0x8847 | 0x8848 => mpls(&data),
        0x6558 => Payload::Ethernet(data),
        0x0806 => Payload::Other("arp".to_owned()),
        0x8863 => Payload::Other("pppoe discovery".to_owned()),
        0x88cc => Payload::Other("lldp".to_owned()),
        0..=0x05ff => Payload::Other("llc".to_owned()),
        _ => Payload::Other(format!("ethertype {kind:#06x}")),
    }
}

fn pppoe(data: &Bytes) -> Payload {
    match (u16_at(data, 6), after(data, 8)) {
        (Some(protocol), Some(payload)) => ppp_protocol(protocol, payload),
        _ => Payload::Undecodable,
    }
}

fn ppp(data: &Bytes) -> Payload {
    let start = if data.starts_with(&[0xff, 0x03]) { 2 } else { 0 };
    match (u16_at(data, start), after(data, start + 2)) {
        (Some(protocol), Some(payload)) => ppp_protocol(protocol, payload),
        _ => Payload::Undecodable,
    }
}

fn ppp_protocol(protocol: u16, payload: Bytes) -> Payload {
    match protocol {
        0x0021 | 0x0057 => Payload::Ip(payload),
        other => Payload::Other(format!("ppp {other:#06x}")),
    }
}

/// Labels up to the last one; what follows tells by its first bits what it is.
fn mpls(data: &Bytes) -> Payload {
    let Some(last) = data.chunks_exact(4).position(|label| label[2] & 1 == 1) else { return Payload::Undecodable };
    let payload = data.slice((last + 1) * 4..);
    match payload.first().map(|byte| byte >> 4) {
        Some(4 | 6) => Payload::Ip(payload),
        // A pseudowire's control word, then a frame.
        Some(0) if payload.len() > 4 => Payload::Ethernet(payload.slice(4..)),
        _ => Payload::Other("mpls".to_owned()),
    }
}

/// Linux netfilter log: type-length-value, lengths in the byte order of the machine that captured (little-endian in practice).
fn nflog(data: &Bytes) -> Payload {
    const PAYLOAD: u16 = 9;
    let mut at = 4;
    while let Some(header) = data.get(at..at + 4) {
        let (length, kind) = (usize::from(u16::from_le_bytes([header[0], header[1]])), u16::from_le_bytes([header[2], header[3]]));
        if length < 4 {
            break;
        }
        if kind & 0x7fff == PAYLOAD {
            return Payload::Ip(data.slice(at + 4..(at + length).min(data.len())));
        }
        at += length.next_multiple_of(4);
    }
    Payload::Undecodable
}

/// A data frame of IEEE 802.11, as it is sent: unencrypted, one packet, with a SNAP header.
fn wifi(data: &Bytes) -> Payload {
    const DATA: u8 = 0x08;
    let (Some(control), Some(flags)) = (data.first(), data.get(1)) else { return Payload::Undecodable };
    let (is_data, has_payload, has_quality) = (control & 0x0c == DATA, control & 0x40 == 0, control & 0x80 != 0);
    let (both_ways, protected, ordered) = (flags & 0x03 == 0x03, flags & 0x40 != 0, flags & 0x80 != 0);
    if !is_data || !has_payload || protected {
        return Payload::Other(if protected { "802.11 protected" } else { "802.11 other" }.to_owned());
    }
    let quality = if has_quality && ordered {
        6
    } else if has_quality {
        2
    } else {
        0
    };
    let header = 24 + if both_ways { 6 } else { 0 } + quality;
    match data.get(header..header + 6) {
        Some([0xaa, 0xaa, 0x03, _, _, _]) => typed(data, header + 6, header + 8),
        Some(_) => Payload::Other("802.11 other".to_owned()),
        None => Payload::Undecodable,
    }
}

/// GRE (RFC 2784, RFC 2890); `None` for the versions that carry something else.
pub(super) fn gre(data: &Bytes) -> Option<Payload> {
    let (flags, protocol) = (u16_at(data, 0)?, u16_at(data, 2)?);
    if flags & 0x0007 != 0 {
        return None;
    }
    let optional = [0x8000, 0x2000, 0x1000].into_iter().filter(|flag| flags & flag != 0).count();
    let payload = after(data, 4 + optional * 4)?;
    // Access points of one maker tunnel their frames so.
    Some(if protocol == 0x8200 { wifi(&payload) } else { ether_type(protocol, &payload) })
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

fn after(data: &Bytes, at: usize) -> Option<Bytes> {
    (at <= data.len()).then(|| data.slice(at..))
}

fn name(link: u32) -> String {
    let known = match link {
        6 => "token ring",
        10 => "fddi",
        119 => "802.11 prism",
        117 => "pflog",
        122 => "ip over fibre channel",
        147..=162 => "user-defined",
        189 | 220 => "usb",
        195 | 215 | 230 => "802.15.4",
        201 => "bluetooth",
        227 => "can",
        253 => "netlink",
        u32::MAX => "of an interface that is not described",
        other => return format!("type {other}"),
    };
    known.to_owned()
}
