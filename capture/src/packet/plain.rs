//! The headers of nearly all packets, read at one go.
//!
//! A packet flows in; its segment flows out if it is TCP over IPv4 over Ethernet without tags, tunnels, IP options or fragments, with
//! nothing cut off and with a right IP checksum. Of any other nothing is said here: the decoder reads it header by header, as it would
//! read these, and to the same result.

use super::checksum;
use super::flow_key::Addresses;
use super::{FlowKey, Payload, Segment, Tags};
use crate::source::{Link, Packet};

/// The segment in `packet`, which is `data`.
pub(super) fn segment(packet: &Packet, data: &[u8]) -> Option<Segment> {
    let headers: &[u8; TCP + 20] = data.first_chunk()?;
    let u16_at = |at: usize| u16::from_be_bytes([headers[at], headers[at + 1]]);
    let u32_at = |at: usize| u32::from_be_bytes([headers[at], headers[at + 1], headers[at + 2], headers[at + 3]]);
    let end = IP + usize::from(u16_at(IP + 2));
    let tcp_header = usize::from(headers[TCP + 12] >> 4) * 4;
    let is_plain = packet.link == ETHERNET
        && u16_at(IP - 2) == 0x0800
        && headers[IP] == 0x45
        && u16_at(IP + 6) & (MORE_FRAGMENTS | FRAGMENT_OFFSET) == 0
        && headers[IP + 9] == 6
        && tcp_header >= 20
        && (TCP + tcp_header..=data.len()).contains(&end);
    if !is_plain || checksum::sum(&headers[IP..TCP]) != checksum::RIGHT {
        return None;
    }
    let (flow, direction) = FlowKey::of(Addresses::V4([u32_at(IP + 12), u32_at(IP + 16)]), [u16_at(TCP), u16_at(TCP + 2)], Tags::NONE);
    let flags = headers[TCP + 13];
    // It is within the packet, whose own place is told so.
    let place = |at: usize| packet.data.start + u32::try_from(at).unwrap_or(u32::MAX);
    Some(Segment {
        flow,
        direction,
        tags: Tags::NONE,
        at: packet.at,
        sequence: u32_at(TCP + 4),
        acknowledgment: (flags & ACK != 0).then(|| u32_at(TCP + 8)),
        syn: flags & SYN != 0,
        fin: flags & FIN != 0,
        rst: flags & RST != 0,
        payload: Payload::Within(place(TCP + tcp_header)..place(end)),
        cut: 0,
    })
}

const ETHERNET: Link = Link(1);
/// Where the IP header begins, and where the TCP header does behind one without options.
const IP: usize = 14;
const TCP: usize = IP + 20;
const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET: u16 = 0x1fff;
const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use reenact_formats::model::Timestamp;

    use super::*;
    use crate::CaptureOptions;
    use crate::packet::Decoder;

    /// Ethernet, IPv4, TCP with an option, payload, and padding.
    fn packet() -> Vec<u8> {
        let mut data = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
        data.extend([0x45, 0, 0, 50, 0, 7, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1]);
        data.extend([0, 80, 0x9c, 0x40, 1, 2, 3, 4, 5, 6, 7, 8, 0x60, 0x18, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1]);
        data.extend(*b"hello.");
        data.extend([0; 3]);
        data
    }

    fn set_checksum(data: &mut [u8]) {
        data[IP + 10..IP + 12].fill(0);
        let sum = !checksum::sum(&data[IP..TCP]);
        data[IP + 10..IP + 12].copy_from_slice(&sum.to_be_bytes());
    }

    /// What the long way makes of it, and what the short one does, if it can be gone.
    fn both(link: u32, data: &[u8]) -> (Option<Segment>, Option<Segment>) {
        let block = Bytes::from([b"before", data, b"behind"].concat());
        let length = u32::try_from(data.len()).expect("short");
        let packet = Packet { link: Link(link), at: Timestamp::from_nanos(7), data: 6..6 + length, wire_length: length };
        let (data, mut decoder) = (&block[6..6 + data.len()], Decoder::new(&CaptureOptions::default()));
        (decoder.decode_any(&block, &packet, data), segment(&packet, data))
    }

    #[test]
    fn the_short_way_leads_where_the_long_one_does() {
        let mut plain = packet();
        set_checksum(&mut plain);
        let (long, short) = both(1, &plain);
        assert!(long.is_some() && short == long, "{short:?} {long:?}");
        assert_eq!(both(113, &plain).1, None, "another link");
        let mut taken = 0;
        for at in 12..plain.len() {
            for bits in 1..=255 {
                let mut data = plain.clone();
                data[at] ^= bits;
                assert!(both(1, &data).1.is_none() || !(12..TCP).contains(&at), "another link header, or a wrong checksum, at {at}");
                set_checksum(&mut data);
                let (long, short) = both(1, &data);
                taken += u32::from(short.is_some());
                assert!(short.is_none() || short == long, "{at} {bits:x}: {short:?} {long:?}");
            }
        }
        assert!(taken > 5000, "{taken}");
        for length in 0..plain.len() {
            let (long, short) = both(1, &plain[..length]);
            assert!(short.is_none() || short == long, "{length}: {short:?} {long:?}");
            assert_eq!(short.is_some(), length >= 64, "{length}");
        }
    }
}
