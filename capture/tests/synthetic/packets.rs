//! Links, tunnels, fragments, checksums: whatever wraps it, the same exchange comes out.

use reenact_capture::{CaptureOptions, Checksums, FlowKeying};
use reenact_formats::model::{LossCause, Notice};

use crate::files::{EXPECTED, one_exchange};
use crate::support::{
    CLIENT, Captured, Connection, Packet, SERVER, Segment, checksum, ethernet, frames, get, ipv4, ok, packets, pcap, read, tell_all, try_read,
};

fn with_prefix(prefix: &[u8], packet: Vec<u8>) -> Vec<u8> {
    [prefix, &packet].concat()
}

fn u16_of(length: usize) -> [u8; 2] {
    u16::try_from(length).expect("small").to_be_bytes()
}

/// In an IPv4 packet between two ends of a tunnel.
fn tunnel(protocol: u8, header: &[u8], inner: Vec<u8>) -> Vec<u8> {
    ipv4([1, 1, 1, 1], [2, 2, 2, 2], protocol, 0, 0, &with_prefix(header, inner))
}

fn udp(port: u16, header: &[u8], inner: &[u8]) -> Vec<u8> {
    let [high, low] = port.to_be_bytes();
    let [length_high, length_low] = u16_of(8 + header.len() + inner.len());
    [&[0x30, 0, high, low, length_high, length_low, 0, 0], header, inner].concat()
}

fn vxlan(network: u8, inner: &[u8]) -> Vec<u8> {
    udp(4789, &[8, 0, 0, 0, 0, 0, network, 0], inner)
}

fn nflog(segment: &Segment, number: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let packet = segment.ipv4();
    // A header, a mark, then the packet.
    let mut data = vec![2, 0, 0, 0];
    for field in [8, 3] {
        data.extend(number(field));
    }
    data.extend([0, 0, 0, 9]);
    for field in [u16::try_from(packet.len() + 4).expect("small"), 9] {
        data.extend(number(field));
    }
    with_prefix(&data, packet)
}

fn wifi(segment: &Segment) -> Vec<u8> {
    let mut header = vec![0x88, 1];
    header.extend([0; 24]);
    header.extend([0xaa, 0xaa, 3, 0, 0, 0, 8, 0]);
    with_prefix(&header, segment.ipv4())
}

/// With two options in its IPv4 header, and two in that of TCP.
fn with_options(segment: &Segment) -> Vec<u8> {
    let tcp = segment.tcp();
    let tcp = [&tcp[..12], &[0x80], &tcp[13..20], &[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2], &tcp[20..]].concat();
    let packet = ipv4(segment.addresses()[0], segment.addresses()[1], 6, 0, 0, &tcp);
    let mut packet = [&packet[..20], &[1, 7, 3, 4], &packet[20..]].concat();
    packet[0] = 0x46;
    let length = u16_of(packet.len());
    packet[2..4].copy_from_slice(&length);
    packet[10..12].fill(0);
    let sum = checksum(&packet[..24]);
    packet[10..12].copy_from_slice(&sum);
    packet
}

/// With a length field that the network card was to fill in.
fn without_length(mut packet: Vec<u8>, field: usize) -> Vec<u8> {
    packet[field..field + 2].fill(0);
    packet
}

type Wrap = fn(&Segment) -> Vec<u8>;

/// Name, link type, and what is done to a segment.
const WRAPPINGS: &[(&str, u32, Wrap)] = &[
    ("null, little-endian", 0, |segment| with_prefix(&[2, 0, 0, 0], segment.ipv4())),
    ("null, big-endian", 0, |segment| with_prefix(&[0, 0, 0, 30], segment.ipv6())),
    ("loop", 108, |segment| with_prefix(&[0, 0, 0, 2], segment.ipv4())),
    ("ethernet", 1, Segment::ethernet),
    ("ethernet, ipv6", 1, |segment| ethernet(0x86dd, &segment.ipv6())),
    ("ethernet, padded to the least length of a frame", 1, |segment| {
        let mut frame = segment.ethernet();
        frame.resize(frame.len().max(60), 0xee);
        frame
    }),
    ("ethernet, padded, ipv6", 1, |segment| [ethernet(0x86dd, &segment.ipv6()), vec![0xee; 6]].concat()),
    ("ethernet, padded, in a vlan", 1, |segment| [ethernet(0x8100, &with_prefix(&[0, 7, 8, 0], segment.ipv4())), vec![0xee; 9]].concat()),
    ("ethernet with a length and snap", 1, |segment| ethernet(0x0040, &with_prefix(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], segment.ipv4()))),
    ("vlan", 1, |segment| ethernet(0x8100, &with_prefix(&[0, 7, 8, 0], segment.ipv4()))),
    ("qinq", 1, |segment| ethernet(0x88a8, &with_prefix(&[0, 7, 0x81, 0, 0, 8, 8, 0], segment.ipv4()))),
    ("three vlans", 1, |segment| ethernet(0x9100, &with_prefix(&[0, 7, 0x88, 0xa8, 0, 8, 0x81, 0, 0, 9, 0x86, 0xdd], segment.ipv6()))),
    ("pppoe", 1, |segment| ethernet(0x8864, &with_prefix(&[0x11, 0, 0, 1, 0, 0, 0, 0x21], segment.ipv4()))),
    ("pppoe, ipv6, short protocol", 1, |segment| ethernet(0x8864, &with_prefix(&[0x11, 0, 0, 1, 0, 0, 0x57], segment.ipv6()))),
    ("mpls", 1, |segment| ethernet(0x8847, &with_prefix(&[0, 1, 0, 64, 0, 2, 1, 64], segment.ipv4()))),
    ("mpls, ipv6", 1, |segment| ethernet(0x8847, &with_prefix(&[0, 2, 1, 64], segment.ipv6()))),
    ("pseudowire with a control word", 1, |segment| ethernet(0x8847, &with_prefix(&[0, 2, 1, 64, 0, 0, 0, 1], segment.ethernet()))),
    ("pseudowire without", 1, |segment| ethernet(0x8847, &with_prefix(&[0, 2, 1, 64], segment.ethernet()))),
    ("pseudowire without, to an address that looks like ipv4", 1, |segment| {
        let mut frame = segment.ethernet();
        frame[0] = 0x45;
        ethernet(0x8847, &with_prefix(&[0, 2, 1, 64], frame))
    }),
    ("pseudowire without, to an address that looks like ipv6", 1, |segment| {
        let mut frame = segment.ethernet();
        frame[0] = 0x60;
        ethernet(0x8847, &with_prefix(&[0, 2, 1, 64], frame))
    }),
    ("raw", 101, Segment::ipv4),
    ("raw, as the library numbers it", 12, Segment::ipv6),
    ("ipv4", 228, Segment::ipv4),
    ("ipv6", 229, Segment::ipv6),
    ("cooked", 113, |segment| with_prefix(&[0, 0, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0, 8, 0], segment.ipv4())),
    ("cooked, version 2", 276, |segment| with_prefix(&[0x86, 0xdd, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0], segment.ipv6())),
    ("netfilter log", 239, |segment| nflog(segment, u16::to_le_bytes)),
    ("netfilter log, big-endian", 239, |segment| nflog(segment, u16::to_be_bytes)),
    ("ppp", 9, |segment| with_prefix(&[0xff, 3, 0, 0x21], segment.ipv4())),
    ("802.11", 105, wifi),
    ("options", 101, with_options),
    ("ipv4 without a length", 1, |segment| ethernet(0x0800, &without_length(segment.ipv4(), 2))),
    ("ipv6 without a length", 1, |segment| ethernet(0x86dd, &without_length(segment.ipv6(), 4))),
    ("ipv6 jumbogram", 1, |segment| {
        let [high, low] = u16_of(segment.tcp().len() + 8);
        ethernet(0x86dd, &without_length(segment.ipv6_with(0, &[6, 0, 0xc2, 4, 0, 0, high, low]), 4))
    }),
    ("ipv6 extension headers", 229, |segment| segment.ipv6_with(0, &[60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0])),
    ("ipv6 source route, at its end", 229, |segment| segment.ipv6_with(43, &[6, 0, 4, 0, 0, 0, 0, 0])),
    ("ipv6 authentication", 229, |segment| segment.ipv6_with(51, &[6, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0])),
    ("ipv4 authentication", 101, |segment| {
        let [source, destination] = segment.addresses();
        ipv4(source, destination, 51, 0, 0, &with_prefix(&[6, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1], segment.tcp()))
    }),
    ("ipv6 atomic fragment", 229, |segment| segment.ipv6_with(44, &[6, 0, 0, 0, 0, 0, 0, 9])),
    ("ip in ip", 101, |segment| tunnel(4, &[], segment.ipv4())),
    ("6in4", 101, |segment| tunnel(41, &[], segment.ipv6())),
    ("gre", 101, |segment| tunnel(47, &[0, 0, 8, 0], segment.ipv4())),
    ("gre with key", 101, |segment| tunnel(47, &[0x20, 0, 8, 0, 0, 0, 0, 5], segment.ipv4())),
    ("gre with checksum, key and sequence", 101, |segment| tunnel(47, &[0xb0, 0, 0x86, 0xdd, 1, 2, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1], segment.ipv6())),
    ("gre with ethernet", 101, |segment| tunnel(47, &[0, 0, 0x65, 0x58], segment.ethernet())),
    ("gre with mpls", 101, |segment| tunnel(47, &[0, 0, 0x88, 0x47, 0, 2, 1, 64], segment.ipv4())),
    ("gre with 802.11", 101, |segment| tunnel(47, &[0, 0, 0x82, 0], wifi(segment))),
    ("erspan, type I", 101, |segment| tunnel(47, &[0, 0, 0x88, 0xbe], segment.ethernet())),
    ("erspan, type II", 101, |segment| tunnel(47, &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 7, 0, 1, 0, 0, 0, 0], segment.ethernet())),
    ("erspan, type III", 101, |segment| tunnel(47, &[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 7, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], segment.ethernet())),
    ("erspan, type III with more", 101, |segment| {
        tunnel(47, &[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 7, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9], segment.ethernet())
    }),
    ("vxlan", 101, |segment| tunnel(17, &[], vxlan(9, &segment.ethernet()))),
    ("vxlan with a vlan, in a vlan", 1, |segment| {
        let inner = ethernet(0x8100, &with_prefix(&[0, 7, 8, 0], segment.ipv4()));
        ethernet(0x8100, &with_prefix(&[0, 8, 8, 0], tunnel(17, &[], vxlan(9, &inner))))
    }),
    ("geneve with options", 101, |segment| tunnel(17, &[], udp(6081, &[1, 0, 0x65, 0x58, 0, 0, 9, 0, 1, 2, 3, 4], &segment.ethernet()))),
    ("geneve with ipv6", 101, |segment| tunnel(17, &[], udp(6081, &[0, 0, 0x86, 0xdd, 0, 0, 9, 0], &segment.ipv6()))),
    ("geneve in vxlan in gre", 101, |segment| {
        let geneve = tunnel(17, &[], udp(6081, &[0, 0, 0x65, 0x58, 0, 0, 9, 0], &segment.ethernet()));
        tunnel(47, &[0, 0, 8, 0], tunnel(17, &[], vxlan(3, &ethernet(0x0800, &geneve))))
    }),
];

fn wrapped(wrap: Wrap) -> Vec<Packet> {
    packets(one_exchange().iter().map(wrap))
}

#[test]
fn links_and_tunnels() {
    for (name, link, wrap) in WRAPPINGS {
        let packets = wrapped(*wrap);
        let captured = read(pcap(*link, &packets));
        assert_eq!(tell_all(&captured), [EXPECTED], "{name}");
        assert_eq!(captured.ledger.packets.tcp, packets.len() as u64, "{name}");
        assert!(captured.ledger.notices.is_empty() || name.contains("length"), "{name}: {:?}", captured.ledger.notices);
        // No packet is too short to be counted.
        let longest = packets.iter().map(|packet| packet.data.len()).max().unwrap_or_default();
        for cut in (0..longest).step_by(7).chain([longest - 1]) {
            let cut_short = packets.iter().map(|packet| Packet { data: packet.data[..cut.min(packet.data.len())].to_vec(), ..packet.clone() });
            let captured = read(pcap(*link, &cut_short.collect::<Vec<_>>()));
            assert!(captured.exchanges.iter().all(|exchange| !exchange.is_complete()) || longest - cut <= 9, "{name}, cut to {cut}");
        }
    }
}

#[test]
fn links_without_a_reader_and_other_protocols_are_counted_by_name() {
    let between = |protocol: u8, payload: &[u8]| ipv4([1, 1, 1, 1], [2, 2, 2, 2], protocol, 0, 0, payload);
    let deep = (0..20).fold(one_exchange()[0].ipv4(), |inner, _| tunnel(4, &[], inner));
    let cases: Vec<(&str, u32, Vec<u8>)> = vec![
        ("link can", 227, vec![0; 16]),
        ("link type 9999", 9999, vec![0; 16]),
        ("arp", 1, ethernet(0x0806, &[0; 28])),
        ("llc", 1, ethernet(0x0026, &[0x42; 38])),
        ("ethertype 0x1234", 1, ethernet(0x1234, &[0; 28])),
        ("ppp 0xc021", 9, vec![0xff, 3, 0xc0, 0x21, 1]),
        ("mpls", 1, ethernet(0x8847, &[0, 2, 1, 64, 0x80, 0, 0, 0])),
        ("udp", 101, between(17, &[0, 53, 0, 53, 0, 8, 0, 0])),
        ("udp", 101, between(17, &udp(4789, &[0; 8], &[0; 60]))),
        ("icmp", 101, between(1, &[8, 0, 0, 0])),
        ("esp", 101, between(50, &[0; 40])),
        ("gre", 101, between(47, &[0x20, 1, 0x88, 0x0b, 0, 0, 0, 0])),
        ("ip protocol 253", 101, between(253, &[0; 40])),
        ("ip protocol 4", 101, deep),
    ];
    for (name, link, data) in cases {
        let ledger = read(pcap(link, &packets([data]))).ledger;
        assert_eq!(ledger.packets.other.into_iter().collect::<Vec<_>>(), [(name.to_owned(), 1)]);
    }
}

fn ends(segment: &Segment) -> [[u8; 4]; 2] {
    if segment.from_client { [CLIENT, SERVER] } else { [SERVER, CLIENT] }
}

/// As two fragments, the second first; or as one if it is short.
fn in_ipv4_fragments(segment: &Segment, identification: u16) -> Vec<Vec<u8>> {
    let tcp = segment.tcp();
    let [source, destination] = ends(segment);
    let (first, rest) = tcp.split_at(tcp.len().min(24));
    if rest.is_empty() {
        return vec![ipv4(source, destination, 6, identification, 0, first)];
    }
    vec![ipv4(source, destination, 6, identification, 3, rest), ipv4(source, destination, 6, identification, 0x2000, first)]
}

/// As two fragments of what stands behind a header for each hop, the first with options of the destination.
fn in_ipv6_fragments(segment: &Segment, identification: u16) -> Vec<Vec<u8>> {
    let whole = segment.ipv6_with(60, &[6, 0, 1, 4, 0, 0, 0, 0]);
    let (fragmentable, [high, low]) = (&whole[40..], identification.to_be_bytes());
    let (first, rest) = fragmentable.split_at(fragmentable.len().min(32));
    let fragment = |place: u16, data: &[u8]| {
        let [place_high, place_low] = place.to_be_bytes();
        let mut packet = [&whole[..40], &[44, 0, 1, 4, 0, 0, 0, 0, 60, 0, place_high, place_low, 0, 0, high, low], data].concat();
        let length = u16_of(packet.len() - 40);
        packet[4..6].copy_from_slice(&length);
        packet[6] = 0;
        packet
    };
    if rest.is_empty() { vec![fragment(0, first)] } else { vec![fragment(4 << 3, rest), fragment(1, first)] }
}

/// As VXLAN whose own datagrams came in fragments.
fn in_fragments_of_a_tunnel(segment: &Segment, identification: u16) -> Vec<Vec<u8>> {
    let datagram = vxlan(9, &segment.ethernet());
    let (first, rest) = datagram.split_at(48);
    let outer = |place: u16, data: &[u8]| ipv4([1, 1, 1, 1], [2, 2, 2, 2], 17, identification, place, data);
    vec![outer(0x2000, first), outer(6, rest)]
}

#[test]
fn fragments_are_put_together_or_counted() {
    type Cut = fn(&Segment, u16) -> Vec<Vec<u8>>;
    let cases: [(&str, Cut); 3] = [("ipv4", in_ipv4_fragments), ("ipv6", in_ipv6_fragments), ("tunnel", in_fragments_of_a_tunnel)];
    for (name, cut) in cases {
        let groups: Vec<Vec<Vec<u8>>> = (1..).zip(&one_exchange()).map(|(identification, segment)| cut(segment, identification)).collect();
        let all = groups.concat();
        let captured = try_read(pcap(101, &packets(all.clone())), &CaptureOptions { checksums: Checksums::Verify, ..CaptureOptions::default() });
        let captured = captured.expect("readable");
        assert_eq!(
            tell_all(&captured).iter().map(|told| told.split_once(' ').expect("an id").1).collect::<Vec<_>>(),
            [EXPECTED.split_once(' ').expect("an id").1]
        );
        assert_eq!(captured.ledger.packets.tcp, all.len() as u64, "{name}");

        // One of them is missing, or not all of one was captured: the other is lost with it.
        let group = groups.iter().position(|group| group.len() == 2).expect("one in two");
        let place: usize = groups[..group].iter().map(Vec::len).sum();
        let mut missing = all.clone();
        missing.remove(place);
        let captured = read(pcap(101, &packets(missing)));
        assert_eq!(captured.ledger.lost.get(&LossCause::FragmentIncomplete), Some(&1), "{name}");
        let mut cut_short = packets(all);
        cut_short[place].data.pop();
        let captured = read(pcap(101, &cut_short));
        assert_eq!(captured.ledger.lost.get(&LossCause::FragmentIncomplete), Some(&2), "{name}");
    }
}

#[test]
fn packets_cut_by_a_snap_length_leave_a_hole_with_that_cause() {
    let mut connection = Connection::open(4000);
    connection.ask(get("/a")).answer(ok(&"x".repeat(500))).ask(get("/b")).answer(ok("hello")).close();
    let wrap: [fn(&Segment) -> Vec<u8>; 3] =
        [Segment::ethernet, |segment| [segment.ethernet(), vec![0; 4]].concat(), |segment| ethernet(0x0800, &without_length(segment.ipv4(), 2))];
    for wrap in wrap {
        let cut = packets(connection.segments.iter().map(wrap));
        let cut = cut.into_iter().map(|packet| Packet { data: packet.data[..packet.data.len().min(154)].to_vec(), ..packet });
        let captured = read(pcap(1, &cut.collect::<Vec<_>>()));
        assert_eq!(captured.ledger.lost.iter().collect::<Vec<_>>(), [(&LossCause::SnapLength, &440)]);
        assert_eq!(captured.ledger.requests, 2);
        assert_eq!(tell_all(&captured)[1], "1.2 GET /b \"\" Whole -> 200 \"hello\" Whole []");
    }
}

#[test]
fn wrong_checksums_are_counted_or_left_out() {
    let with = |checksums: Checksums, packets: &[Packet]| -> Captured {
        try_read(pcap(1, packets), &CaptureOptions { checksums, ..CaptureOptions::default() }).expect("readable")
    };
    let good = frames(&one_exchange());
    assert_eq!(tell_all(&with(Checksums::Verify, &good)), [EXPECTED]);
    let six = packets(one_exchange().iter().map(|segment| ethernet(0x86dd, &segment.ipv6())));
    assert_eq!(tell_all(&with(Checksums::Verify, &six)), [EXPECTED]);

    // Packet 3 is the request. Its IPv4 header, its TCP header, its path.
    for (at, noticed) in [(14 + 8, 1), (14 + 20 + 17, 0), (14 + 40 + 5, 0)] {
        let mut bad = good.clone();
        bad[3].data[at] ^= 0x01;
        let counted = with(Checksums::Count, &bad);
        assert_eq!((counted.ledger.requests, counted.ledger.packets.lost), (1, 0));
        assert_eq!(counted.ledger.notices.get(&Notice::BadIpChecksum).copied().unwrap_or_default(), noticed);
        let verified = with(Checksums::Verify, &bad);
        assert_eq!((verified.ledger.requests, verified.ledger.packets.lost), (0, 1));
        assert_eq!(verified.ledger.lost.get(&LossCause::BadChecksum), Some(&1));
    }
    // What is not there cannot be verified.
    let mut cut = good;
    cut[3].data.pop();
    assert_eq!(with(Checksums::Verify, &cut).ledger.lost.get(&LossCause::SnapLength), Some(&1));
}

#[test]
fn tags_tell_connections_apart_if_asked() {
    type Place = fn(u8, &Segment) -> Vec<u8>;
    let in_vlan: Place = |vlan, segment| ethernet(0x8100, &with_prefix(&[0, vlan, 8, 0], segment.ipv4()));
    let in_network: Place = |network, segment| ethernet(0x0800, &tunnel(17, &[], vxlan(network, &segment.ethernet())));
    let with = |flow_key: FlowKeying, data: Vec<Vec<u8>>| {
        try_read(pcap(1, &packets(data)), &CaptureOptions { flow_key, ..CaptureOptions::default() }).expect("readable")
    };
    let mut other = Connection::new(4000, [1_000_000, 9_000_000], 1400);
    other.handshake().ask(get("/b")).answer(ok("world")).close();
    for wrap in [in_vlan, in_network] {
        // The same addresses and ports at the same time in two networks.
        let mixed: Vec<Vec<u8>> = one_exchange().iter().zip(&other.segments).flat_map(|(one, other)| [wrap(7, one), wrap(8, other)]).collect();
        let apart = with(FlowKeying::TupleAndTags, mixed);
        assert_eq!(apart.ledger.complete, 2);
        assert!(apart.ledger.notices.is_empty(), "{:?}", apart.ledger.notices);

        // Each direction in a network of its own.
        let split: Vec<Vec<u8>> = one_exchange().iter().map(|segment| wrap(if segment.from_client { 7 } else { 8 }, segment)).collect();
        let met = with(FlowKeying::Tuple, split.clone());
        assert_eq!(tell_all(&met), [EXPECTED]);
        assert_eq!(met.ledger.notices.get(&Notice::PairedAcrossTags), Some(&1));
        let apart = with(FlowKeying::TupleAndTags, split);
        assert_eq!((apart.ledger.connections, apart.ledger.complete), (2, 0));
        assert!(apart.ledger.notices.is_empty(), "{:?}", apart.ledger.notices);
    }
}

#[test]
fn one_stray_time_ends_no_connection() {
    let mut packets = frames(&one_exchange());
    packets[2].at = 4_000_000_000_000_000_000;
    let captured = read(pcap(1, &packets));
    assert_eq!(tell_all(&captured), [EXPECTED]);
    assert_eq!(captured.ledger.notices.get(&Notice::StrayTime), Some(&1));
}
