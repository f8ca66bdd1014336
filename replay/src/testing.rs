//! Exchanges for tests.

use bytes::Bytes;
use reenact_formats::model::{Body, BodyFraming, Completeness, ConnectionId, Exchange, ExchangeId, Head, Message, Timestamp, Timing};

/// A request as it is written in tests: `METHOD target`, header lines, an empty line, a body. Newlines stand for CRLF; `Host` and
/// `Content-Length` are added.
pub(crate) fn request(text: &str) -> Message {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let (start, headers) = head.split_once('\n').unwrap_or((head, ""));
    let raw = raw_head(&format!("{start} HTTP/1.1"), &format!("Host: recorded.example\n{headers}"), body);
    Message { head: Head::request(raw).unwrap(), body: message_body(body), trailers: None }
}

/// A response as it is written in tests: `STATUS`, header lines, an empty line, a body.
pub(crate) fn response(text: &str) -> Message {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let (start, headers) = head.split_once('\n').unwrap_or((head, ""));
    let raw = raw_head(&format!("HTTP/1.1 {start} x"), headers, body);
    Message { head: Head::response(raw).unwrap(), body: message_body(body), trailers: None }
}

fn raw_head(start: &str, headers: &str, body: &str) -> Bytes {
    let is_json = body.starts_with(['{', '[']);
    let content_type = if is_json && !headers.contains("Content-Type") { "Content-Type: application/json\n" } else { "" };
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\n", body.len()) };
    let headers = if headers.is_empty() { String::new() } else { format!("{}\n", headers.trim_end()) };
    format!("{start}\n{headers}{content_type}{length}\n").replace('\n', "\r\n").into()
}

fn message_body(body: &str) -> Body {
    if body.is_empty() {
        return Body::empty();
    }
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    Body { wire_length: bytes.len() as u64, slices: vec![bytes], completeness: Completeness::Whole, framing: BodyFraming::Length }
}

/// The exchange `index` of `connection`, under way from `start` to `end` (milliseconds).
pub(crate) fn exchange(connection: u64, index: u32, start: i64, end: i64, request_text: &str, response_text: &str) -> Exchange {
    let at = |millis: i64| Timestamp::from_nanos(millis * 1_000_000);
    Exchange {
        id: ExchangeId { connection: ConnectionId(connection), index },
        start: at(start),
        timing: Timing { request_end: Some(at(start)), first_byte: Some(at(end)), end: Some(at(end)) },
        request: Some(request(request_text)),
        response: Some(response(response_text)),
        anomalies: std::collections::BTreeSet::new(),
        ..Exchange::between("192.0.2.1:1000".parse().unwrap(), "192.0.2.2:80".parse().unwrap())
    }
}

/// One exchange after the other, ten milliseconds apart, each over when the next begins: connection, request, response.
pub(crate) fn script(lines: &[(u64, &str, &str)]) -> Vec<Exchange> {
    let mut indices = std::collections::BTreeMap::new();
    (0..)
        .zip(lines)
        .map(|(position, (connection, request, response))| {
            let index: &mut u32 = indices.entry(*connection).or_default();
            *index += 1;
            exchange(*connection, *index, position * 10, position * 10 + 5, request, response)
        })
        .collect()
}

/// What a test server does with a request.
pub(crate) enum Act {
    /// Answers with these bytes.
    Answer(String),
    /// Answers with these bytes after a while.
    Later(std::time::Duration, String),
    /// Never answers.
    Hang,
    /// Closes the connection.
    Close,
}

/// `HTTP/1.1 200` with a body.
pub(crate) fn ok(body: &str) -> Act {
    Act::Answer(format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

/// A server on this machine that keeps what it was sent. It serves until the process ends.
pub(crate) struct Server {
    pub(crate) address: std::net::SocketAddr,
    /// The raw heads of the requests, but for probes, by connection.
    pub(crate) seen: std::sync::Arc<std::sync::Mutex<Vec<Vec<String>>>>,
}

impl Server {
    /// `act` is given method and target. A marked server answers the probe by itself.
    pub(crate) fn start(marked: bool, act: impl Fn(&str, &str) -> Act + Send + Sync + 'static) -> Self {
        use std::io::{Read, Write};
        use std::sync::{Arc, Mutex};

        use reenact_formats::model::Side;
        use reenact_formats::wire::http1::{Decoder, Event, Limits};

        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::<Vec<String>>::new()));
        let (act, log) = (Arc::new(act), Arc::clone(&seen));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (act, log) = (Arc::clone(&act), Arc::clone(&log));
                std::thread::spawn(move || {
                    stream.set_nodelay(true).unwrap();
                    let mut decoder = Decoder::new(Side::Request, Limits::default());
                    let mut buffer = [0; 4096];
                    let mut connection = None;
                    loop {
                        while let Some(event) = decoder.next() {
                            let Event::Message(decoded) = event else { continue };
                            let head = decoded.message.head;
                            let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
                            let (method, target) = (text(head.method()), text(head.target()));
                            let act = if marked && target == crate::safety::MARK {
                                ok("")
                            } else {
                                if target != crate::safety::MARK {
                                    let mut log = log.lock().unwrap();
                                    let connection = *connection.get_or_insert_with(|| {
                                        log.push(Vec::new());
                                        log.len() - 1
                                    });
                                    log[connection].push(text(Some(head.raw())));
                                }
                                act(&method, &target)
                            };
                            match act {
                                Act::Answer(answer) => stream.write_all(answer.as_bytes()).unwrap_or_default(),
                                Act::Later(after, answer) => {
                                    // Waits on the socket rather than asleep: nothing comes.
                                    stream.set_read_timeout(Some(after)).unwrap();
                                    let _ = stream.peek(&mut [0]);
                                    stream.set_read_timeout(None).unwrap();
                                    stream.write_all(answer.as_bytes()).unwrap_or_default();
                                }
                                Act::Hang => {}
                                Act::Close => return,
                            }
                        }
                        match stream.read(&mut buffer) {
                            Ok(count) if count > 0 => decoder.feed(Bytes::copy_from_slice(&buffer[..count]), Timestamp::default()),
                            _ => return,
                        }
                    }
                });
            }
        });
        Self { address, seen }
    }

    /// As a target.
    pub(crate) fn url(&self) -> crate::TargetUrl {
        format!("http://{}", self.address).parse().unwrap()
    }
}

/// Redacts by putting `REDACTED` in place of every body that it sees.
pub(crate) struct Blank;

impl reenact_formats::seam::Redact for Blank {
    fn exchange(&mut self, _: &mut Exchange) {}

    fn response(&mut self, request: Option<&Message>, response: &mut Message) -> Vec<reenact_formats::model::Redaction> {
        assert!(request.is_some(), "what was sent is known");
        if response.body.kept_length() > 0 {
            response.body.replace(Bytes::from_static(b"REDACTED"));
        }
        Vec::new()
    }

    fn value(&mut self, _: &str, value: &str) -> String {
        value.to_owned()
    }

    fn key_id(&self) -> reenact_formats::model::KeyId {
        reenact_formats::model::KeyId::from_digest([1; 8])
    }

    fn policy_digest(&self) -> String {
        "00".repeat(32)
    }
}
