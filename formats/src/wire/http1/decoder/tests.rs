//! The decoder against written-down traffic, cut at every byte.

use super::*;

/// One line for each thing found.
fn tell(event: &Event) -> String {
    match event {
        Event::Begun { context, start, .. } => format!("begun at {start}{}", if context.upgrade || context.connect { " wants upgrade" } else { "" }),
        Event::Unclaimed { start } => format!("unclaimed at {start}"),
        Event::Interim { head, .. } => format!("interim {}", head.status().unwrap_or_default()),
        Event::Upgraded => "upgraded".to_owned(),
        Event::Lost => "lost".to_owned(),
        Event::Message(decoded) => {
            let head = &decoded.message.head;
            let what = head.status().map_or_else(|| String::from_utf8_lossy(head.target().unwrap_or(b"-")).into_owned(), |status| status.to_string());
            let body = &decoded.message.body;
            let trailers = decoded.message.trailers.as_ref().map_or(String::new(), |trailers| format!(" +{} trailers", trailers.headers().count()));
            let anomalies: Vec<&str> = decoded.anomalies.iter().map(|anomaly| anomaly.word()).collect();
            let text = String::from_utf8_lossy(&body.contiguous()).into_owned();
            format!("{what} {text:?} {:?}{trailers} {}..{} [{}]", body.completeness, decoded.span.start, decoded.span.end, anomalies.join(","))
        }
    }
}

/// What is fed: bytes, a hole, or the end.
#[derive(Clone)]
enum Step {
    Bytes(&'static [u8]),
    Hole(u64),
    Close,
    Cut,
}
use Step::{Bytes as B, Close, Cut, Hole};

struct Setup {
    /// What the responses answer, in order.
    requests: &'static [&'static str],
    limits: Limits,
}

const NARROW: Limits = Limits { max_head: 200, max_body: 20 };

fn context(word: &str) -> RequestContext {
    RequestContext { head: word == "HEAD", connect: word == "CONNECT", upgrade: word == "UPGRADE", http09: word == "0.9", unseen: word == "UNSEEN" }
}

fn run(side: Side, setup: &Setup, steps: &[Step], cut_at: usize, every: bool) -> (Vec<String>, Accounting, u64) {
    let mut decoder = Decoder::new(side, setup.limits);
    let mut claims = setup.requests.iter();
    let (mut told, mut fed, mut at) = (Vec::new(), 0u64, 0usize);
    let now = Timestamp::default();
    let drain = |decoder: &mut Decoder, told: &mut Vec<String>, claims: &mut std::slice::Iter<'_, &str>| {
        while let Some(event) = decoder.next() {
            told.push(tell(&event));
            if let Event::Unclaimed { .. } = event {
                decoder.expect(context(claims.next().unwrap_or(&"GET")));
            }
            if decoder.awaits_upgrade() {
                decoder.resume();
            }
            // As if the server had answered at once.
            if setup.requests == ["ANSWERS"] {
                decoder.resume();
            }
        }
    };
    for step in steps {
        match step {
            B(bytes) => {
                fed += bytes.len() as u64;
                let mut from = 0;
                for to in 0..=bytes.len() {
                    if (every || at + to == cut_at || to == bytes.len()) && to > from {
                        decoder.feed(Bytes::copy_from_slice(&bytes[from..to]), now);
                        drain(&mut decoder, &mut told, &mut claims);
                        decoder.settle();
                        from = to;
                    }
                }
                at += bytes.len();
            }
            Hole(missing) => {
                fed += missing;
                decoder.gap(*missing, now);
            }
            Close => decoder.close(now),
            Cut => decoder.cut(now),
        }
        drain(&mut decoder, &mut told, &mut claims);
    }
    (told, decoder.accounting(), fed)
}

fn check(side: Side, requests: &'static [&'static str], steps: &[Step], expected: &[&str]) {
    check_within(NARROW, side, requests, steps, expected);
}

fn check_within(limits: Limits, side: Side, requests: &'static [&'static str], steps: &[Step], expected: &[&str]) {
    let setup = Setup { requests, limits };
    let length: usize = steps.iter().map(|step| if let B(bytes) = step { bytes.len() } else { 0 }).sum();
    let ended = matches!(steps.last(), Some(Close | Cut));
    for (cut_at, every) in (0..=length).map(|cut_at| (cut_at, false)).chain([(0, true)]) {
        let (told, account, fed) = run(side, &setup, steps, cut_at, every);
        assert_eq!(told, expected, "cut at {cut_at}, every byte: {every}");
        if ended {
            let Accounting { recorded, missing, resync, unparsable, upgraded, over_limit, .. } = account;
            assert_eq!(recorded + missing + resync + unparsable + upgraded + over_limit, fed, "cut at {cut_at}: {account:?}");
        }
    }
}

#[test]
fn requests() {
    let check = |steps: &[Step], expected: &[&str]| check(Side::Request, &[], steps, expected);
    check(
        &[B(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc\r\n\r\nGET /c HTTP/1.0\n\n"), Close],
        &["begun at 0", "/a \"\" Whole 0..28 []", "begun at 28", "/b \"abc\" Whole 28..70 []", "begun at 74", "/c \"\" Whole 74..91 []"],
    );
    check(
        &[B(b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n02\nde\n0\r\nA: b\r\nC: d\r\n\r\nGET /b HTTP/1.1\r\n\r\n"), Close],
        &["begun at 0", "/a \"abcde\" Whole +2 trailers 0..83 []", "begun at 83", "/b \"\" Whole 83..102 []"],
    );
    check(
        &[B(b"PUT /a HTTP/1.1\r\nContent-Length: 30\r\n\r\n012345678901234567890123456789GET /b HTTP/1.1\r\n\r\n"), Close],
        &["begun at 0", "/a \"\" Dropped { reason: OverLimit, seen_whole: true } 0..69 [body_over_limit]", "begun at 69", "/b \"\" Whole 69..88 []"],
    );
    check(&[B(b"GET /old\r\n"), Close], &["begun at 0", "/old \"\" Whole 0..10 [http_09]"]);
    check(
        &[B(b"GET /a HTTP/1.1\r\nUpgrade: h2c\r\n\r\nGET /b HTTP/1.1\r\n\r\n"), Close],
        &["begun at 0 wants upgrade", "/a \"\" Whole 0..33 []", "begun at 33", "/b \"\" Whole 33..52 []"],
    );
}

#[test]
fn requests_with_oddities() {
    // Behind a broken chunk nothing is a request, unless the server goes on.
    let broken: &'static [u8] = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\nGET /b HTTP/1.1\r\n\r\n";
    check(Side::Request, &[], &[B(broken), Close], &["begun at 0", "/a \"\" TruncatedAt(0) 0..48 [ambiguous_framing,malformed_chunk]", "lost"]);
    let check = |steps: &[Step], expected: &[&str]| check(Side::Request, &["ANSWERS"], steps, expected);
    check(
        &[B(b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdGET /b HTTP/1.1\r\n\r\n"), Close],
        &["begun at 0", "/a \"abc\" TruncatedAt(3) 0..54 [malformed_chunk]", "lost", "begun at 55", "/b \"\" Whole 55..74 []"],
    );
    check(
        &[B(b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nGET /b HTTP/1.1\r\n\r\n"), Close],
        &["begun at 0", "/a \"\" TruncatedAt(0) 0..48 [malformed_chunk]", "lost", "begun at 48", "/b \"\" Whole 48..67 []"],
    );
    check(
        &[B(b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET /b HTTP/1.1\r\n\r\n"), Close],
        &["begun at 0", "/a \"\" Whole 0..72 [ambiguous_framing]", "begun at 72", "/b \"\" Whole 72..91 []"],
    );
    check(
        &[B(b"GET /a HTTP/1.1\r\n\r\n\x00\x01garbage\r\nmoreGET /b HTTP/1.1\r\n\r\n"), Close],
        &["begun at 0", "/a \"\" Whole 0..19 []", "lost", "begun at 34", "/b \"\" Whole 34..53 []"],
    );
    check(&[B(b"GET /a HTTP/1.1\r\nHost"), Close], &[]);
    check(&[B(b"PUT /a HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"), Cut], &["begun at 0", "/a \"abc\" TruncatedAt(3) 0..41 [truncated]"]);
}

#[test]
fn a_head_over_the_limit_is_passed_over() {
    let long: &'static [u8] =
        Box::leak(format!("GET /{} HTTP/1.1\r\nA: {}\r\n\r\nGET /b HTTP/1.1\r\n\r\n", "x", "y".repeat(300)).into_bytes().into_boxed_slice());
    check(Side::Request, &[], &[B(long), Close], &["lost", "begun at 324", "/b \"\" Whole 324..343 []"]);
    // So is a line over the limit, with a version or without one; what began no message is none that is missing.
    for version in ["", " HTTP/1.1\r\n"] {
        let line = format!("GET /{}{version}\r\n", "x".repeat(300));
        let wire: &'static [u8] = Box::leak(format!("{line}GET /b HTTP/1.1\r\n\r\n").into_bytes().into_boxed_slice());
        let (start, end) = (line.len(), wire.len());
        check(Side::Request, &[], &[B(wire), Close], &["lost", &format!("begun at {start}"), &format!("/b \"\" Whole {start}..{end} []")]);
    }
}

#[test]
fn holes() {
    let check = |steps: &[Step], expected: &[&str]| check(Side::Request, &[], steps, expected);
    // Inside a counted body: skipped.
    check(
        &[B(b"PUT /a HTTP/1.1\r\nContent-Length: 9\r\n\r\nab"), Hole(5), B(b"yzGET /b HTTP/1.1\r\n\r\n"), Close],
        &["begun at 0", "/a \"abyz\" Gap(5) 0..47 [gap]", "begun at 47", "/b \"\" Whole 47..66 []"],
    );
    // To the end of a counted body, and no further: the place is still known.
    check(
        &[B(b"PUT /a HTTP/1.1\r\nContent-Length: 9\r\n\r\nab"), Hole(7), B(b"GET /b HTTP/1.1\r\n\r\n"), Close],
        &["begun at 0", "/a \"ab\" Gap(7) 0..47 [gap]", "begun at 47", "/b \"\" Whole 47..66 []"],
    );
    // Beyond it.
    check(
        &[B(b"PUT /a HTTP/1.1\r\nContent-Length: 9\r\n\r\nab"), Hole(20), B(b"t: x\r\n\r\nGET /b HTTP/1.1\r\n\r\n"), Close],
        &["begun at 0", "/a \"ab\" Gap(7) 0..47 [gap]", "lost", "begun at 68", "/b \"\" Whole 68..87 []"],
    );
    // In a head, between heads, in a chunk, in a chunk header.
    check(&[B(b"GET /a HTTP/1.1\r\nHo"), Hole(4), B(b"\r\n\r\nGET /b HTTP/1.1\r\n\r\n"), Close], &["lost", "begun at 27", "/b \"\" Whole 27..46 []"]);
    check(
        &[B(b"GET /a HTTP/1.1\r\n\r\n"), Hole(9), B(b"GET /b HTTP/1.1\r\n\r\n"), Close],
        &["begun at 0", "/a \"\" Whole 0..19 []", "lost", "begun at 28", "/b \"\" Whole 28..47 []"],
    );
    check(
        &[B(b"PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), Hole(2), B(b"e\r\n0\r\n\r\n"), Close],
        &["begun at 0", "/a \"abe\" Gap(2) 0..62 [gap]"],
    );
    check(
        &[B(b"PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"), Hole(2), B(b"e\r\n0\r\n\r\nGET /b HTTP/1.1\r\n\r\n"), Close],
        &["begun at 0", "/a \"ab\" TruncatedAt(2) 0..54 [gap]", "lost", "begun at 64", "/b \"\" Whole 64..83 []"],
    );
}

#[test]
fn responses() {
    let check = |requests, steps: &[Step], expected: &[&str]| check(Side::Response, requests, steps, expected);
    check(
        &["POST", "HEAD", "GET", "GET"],
        &[
            B(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"),
            B(b"HTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.0 200 OK\r\n\r\nto the end"),
            Close,
        ],
        &[
            "interim 100",
            "unclaimed at 25",
            "201 \"hi\" Whole 25..70 []",
            "unclaimed at 70",
            "200 \"\" Whole 70..109 []",
            "unclaimed at 109",
            "304 \"\" Whole 109..138 []",
            "unclaimed at 138",
            "200 \"to the end\" Whole 138..167 []",
        ],
    );
    check(&["GET"], &[B(b"HTTP/1.0 200 OK\r\n\r\nto the"), Cut], &["unclaimed at 0", "200 \"to the\" TruncatedAt(6) 0..25 [truncated]"]);
    check(&["CONNECT"], &[B(b"HTTP/1.1 200 OK\r\n\r\n\x16\x03\x01tls"), Close], &["unclaimed at 0", "200 \"\" Whole 0..19 []", "upgraded"]);
    check(&["UPGRADE"], &[B(b"HTTP/1.1 101 X\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), Hole(3), Close], &["unclaimed at 0", "101 \"\" Whole 0..18 []", "upgraded"]);
    check(
        &["GET", "GET"],
        &[B(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na"), Hole(40), B(b"5\r\n\r\nxyzHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"), Close],
        &["unclaimed at 0", "200 \"a\" Gap(2) 0..41 [gap]", "lost", "unclaimed at 87", "404 \"\" Whole 87..125 []"],
    );
}

#[test]
fn an_answer_to_http_09_has_no_head() {
    for every in [false, true] {
        let mut decoder = Decoder::new(Side::Response, Limits::default());
        decoder.expect(context("0.9"));
        let page = b"HTML <b>page</b>";
        for piece in page.chunks(if every { 1 } else { page.len() }) {
            decoder.feed(Bytes::copy_from_slice(piece), Timestamp::default());
            assert!(decoder.next().is_none());
        }
        decoder.close(Timestamp::default());
        let event = decoder.next().expect("one");
        assert_eq!(tell(&event), "- \"HTML <b>page</b>\" Whole 0..16 [http_09]");
    }
}

#[test]
fn forms_of_requests() {
    let check = |wire: &'static [u8], expected: &[&str]| check_within(Limits::default(), Side::Request, &[], &[B(wire), Close], expected);
    check(b"GET http://h:8080/a?b HTTP/1.1\r\nHost: x\r\n\r\n", &["begun at 0", "http://h:8080/a?b \"\" Whole 0..43 []"]);
    check(b"CONNECT h:443 HTTP/1.1\r\n\r\n", &["begun at 0 wants upgrade", "h:443 \"\" Whole 0..26 []"]);
    check(b"OPTIONS * HTTP/1.1\r\n\r\n", &["begun at 0", "* \"\" Whole 0..22 []"]);
    // HTTP/1.0, kept alive; lines that end in LF alone.
    check(
        b"GET /a HTTP/1.0\nConnection: keep-alive\n\nPOST /b HTTP/1.0\nContent-Length: 2\n\nhiGET /c HTTP/1.0\n\n",
        &["begun at 0", "/a \"\" Whole 0..40 []", "begun at 40", "/b \"hi\" Whole 40..78 []", "begun at 78", "/c \"\" Whole 78..95 []"],
    );
    // Folded, in odd case, twice, not UTF-8, and with a space in the target.
    check(b"POST /\xe9 x HTTP/1.1\r\nX: 1\r\n\t2\r\ncOnTeNt-LeNgTh: 2\r\nX: \xff\xfe\r\nx:\r\n\r\nhi", &["begun at 0", "/\u{fffd} x \"hi\" Whole 0..64 []"]);
    // What looks like a message within a body is none.
    check(
        b"POST /a HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 51\r\n\r\n--b\r\nContent-Length: 3\r\n\r\nGET / HTTP/1.1\r\n\r\n--b--\r\nGET /b HTTP/1.1\r\n\r\n",
        &[
            "begun at 0",
            "/a \"--b\\r\\nContent-Length: 3\\r\\n\\r\\nGET / HTTP/1.1\\r\\n\\r\\n--b--\\r\\n\" Whole 0..138 []",
            "begun at 138",
            "/b \"\" Whole 138..157 []",
        ],
    );
    check(
        b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n1;a;b=\"c\"\r\nx\r\n000;z\r\nT: 1\r\n 2\r\nT: 3\r\n\r\nGET /b HTTP/1.1\r\n\r\n",
        &["begun at 0", "/a \"x\" Whole +2 trailers 0..109 []", "begun at 109", "/b \"\" Whole 109..128 []"],
    );
}

#[test]
fn forms_of_responses() {
    let check = |requests, wire: &'static [u8], expected: &[&str]| check_within(Limits::default(), Side::Response, requests, &[B(wire), Close], expected);
    check(
        &["GET", "GET"],
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 103 X\r\n\r\nHTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n",
        &["interim 100", "interim 103", "interim 103", "unclaimed at 93", "200 \"\" Whole 93..131 []", "interim 103", "unclaimed at 149", "204 \"\" Whole 149..187 []"],
    );
    check(
        &["HEAD", "GET", "GET"],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        &["unclaimed at 0", "200 \"\" Whole 0..47 []", "unclaimed at 47", "304 \"\" Whole 47..84 []", "unclaimed at 84", "200 \"abc\" Whole 84..144 []"],
    );
    check(
        &["GET", "GET"],
        b"HTTP/1.0 206 P\r\nContent-Range: bytes 2-3/9\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\ncdHTTP/1.1 206 P\r\nContent-Type: multipart/byteranges; boundary=b\r\n\r\n--b\r\nContent-Range: bytes 0-0/9\r\n\r\na\r\n--b--",
        &["unclaimed at 0", "206 \"cd\" Whole 0..91 []", "unclaimed at 91", "206 \"--b\\r\\nContent-Range: bytes 0-0/9\\r\\n\\r\\na\\r\\n--b--\" Whole 91..200 []"],
    );
    check(
        &["UPGRADE", "CONNECT", "GET"],
        b"HTTP/1.1 426 X\r\nContent-Length: 2\r\n\r\nnoHTTP/1.1 407 X\r\nContent-Length: 2\r\n\r\nnoHTTP/1.1 404\r\nContent-Length: 0\r\n\r\n",
        &["unclaimed at 0", "426 \"no\" Whole 0..39 []", "unclaimed at 39", "407 \"no\" Whole 39..78 []", "unclaimed at 78", "404 \"\" Whole 78..113 []"],
    );
}

#[test]
fn an_answer_to_an_unseen_request() {
    let check = |steps: &[Step], expected: &[&str]| check(Side::Response, &["UNSEEN", "UNSEEN", "UNSEEN"], steps, expected);
    // A status line where the body would begin: it was HEAD.
    check(
        &[
            B(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.0 404 OK\r\nContent-Length: 2\r\n\r\nhi"),
            Close,
        ],
        &["unclaimed at 0", "200 \"\" Whole 0..39 []", "unclaimed at 39", "200 \"\" Whole 39..86 []", "unclaimed at 86", "404 \"hi\" Whole 86..126 []"],
    );
    // A body that begins like one.
    check(
        &[B(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nHTTP/1.1 2xHTTP/1.1 200 OK\r\n\r\nHTTP/1"), Close],
        &["unclaimed at 0", "200 \"HTTP/1.1 2x\" Whole 0..50 []", "unclaimed at 50", "200 \"HTTP/1\" Whole 50..75 []"],
    );
    // Nothing follows that could tell.
    check(&[B(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), Close], &["unclaimed at 0", "200 \"\" TruncatedAt(0) 0..38 [truncated]"]);
    // What is missing may be the beginning of the body, or another response.
    check(
        &[B(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP"), Hole(5), B(b"HTTP/1.1 204 No\r\n\r\n"), Close],
        &["unclaimed at 0", "200 \"\" TruncatedAt(0) 0..38 [gap]", "lost", "unclaimed at 47", "204 \"\" Whole 47..66 []"],
    );
    check(
        &[B(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nHTTP/1.1 204 No\r\n\r\n"), Close],
        &["unclaimed at 0", "200 \"hi\" Whole 0..59 []", "unclaimed at 59", "204 \"\" Whole 59..78 []"],
    );
}

#[test]
fn lengths_that_are_read_in_two_ways() {
    let check = |wire: &'static [u8], expected: &[&str]| check(Side::Request, &["ANSWERS"], &[B(wire), Close], expected);
    for (wire, told) in [
        // Content-Length here, Transfer-Encoding there, and the other way round.
        (&b"POST /a HTTP/1.1\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"[..], "/a \"\" Whole 0..72 [ambiguous_framing]"),
        (b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-encoding: x\r\n\r\n", "/a \"\" Whole 0..70 [ambiguous_framing]"),
        (b"POST /a HTTP/1.1\r\nTransfer-Encoding: xchunked\r\nContent-Length: 2\r\n\r\nhi", "/a \"hi\" Whole 0..70 [ambiguous_framing]"),
        (b"POST /a HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", "/a \"hi\" Whole 0..60 [ambiguous_framing]"),
        (b"POST /a HTTP/1.1\r\nContent-Length : 2\r\n\r\nhi", "/a \"hi\" Whole 0..42 [ambiguous_framing,malformed_head]"),
        (b"POST /a HTTP/1.1\r\nX: y\rContent-Length: 2\r\n\r\n", "/a \"\" Whole 0..44 [ambiguous_framing,malformed_head]"),
        (b"POST /a HTTP/1.1\r\nX: \0\r\nContent-Length: 2\r\n\r\nhi", "/a \"hi\" Whole 0..47 [ambiguous_framing,malformed_head]"),
        (b"POST /a\rb HTTP/1.1\r\n\r\n", "/a\rb \"\" Whole 0..22 [ambiguous_framing,malformed_head]"),
        (b"POST /a HTTP/1.1\r\nX: y\nContent-Length: 2\r\n\r\nhi", "/a \"hi\" Whole 0..46 [ambiguous_framing]"),
        (b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x\nhi\r\n0\r\n\r\n", "/a \"hi\" Whole 0..61 [ambiguous_framing]"),
        (b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: \0\r\n\r\n", "/a \"\" Whole +1 trailers 0..59 [ambiguous_framing,malformed_head]"),
        // Never repaired: what is no chunk header ends the body.
        (b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nhi\r\n0\r\n\r\n", "/a \"\" TruncatedAt(0) 0..48 [ambiguous_framing,malformed_chunk]"),
    ] {
        let lost: &[&str] = if told.contains("malformed_chunk") { &["lost"] } else { &[] };
        check(wire, &[&["begun at 0", told], lost].concat());
    }
}

/// Heads of any number of fields and of more than a packet, up to the limit; beyond it they are counted.
#[test]
fn long_heads() {
    let field = format!("X-Field: {}\r\n", "v".repeat(989));
    for (fields, told) in [(100, &["begun at 0", "/a \"hi\" Whole", "begun at", "/b \"\" Whole"][..]), (300, &["lost", "begun at", "/b \"\" Whole"])] {
        let wire = Bytes::from(format!("POST /a HTTP/1.1\r\n{}Content-Length: 2\r\n\r\nhiGET /b HTTP/1.1\r\n\r\n", field.repeat(fields)));
        let mut accounts = Vec::new();
        for piece in [wire.len(), 1448, 997, 63] {
            let mut decoder = Decoder::new(Side::Request, Limits::default());
            let mut found = Vec::new();
            for start in (0..wire.len()).step_by(piece) {
                decoder.feed(wire.slice(start..wire.len().min(start + piece)), Timestamp::default());
                found.extend(std::iter::from_fn(|| decoder.next()).map(|event| tell(&event)));
                decoder.settle();
                assert!(decoder.held() <= (Limits::default().max_head + wire.len()) as u64);
            }
            assert_eq!(found.len(), told.len(), "{fields} in pieces of {piece}: {found:?}");
            for (found, told) in found.iter().zip(told) {
                assert!(found.starts_with(told), "{fields} in pieces of {piece}: {found}");
            }
            accounts.push(decoder.accounting());
        }
        assert!(accounts.iter().all(|account| *account == accounts[0]), "{accounts:?}");
        assert_eq!(accounts[0].incomplete_messages, u64::from(fields == 300));
        assert_eq!(accounts[0].recorded + accounts[0].unparsable, wire.len() as u64);
    }
}

#[test]
fn what_is_held_is_counted() {
    let mut decoder = Decoder::new(Side::Request, Limits::default());
    let feed = |decoder: &mut Decoder, bytes: &'static str| {
        decoder.feed(Bytes::from_static(bytes.as_bytes()), Timestamp::default());
        while decoder.next().is_some() {}
        decoder.held()
    };
    let nothing = decoder.held();
    let head = feed(&mut decoder, "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(nothing == 0 && head >= 48, "{head}");
    // Small chunks cost more than they hold.
    let two = feed(&mut decoder, "1\r\na\r\n1\r\nb\r\n");
    assert!(two >= head + 2 + 16, "{two}");
    decoder.settle();
    assert!(decoder.held() <= two, "{two}");
    let third = feed(&mut decoder, "5\r\ncd");
    assert!(third > head);
    decoder.shed();
    assert_eq!(decoder.held(), head);
    // Nothing of the rest is kept: neither bytes nor boundaries.
    assert_eq!(feed(&mut decoder, "efg\r\n1\r\nh\r\n"), head);
    decoder.feed(Bytes::from_static(b"0\r\n\r\n"), Timestamp::default());
    let Some(Event::Message(decoded)) = decoder.next() else { panic!("a message has ended") };
    assert_eq!((decoded.message.body.wire_length, decoded.message.body.framing), (8, BodyFraming::Chunked(Vec::new())));
    assert_eq!(decoder.held(), 0);
}

#[test]
fn what_is_long_and_not_whole_may_be_given_up() {
    let fields = format!("X: {}\r\n", "y".repeat(100));
    for (start, told) in [
        ("GET /a HTTP/1.1\r\n", &["lost", "begun at 7369"][..]),
        (
            "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n",
            &["/a \"\" Dropped { reason: OverLimit, seen_whole: false } 0..56 [truncated,body_over_limit]", "lost", "begun at 7408"],
        ),
    ] {
        let mut decoder = Decoder::new(Side::Request, Limits::default());
        decoder.feed(Bytes::from(start), Timestamp::default());
        while decoder.next().is_some() {}
        decoder.feed(Bytes::from(fields.repeat(70)), Timestamp::default());
        assert!(decoder.next().is_none() && decoder.held() > 7000);
        decoder.shed();
        assert_eq!(decoder.held(), 0);
        decoder.feed(Bytes::from_static(b"\r\nGET /b HTTP/1.1\r\n\r\n"), Timestamp::default());
        let found: Vec<String> = std::iter::from_fn(|| decoder.next()).map(|event| tell(&event)).take(told.len()).collect();
        assert_eq!(found, told);
        let Accounting { recorded, unparsable, over_limit, .. } = decoder.accounting();
        assert_eq!(recorded + unparsable + over_limit, (start.len() + 70 * fields.len() + 21) as u64);
    }
}

#[test]
fn what_is_settled_keeps_no_block() {
    let block = Bytes::from(b"PUT /a HTTP/1.1\r\nContent-Length: 9\r\n\r\nabcdefghi".to_vec());
    let mut decoder = Decoder::new(Side::Request, Limits::default());
    for piece in [0..10, 10..42, 42..43, 43..44] {
        decoder.feed(block.slice(piece), Timestamp::default());
        while decoder.next().is_some() {}
    }
    decoder.settle();
    assert!(block.is_unique());
}
