//! What networks and hosts do to the segments of a connection.

use reenact_formats::model::{Anomaly, LossCause};

use crate::support::{ACK, Connection, FIN, Packet, RST, SYN, Segment, frames, get, ok, pcap, read, tell_all};

/// Positions of segments in [`two`].
const ASKED: usize = 3;
const ANSWERED: usize = 5;

/// Two exchanges: `/a` with a response in three segments, `/b` with one in one.
fn two(first: [u32; 2]) -> Connection {
    let mut connection = Connection::new(4000, first, 1000);
    connection.handshake();
    connection.ask(get("/a")).answer(ok(&"1".repeat(2500))).ask(get("/b")).answer(ok("2"));
    connection
}

fn two_segments() -> Vec<Segment> {
    two([1000, 9000]).close().segments.clone()
}

fn both_whole() -> Vec<String> {
    let body = "1".repeat(2500);
    vec![format!("1.1 GET /a \"\" Whole -> 200 \"{body}\" Whole []"), "1.2 GET /b \"\" Whole -> 200 \"2\" Whole []".to_owned()]
}

/// A segment of the same direction over other bytes of the two `segments` (which follow one another).
fn recut(segments: &[Segment], from: usize, to: usize) -> Segment {
    let payload = [segments[0].payload.as_slice(), &segments[1].payload].concat();
    Segment { sequence: segments[0].sequence + u32::try_from(from).expect("small"), payload: payload[from..to].to_vec(), ..segments[0].clone() }
}

/// `original` without payload and `back` bytes before the end of it.
fn probe(original: &Segment, back: u32, payload: &[u8]) -> Segment {
    let end = original.sequence + u32::try_from(original.payload.len()).expect("small");
    Segment { sequence: end - back, payload: payload.to_vec(), ..original.clone() }
}

#[test]
fn nothing_is_lost_and_nothing_is_told_twice() {
    let with = |position: usize, segment: Segment| {
        let mut segments = two_segments();
        segments.insert(position, segment);
        segments
    };
    let original = two_segments();
    let third = original[ANSWERED + 1].clone();
    let swapped = |one: usize, other: usize| {
        let mut segments = original.clone();
        segments.swap(one, other);
        segments
    };
    let mut late_window = original.clone();
    // The window is closed: one byte probes it, and comes again with the rest.
    late_window.insert(ANSWERED + 1, Segment { payload: third.payload[..1].to_vec(), ..third.clone() });
    let mut out_of_window = original.clone();
    out_of_window.insert(ANSWERED + 1, Segment { sequence: third.sequence + 1_000_000, flags: RST, payload: Vec::new(), ..third.clone() });
    let simultaneous = {
        let mut connection = two([1000, 9000]);
        connection.push(true, FIN | ACK, &[]).push(false, FIN | ACK, &[]);
        // Neither had seen the other's when it sent its own.
        let last = connection.segments.len() - 1;
        connection.segments[last].acknowledgment -= 1;
        connection.push(true, ACK, &[]).push(false, ACK, &[]);
        connection.segments
    };
    let half_closed = {
        let mut connection = Connection::new(4000, [1000, 9000], 1000);
        connection.handshake().ask(get("/a")).answer(ok(&"1".repeat(2500))).ask(get("/b")).push(true, FIN | ACK, &[]);
        connection.answer(ok("2")).push(false, FIN | ACK, &[]);
        connection.segments
    };
    let fast_open_refused = {
        // The server did not take the data of the SYN: it is sent again.
        let mut segments = original.clone();
        segments[0].payload = segments[ASKED].payload.clone();
        segments
    };
    for (what, segments, again) in [
        ("as it was sent", original.clone(), 0),
        ("sent again with the same boundaries", with(ANSWERED + 3, original[ANSWERED].clone()), 1000),
        ("sent again with other boundaries", with(ANSWERED + 3, recut(&original[ANSWERED..], 500, 1500)), 1000),
        ("sent again over a segment that comes later", with(ANSWERED + 1, recut(&original[ANSWERED..], 0, 1500)), 1500),
        ("every segment twice", original.iter().flat_map(|segment| [segment.clone(), segment.clone()]).collect(), total(&original)),
        ("two segments the other way round", swapped(ANSWERED, ANSWERED + 1), 0),
        ("three segments the other way round", swapped(ANSWERED, ANSWERED + 2), 0),
        ("an answer before its question", swapped(ASKED, ANSWERED), 0),
        ("a keep-alive probe without a byte", with(ANSWERED + 4, probe(&original[ANSWERED + 2], 1, b"")), 0),
        ("a keep-alive probe with a byte", with(ANSWERED + 4, probe(&original[ANSWERED + 2], 1, b"\0")), 1),
        ("a probe of a closed window", late_window, 1),
        ("an RST from elsewhere", out_of_window, 0),
        ("numbers that wrap around", two([u32::MAX - 20, u32::MAX - 1500]).close().segments.clone(), 0),
        ("both close at once", simultaneous, 0),
        ("the client closes its half first", half_closed, 0),
        ("data in a SYN that the server did not take", fast_open_refused, get("/a").len() as u64),
    ] {
        let captured = read(pcap(1, &frames(&segments)));
        assert_eq!(tell_all(&captured), both_whole(), "{what}");
        assert_eq!(captured.ledger.retransmitted_bytes, again, "{what}");
        assert!(captured.ledger.lost.is_empty(), "{what}: {:?}", captured.ledger.lost);
    }
}

#[test]
fn a_copy_that_says_something_else_is_told_and_the_first_stays() {
    let whole = both_whole();
    let flagged = |told: &str| told.replace("[]", "[conflicting_overlap]");
    let upper = |segment: &Segment| Segment { payload: segment.payload.to_ascii_uppercase(), ..segment.clone() };
    let original = two_segments();
    let lie = |position: usize| Segment { payload: vec![b'!'; original[position].payload.len()], ..original[position].clone() };
    for (what, at, copy, expected, counted) in [
        ("of a body that is being read", ANSWERED + 2, lie(ANSWERED + 1), [flagged(&whole[0]), whole[1].clone()], 1),
        ("of a request that waits for its answer", ASKED + 1, lie(ASKED), [flagged(&whole[0]), whole[1].clone()], 1),
        (
            "over the end of one segment and the next",
            ANSWERED + 1,
            Segment { payload: vec![b'1'; 1500], ..recut(&original[ANSWERED..], 500, 501) },
            [whole[0].clone(), whole[1].clone()],
            0,
        ),
        ("of what was given out", ANSWERED + 4, lie(ANSWERED), [whole[0].clone(), whole[1].clone()], 1),
        ("that is the same", ASKED + 1, original[ASKED].clone(), [whole[0].clone(), whole[1].clone()], 0),
        ("of letters in capitals", ASKED + 1, upper(&original[ASKED]), [flagged(&whole[0]), whole[1].clone()], 1),
    ] {
        let mut segments = original.clone();
        segments.insert(at, copy);
        let captured = read(pcap(1, &frames(&segments)));
        assert_eq!(tell_all(&captured), expected, "{what}");
        assert_eq!(captured.ledger.anomalies.get(&Anomaly::ConflictingOverlap).copied().unwrap_or_default(), counted, "{what}");
    }
}

fn total(segments: &[Segment]) -> u64 {
    segments.iter().map(|segment| segment.payload.len() as u64).sum()
}

#[test]
fn what_is_missing_is_told() {
    let original = two_segments();
    let reset = {
        let mut segments = original[..=ANSWERED].to_vec();
        segments.push(Segment { sequence: segments[ANSWERED].sequence + 1000, flags: RST, payload: Vec::new(), ..segments[ANSWERED].clone() });
        segments
    };
    let without = |position: usize| {
        let mut segments = original.clone();
        segments.remove(position);
        segments
    };
    let head = ok(&"1".repeat(2500)).len() - 2500;
    let ones = |count: usize| "1".repeat(count);
    let b = "1.2 GET /b \"\" Whole -> 200 \"2\" Whole []";
    for (what, segments, first, second, lost) in [
        ("an RST in the middle", reset, format!("{:?} TruncatedAt({}) [truncated]", ones(1000 - head), 1000 - head), None, vec![]),
        ("a segment of a body", without(ANSWERED + 1), format!("{:?} Gap(1000) [gap]", ones(1500)), Some(b), vec![(LossCause::Gap, 1000)]),
        (
            "the end of a body",
            without(ANSWERED + 2),
            format!("{:?} Gap({}) [gap]", ones(2000 - head), 500 + head),
            Some(b),
            vec![(LossCause::Gap, 500 + head as u64)],
        ),
    ] {
        let captured = read(pcap(1, &frames(&segments)));
        let mut expected = vec![format!("1.1 GET /a \"\" Whole -> 200 {first}")];
        expected.extend(second.map(str::to_owned));
        assert_eq!(tell_all(&captured), expected, "{what}");
        let told: Vec<_> = captured.ledger.lost.iter().map(|(cause, amount)| (*cause, *amount)).collect();
        assert_eq!(told, lost, "{what}");
    }
}

#[test]
fn a_snap_length_cuts_bodies_and_says_so() {
    // Ethernet, IP and TCP headers, then this much.
    for (kept, first) in [(1000, None), (700, Some((900, 1600)))] {
        let packets: Vec<Packet> =
            frames(&two_segments()).into_iter().map(|packet| Packet { data: packet.data[..packet.data.len().min(54 + kept)].to_vec(), ..packet }).collect();
        let captured = read(pcap(1, &packets));
        let told = tell_all(&captured);
        assert_eq!(told[1], both_whole()[1]);
        match first {
            None => assert_eq!(told[0], both_whole()[0]),
            Some(_) => {
                let lost = captured.ledger.lost[&LossCause::SnapLength];
                assert_eq!(lost, 600, "two full segments lose 300 bytes each");
                assert!(told[0].ends_with(&format!("Gap({lost}) [gap]")), "{}", told[0]);
            }
        }
    }
}

#[test]
fn ports_used_again_without_an_end_or_beginning_seen() {
    // The second connection's SYN is not in the capture of its client's side: only the answer to it tells.
    let mut segments = two([1000, 9000]).segments;
    let mut again = two([700_000, 800_000]).segments;
    again.remove(0);
    segments.extend(again);
    let captured = read(pcap(1, &frames(&segments)));
    assert_eq!(captured.exchanges.iter().filter(|exchange| exchange.is_complete()).count(), 4, "{:?}", tell_all(&captured));
    assert_eq!(captured.ledger.connections, 2);
    // A SYN that is sent again opens nothing new.
    let mut segments = two([1000, 9000]).segments;
    segments.insert(1, segments[0].clone());
    segments.insert(3, segments[2].clone());
    let captured = read(pcap(1, &frames(&segments)));
    assert_eq!((tell_all(&captured), captured.ledger.connections), (both_whole(), 1));
    assert_eq!(segments[1].flags, SYN);
}
