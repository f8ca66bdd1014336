//! A small service that shares nothing with the demo service: a desk that lends gear to members.
//!
//! It issues values of many shapes: a member's number, a pass, a cookie of three letters, loans with codes (`L-7`) and lines,
//! entity tags of two characters, cursors that need escaping, parcels behind absolute links in compressed bodies, slips in plain
//! text. Two desks issue different ones. Whoever comes with a value that this desk did not issue is refused.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use reenact_formats::content::coding;
use reenact_formats::model::{Message, Side, Timestamp};
use reenact_formats::wire::http1::{Decoder, Event, Limits};

/// What makes a desk issue other values than another.
pub(crate) struct Settings {
    /// Of everything that is drawn.
    pub(crate) seed: u64,
    /// The number of the first member.
    pub(crate) first_member: u64,
    /// The number of the first loan.
    pub(crate) first_loan: u64,
    /// Whether it says that it is a sandbox.
    pub(crate) marked: bool,
}

/// A running desk. It serves until the process ends.
pub(crate) struct Desk {
    pub(crate) address: SocketAddr,
}

#[derive(Default)]
struct State {
    drawn: u64,
    members: u64,
    loans: u64,
    /// Pass to member number, cookie.
    passes: BTreeMap<String, (u64, String)>,
    /// Code to pass, label, entity tag.
    codes: BTreeMap<String, (String, String, String)>,
    cursors: Vec<String>,
    parcels: Vec<String>,
    slips: Vec<String>,
    marked: bool,
}

impl Desk {
    pub(crate) fn open(settings: &Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let Settings { seed, first_member, first_loan, marked } = *settings;
        let state = Arc::new(Mutex::new(State { drawn: seed, members: first_member, loans: first_loan, marked, ..State::default() }));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { address }
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let _ = stream.set_nodelay(true);
    let mut decoder = Decoder::new(Side::Request, Limits::default());
    let mut buffer = [0; 8192];
    loop {
        while let Some(event) = decoder.next() {
            if let Event::Message(decoded) = event {
                let answer = state.lock().expect("no handler panics").answer(&decoded.message);
                if stream.write_all(&answer).is_err() {
                    return;
                }
            }
        }
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => decoder.feed(Bytes::copy_from_slice(&buffer[..count]), Timestamp::default()),
            _ => return,
        }
    }
}

/// Status, header lines, body.
type Answer = (u16, String, Vec<u8>);

impl State {
    fn draw(&mut self, alphabet: &[u8], length: usize) -> String {
        let mut text = String::new();
        for _ in 0..length {
            self.drawn = self.drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push(char::from(alphabet[(self.drawn >> 33) as usize % alphabet.len()]));
        }
        text
    }

    fn answer(&mut self, request: &Message) -> Vec<u8> {
        let head = &request.head;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (method, target) = (text(head.method().unwrap_or_default()), text(head.target().unwrap_or_default()));
        let header = |name: &str| head.header(name).map(text).unwrap_or_default();
        let body = text(&request.body.contiguous());
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let pass = Some(header("x-pass")).filter(|pass| !pass.is_empty()).or_else(|| query.strip_prefix("pass=").map(str::to_owned)).unwrap_or_default();
        let member = self.passes.get(&pass).cloned();
        let segments: Vec<_> = path.split('/').skip(1).collect();
        let (status, headers, body) = match (method.as_str(), segments.as_slice()) {
            ("GET", [".well-known", "reenact-sandbox"]) => (if self.marked { 204 } else { 404 }, String::new(), Vec::new()),
            ("POST", ["enrol"]) => self.enrol(&body),
            ("GET", ["whoami"]) => match member {
                Some((number, seat)) if header("cookie") == format!("theme=dark; seat={seat}") => json(200, format!("{{\"no\":{number}}}")),
                _ => refused(401),
            },
            ("POST", ["loans"]) => match member {
                Some((number, _)) if body.contains(&format!("\"borrower\":{number},")) => self.lend(pass, &body),
                Some(_) => refused(403),
                None => refused(401),
            },
            ("GET", ["loans"]) => self.page(query),
            ("GET", ["loans", code]) => match self.codes.get(*code) {
                Some((owner, label, tag)) if *owner == pass => (200, format!("ETag: \"{tag}\"\r\n"), format!("label={label}").into_bytes()),
                Some(_) => refused(403),
                None => refused(404),
            },
            ("PATCH", ["loans", code]) => match self.codes.get_mut(*code) {
                Some((_, _, tag)) if header("if-match") == format!("\"{tag}\"") => (204, String::new(), Vec::new()),
                Some(_) => refused(412),
                None => refused(404),
            },
            ("GET", ["labels", label]) => match self.codes.values().any(|(_, known, _)| known == label) {
                true => (204, String::new(), Vec::new()),
                false => refused(404),
            },
            ("GET", ["members", number, "loans"]) => match member {
                Some((own, _)) if own.to_string() == *number => json(200, "[]".to_owned()),
                _ => refused(403),
            },
            ("POST", ["parcels"]) => self.parcel(&header("host")),
            ("GET", ["parcels", parcel]) => (if self.parcels.iter().any(|known| known == parcel) { 200 } else { 404 }, String::new(), Vec::new()),
            ("POST", ["slips"]) => {
                let slip = format!("{}-{}", self.draw(b"ABCDEFGHKLMNPQRSTUVWXYZ23456789", 6), self.draw(b"0123456789", 5));
                self.slips.push(slip.clone());
                (201, "Content-Type: text/plain\r\n".to_owned(), format!("Keep this slip: {slip}.\nThank you.").into_bytes())
            }
            ("POST", ["redeem"]) => (if self.slips.iter().any(|slip| body == format!("slip={slip}&now=1")) { 200 } else { 404 }, String::new(), Vec::new()),
            _ => refused(404),
        };
        let length = if status == 204 { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        [format!("HTTP/1.1 {status} Desk\r\n{headers}{length}\r\n").into_bytes(), body].concat()
    }

    fn enrol(&mut self, body: &str) -> Answer {
        if !body.starts_with("nick=") {
            return refused(400);
        }
        let pass = self.draw(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 18);
        let seat = self.draw(b"abcdefghijklmnopqrstuvwxyz", 3);
        self.members += 1;
        self.passes.insert(pass.clone(), (self.members, seat.clone()));
        let body = format!("{{\"member\":{{\"pass\":\"{pass}\",\"no\":{}}}}}", self.members);
        (201, format!("Set-Cookie: seat={seat}; HttpOnly\r\nContent-Type: application/json\r\n"), body.into_bytes())
    }

    fn lend(&mut self, pass: String, body: &str) -> Answer {
        let label = body.split("\"label\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned();
        self.loans += 1;
        let code = format!("L-{}", self.loans);
        let tag = self.draw(b"0123456789", 2);
        self.codes.insert(code.clone(), (pass, label.clone(), tag));
        let body = format!("{{\"loan\":{{\"code\":\"{code}\",\"label\":\"{label}\"}}}}");
        (201, format!("Location: /loans/{code}\r\nContent-Type: application/json\r\n"), body.into_bytes())
    }

    fn page(&mut self, query: &str) -> Answer {
        if let Some(after) = query.strip_prefix("after=") {
            let after = after.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
            if !self.cursors.contains(&after) {
                return refused(400);
            }
        }
        let cursor = format!("{}+/==", self.draw(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 14));
        self.cursors.push(cursor.clone());
        json(200, format!("{{\"more\":\"{cursor}\"}}"))
    }

    fn parcel(&mut self, host: &str) -> Answer {
        let hex = b"0123456789abcdef";
        let parts = [8, 4, 4, 4, 12].map(|length| self.draw(hex, length));
        let parcel = parts.join("-");
        self.parcels.push(parcel.clone());
        let body = coding::encode(b"gzip", format!("{{\"href\":\"http://{host}/parcels/{parcel}\"}}").as_bytes()).expect("gzip is known");
        (201, "Content-Type: application/json\r\nContent-Encoding: gzip\r\n".to_owned(), body)
    }
}

fn json(status: u16, body: String) -> Answer {
    (status, "Content-Type: application/json\r\n".to_owned(), body.into_bytes())
}

fn refused(status: u16) -> Answer {
    json(status, "{\"refused\":true}".to_owned())
}

/// A client of a desk: sends requests as they are written and keeps both sides as they were on the wire.
pub(crate) struct Client {
    stream: TcpStream,
    decoder: Decoder,
}

impl Client {
    pub(crate) fn connect(desk: &Desk) -> Self {
        let stream = TcpStream::connect(desk.address).expect("the desk is open");
        stream.set_nodelay(true).expect("a socket");
        Self { stream, decoder: Decoder::new(Side::Response, Limits::default()) }
    }

    /// Sends one request; `headers` are lines that end in CRLF. Answers with both messages.
    pub(crate) fn ask(&mut self, method: &str, target: &str, headers: &str, body: &str) -> (Message, Message) {
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let request = format!("{method} {target} HTTP/1.1\r\nHost: desk.example\r\n{headers}{length}\r\n{body}");
        self.stream.write_all(request.as_bytes()).expect("the desk listens");
        self.decoder.expect(Default::default());
        let mut buffer = [0; 8192];
        let response = loop {
            if let Some(Event::Message(decoded)) = self.decoder.next() {
                break decoded.message;
            }
            let count = self.stream.read(&mut buffer).expect("the desk answers");
            assert!(count > 0, "the desk hung up");
            self.decoder.feed(Bytes::copy_from_slice(&buffer[..count]), Timestamp::default());
        };
        let mut decoder = Decoder::new(Side::Request, Limits::default());
        decoder.feed(request.into(), Timestamp::default());
        let request = std::iter::from_fn(|| decoder.next()).find_map(|event| if let Event::Message(decoded) = event { Some(decoded.message) } else { None });
        (request.expect("what was sent is a request"), response)
    }
}

/// What a member does, on `client`, with a name of its own; each exchange goes to `saw`. All of it succeeds.
pub(crate) fn visit(client: &mut Client, nick: &str, saw: &mut dyn FnMut(Message, Message)) {
    const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
    const JSON: &str = "Content-Type: application/json\r\n";
    let mut ask = |method: &str, target: &str, headers: &str, body: &str| {
        let (request, response) = client.ask(method, target, headers, body);
        let status = response.head.status().expect("a response");
        assert!(status < 300, "{method} {target} was answered {status}");
        let content = coding::decoded_body(&response, 1 << 20).expect("readable");
        let content = String::from_utf8_lossy(&content).into_owned();
        let header = |name: &str| response.head.header(name).map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default();
        let found = (content, header("set-cookie"), header("location"), header("etag"));
        saw(request, response);
        found
    };
    let between = |text: &str, before: &str, after: &str| {
        let rest = text.split(before).nth(1).unwrap_or_else(|| panic!("{before} is there"));
        rest.split(after).next().unwrap_or_default().to_owned()
    };
    let (member, cookie, ..) = ask("POST", "/enrol", FORM, &format!("nick={nick}"));
    let (pass, number) = (between(&member, "\"pass\":\"", "\""), between(&member, "\"no\":", "}"));
    let seat = between(&cookie, "seat=", ";");
    let badge = format!("X-Pass: {pass}\r\n");
    ask("GET", "/whoami", &format!("{badge}Cookie: theme=dark; seat={seat}\r\n"), "");
    let label = format!("{nick}-drill-2291");
    let loan = format!("{{\"borrower\":{number},\"label\":\"{label}\"}}");
    let (_, _, location, _) = ask("POST", "/loans", &format!("{badge}{JSON}"), &loan);
    let (_, _, _, tag) = ask("GET", &location, &badge, "");
    ask("PATCH", &location, &format!("If-Match: {tag}\r\n"), "");
    ask("GET", &format!("/labels/{label}"), "", "");
    ask("GET", &format!("/members/{number}/loans?pass={pass}"), "", "");
    let (page, ..) = ask("GET", "/loans", "", "");
    let cursor = between(&page, "\"more\":\"", "\"").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    ask("GET", &format!("/loans?after={cursor}"), "", "");
    let (parcel, ..) = ask("POST", "/parcels", "", "");
    ask("GET", &format!("/parcels/{}", between(&parcel, "/parcels/", "\"")), "", "");
    let (slip, ..) = ask("POST", "/slips", "", "");
    ask("POST", "/redeem", FORM, &format!("slip={}&now=1", between(&slip, "slip: ", ".")));
}
