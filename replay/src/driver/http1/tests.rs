use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream as Blocking};
use std::time::Duration;

use bytes::Bytes;
use reenact_formats::model::Head;

use super::*;
use crate::clock::RealClock;

/// Takes one connection; for each answer reads a request head, then writes the pieces, a moment apart. Then it closes.
fn serve(answers: Vec<Vec<&'static [u8]>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        for answer in answers {
            read_head(&mut stream);
            for piece in answer {
                let _ = stream.write_all(piece);
                pause(&stream);
            }
        }
    });
    address
}

fn read_head(stream: &mut Blocking) {
    let (mut request, mut byte) = (Vec::new(), [0]);
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
        request.push(byte[0]);
    }
}

/// Waits on the socket rather than asleep: nothing comes, so that the time runs out.
fn pause(stream: &Blocking) {
    stream.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
    let _ = stream.peek(&mut [0]);
    stream.set_read_timeout(None).unwrap();
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn context(request: &str) -> RequestContext {
    RequestContext::of(&Head::request(Bytes::copy_from_slice(request.as_bytes())).unwrap())
}

const GET: &str = "GET / HTTP/1.1\r\n\r\n";
const HEAD: &str = "HEAD / HTTP/1.1\r\n\r\n";

/// Status, body and whether the connection may be used again; or the failure.
type Expected = Result<(u16, &'static str, bool), Failure>;

fn check(request: &str, pieces: Vec<&'static [u8]>, expected: Expected) {
    let shown = format!("{request:?} answered by {pieces:?}");
    let address = serve(vec![pieces]);
    runtime().block_on(async {
        let mut connection = Connection::open(address).await.unwrap();
        let mut times = Times::default();
        let answer = connection.exchange(request.as_bytes(), context(request), &RealClock::start(), &mut times).await;
        assert!(times.sent.is_some() && times.first_byte.is_none_or(|first| times.sent <= Some(first)));
        let found = answer.map(|answer| {
            let body = String::from_utf8(answer.message.body.contiguous().into_owned()).unwrap();
            (answer.message.head.status().unwrap(), body, answer.keeps_alive)
        });
        assert_eq!(found, expected.map(|(status, body, keeps)| (status, body.to_owned(), keeps)), "{shown}");
    });
}

#[test]
fn reads_every_way_to_end_an_answer() {
    check(GET, vec![b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"hi"], Ok((200, "hi", true)));
    check(GET, vec![b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"], Ok((200, "hi", false)));
    check(GET, vec![b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"], Ok((200, "hi", false)));
    check(GET, vec![b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", b"1\r\n!\r\n0\r\nX: y\r\n\r\n"], Ok((200, "hi!", true)));
    check(GET, vec![b"HTTP/1.1 200 OK\r\n\r\nuntil ", b"the end"], Ok((200, "until the end", false)));
    check(GET, vec![b"HTTP/1.1 204 No Content\r\n\r\n"], Ok((204, "", true)));
    check(GET, vec![b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"], Ok((304, "", true)));
    check(HEAD, vec![b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"], Ok((200, "", true)));
    check(GET, vec![b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], Ok((200, "", true)));
    check(GET, vec![b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nbytes"], Ok((101, "", false)));
}

#[test]
fn says_how_it_failed() {
    check(GET, vec![], Err(Failure::Closed));
    check(GET, vec![b"HTTP/1.1 200 OK\r\nContent-Le"], Err(Failure::Closed));
    check(GET, vec![b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"], Err(Failure::Closed));
    check(GET, vec![b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"], Err(Failure::Closed));
    check(GET, vec![b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n"], Err(Failure::Protocol));
    check(GET, vec![b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\r\n\r\n"], Err(Failure::Protocol));
    check(GET, vec![b"\x00\x01\x02\x03 nothing that anyone could read as an answer \r\n\r\n"], Err(Failure::Protocol));
}

#[test]
fn what_follows_an_answer_unasked_ends_the_connection() {
    check(GET, vec![b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], Ok((200, "hi", false)));
}

#[test]
fn a_connection_serves_many() {
    let one: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";
    let address = serve(vec![vec![one], vec![one], vec![b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"]]);
    runtime().block_on(async {
        let (mut connection, clock) = (Connection::open(address).await.unwrap(), RealClock::start());
        for expected in [b"a", b"a", b"b"] {
            assert!(!connection.is_stale());
            let answer = connection
                .exchange(GET.as_bytes(), context(GET), &clock, &mut Times::default())
                .await
                .map_err(Failure::word)
                .unwrap_or_else(|word| panic!("{word}"));
            assert_eq!(answer.message.body.contiguous().as_ref(), expected);
        }
        // The server is gone: soon, that is seen.
        while !connection.is_stale() {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_large_request_may_be_answered_early() {
    let address = serve(vec![vec![b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"]]);
    let request = format!("POST / HTTP/1.1\r\nContent-Length: 90000000\r\n\r\n{}", "x".repeat(9_000_000));
    runtime().block_on(async {
        let mut connection = Connection::open(address).await.unwrap();
        let answer = connection.exchange(request.as_bytes(), RequestContext::default(), &RealClock::start(), &mut Times::default()).await;
        // Whether the answer or the reset is seen first is the system's choice; neither hangs.
        match answer {
            Ok(answer) => assert!(!answer.keeps_alive && answer.message.head.status() == Some(413)),
            Err(failure) => assert_eq!(failure, Failure::Closed),
        }
    });
}
