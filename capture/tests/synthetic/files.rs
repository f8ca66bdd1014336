//! File formats, bad files, filters.

use std::path::Path;

use crate::support::{Connection, Segment, frames, get, ok, packets, pcap, pcap_as, read, tell_all, try_read};
use reenact_capture::{CaptureOptions, Control, Source, capture};
use reenact_formats::model::{LossCause, Notice};
use reenact_formats::seam::{Blame, Explain};

pub(crate) fn one_exchange() -> Vec<Segment> {
    let mut connection = Connection::open(4000);
    connection.ask(get("/a")).answer(ok("hello")).close();
    connection.segments
}

pub(crate) const EXPECTED: &str = "1.1 GET /a \"\" Whole -> 200 \"hello\" Whole []";

#[test]
fn pcap_in_both_byte_orders_and_resolutions() {
    for big_endian in [false, true] {
        for nanos in [false, true] {
            let captured = read(pcap_as(1, big_endian, nanos, &frames(&one_exchange())));
            assert_eq!(tell_all(&captured), [EXPECTED]);
            assert_eq!(captured.exchanges[0].start.as_nanos(), 1_700_000_000_003_000_000);
            assert!(captured.warnings.is_empty());
        }
    }
}

/// A pcapng block: type, length, body padded to four bytes, length.
fn block(big_endian: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let number = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let padded = body.len().next_multiple_of(4);
    let length = u32::try_from(12 + padded).expect("small");
    let mut block = Vec::new();
    block.extend(number(kind));
    block.extend(number(length));
    block.extend(body);
    block.resize(8 + padded, 0);
    block.extend(number(length));
    block
}

struct Ng {
    big_endian: bool,
    file: Vec<u8>,
}

impl Ng {
    fn section(big_endian: bool, file: Vec<u8>) -> Self {
        let mut ng = Self { big_endian, file };
        let mut body = ng.u32(0x1a2b_3c4d).to_vec();
        body.extend(ng.u16(1));
        body.extend(ng.u16(0));
        body.extend([0xff; 8]);
        ng.block(0x0a0d_0d0a, &body);
        ng
    }

    fn u16(&self, value: u16) -> [u8; 2] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u32(&self, value: u32) -> [u8; 4] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn block(&mut self, kind: u32, body: &[u8]) {
        self.file.extend(block(self.big_endian, kind, body));
    }

    fn interface(&mut self, link: u16, resolution: Option<u8>) {
        let mut body = self.u16(link).to_vec();
        body.extend([0; 6]);
        if let Some(resolution) = resolution {
            body.extend(self.u16(9));
            body.extend(self.u16(1));
            body.extend([resolution, 0, 0, 0]);
        }
        self.block(1, &body);
    }

    fn packet(&mut self, interface: u32, units: u64, data: &[u8]) {
        let mut body = Vec::new();
        let length = u32::try_from(data.len()).expect("small");
        for field in [interface, u32::try_from(units >> 32).expect("fits"), (units & 0xffff_ffff) as u32, length, length] {
            body.extend(self.u32(field));
        }
        body.extend(data);
        self.block(6, &body);
    }
}

#[test]
fn pcapng_with_several_interfaces_sections_and_resolutions() {
    let segments = one_exchange();
    for big_endian in [false, true] {
        let mut ng = Ng::section(!big_endian, Vec::new());
        ng.interface(1, None);
        let mut ng = Ng::section(big_endian, ng.file);
        ng.block(0x0bad, b"custom");
        ng.interface(1, None);
        ng.interface(101, Some(9));
        ng.interface(1, Some(0x80 | 10));
        for (index, segment) in (0..).zip(&segments) {
            let millis = 1_700_000_000_000 + index;
            match index % 3 {
                0 => ng.packet(0, millis * 1_000, &segment.ethernet()),
                1 => ng.packet(1, millis * 1_000_000, &segment.ipv4()),
                _ => ng.packet(2, millis * 1024 / 1000, &segment.ethernet()),
            }
        }
        // Drop counts of the second interface.
        let mut body = ng.u32(1).to_vec();
        body.extend([0; 8]);
        body.extend(ng.u16(7));
        body.extend(ng.u16(8));
        body.extend(if big_endian { 5u64.to_be_bytes() } else { 5u64.to_le_bytes() });
        ng.block(5, &body);
        let captured = read(ng.file);
        assert_eq!(tell_all(&captured), [EXPECTED]);
        assert_eq!(captured.exchanges[0].start.as_nanos(), 1_700_000_000_003_000_000);
        assert_eq!(captured.ledger.lost.get(&LossCause::KernelDrop), Some(&5));
    }
}

#[test]
fn drop_counts_of_any_size_add_up() {
    let mut file = Vec::new();
    for _ in 0..2 {
        let mut ng = Ng::section(false, file);
        for interface in [0, 1] {
            ng.interface(1, None);
            let mut body = ng.u32(interface).to_vec();
            body.extend([0; 8]);
            for code in [5, 7] {
                body.extend([ng.u16(code), ng.u16(8)].concat());
                body.extend([0xff; 8]);
            }
            ng.block(5, &body);
        }
        file = ng.file;
    }
    let lost = read(file).ledger.lost;
    assert_eq!(lost.into_iter().collect::<Vec<_>>(), [(LossCause::KernelDrop, u64::MAX), (LossCause::InterfaceDrop, u64::MAX)]);
}

/// Packets as other kinds of blocks hold them, and blocks that hold none.
#[test]
fn pcapng_blocks_of_every_kind() {
    let segments = one_exchange();
    for big_endian in [false, true] {
        let mut ng = Ng::section(big_endian, Vec::new());
        // An interface whose times are counted from an offset, and cut to 200 bytes.
        let mut body = ng.u16(1).to_vec();
        body.extend(ng.u16(0));
        body.extend(ng.u32(200));
        body.extend(ng.u16(14));
        body.extend(ng.u16(8));
        body.extend(if big_endian { 1_700_000_000_i64.to_be_bytes() } else { 1_700_000_000_i64.to_le_bytes() });
        ng.block(1, &body);
        // Names, secrets, a journal entry, a custom block, one of no known kind.
        for kind in [4, 10, 9, 0x0bad, 0x4000_0bad, 77] {
            ng.block(kind, &[7; 20]);
        }
        for (index, segment) in (0u32..).zip(&segments) {
            let frame = segment.ethernet();
            let length = ng.u32(u32::try_from(frame.len()).expect("small"));
            match index % 3 {
                0 => ng.packet(0, u64::from(index) * 1000, &frame),
                // Without a time: that of the one before.
                1 => ng.block(3, &[length.as_slice(), &frame].concat()),
                _ => {
                    let fields = [[ng.u16(0), ng.u16(0xffff)].concat(), [ng.u32(0), ng.u32(index * 1000), length, length].concat(), frame];
                    ng.block(2, &fields.concat());
                }
            }
        }
        // A packet of an interface that was not described.
        ng.packet(5, 0, &[0; 60]);
        let captured = read(ng.file);
        assert_eq!(tell_all(&captured), [EXPECTED]);
        assert_eq!(captured.exchanges[0].start.as_nanos(), 1_700_000_000_003_000_000);
        assert_eq!(captured.ledger.notices.get(&Notice::SkippedBlock), Some(&6));
        assert_eq!(captured.ledger.packets.other.get("link of an interface that is not described"), Some(&1));
    }
}

/// Each record has eight bytes more: interface, protocol, kind of packet.
#[test]
fn pcap_with_longer_records() {
    let plain = pcap_as(1, false, false, &frames(&one_exchange()));
    let (header, mut records) = plain.split_at(24);
    let mut file = [&[0x34, 0xcd, 0xb2, 0xa1], &header[4..]].concat();
    while let Some((record, rest)) = records.split_at_checked(16) {
        let length = usize::from(u16::from_le_bytes([record[8], record[9]]));
        file.extend([record, &[9; 8], &rest[..length]].concat());
        records = &rest[length..];
    }
    assert_eq!(tell_all(&read(file)), [EXPECTED]);
}

#[test]
fn a_file_that_ends_anywhere_keeps_what_came_before() {
    let mut connection = Connection::open(4000);
    connection.ask(get("/a")).answer(ok("hello")).ask(get("/b")).answer(ok("bye")).close();
    let whole = pcap(1, &frames(&connection.segments));
    let mut ng = Ng::section(false, Vec::new());
    ng.interface(1, Some(9));
    for packet in frames(&connection.segments) {
        ng.packet(0, packet.at, &packet.data);
    }
    for file in [whole, ng.file] {
        let mut most = 0;
        for end in 24..=file.len() {
            let captured = read(file[..end].to_vec());
            let found = captured.exchanges.iter().filter(|exchange| exchange.is_complete()).count();
            assert!(found >= most, "what was complete stays complete");
            most = found;
            let truncated = captured.ledger.lost.contains_key(&LossCause::TruncatedFile);
            assert_eq!(captured.warnings.len(), usize::from(truncated));
            if truncated {
                assert!(captured.warnings[0].starts_with("memory ends inside the record at byte "), "{:?}", captured.warnings);
            }
        }
        assert_eq!(most, 2);
    }
}

#[test]
fn a_damaged_record_ends_the_file_with_a_warning() {
    let mut file = pcap(1, &frames(&one_exchange()));
    let at = file.len();
    file.extend([0xff; 64]);
    let captured = read(file);
    assert_eq!(tell_all(&captured), [EXPECTED]);
    assert_eq!(captured.warnings, [format!("memory is damaged (a packet of impossible length) at byte {at}; what came before was kept")]);
}

#[test]
fn what_is_no_capture_is_refused_with_its_name_and_a_hint() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("written");
        path
    };
    let cases = [
        (folder.path().join("missing"), "cannot open "),
        (folder.path().to_owned(), "is a directory, not a packet capture"),
        (write("empty", b""), "is empty: not even the header"),
        (write("short", b"\xd4\xc3"), "is not a packet capture: at byte 0 stands neither of their magic numbers"),
        (write("text", b"GET / HTTP/1.1\r\n\r\n and more of it"), "is not a packet capture: at byte 0 stands text"),
        (write("gzip", b"\x1f\x8b\x08\x00aaaaaaaaaaaaaaaaaaaaaaaaaaaa"), "at byte 0 stands a gzip-compressed file"),
    ];
    for (path, text) in cases {
        let error = capture(&Source::File(path.clone()), &CaptureOptions::default(), &mut crate::support::Collect::default(), &Control::default());
        let error = error.expect_err("refused");
        assert!(error.to_string().contains(text), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()) || path == Path::new(""), "{error}");
        assert_eq!(error.blame(), Blame::Input);
    }
}

#[test]
fn filter_words_apply_to_files() {
    let mut other = Connection::open(5000);
    other.ask(get("/other")).answer(ok("x")).close();
    let segments: Vec<Segment> = one_exchange().into_iter().chain(other.segments).collect();
    let with = |words: &str| CaptureOptions { filter: Some(words.to_owned()), ..CaptureOptions::default() };
    for (link, file) in [(1, pcap(1, &frames(&segments))), (101, pcap(101, &packets(segments.iter().map(Segment::ipv4))))] {
        let captured = try_read(file.clone(), &with("tcp port 4000")).expect("valid words");
        assert_eq!(tell_all(&captured), [EXPECTED], "link {link}");
        assert_eq!(captured.ledger.packets.filtered, captured.ledger.packets.tcp);
        assert_eq!(try_read(file, &with("udp")).expect("valid words").exchanges.len(), 0);
    }
    let error = try_read(Vec::new(), &with("tcp prt 80")).map(|_| ()).expect_err("no such word");
    assert!(error.to_string().contains("`tcp prt 80`"), "{error}");
    assert!(error.hint().is_some());
}

#[test]
fn filter_words_that_mean_nothing_on_a_link_end_the_file_there() {
    let mut ng = Ng::section(false, Vec::new());
    ng.interface(1, Some(3));
    ng.interface(147, Some(3));
    for (index, segment) in (0..).zip(one_exchange()) {
        ng.packet(0, 1_700_000_000_000 + index, &segment.ethernet());
    }
    ng.packet(1, 1_700_000_000_100, b"what is known to none but its users");
    let options = CaptureOptions { filter: Some("tcp port 4000".to_owned()), ..CaptureOptions::default() };
    let captured = try_read(ng.file, &options).expect("readable up to there");
    assert_eq!(tell_all(&captured).len(), 1, "what came before is kept");
    assert_eq!(captured.warnings.len(), 1);
    assert!(captured.warnings[0].contains("`tcp port 4000`") && captured.warnings[0].ends_with("what came before was kept"), "{}", captured.warnings[0]);
}

#[test]
fn a_count_ends_a_capture() {
    let options = CaptureOptions { count: Some(3), ..CaptureOptions::default() };
    let captured = try_read(pcap(1, &frames(&one_exchange())), &options).expect("readable");
    assert_eq!(captured.ledger.packets.seen, 3);
}
