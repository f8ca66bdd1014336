//! Connections in every state that a network and a capture can bring them into.

use proptest::prelude::*;
use reenact_capture::{CaptureOptions, Limits};
use reenact_formats::model::{Initiator, LossCause};

use crate::support::{ACK, Captured, Connection, FIN, Packet, RST, START, SYN, Segment, frames, get, ok, pcap, read, read_segments, tell_all, try_read};

/// The loss ledger without what is zero.
fn lost(captured: &Captured) -> Vec<(LossCause, u64)> {
    captured.ledger.lost.iter().map(|(cause, amount)| (*cause, *amount)).collect()
}

#[test]
fn pipelined_requests_are_paired_in_order() {
    let mut connection = Connection::open(4000);
    connection.ask(get("/a") + &get("/b") + &get("/c")).answer(ok("1") + &ok("2") + &ok("3")).close();
    let captured = read_segments(&connection.segments);
    let expected =
        ["1.1 GET /a \"\" Whole -> 200 \"1\" Whole []", "1.2 GET /b \"\" Whole -> 200 \"2\" Whole []", "1.3 GET /c \"\" Whole -> 200 \"3\" Whole []"];
    assert_eq!(tell_all(&captured), expected);
    assert_eq!((captured.ledger.requests, captured.ledger.responses, captured.ledger.complete), (3, 3, 3));
    assert!(lost(&captured).is_empty());
}

#[test]
fn a_request_sent_together_with_lost_ones_stays_unpaired() {
    let mut connection = Connection::new(4000, [5, 77], get("/0").len());
    connection.handshake().ask(get("/0") + &get("/1")).answer(numbered(0) + &numbered(1)).close();
    connection.segments.remove(3);
    let told = tell_all(&read_segments(&connection.segments));
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told.iter().all(|told| told.contains("missing_re")), "{told:?}");
}

#[test]
fn interim_responses_stand_with_their_exchange() {
    let mut connection = Connection::open(4000);
    connection.ask("POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    connection.answer("HTTP/1.1 100 Continue\r\n\r\n").ask("hi").answer(ok("done")).close();
    let captured = read_segments(&connection.segments);
    assert_eq!(tell_all(&captured), ["1.1 POST /a \"hi\" Whole -> (100) 200 \"done\" Whole []"]);
    assert_eq!(captured.ledger.interim, 1);
}

#[test]
fn a_response_may_come_before_its_request_has_ended() {
    let mut connection = Connection::open(4000);
    connection.ask("POST /a HTTP/1.1\r\nContent-Length: 4\r\n\r\nab").answer("HTTP/1.1 413 X\r\nContent-Length: 0\r\n\r\n").ask("cd").close();
    assert_eq!(tell_all(&read_segments(&connection.segments)), ["1.1 POST /a \"abcd\" Whole -> 413 \"\" Whole [early_response]"]);
}

#[test]
fn bodies_without_a_response_body() {
    let mut connection = Connection::open(4000);
    connection.ask("HEAD /a HTTP/1.1\r\n\r\n").answer("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
    connection.ask(get("/b")).answer("HTTP/1.1 304 X\r\nContent-Length: 99\r\n\r\n").ask(get("/c")).answer("HTTP/1.1 204 X\r\n\r\n").close();
    let expected = ["1.1 HEAD /a \"\" Whole -> 200 \"\" Whole []", "1.2 GET /b \"\" Whole -> 304 \"\" Whole []", "1.3 GET /c \"\" Whole -> 204 \"\" Whole []"];
    assert_eq!(tell_all(&read_segments(&connection.segments)), expected);
}

#[test]
fn a_body_ends_with_its_connection() {
    let answer = "HTTP/1.0 200 OK\r\n\r\nto the end";
    for (end, expected) in
        [(FIN | ACK, "1.1 GET /a \"\" Whole -> 200 \"to the end\" Whole []"), (RST, "1.1 GET /a \"\" Whole -> 200 \"to the end\" TruncatedAt(10) [truncated]")]
    {
        let mut connection = Connection::open(4000);
        connection.ask(get("/a")).answer(answer).push(false, end, &[]);
        assert_eq!(tell_all(&read_segments(&connection.segments)), [expected]);
    }
}

#[test]
fn what_follows_an_upgrade_is_counted_and_not_kept() {
    let mut connection = Connection::open(4000);
    connection.ask("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n").answer("HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n");
    connection.ask("\x01\x02\x03frames").answer("GET /x HTTP/1.1\r\n\r\n").close();
    let captured = read_segments(&connection.segments);
    assert_eq!(tell_all(&captured), ["1.1 GET /ws \"\" Whole -> 101 \"\" Whole [upgraded]"]);
    assert_eq!(lost(&captured), [(LossCause::Upgraded, 28)]);
}

#[test]
fn an_upgrade_amid_a_request_body_ends_it() {
    // How the body is delimited, how it begins, what is kept of it, and how much is none of it.
    for (framing, begun, kept, aside) in [
        ("Content-Length: 100", "12345", "12345", 0),
        ("Transfer-Encoding: chunked", "9\r\n12", "12", 0),
        ("Transfer-Encoding: chunked", "2\r\n12\r\n10;x", "12", 4),
    ] {
        let mut connection = Connection::open(4000);
        connection.ask(format!("POST /ws HTTP/1.1\r\nUpgrade: x\r\n{framing}\r\n\r\n{begun}"));
        connection.answer("HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n").ask("frames").close();
        let captured = read_segments(&connection.segments);
        let expected = format!("1.1 POST /ws {kept:?} TruncatedAt({}) -> 101 \"\" Whole [truncated,upgraded]", kept.len());
        assert_eq!(tell_all(&captured), [expected]);
        assert_eq!(lost(&captured), [(LossCause::Upgraded, 6 + aside)]);
    }
}

#[test]
fn a_refused_upgrade_goes_on() {
    let mut connection = Connection::open(4000);
    connection.ask("GET /a HTTP/1.1\r\nUpgrade: h2c\r\n\r\n").answer(ok("no")).ask(get("/b")).answer(ok("2")).close();
    let captured = read_segments(&connection.segments);
    assert_eq!(tell_all(&captured), ["1.1 GET /a \"\" Whole -> 200 \"no\" Whole []", "1.2 GET /b \"\" Whole -> 200 \"2\" Whole []"]);
}

#[test]
fn connect_opens_a_tunnel_only_if_granted() {
    let mut granted = Connection::open(4000);
    granted.ask("CONNECT h:443 HTTP/1.1\r\n\r\n").answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").ask("\x16\x03\x01").answer("\x16\x03\x03").close();
    let captured = read_segments(&granted.segments);
    assert_eq!(tell_all(&captured), ["1.1 CONNECT h:443 \"\" Whole -> 200 \"\" Whole [upgraded]"]);
    assert_eq!(lost(&captured), [(LossCause::Upgraded, 6)]);

    let mut refused = Connection::open(4000);
    refused.ask("CONNECT h:443 HTTP/1.1\r\n\r\n").answer("HTTP/1.1 407 X\r\nContent-Length: 2\r\n\r\nno").ask(get("/b")).answer(ok("2")).close();
    assert_eq!(tell_all(&read_segments(&refused.segments)).len(), 2);
}

#[test]
fn a_port_used_again_is_another_connection() {
    let mut segments = Vec::new();
    for first in [[1000, 9000], [500_000, 900_000]] {
        let mut connection = Connection::new(4000, first, 1400);
        // Neither is closed: the second SYN alone tells.
        connection.handshake().ask(get("/a")).answer(ok("x"));
        segments.extend(connection.segments);
    }
    let captured = read_segments(&segments);
    assert_eq!(tell_all(&captured), ["1.1 GET /a \"\" Whole -> 200 \"x\" Whole []", "8.1 GET /a \"\" Whole -> 200 \"x\" Whole []"]);
    assert_eq!(captured.ledger.connections, 2);
}

#[test]
fn data_in_the_syn_is_data() {
    let mut connection = Connection::new(4000, [1000, 9000], 1400);
    connection.push(true, SYN, get("/a").as_bytes()).push(false, SYN | ACK, &[]).answer(ok("x")).close();
    assert_eq!(tell_all(&read_segments(&connection.segments)), ["1.1 GET /a \"\" Whole -> 200 \"x\" Whole []"]);
}

#[test]
fn a_capture_that_sees_one_direction_only() {
    let mut connection = Connection::open(4000);
    connection.ask(get("/a")).answer(ok("1")).ask(get("/b")).answer(ok("2")).close();
    let only = |from_client: bool| connection.segments.iter().filter(|segment| segment.from_client == from_client).cloned().collect::<Vec<_>>();
    let captured = read_segments(&only(true));
    assert_eq!(tell_all(&captured), ["1.1 GET /a \"\" Whole -> - [missing_response]", "1.2 GET /b \"\" Whole -> - [missing_response]"]);
    assert_eq!(lost(&captured), [(LossCause::MissingResponse, 2)]);
    let captured = read_segments(&only(false));
    assert_eq!(tell_all(&captured), ["1.1 - -> 200 \"1\" Whole [missing_request]", "1.2 - -> 200 \"2\" Whole [missing_request]"]);
    // That the client has sent something is known: the server acknowledged it.
    assert_eq!(lost(&captured), [(LossCause::Gap, 57), (LossCause::MissingRequest, 2)]);
}

#[test]
fn a_capture_that_begins_in_the_middle() {
    let mut connection = Connection::open(4000);
    connection.ask(get("/a")).answer(ok(&"1".repeat(3000))).ask(get("/b")).answer(ok("2")).close();
    // In front of the request, in the middle of the response body, and behind it.
    for (from, expected) in [(3, &["1.1 GET /a ", "1.2 GET /b "][..]), (6, &["1.1 GET /b "][..]), (9, &["1.1 GET /b "][..])] {
        let captured = read_segments(&connection.segments[from..]);
        let told = tell_all(&captured);
        assert_eq!(told.len(), expected.len(), "from {from}: {told:?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.starts_with(expected), "from {from}: {told}");
        }
        assert!(told[0].ends_with("Whole [midstream]"), "from {from}: {told:?}");
    }
}

#[test]
fn a_capture_that_begins_with_words_of_a_body() {
    let mut connection = Connection::open(4000);
    let words = b"words of a body, and behind them ";
    connection.ask(format!("POST /a HTTP/1.1\r\nContent-Length: {}\r\n\r\n", words.len())).ask(words).answer(ok("1")).ask(get("/b")).answer(ok("2")).close();
    // The answer is missing too, so that the words and the next request are seen before any answer.
    connection.segments.remove(7);
    let told = tell_all(&read_segments(&connection.segments[5..]));
    assert!(told.iter().any(|told| told.contains(" GET /b \"\" Whole -> 200 \"2\" Whole")), "{told:?}");
    assert!(!told.iter().any(|told| told.contains("words")), "{told:?}");
}

#[test]
fn overlapping_copies_that_differ_are_told_and_the_first_wins() {
    let mut connection = Connection::open(4000);
    let request = get("/first");
    let (head, tail) = request.split_at(20);
    let mut tampered = connection.segments[2].clone();
    connection.push(true, ACK, head.as_bytes()).push(true, ACK, tail.as_bytes()).answer(ok("x")).close();
    // The tail is seen first, then a copy of it that says something else, then the head.
    let mut segments = connection.segments.clone();
    tampered.sequence = segments[4].sequence;
    tampered.payload = tail.to_uppercase().into_bytes();
    segments.swap(3, 4);
    segments.insert(4, tampered);
    let captured = read_segments(&segments);
    assert_eq!(tell_all(&captured), ["1.1 GET /first \"\" Whole -> 200 \"x\" Whole [conflicting_overlap]"]);
    assert_eq!(captured.exchanges[0].request.as_ref().expect("one").head.raw().as_ref(), request.as_bytes());
    assert_eq!(captured.ledger.retransmitted_bytes, tail.len() as u64);
}

#[test]
fn a_body_over_the_limit_is_dropped_with_its_length() {
    let mut connection = Connection::open(4000);
    connection.ask(get("/a")).answer(ok(&"x".repeat(5000))).ask(get("/b")).answer(ok("2")).close();
    let options = CaptureOptions { limits: Limits { max_body: 1000, ..Limits::default() }, ..CaptureOptions::default() };
    let captured = try_read(pcap(1, &frames(&connection.segments)), &options).expect("readable");
    assert_eq!(tell_all(&captured)[0], "1.1 GET /a \"\" Whole -> 200 \"\" Dropped { reason: OverLimit, seen_whole: true } [body_over_limit]");
    assert_eq!(captured.exchanges[0].response.as_ref().expect("one").body.wire_length, 5000);
    assert_eq!(lost(&captured), [(LossCause::BodyOverLimit, 5000)]);
    assert_eq!(captured.ledger.complete, 2);
}

#[test]
fn connections_over_the_cap_are_let_go_and_counted() {
    let mut segments = Vec::new();
    for port in 4000..4200 {
        let mut connection = Connection::open(port);
        connection.ask(get("/a"));
        segments.extend(connection.segments);
    }
    // One for each of the 64 shards, in which the 200 lie as their addresses will have it.
    let options = CaptureOptions { limits: Limits { max_flows: 64, ..Limits::default() }, ..CaptureOptions::default() };
    let captured = try_read(pcap(1, &frames(&segments)), &options).expect("readable");
    let left = captured.ledger.connections - captured.ledger.lost[&LossCause::FlowCap];
    assert!((50..=64).contains(&left), "{left} were left");
    assert_eq!(captured.ledger.lost[&LossCause::MissingResponse], 200);
}

#[test]
fn bytes_over_the_cap_are_let_go_and_counted() {
    // A hole that no one acknowledges past, then far more than may be buffered.
    let mut connection = Connection::new(4000, [1000, 9000], 60_000);
    connection.handshake().ask(get("/a")).answer(ok(&"x".repeat(20 << 20))).close();
    let mut segments = connection.segments;
    segments.retain(|segment| segment.from_client || segment.sequence != 9001 + 60_000);
    for segment in segments.iter_mut().filter(|segment| segment.from_client) {
        segment.acknowledgment = segment.acknowledgment.min(9001);
    }
    let options = CaptureOptions { limits: Limits { max_buffered: 8000, ..Limits::default() }, ..CaptureOptions::default() };
    let captured = try_read(pcap(1, &frames(&segments)), &options).expect("readable");
    assert_eq!(captured.ledger.lost[&LossCause::BufferCap], 60_000);
    assert_eq!(captured.ledger.responses, 1);
}

#[test]
fn silent_connections_end_by_packet_time() {
    let mut first = Connection::open(4000);
    first.ask(get("/slow"));
    let mut second = Connection::open(5000);
    second.ask(get("/other")).answer(ok("x"));
    let mut packets = frames(&first.segments);
    let later: Vec<Packet> = frames(&second.segments).into_iter().map(|packet| Packet { at: packet.at + 3_600_000_000_000, ..packet }).collect();
    packets.extend(later);
    let captured = read(pcap(1, &packets));
    let mut told = tell_all(&captured);
    told.sort();
    assert_eq!(told, ["1.1 GET /slow \"\" Whole -> - [missing_response]", "6.1 GET /other \"\" Whole -> 200 \"x\" Whole []"]);
}

#[test]
fn other_protocols_are_counted_by_name() {
    for (name, first, second) in [
        ("tls", &b"\x16\x03\x01\x00\x05hello"[..], &b"\x16\x03\x03"[..]),
        ("postgresql", b"\x00\x00\x00\x08\x04\xd2\x16\x2f", b"N"),
        ("redis", b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n"),
        ("http2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
        ("other", b"\x01\x02\x03", b"\x04"),
    ] {
        let mut connection = Connection::open(4000);
        connection.ask(first).answer(second).close();
        let captured = read_segments(&connection.segments);
        assert_eq!(captured.exchanges.len(), 0);
        let foreign: Vec<_> = captured.ledger.foreign.iter().map(|(name, traffic)| (name.as_str(), traffic.connections, traffic.bytes)).collect();
        assert_eq!(foreign, [(name, 1, (first.len() + second.len()) as u64)]);
    }
    // The server speaks first.
    let mut connection = Connection::open(4000);
    connection.answer(b"\x4a\x00\x00\x00\x0a8.0.35\x00rest").ask(b"\x01").close();
    assert_eq!(read_segments(&connection.segments).ledger.foreign["mysql"].connections, 1);
}

#[test]
fn foreign_traffic_is_counted_with_its_holes_and_not_kept() {
    let mut connection = Connection::new(4000, [1000, 9000], 1000);
    connection.handshake().ask(b"\x16\x03\x01\x00\x05hello").answer(b"\x16\x03\x03").answer("x".repeat(5000)).close();
    // One segment comes after its successor, one twice, one never.
    let first = connection.segments.iter().position(|segment| segment.payload.len() == 1000).expect("one");
    connection.segments.swap(first, first + 1);
    let again = connection.segments[first].clone();
    connection.segments.insert(first + 2, again);
    connection.segments.remove(first + 4);
    // There is no room to keep any of it.
    let options = CaptureOptions { limits: Limits { max_buffered: 64, ..Limits::default() }, ..CaptureOptions::default() };
    let captured = try_read(pcap(1, &frames(&connection.segments)), &options).expect("readable");
    assert_eq!((captured.ledger.foreign["tls"].bytes, captured.ledger.retransmitted_bytes), (13 + 4000, 1000));
    assert_eq!(lost(&captured), [(LossCause::Gap, 1000)]);
}

#[test]
fn ambiguous_lengths_are_flagged_and_kept_raw() {
    let raw = "POST /a HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut connection = Connection::open(4000);
    connection.ask(format!("{raw}0\r\n\r\n")).answer(ok("x")).close();
    let captured = read_segments(&connection.segments);
    assert_eq!(tell_all(&captured), ["1.1 POST /a \"\" Whole -> 200 \"x\" Whole [ambiguous_framing]"]);
    assert_eq!(captured.exchanges[0].request.as_ref().expect("one").head.raw().as_ref(), raw.as_bytes());
}

#[test]
fn the_side_that_opened_is_the_client_even_if_it_answers() {
    let mut connection = Connection::open(4000);
    connection.answer(get("/reverse")).ask(ok("x")).close();
    let captured = read_segments(&connection.segments);
    assert_eq!(captured.exchanges[0].initiator, Initiator::Server);
    assert_eq!(captured.exchanges[0].client.port(), 4000);
}

/// A connection with everything that must survive a shuffle: bodies, chunks, HEAD, pipelining, a close-delimited end.
fn rich(first: [u32; 2], largest: usize) -> Connection {
    let mut connection = Connection::new(4000, first, largest);
    connection.handshake();
    connection.ask(get("/a")).answer(ok("hello"));
    connection.ask("HEAD /b HTTP/1.1\r\n\r\n").answer("HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n");
    connection.ask("POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n1\r\nf\r\n0\r\nX: y\r\n\r\n");
    connection.answer(format!("HTTP/1.1 201 X\r\nContent-Length: 300\r\n\r\n{}", "b".repeat(300)));
    connection.ask(get("/d") + &get("/e")).answer(ok("4") + "HTTP/1.1 200 OK\r\n\r\nuntil the end");
    connection.push(false, FIN | ACK, &[]).push(true, FIN | ACK, &[]);
    connection
}

/// An answer that says which one it is.
fn numbered(number: usize) -> String {
    let body = "x".repeat(number * 23 % 300);
    format!("HTTP/1.1 200 OK\r\nX-Number: {number}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn expected() -> Vec<String> {
    tell_all(&read_segments(&rich([1000, 9000], 1400).segments))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    /// Any segmentation, any sequence numbers, any order and any duplicates, within the grace: the same exchanges.
    #[test]
    fn order_and_duplicates_do_not_matter(
        largest in 11usize..1400,
        first in any::<[u32; 2]>(),
        shuffle in prop::collection::vec((0usize..400, 0usize..400), 0..60),
        copies in prop::collection::vec((0usize..400, 0usize..400), 0..30),
    ) {
        let mut segments = rich(first, largest).segments;
        for (from, to) in copies {
            let copy = segments[from % segments.len()].clone();
            let to = to % segments.len();
            segments.insert(to, copy);
        }
        for (one, other) in shuffle {
            let (one, other) = (one % segments.len(), other % segments.len());
            segments.swap(one, other);
        }
        // An end of something that was never seen opens nothing.
        let opens = segments.iter().position(|segment| segment.flags & SYN != 0 || !segment.payload.is_empty()).expect("one");
        segments.swap(0, opens);
        // All within the grace: 200 ms.
        let step = 200_000_000 / segments.len() as u64;
        let packets: Vec<Packet> = (0..).zip(&segments).map(|(index, segment)| {
            let data = segment.ethernet();
            Packet { at: START + index * step, length: data.len() as u32, data }
        }).collect();
        let captured = read(pcap(1, &packets));
        prop_assert_eq!(tell_all(&captured), expected());
        prop_assert!(captured.ledger.lost.is_empty(), "{:?}", captured.ledger.lost);
    }

    /// Whatever is lost by the capture, what was not touched stays whole, nothing is paired wrongly, and the account balances.
    #[test]
    fn losses_stay_where_they_are(largest in 40usize..700, dropped in prop::collection::btree_set(3usize..200, 1..6)) {
        let mut connection = Connection::new(4000, [u32::MAX - 2000, 77], largest);
        connection.handshake();
        for number in 0..20 {
            connection.ask(get(&format!("/{number}"))).answer(ok(&format!("answer {number} {}", "x".repeat(number * 37))));
        }
        connection.close();
        let segments: Vec<Segment> = connection.segments.iter().enumerate().filter(|(index, _)| !dropped.contains(index)).map(|(_, segment)| segment.clone()).collect();
        let captured = read_segments(&segments);
        let lost_data = connection.segments.iter().enumerate().filter(|(index, segment)| dropped.contains(index) && !segment.payload.is_empty()).count();
        let mut whole = 0;
        for exchange in captured.exchanges.iter().filter(|exchange| exchange.is_complete()) {
            let number = String::from_utf8_lossy(exchange.target().unwrap_or_default()).trim_start_matches('/').to_owned();
            let body = exchange.response.as_ref().map(|response| String::from_utf8_lossy(&response.body.contiguous()).into_owned()).unwrap_or_default();
            prop_assert!(body.starts_with(&format!("answer {number} ")), "{number}: {body:?}");
            whole += 1;
        }
        prop_assert!(whole + lost_data >= 20, "{} of 20 whole after {} lost segments: {:?}", whole, lost_data, tell_all(&captured));
    }

    /// The same where the client does not wait for answers: what remains unknown stays unpaired.
    #[test]
    fn losses_never_mix_up_pipelined_exchanges(
        largest in 40usize..700,
        groups in prop::collection::vec(1usize..5, 4..10),
        dropped in prop::collection::btree_set(0usize..120, 1..6),
    ) {
        let mut connection = Connection::new(4000, [5, 77], 1400);
        connection.handshake();
        // That it pipelines was seen.
        connection.ask(get("/0") + &get("/1")).answer(numbered(0) + &numbered(1));
        connection.largest = largest;
        let intact = connection.segments.len();
        let mut number = 2;
        for group in groups {
            let numbers: Vec<usize> = (number..number + group).collect();
            number += group;
            connection.ask(numbers.iter().map(|number| get(&format!("/{number}"))).collect::<String>());
            connection.answer(numbers.iter().map(|number| numbered(*number)).collect::<String>());
        }
        connection.close();
        let segments: Vec<Segment> =
            connection.segments.iter().enumerate().filter(|(index, _)| *index < intact || !dropped.contains(&(index - intact))).map(|(_, segment)| segment.clone()).collect();
        let captured = read_segments(&segments);
        for exchange in &captured.exchanges {
            let (Some(request), Some(response)) = (&exchange.request, &exchange.response) else { continue };
            let asked = request.head.target().expect("a request").strip_prefix(b"/").expect("a path");
            prop_assert_eq!(response.head.header("x-number"), Some(asked), "{:?}", tell_all(&captured));
        }
    }

    /// Bytes that are no packets, and packets that are no traffic, never stop a capture.
    #[test]
    fn garbage_never_panics(mut file in prop::collection::vec(any::<u8>(), 0..600), link in prop::sample::select(vec![0u32, 1, 9, 12, 101, 104, 105, 108, 113, 127, 239, 276])) {
        read(pcap(link, &crate::support::packets([file.clone()])));
        file.splice(0..0, pcap(link, &[]));
        read(file);
    }
}
