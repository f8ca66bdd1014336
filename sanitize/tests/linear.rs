//! Shapes that made other engines slow: four times as much of one takes about four times as long, not sixteen.

use std::time::Duration;

use bytes::Bytes;
use reenact_formats::model::{Body, BodyFraming, Completeness, Exchange, Head, Message, Timestamp};
use reenact_formats::seam::Redact;
use reenact_sanitize::{Key, Policy, Redactor, ResidueCheck};
use rustix::time::{ClockId, clock_gettime};

/// What stands before all, what is repeated, and what stands behind all.
const SHAPES: &[(&str, &str, &str)] = &[
    ("", "@", ""),
    ("", "a@", ""),
    ("a@", "a.", ""),
    ("", "4", ""),
    ("", "41 ", ""),
    ("", "1-", ""),
    ("", "A", ""),
    ("", "Ab ", ""),
    ("", "aA1_", ""),
    ("", ".", ""),
    ("", "1.", ""),
    ("", "a:", ""),
    ("", "::", ""),
    ("", "[{(", ""),
    ("", "%25", ""),
    ("", "%2540 ", ""),
    ("", "\\u0041", ""),
    ("", "\\\\", ""),
    ("", "\"", ""),
    ("", "eyJ", ""),
    ("", "eyJhbGciOiJub25lIn0.", ""),
    ("", "-----BEGIN ", ""),
    ("", "-----BEGIN PRIVATE KEY-----\n", ""),
    ("", "https://", ""),
    ("", "https://a:b@", ""),
    ("", "a=b&", ""),
    ("", "password=", ""),
    ("", "my password is ", ""),
    ("", "password: x, ", ""),
    ("", "&#64;", ""),
    ("", "QUFB", ""),
    ("", "eyJhIjoi", ""),
    ("", "ann@shop.example.com ", ""),
    ("", "4111111111111111 ", ""),
    ("", "Bearer ", ""),
    ("", "Digest a=b, ", ""),
    ("", "Ann Lee ", ""),
    ("", "1 Elm Street, ", ""),
    ("", "+49 30 1234567 ", ""),
    ("", "2001:4860::", ""),
    ("", "93.184.216.34 ", ""),
    ("", "00:1b:44:11:3a:b7 ", ""),
    ("", "01.02.1990 ", ""),
    ("", "é", ""),
    ("", "<a>", ""),
    ("", "<a b='c", ""),
    ("", "a,b\n", ""),
    ("", "data: x\n\n", ""),
    ("", "&amp;", ""),
    ("", "41-41/", ""),
    ("", "a.b-c_", ""),
    ("", "AccountKey=", ""),
    ("", "-a", ""),
    ("", "sk-ant-api03-", "xxxxxxxxxxxx"),
    ("", "glpat-", "xxxxxxxxxxxx"),
    ("", "SG.", "xxxxxxxxxxxx"),
    ("", "xoxb-", "!"),
    ("", "{\"a\":", "1"),
    ("{\"a\":[", "{\"password\":\"x1y2z3\",\"b\":[1]},", "0]}"),
    ("{", "\"email\":\"a@b.cd\",", "\"a\":1}"),
    ("[", "\"-----BEGIN PRIVATE KEY-----\",", "0]"),
];

/// The ratio is four where work grows with length, sixteen where it grows with its square.
const MOST: f64 = 9.0;
const LENGTH: usize = 2 << 10;

#[test]
fn work_grows_with_length() {
    let key = Key::from_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("a key");
    let redactor = Redactor::new(&Policy::default(), &key);
    redact(&redactor, "text/plain", "password=warm");
    let mut slow = Vec::new();
    for (before, repeated, behind) in SHAPES {
        let of_length = |length: usize| format!("{before}{}{behind}", repeated.repeat(length / repeated.len()));
        let quoted = |length: usize| serde_json::to_string(&[of_length(length)]).expect("text");
        for (media_type, make) in
            [("text/plain", &of_length as &dyn Fn(usize) -> String), ("application/json", &quoted), ("application/x-www-form-urlencoded", &of_length)]
        {
            let [short, long] = [make(LENGTH), make(4 * LENGTH)];
            // What else the machine does only adds: the least of three is nearest to the truth.
            let least = |text: &str| (0..3).map(|_| redact(&redactor, media_type, text)).min().expect("three");
            let (once, four) = (least(&short), least(&long));
            // Below this, what does not grow is most of it.
            if four > Duration::from_millis(20) && four.as_secs_f64() > MOST * once.as_secs_f64() {
                slow.push(format!("{repeated:?} as {media_type}: {once:?}, four times as much {four:?}"));
            }
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}

/// The time that this thread takes to redact a request with `text` in its body, and to check what is left.
fn redact(redactor: &Redactor, media_type: &str, text: &str) -> Duration {
    let head = format!("POST /x HTTP/1.1\r\nContent-Type: {media_type}\r\n\r\n");
    let body = Body {
        slices: vec![Bytes::copy_from_slice(text.as_bytes())],
        wire_length: text.len() as u64,
        completeness: Completeness::Whole,
        framing: BodyFraming::Close,
    };
    let mut exchange = exchange(Message { head: Head::request(Bytes::from(head)).expect("a head"), body, trailers: None });
    let mut lane = redactor.lane();
    let began = time_of_thread();
    lane.exchange(&mut exchange);
    ResidueCheck::new(&Policy::default(), Some(lane.originals())).exchange(&exchange);
    time_of_thread().saturating_sub(began)
}

fn time_of_thread() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().expect("time goes forward")
}

fn exchange(request: Message) -> Exchange {
    Exchange { start: Timestamp::from_nanos(1), request: Some(request), ..Exchange::between(([127, 0, 0, 1], 5000).into(), ([127, 0, 0, 1], 80).into()) }
}
