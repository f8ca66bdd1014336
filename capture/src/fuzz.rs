//! The entry points of the fuzzer. Any bytes flow in; nothing flows out but the certainty that the account balances.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::time::Duration;

use bytes::Bytes;
use reenact_formats::model::{Exchange, LossLedger, Timestamp};
use reenact_formats::seam::{BoxError, ExchangeSink};

use crate::packet::{Decoder, Payload};
use crate::source::{Batch, Link, Next, Packet, from_reader};
use crate::tcp::{Content, Piece, Queue, Reassembler, Tally};
use crate::{CaptureOptions, Checksums, Consent, Control, FlowKeying, Limits, Sample, SampleBy, capture_from};

struct Discard;

impl ExchangeSink for Discard {
    fn exchange(&mut self, exchange: Exchange) -> Result<(), BoxError> {
        // An exchange that cannot be shown is of no use.
        let _ = format!("{exchange:?}");
        Ok(())
    }
}

/// Reads `data` as a file; then as packets of the link type that its first byte chooses, each led by its length, one millisecond
/// apart: so the fuzzer reaches the layers above without finding its way through a file format.
///
/// # Panics
///
/// If a layer panics, or a packet or a byte is not accounted for once.
pub fn fuzz(data: &[u8]) {
    run(data.to_vec());
    let Some((choice, mut rest)) = data.split_first() else { return };
    let mut file = vec![0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0];
    file.extend(LINKS[usize::from(*choice) % LINKS.len()].to_le_bytes());
    let mut millis = 0u32;
    while let Some((length, packets)) = rest.split_first() {
        let (packet, after) = packets.split_at(usize::from(*length).min(packets.len()));
        rest = after;
        millis += 1;
        let captured = u32::try_from(packet.len()).unwrap_or_default();
        for field in [1_700_000_000 + millis / 1000, millis % 1000 * 1_000_000, captured, captured + u32::from(length % 7 == 0)] {
            file.extend(field.to_le_bytes());
        }
        file.extend(packet);
    }
    run(file);
}

fn run(file: Vec<u8>) {
    let limits = Limits { max_body: 64, max_flows: 4, max_buffered: 512, ..Limits::default() };
    let rules = ["path=*a*", "header:x-no=*"].map(|rule| vec![rule.parse().expect("a rule")]);
    let [exclude, opt_out] = rules;
    let sample = Sample::new(0.5, SampleBy::Cookie("a".to_owned()));
    for consent in [Consent::default(), Consent { exclude, opt_out, sample, ..Consent::default() }] {
        let options = CaptureOptions { limits, consent, ..CaptureOptions::default() };
        if let Ok(ledger) = capture_from("memory", Box::new(Cursor::new(file.clone())), &options, &mut Discard, &Control::default()) {
            assert!(ledger.is_balanced(), "{ledger:?}");
        }
    }
}

/// Reads all but the first byte of `data` as a file; then once more in steps that the first byte chooses, with pauses.
///
/// # Panics
///
/// If the reader panics, or gives other packets when it is given less at a time.
pub fn fuzz_reader(data: &[u8]) {
    let Some((step, file)) = data.split_first() else { return };
    let at_once = packets_of(Box::new(Cursor::new(file.to_vec())));
    let by_steps = packets_of(Box::new(Steps { file: Cursor::new(file.to_vec()), step: usize::from(*step) + 1, pauses: false }));
    assert_eq!(at_once, by_steps, "what is read depends on how it is read");
}

/// Takes `data` for packets: its first byte chooses their link type, the second the options, the rest is a length of two bytes
/// and a packet, over and over.
///
/// # Panics
///
/// If the decoder panics, gives bytes that are not of the packet, or does not count a packet once.
pub fn fuzz_packet(data: &[u8]) {
    let [link, options, ..] = data else { return };
    let (checksums, flow_key) =
        (if options & 1 == 0 { Checksums::Count } else { Checksums::Verify }, if options & 2 == 0 { FlowKeying::Tuple } else { FlowKeying::TupleAndTags });
    let mut decoder = Decoder::new(&CaptureOptions { checksums, flow_key, ..CaptureOptions::default() });
    let block = Bytes::copy_from_slice(data);
    let (mut start, mut seen) = (2, 0);
    while let Some([high, low]) = data.get(start..start + 2) {
        start += 2;
        let end = data.len().min(start + usize::from(u16::from_be_bytes([*high, *low])));
        let [from, to] = [start, end].map(|at| u32::try_from(at).expect("the fuzzer's inputs are small"));
        let wire_length = to - from + if options & 4 == 0 { 0 } else { 7 };
        let packet = Packet { link: Link(LINKS[usize::from(*link) % LINKS.len()]), at: Timestamp::from_nanos(seen * 1_000_000), data: from..to, wire_length };
        if let Some(segment) = decoder.decode(&block, &packet) {
            match &segment.payload {
                Payload::Within(range) => assert!(from <= range.start && range.start <= range.end && range.end <= to, "not of this packet"),
                Payload::Own(bytes) => assert!(bytes.len() <= 1 << 17, "longer than any datagram"),
            }
        }
        start = end;
        seen += 1;
    }
    decoder.finish();
    let packets = decoder.ledger().packets;
    assert_eq!(packets.accounted(), seen.unsigned_abs(), "a packet is counted once");
}

/// Takes `data` for what happens to one direction of a connection: its first four bytes are the first sequence number, then come
/// steps of five bytes each: what it is and how, an offset of two bytes, a length, and something more.
///
/// # Panics
///
/// If the reassembler panics, gives out a byte that is not the first copy seen of it or stands elsewhere in the stream, does not
/// count a byte once, goes on after its end, or keeps anything.
pub fn fuzz_reassembler(data: &[u8]) {
    let Some((first, steps)) = data.split_first_chunk() else { return };
    let mut stream = Stream { first: u32::from_be_bytes(*first), ..Stream::default() };
    for step in steps.as_chunks().0 {
        stream.take(*step);
        stream.drain();
    }
    stream.reassembler.finish(stream.now, &mut stream.out);
    stream.drain();
    let Stream { reassembler, tally, given, seen, over, .. } = stream;
    assert_eq!(given + tally.retransmitted + tally.rejected, seen, "a byte is counted once");
    assert!(over && reassembler.is_ended(), "a stream ends");
    assert_eq!(reassembler.held_bytes(), 0, "nothing is kept of what has ended");
}

/// A reassembler, and a plain model of what it must give.
#[derive(Default)]
struct Stream {
    reassembler: Reassembler,
    out: Queue,
    tally: Tally,
    now: Timestamp,
    /// The sequence number that offsets are counted from.
    first: u32,
    /// The lowest offset seen before it was known where the stream begins; from then on where it does.
    origin: Option<i64>,
    /// What stood in the first copy of each byte; nothing where it is of no interest. What was not captured is not in it.
    copies: BTreeMap<i64, Option<u8>>,
    altered: bool,
    /// Bytes that went in.
    seen: u64,
    /// Bytes that came out, and those with holes.
    given: u64,
    length: i64,
    over: bool,
}

impl Stream {
    fn take(&mut self, [what, high, low, length, more]: [u8; 5]) {
        let is = |bit: u8| what & bit != 0;
        let placed = self.reassembler.is_placed();
        // What stands before the beginning is seen only once that is known: a keep-alive, or an old copy.
        let offset = i64::from(u16::from_be_bytes([high, low])) - if placed { 16 } else { 0 };
        let sequence = u32::try_from((i64::from(self.first) + offset).rem_euclid(1 << 32)).expect("reduced");
        match what & 7 {
            4 => self.reassembler.acknowledge(sequence, self.now),
            5 => {
                self.now = self.now.saturating_add(Duration::from_millis(10 * u64::from(more)));
                self.reassembler.expire(self.now, &mut self.out);
            }
            6 if is(8) => self.reassembler.relieve(self.now, &mut self.out),
            6 => self.reassembler.settle(),
            7 => {
                self.origin = if placed { self.origin } else { Some(0) };
                self.reassembler.begin(self.first, &mut self.out, &mut self.tally);
            }
            _ => {
                self.altered |= is(16);
                let byte = |at: i64| at.to_le_bytes()[0] ^ if is(16) { 0x80 } else { 0 };
                let bytes: Vec<u8> = (offset..offset + i64::from(length)).map(byte).collect();
                let cut = if is(32) && length > 0 { more } else { 0 };
                let copies: Vec<Option<u8>> = bytes.iter().map(|byte| (!is(64)).then_some(*byte)).collect();
                let payload = if is(64) { Content::Passed(u64::from(length)) } else { Content::Data(Bytes::from(bytes)) };
                let piece = Piece { sequence, payload, cut: u32::from(cut), fin: is(8), acknowledged: None, at: self.now };
                let rejected = self.tally.rejected;
                if !placed {
                    self.origin = Some(self.origin.map_or(offset, |lowest| lowest.min(offset)));
                }
                self.seen += u64::from(length);
                self.reassembler.push(piece, &mut self.out, &mut self.tally);
                if self.tally.rejected == rejected {
                    for (at, copy) in (offset..).zip(copies) {
                        self.copies.entry(at).or_insert(copy);
                    }
                }
            }
        }
    }

    fn drain(&mut self) {
        while let Some(chunk) = self.out.pop() {
            assert!(!self.over, "nothing comes after the end");
            assert!(self.altered || !chunk.conflicting, "no copy differs");
            let from = self.origin.unwrap_or_default() + self.length;
            match &chunk.content {
                Content::Data(data) => {
                    self.given += data.len() as u64;
                    for (at, byte) in (from..).zip(data) {
                        assert_eq!(self.copies.get(&at), Some(&Some(*byte)), "the first copy of the byte at {at}");
                    }
                }
                Content::Passed(length) => self.given += length,
                Content::Gap(length, _) => assert!(*length > 0, "a hole has a length"),
                Content::End | Content::Cut => self.over = true,
            }
            self.length += i64::try_from(chunk.content.length()).expect("small");
        }
        assert_eq!(i64::try_from(self.reassembler.offset()), Ok(self.length), "what was given out is what lies behind");
        assert!(self.out.size() == 0 && self.out.is_empty(), "an empty queue weighs nothing");
    }
}

/// Link types with a reader.
const LINKS: [u32; 15] = [0, 1, 9, 12, 51, 101, 104, 105, 108, 113, 127, 228, 229, 239, 276];

/// All that a reader gives.
#[derive(Debug, Default, PartialEq, Eq)]
struct Given {
    packets: Vec<(Link, Timestamp, Vec<u8>, u32)>,
    ledger: LossLedger,
    warning: Option<String>,
    failure: Option<String>,
}

fn packets_of(reader: Box<dyn Read + Send>) -> Given {
    let mut given = Given::default();
    let mut source = match from_reader("memory", reader) {
        Ok(source) => source,
        Err(error) => return Given { failure: Some(error.to_string()), ..given },
    };
    let mut batch = Batch::default();
    loop {
        match source.next(&mut batch) {
            Ok(Next::Packets) => {
                given.packets.extend(batch.packets.iter().map(|packet| (packet.link, packet.at, batch.data(packet).to_vec(), packet.wire_length)))
            }
            Ok(Next::Tick(_)) => {}
            Ok(Next::End) => break,
            Err(error) => {
                given.failure = Some(error.to_string());
                break;
            }
        }
    }
    Given { ledger: source.losses(), warning: source.warning(), ..given }
}

/// Gives little at a time, and says before each time that there is nothing for now.
struct Steps {
    file: Cursor<Vec<u8>>,
    step: usize,
    pauses: bool,
}

impl Read for Steps {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.pauses = !self.pauses;
        if self.pauses {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let length = into.len().min(self.step);
        self.file.read(&mut into[..length])
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_the_fuzzer_found_stays_found() {
        for data in [&b""[..], b"\x00", b"\x01\xff"] {
            fuzz(data);
            fuzz_reader(data);
            fuzz_packet(data);
            fuzz_reassembler(data);
        }
    }

    /// The pieces of a file: headers and blocks that are right, and some that are not.
    fn file() -> impl Strategy<Value = Vec<u8>> {
        let little = |kind: u32, body: Vec<u8>| ng_block(kind, &body, u32::to_le_bytes);
        let piece = prop_oneof![
            Just(little(0x0a0d_0d0a, [0x1a2b_3c4d_u32.to_le_bytes().as_slice(), &[1, 0, 0, 0], &[0xff; 8]].concat())),
            Just(ng_block(0x0a0d_0d0a, &[0x1a2b_3c4d_u32.to_be_bytes().as_slice(), &[0, 1, 0, 0], &[0xff; 8]].concat(), u32::to_be_bytes)),
            any::<[u8; 20]>().prop_map(move |body| little(1, body.to_vec())),
            (0..3_u32, vec(any::<u8>(), 0..3000)).prop_map(move |(interface, data)| little(6, packet_body(interface, &data))),
            vec(any::<u8>(), 4..3000).prop_map(move |body| little(3, body)),
            (any::<u32>(), vec(any::<u8>(), 0..3000)).prop_map(move |(kind, body)| little(kind, body)),
            vec(any::<u8>(), 0..40),
        ];
        let records = vec(vec(any::<u8>(), 0..3000), 0..20).prop_map(|packets| {
            let mut file = [&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0][..], &[0; 12], &[1, 0, 0, 0]].concat();
            for packet in packets {
                file.extend(packet_body(7, &packet)[..16].iter().chain(&packet));
            }
            file
        });
        prop_oneof![vec(piece, 1..20).prop_map(|pieces| pieces.concat()), records]
    }

    fn packet_body(first: u32, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).expect("small");
        let fields = if first == 7 { vec![first, 1, length, length] } else { vec![first, 1, 2, length, length] };
        fields.into_iter().flat_map(u32::to_le_bytes).chain(data.iter().copied()).collect()
    }

    fn ng_block(kind: u32, body: &[u8], number: fn(u32) -> [u8; 4]) -> Vec<u8> {
        let padded = body.len().next_multiple_of(4);
        let length = number(u32::try_from(padded + 12).expect("small"));
        [&number(kind), &length, body, &vec![0; padded - body.len()], &length].concat()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

        #[test]
        fn a_file_read_in_any_steps_gives_the_same(step in any::<u8>(), file in file(), end in 0.5..1.5f64) {
            let end = ((file.len() as f64 * end) as usize).min(file.len());
            fuzz_reader(&[&[step], &file[..end]].concat());
        }

        #[test]
        fn any_steps_give_a_stream(first in any::<u32>(), steps in vec((any::<u8>(), 0..200_u16, 0..40_u8, any::<u8>()), 0..40)) {
            let steps = steps.into_iter().flat_map(|(what, offset, length, more)| [what, offset.to_be_bytes()[0], offset.to_be_bytes()[1], length, more]);
            fuzz_reassembler(&first.to_be_bytes().into_iter().chain(steps).collect::<Vec<_>>());
        }

        #[test]
        fn no_packet_is_too_odd(link in any::<u8>(), options in any::<u8>(), packets in vec(vec(any::<u8>(), 0..200), 1..8)) {
            let packets = packets.iter().flat_map(|packet| [&u16::try_from(packet.len()).expect("small").to_be_bytes(), packet.as_slice()].concat());
            fuzz_packet(&[link, options].into_iter().chain(packets).collect::<Vec<_>>());
        }
    }
}
