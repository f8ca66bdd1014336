use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use reenact_formats::model::{Anomaly, Completeness, Exchange, LossCause, Notice, Unreadable};
use reenact_formats::seam::BoxError;

use super::*;

struct All(Vec<Exchange>);

impl ExchangeSink for All {
    fn exchange(&mut self, exchange: Exchange) -> Result<(), BoxError> {
        self.0.push(exchange);
        Ok(())
    }
}

/// What comes of a file.
fn import(data: &[u8], options: &ImportOptions) -> Result<(Vec<Exchange>, Imported), Error> {
    let mut all = All(Vec::new());
    let input = Input::new("it", Box::new(input::Steps::new(data.to_vec(), 1000)));
    let imported = Importer::begin(input, options)?.run(&mut all, &Control::default())?;
    assert!(imported.ledger.is_balanced(), "{:?}", imported.ledger);
    Ok((all.0, imported))
}

fn of(data: &[u8]) -> (Vec<Exchange>, Imported) {
    import(data, &ImportOptions::default()).expect("it can be imported")
}

/// What the messages of an exchange say, the request's first: head and body, and what is known of a body that is not there.
fn said(exchange: &Exchange) -> [String; 2] {
    [&exchange.request, &exchange.response].map(|message| {
        let Some(message) = message else { return String::new() };
        assert!(!message.head.is_malformed());
        let lost = match message.body.completeness {
            Completeness::Dropped { reason, .. } => format!("({reason} of {})", message.body.wire_length),
            _ => String::new(),
        };
        format!("{}{}{lost}", String::from_utf8_lossy(message.head.raw()), String::from_utf8_lossy(&message.body.contiguous())).replace("\r\n", "|")
    })
}

mod gor {
    use super::*;

    const MONKEYS: &str = "\n🐵🙈🙉\n";
    /// Port 40000 of 10.1.2.3 to port 8080.
    const ID: [&str; 2] = ["9c401f900a01020300000001", "9c401f900a01020300000002"];
    const OTHER: &str = "9c411f900a01020300000001";
    const GET: &str = "GET /a HTTP/1.1\r\nHost: shop.example\r\n\r\n";
    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

    fn file(records: &[(u8, &str, i64, &str)]) -> String {
        records.iter().map(|(kind, id, at, payload)| format!("{kind} {id} {at} 5\n{payload}{MONKEYS}")).collect()
    }

    fn told(exchanges: &[Exchange]) -> Vec<(String, i64, Option<u16>)> {
        exchanges.iter().map(|exchange| (exchange.id.to_string(), exchange.start.as_nanos(), exchange.status())).collect()
    }

    #[test]
    fn pairs_and_connections_are_rebuilt() {
        let text = file(&[(1, ID[0], 100, GET), (1, OTHER, 110, GET), (2, ID[0], 200, OK), (3, ID[0], 210, OK), (1, ID[1], 300, GET), (2, ID[1], 310, OK)]);
        let (exchanges, imported) = of(text.as_bytes());
        assert_eq!(told(&exchanges), [("1.1".to_owned(), 100, Some(200)), ("1.2".to_owned(), 300, Some(200)), ("2.1".to_owned(), 110, None)]);
        let first = &exchanges[0];
        assert_eq!((first.client.to_string(), first.server.to_string()), ("10.1.2.3:40000".to_owned(), "0.0.0.0:8080".to_owned()));
        assert_eq!([first.timing.request_end, first.timing.first_byte, first.timing.end].map(|time| time.unwrap().as_nanos()), [105, 200, 205]);
        assert_eq!((imported.ledger.entries, imported.ledger.connections, imported.ledger.complete), (6, 2, 2));
        assert_eq!((imported.ledger.notices[&Notice::PassedOver], imported.ledger.lost[&LossCause::MissingResponse]), (1, 1));
        assert!(imported.notes.is_empty() && imported.damage.is_none(), "{imported:?}");
    }

    #[test]
    fn long_ids_tell_no_connection() {
        let ids = ["a", "b"].map(|digit| digit.repeat(40));
        let (exchanges, _) = of(file(&[(1, &ids[0], 1, GET), (1, &ids[1], 2, GET), (2, &ids[1], 3, OK), (2, &ids[0], 4, OK)]).as_bytes());
        assert_eq!(told(&exchanges), [("2.1".to_owned(), 2, Some(200)), ("1.1".to_owned(), 1, Some(200))]);
        assert_eq!(exchanges[0].client.to_string(), "0.0.0.0:0");
    }

    #[test]
    fn answers_may_come_first_or_alone() {
        let (exchanges, imported) = of(file(&[(2, ID[0], 5, OK), (1, ID[0], 1, GET), (2, OTHER, 9, OK)]).as_bytes());
        assert_eq!(told(&exchanges), [("1.1".to_owned(), 1, Some(200)), ("3.1".to_owned(), 9, Some(200))]);
        assert!(exchanges[1].anomalies.contains(&Anomaly::MissingRequest));
        assert_eq!(imported.ledger.lost[&LossCause::MissingRequest], 1);
    }

    #[test]
    fn bodies_may_hold_what_ends_records() {
        let body = format!("one{MONKEYS}two{MONKEYS}1 no meta\n");
        let post = format!("POST /a HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let (exchanges, imported) = of(file(&[(1, ID[0], 1, &post), (2, ID[0], 2, OK)]).as_bytes());
        assert_eq!(exchanges[0].request.as_ref().unwrap().body.contiguous().as_ref(), body.as_bytes());
        assert_eq!((exchanges.len(), imported.ledger.entries), (1, 2));
    }

    #[test]
    fn chunks_interim_answers_and_answers_without_a_length() {
        let chunked = "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n";
        let answer = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.0 200 OK\r\n\r\nall of it";
        let (exchanges, _) = of(file(&[(1, ID[0], 1, chunked), (2, ID[0], 2, answer)]).as_bytes());
        let (request, response) = (exchanges[0].request.as_ref().unwrap(), exchanges[0].response.as_ref().unwrap());
        assert_eq!((request.body.contiguous().as_ref(), request.trailers.is_some()), (&b"abc"[..], true));
        assert_eq!((response.body.contiguous().as_ref(), exchanges[0].interim.len()), (&b"all of it"[..], 1));
        assert!(exchanges[0].is_complete());
    }

    #[test]
    fn an_answer_to_head_has_no_body() {
        let head = "HEAD /a HTTP/1.1\r\n\r\n";
        let (exchanges, _) = of(file(&[(2, ID[0], 2, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"), (1, ID[0], 1, head)]).as_bytes());
        assert!(exchanges[0].is_complete());
    }

    #[test]
    fn the_last_record_may_lack_its_end() {
        let text = file(&[(1, ID[0], 1, GET), (2, ID[0], 2, OK)]);
        let (exchanges, imported) = of(text.strip_suffix(MONKEYS).unwrap().as_bytes());
        assert_eq!(told(&exchanges), [("1.1".to_owned(), 1, Some(200))]);
        assert_eq!(imported.notes, ["record 2, the last of it, has no end: it was taken as it is"]);
        // Cut in its body, it says so.
        let (exchanges, _) = of(&text.as_bytes()[..text.len() - MONKEYS.len() - 1]);
        assert_eq!(exchanges[0].response.as_ref().unwrap().body.completeness, Completeness::TruncatedAt(1));
    }

    #[test]
    fn what_ends_a_record_is_no_matter_of_how_the_file_is_read() {
        for spaces in [1, 50, 999, 1000, 1001, 70_000, 262_144, 300_000] {
            let body = format!("a{MONKEYS}{}tail", " ".repeat(spaces));
            let post = format!("POST /a HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let text = file(&[(1, ID[0], 1, &post), (2, ID[0], 2, OK)]);
            for step in [1000, usize::MAX] {
                let (exchanges, imported) = outcome(text.as_bytes(), ImportFormat::Gor, step);
                let request = exchanges[0].request.as_ref().unwrap();
                assert_eq!((exchanges.len(), request.body.kept_length(), imported.unwrap().ledger.entries), (1, body.len() as u64, 2), "{spaces} {step}");
            }
        }
        // A few behind the last one end the file.
        let (_, imported) = of(format!("{} \n\n", file(&[(1, ID[0], 1, GET), (2, ID[0], 2, OK)])).as_bytes());
        assert_eq!((imported.ledger.entries, imported.notes.len()), (2, 0));
    }

    #[test]
    fn times_may_be_below_zero() {
        let text = format!("1 {} 100 -1\n{GET}{MONKEYS}2 {} -7 3\n{OK}{MONKEYS}", ID[0], ID[0]);
        let (exchanges, imported) = of(text.as_bytes());
        assert_eq!((told(&exchanges), imported.ledger.entries), (vec![("1.1".to_owned(), 100, Some(200))], 2));
        assert_eq!([exchanges[0].timing.request_end, exchanges[0].timing.end].map(|time| time.unwrap().as_nanos()), [100, -4]);
    }

    #[test]
    fn what_cannot_be_read_is_counted_with_its_place() {
        let mut text = file(&[(1, ID[0], 1, GET), (1, ID[1], 2, "no request at all"), (2, ID[0], 3, "no answer")]);
        text.push_str(&format!("1 {OTHER} 4\n{GET}{MONKEYS}1 {OTHER} yesterday\n{GET}{MONKEYS}"));
        let (exchanges, imported) = of(text.as_bytes());
        assert_eq!(exchanges.len(), 2);
        let places = [(2, Unreadable::Request), (3, Unreadable::Response), (5, Unreadable::Form)];
        assert_eq!(imported.ledger.unreadable, places.into());
        assert_eq!((imported.ledger.entries, imported.ledger.lost[&LossCause::UnreadableEntry]), (5, 3));
    }

    #[test]
    fn members_of_gzip_are_one_file() {
        let text = file(&[(1, ID[0], 1, GET), (2, ID[0], 2, OK), (1, OTHER, 3, GET), (2, OTHER, 4, OK)]);
        let pack = |part: &[u8]| {
            let mut packed = GzEncoder::new(Vec::new(), Compression::default());
            packed.write_all(part).unwrap();
            packed.finish().unwrap()
        };
        let (one, two) = text.as_bytes().split_at(text.len() / 3);
        let packed = [pack(one), pack(two)].concat();
        assert_eq!(of(&packed).0, of(text.as_bytes()).0);
        // Cut off, what came before is imported, and the damage is told.
        let (exchanges, imported) = of(&packed[..packed.len() - 10]);
        assert!(!exchanges.is_empty() && imported.damage.is_some_and(|damage| damage.contains("near byte")), "{}", exchanges.len());
    }

    #[test]
    fn a_body_over_the_limit_is_dropped() {
        let post = format!("POST /a HTTP/1.1\r\nContent-Length: 100\r\n\r\n{}", "x".repeat(100));
        let (exchanges, imported) = import(file(&[(1, ID[0], 1, &post)]).as_bytes(), &ImportOptions { max_body: 10, ..ImportOptions::default() }).unwrap();
        let body = &exchanges[0].request.as_ref().unwrap().body;
        assert_eq!((body.wire_length, body.kept_length(), imported.ledger.lost[&LossCause::BodyOverLimit]), (100, 0, 100));
    }
}

mod har {
    use reenact_formats::model::{DropReason, Unknown};

    use super::*;

    const REQUEST: &str = r#""request":{"method":"GET","url":"http://shop.example/a","httpVersion":"HTTP/1.1","headers":[]}"#;
    const RESPONSE: &str =
        r#""response":{"status":200,"statusText":"OK","httpVersion":"HTTP/1.1","headers":[],"content":{"size":2,"mimeType":"text/plain","text":"hi"}}"#;
    const STARTED: &str = r#""startedDateTime":"2026-11-20T12:03:00.123+01:00""#;

    fn har(entries: &[&str]) -> String {
        format!(
            r#"{{"log":{{"version":"1.2","pages":[{{"entries":[1,2]}}],"creator":{{"name":"\"entries\":["}},"entries":[{}],"comment":""}}}}"#,
            entries.join(",\n")
        )
    }

    fn entry(request: &str, response: &str) -> String {
        format!(r#"{{{STARTED},"_initiator":{}1{},{request},{response}}}"#, "[".repeat(500), "]".repeat(500))
    }

    /// The one exchange of one entry: the request, and the response if there is one, as they would be sent.
    fn sent(entry: &str) -> [String; 2] {
        let (exchanges, imported) = of(har(&[entry]).as_bytes());
        assert_eq!(exchanges.len(), 1, "{imported:?}");
        said(&exchanges[0])
    }

    #[test]
    fn an_entry_becomes_an_exchange() {
        let timings = r#""timings":{"blocked":1.5,"dns":-1,"connect":2,"ssl":1,"send":0.25,"wait":10,"receive":0.000001},"serverIPAddress":"[2001:db8::1]","connection":"7""#;
        let text = har(&[
            &format!("{{{STARTED},{REQUEST},{RESPONSE},{timings}}}"),
            &format!("{{{},{REQUEST},{RESPONSE},{STARTED}}}", timings.replace("\"7\"", "7")),
            &entry(REQUEST, RESPONSE),
        ]);
        let (exchanges, imported) = of(text.as_bytes());
        assert_eq!(exchanges.iter().map(|exchange| exchange.id.to_string()).collect::<Vec<_>>(), ["1.1", "1.2", "3.1"]);
        let first = &exchanges[0];
        assert_eq!((first.start.to_string().as_str(), first.server.to_string().as_str()), ("2026-11-20T11:03:00.1265Z", "[2001:db8::1]:80"));
        let at = |time: Option<reenact_formats::model::Timestamp>| time.unwrap().since(first.start).as_nanos();
        assert_eq!([first.timing.request_end, first.timing.first_byte, first.timing.end].map(at), [250_000, 10_250_000, 10_250_001]);
        assert!(first.is_complete() && imported.ledger.complete == 3);
        assert!(ImportFormat::Har.origin().unknown.contains(&Unknown::Framing));
    }

    #[test]
    fn heads_are_those_of_http_1() {
        let pseudo = r#"{"name":":authority","value":"evil"},{"name":":method","value":"GET"},{"name":"cookie","value":"a=b"}"#;
        let request =
            format!(r#""request":{{"method":"GET","url":"https://u:p@shop.example:8443/a b?x=\u0001#frag","httpVersion":"h2","headers":[{pseudo}]}}"#);
        let headers = r#"{"name":"set-cookie","value":"a=1\nb=2\r\nx: y"},{"name":"bad name","value":"v"},{"name":"content-encoding","value":"br"},{"name":"content-length","value":"1"},{"name":"transfer-encoding","value":"chunked"}"#;
        let response = format!(
            r#""response":{{"status":200,"statusText":"O\r\nK","httpVersion":"http/2.0","headers":[{headers}],"content":{{"size":2,"text":"aGk=","encoding":"base64"}}}}"#
        );
        let expected = [
            "GET /a%20b?x=%01 HTTP/1.1|Host: shop.example:8443|cookie: a=b||",
            "HTTP/1.1 200 O  K|set-cookie: a=1|set-cookie: b=2|set-cookie: x: y|content-length: 2||hi",
        ];
        assert_eq!(sent(&entry(&request, &response)), expected);
    }

    #[test]
    fn bodies_of_requests() {
        let post = |headers: &str, post: &str| {
            sent(&entry(&format!(r#""request":{{"method":"POST","url":"http://h/","headers":[{headers}],"postData":{post}}}"#), RESPONSE))[0]
                .split_once("||")
                .unwrap()
                .1
                .to_owned()
        };
        let length = r#"{"name":"Content-Length","value":"5"}"#;
        let gzip = r#"{"name":"Content-Encoding","value":"gzip"}"#;
        for (headers, given, expected) in [
            ("", r#"{"mimeType":"text/plain","text":"a\ud83d"}"#, "a\u{fffd}\u{fffd}\u{fffd}"),
            ("", r#"{"mimeType":"application/x-www-form-urlencoded","params":[{"name":"a b","value":"c&d"},{"name":"e","value":null}]}"#, "a+b=c%26d&e="),
            (length, r#"{"text":"12345"}"#, "12345"),
            // What the page sent was no text.
            (length, r#"{"text":"123\ufffd"}"#, "(not_recorded of 5)"),
            (length, r#"{"mimeType":"multipart/form-data","params":[{"name":"file","fileName":"x"}]}"#, "(not_recorded of 5)"),
            (gzip, r#"{"text":"\u001f\ufffd"}"#, "(not_recorded of 0)"),
            (gzip, r#"{"text":"AQI=","_encoding":"base64"}"#, "\u{1}\u{2}"),
            ("", r#"{"text":"*","encoding":"base64"}"#, "(not_recorded of 0)"),
        ] {
            assert_eq!(post(headers, given), expected, "{given}");
        }
        assert_eq!(
            sent(&entry(&format!(r#""request":{{"method":"PUT","url":"http://h/","headers":[{length}]}}"#), RESPONSE))[0],
            "PUT / HTTP/1.1|Host: h|Content-Length: 5||(not_recorded of 5)"
        );
    }

    #[test]
    fn bodies_of_responses() {
        let got = |method: &str, status: u16, headers: &str, content: &str| {
            let request = REQUEST.replace("GET", method);
            sent(&entry(&request, &format!(r#""response":{{"status":{status},"headers":[{headers}],"content":{content},"bodySize":-1}}"#)))[1]
                .split_once("||")
                .unwrap()
                .1
                .to_owned()
        };
        let latin = r#"{"name":"content-type","value":"text/html; charset=ISO-8859-1"}"#;
        for (method, status, headers, content, expected) in [
            ("GET", 200, "", r#"{"size":3,"text":"abc"}"#, "abc"),
            ("GET", 200, "", r#"{"size":3}"#, "(not_recorded of 3)"),
            ("GET", 200, "", r#"{"size":-1}"#, "(not_recorded of 0)"),
            ("GET", 200, "", r#"{"size":0}"#, ""),
            ("GET", 200, "", r#"{"size":0,"text":""}"#, ""),
            ("HEAD", 200, "", r#"{"size":3,"text":"abc"}"#, ""),
            ("GET", 304, "", r#"{"size":3,"text":"abc"}"#, ""),
            ("GET", 204, "", r#"{"size":0}"#, ""),
            ("GET", 200, latin, r#"{"size":2,"text":"\u00e9\u00e9"}"#, "\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(got(method, status, headers, content), expected, "{method} {status} {content}");
        }
        let over = har(&[&entry(REQUEST, RESPONSE)]);
        let (exchanges, imported) = import(over.as_bytes(), &ImportOptions { max_body: 1, ..ImportOptions::default() }).unwrap();
        let body = &exchanges[0].response.as_ref().unwrap().body;
        assert_eq!(body.completeness, Completeness::Dropped { reason: DropReason::OverLimit, seen_whole: true });
        assert_eq!(imported.ledger.anomalies[&Anomaly::BodyOverLimit], 1);
    }

    #[test]
    fn what_was_never_sent_is_passed_over_and_what_was_not_answered_is_told() {
        let blocked = r#""response":{"status":0,"statusText":"","httpVersion":"","headers":[],"content":{"size":0,"mimeType":""}}"#;
        let data = REQUEST.replace("http://shop.example/a", "data:text/plain,secret");
        let (exchanges, imported) = of(har(&[&entry(&data, RESPONSE), &entry(REQUEST, blocked), &entry(REQUEST, r#""_fromCache":"disk""#)]).as_bytes());
        assert_eq!((exchanges.len(), exchanges[0].response.is_none(), imported.ledger.notices[&Notice::PassedOver]), (1, true, 2));
    }

    #[test]
    fn an_entry_that_cannot_be_read_spoils_no_other() {
        let bad = [
            "17".to_owned(),
            "[]".to_owned(),
            r#""text""#.to_owned(),
            "{nonsense}".to_owned(),
            entry(REQUEST, RESPONSE).replace("2026", "yesterday"),
            entry(&REQUEST.replace("GET", "G T"), RESPONSE),
            entry(REQUEST, &RESPONSE.replace("200", "99999")),
            entry(REQUEST, &RESPONSE.replace("\"hi\"", "{}")),
        ];
        let good = entry(REQUEST, RESPONSE);
        let all: Vec<&str> = bad.iter().map(String::as_str).chain([good.as_str()]).collect();
        let (exchanges, imported) = of(har(&all).as_bytes());
        use Unreadable::{Form, Request, Response, Time};
        let places = [(1, Form), (2, Form), (3, Form), (4, Form), (5, Time), (6, Request), (7, Response), (8, Form)];
        assert_eq!((exchanges.len(), imported.ledger.unreadable), (1, places.into()));
        // A text that ends early has given what came before.
        let text = har(&[&good, &good]);
        let (exchanges, imported) = of(&text.as_bytes()[..text.len() - 40]);
        assert_eq!((exchanges.len(), imported.damage.as_deref()), (1, Some("it is cut off or damaged behind entry 1")));
    }

    #[test]
    fn a_bracket_too_many_ends_the_file() {
        let good = entry(REQUEST, RESPONSE);
        for (wrong, found, entries) in [(format!("{good}}}"), 1, 1), (format!("{good}, 5 }}"), 1, 2), ("}".to_owned(), 0, 0), (format!("{good}, }}"), 1, 1)] {
            let (exchanges, imported) = of(har(&[&wrong, &good]).as_bytes());
            assert_eq!((exchanges.len(), imported.ledger.entries), (found, entries), "{wrong}");
            assert_eq!(imported.damage, Some(format!("it is cut off or damaged behind entry {entries}")));
        }
    }
}

mod access_log {
    use super::*;

    const LINE: &str = r#"203.0.113.7 - frank [10/Oct/2026:13:55:36 -0700] "GET /a?b=c HTTP/2.0" 200 2326 "http://r.example/" "Mozilla \"x\" \x41\xc3\xa9""#;

    fn sent(line: &str) -> [String; 2] {
        let options = ImportOptions { host: Some("shop.example".to_owned()), ..ImportOptions::default() };
        let (exchanges, imported) = import(line.as_bytes(), &options).unwrap();
        assert_eq!(exchanges.len(), 1, "{imported:?}");
        said(&exchanges[0])
    }

    #[test]
    fn lines_become_requests_without_bodies() {
        let get = "GET /a?b=c HTTP/1.1|Host: shop.example|Referer: http://r.example/|User-Agent: Mozilla \"x\" Aé||";
        let got = "HTTP/1.1 200 |Content-Length: 2326||(not_recorded of 2326)";
        let plain = |line: &str| line.replace(" \"http://r.example/\"", "").split(" \"Mozilla").next().unwrap().to_owned();
        for (line, request, response) in [
            (LINE.to_owned(), get, got),
            (format!("{LINE} \"10.0.0.1\" 0.004"), get, got),
            (plain(LINE), "GET /a?b=c HTTP/1.1|Host: shop.example||", got),
            (format!("v.example:8443 {}", plain(LINE)), "GET /a?b=c HTTP/1.1|Host: v.example:8443||", got),
            (
                plain(LINE).replace("GET", "POST").replace("200 2326", "304 -"),
                "POST /a?b=c HTTP/1.1|Host: shop.example||(not_recorded of 0)",
                "HTTP/1.1 304 ||",
            ),
            (plain(LINE).replace("200 2326", "499 0"), "GET /a?b=c HTTP/1.1|Host: shop.example||", ""),
            (plain(LINE).replace(" HTTP/2.0", ""), "GET /a?b=c HTTP/1.1|Host: shop.example||", got),
            (plain(LINE).replace("/a?b=c", r"/\x0d\x0aX: y\n"), "GET /%0D%0AX:%20y%0A HTTP/1.1|Host: shop.example||", got),
        ] {
            assert_eq!(sent(&line), [request, response], "{line}");
        }
        let (exchanges, _) = of(format!("{LINE}\n\r\n{LINE}\r\n").as_bytes());
        let told: Vec<_> = exchanges.iter().map(|one| (one.id.to_string(), one.start.to_string(), one.client.to_string())).collect();
        let at = "2026-10-10T20:55:36Z".to_owned();
        assert_eq!(told, [("1.1".to_owned(), at.clone(), "203.0.113.7:0".to_owned()), ("2.1".to_owned(), at, "203.0.113.7:0".to_owned())]);
    }

    #[test]
    fn lines_that_are_none_are_counted() {
        let bad = [
            "a secret note".to_owned(),
            LINE.replace("/Oct/", "/Okt/"),
            LINE.replace("GET /a?b=c HTTP/2.0", "-"),
            LINE.replace("GET /a?b=c HTTP/2.0", r"\x16\x03\x01 x"),
            LINE.replace(" 200 ", " 20 "),
            LINE.replace(" 2326", " some"),
        ];
        let (exchanges, imported) = of([LINE.to_owned()].into_iter().chain(bad).collect::<Vec<_>>().join("\n").as_bytes());
        use Unreadable::{Form, Request, Response, Time};
        assert_eq!((exchanges.len(), imported.ledger.unreadable), (1, [(2, Form), (3, Time), (4, Request), (5, Request), (6, Response), (7, Response)].into()));
    }
}

mod json_lines {
    use super::*;

    fn sent(line: &str, fields: &[&str]) -> [String; 2] {
        let fields = fields.iter().map(|field| field.parse().unwrap()).fold(FieldMap::default(), FieldMap::with);
        let (exchanges, imported) = import(line.as_bytes(), &ImportOptions { fields, ..ImportOptions::default() }).unwrap();
        assert_eq!(exchanges.len(), 1, "{imported:?}");
        said(&exchanges[0])
    }

    #[test]
    fn usual_names_are_known_and_others_are_told() {
        let nginx = r#"{"time_iso8601":"2026-11-20T12:03:00+00:00","remote_addr":"203.0.113.7","request":"PUT /a?b HTTP/1.1","status":"201","body_bytes_sent":5,"http_user_agent":"x","http_referer":"-","request_time":"0.250","host":"h"}"#;
        let caddy = r#"{"ts":1795176180.5,"request":{"remote_ip":"203.0.113.7","method":"GET","host":"h","uri":"/a","proto":"HTTP/2.0","headers":{"Accept":["a","b"]}},"status":204,"size":0,"duration":0.25}"#;
        let own = r#"{"at":1795176180500,"req":{"verb":"POST","url":"https://h/a#f"},"res.code":200,"q":"x=1","took_ms":250}"#;
        let whole = r#"{"time":"2026-11-20 12:03:00Z","method":"POST","target":"/a","headers":[["A","b\r\nC: d"]],"request_body":"hi","status":200,"response":{"headers":[["content-encoding","gzip"]],"body_base64":"aGk="}}"#;
        for (line, fields, request, response) in [
            (nginx, &[][..], "PUT /a?b HTTP/1.1|Host: h|User-Agent: x||(not_recorded of 0)", "HTTP/1.1 201 |Content-Length: 5||(not_recorded of 5)"),
            (caddy, &[], "GET /a HTTP/1.1|Host: h|Accept: a|Accept: b||", "HTTP/1.1 204 ||"),
            (
                own,
                &["time=at", "method=req.verb", "target=req.url", "status=res.code", "query=q", "duration=took_ms"],
                "POST /a?x=1 HTTP/1.1|Host: h||(not_recorded of 0)",
                "HTTP/1.1 200 ||(not_recorded of 0)",
            ),
            (whole, &[], "POST /a HTTP/1.1|Host: |A: b|A: C: d|Content-Length: 2||hi", "HTTP/1.1 200 |content-encoding: gzip|Content-Length: 2||hi"),
        ] {
            assert_eq!(sent(line, fields), [request, response], "{line}");
        }
        let (exchanges, _) = of(format!("{nginx}\n{caddy}\n").as_bytes());
        let told: Vec<_> =
            exchanges.iter().map(|one| (one.start.to_string(), one.timing.end.unwrap().since(one.start).as_millis(), one.client.to_string())).collect();
        let client = "203.0.113.7:0".to_owned();
        assert_eq!(told, [("2026-11-20T12:03:00Z".to_owned(), 250, client.clone()), ("2026-11-20T12:03:00.5Z".to_owned(), 250, client)]);
    }

    #[test]
    fn times_are_told_in_any_unit() {
        for time in ["1795176180", "1795176180000", "1795176180000000", "1795176180000000000", "1795176180.0", "\"1795176180.0\"", "\"2026-11-20T12:03:00Z\""] {
            let (exchanges, _) = of(format!(r#"{{"time":{time},"method":"GET","path":"/"}}"#).as_bytes());
            assert_eq!(exchanges[0].start.to_string(), "2026-11-20T12:03:00Z", "{time}");
        }
    }

    #[test]
    fn numbers_no_one_can_have_counted_are_unknown() {
        let line = |more: &str| format!("{{\"method\":\"GET\",\"path\":\"/a\",\"status\":200,{more}}}\n");
        let text = line(r#""ts":5,"size":18446744073709551615"#) + &line(r#""time":-9223372036854775808"#) + &line(r#""ts":7,"size":1000000000000000"#);
        let (exchanges, imported) = of(text.as_bytes());
        let lengths: Vec<u64> = exchanges.iter().map(|exchange| exchange.response.as_ref().unwrap().body.wire_length).collect();
        assert_eq!((lengths, imported.ledger.entries), (vec![0, 0, 1_000_000_000_000_000], 3));
    }

    #[test]
    fn lines_that_are_none_are_counted() {
        let good = r#"{"time":1,"method":"GET","path":"/"}"#;
        let bad = [
            "{",
            "[]",
            "17",
            r#"{"method":"GET","path":"/"}"#,
            r#"{"time":1,"path":"/"}"#,
            r#"{"time":1,"method":"G\nT","path":"/"}"#,
            r#"{"time":1,"method":"GET","path":"/","status":7}"#,
        ];
        let (exchanges, imported) = of([good].into_iter().chain(bad).collect::<Vec<_>>().join("\n").as_bytes());
        use Unreadable::{Form, Request, Response, Time};
        let places = [(2, Form), (3, Form), (4, Form), (5, Time), (6, Request), (7, Request), (8, Response)];
        assert_eq!((exchanges.len(), imported.ledger.unreadable), (1, places.into()));
        assert!("stat=us".parse::<FieldMap>().expect_err("no such word").to_string().contains("status"));
    }
}

mod mitmproxy {
    use super::*;

    fn item(kind: char, payload: &str) -> String {
        format!("{}:{payload}{kind}", payload.len())
    }

    fn dictionary(members: &[(&str, String)]) -> String {
        item('}', &members.iter().map(|(key, value)| item(';', key) + value).collect::<String>())
    }

    fn bytes(text: &str) -> String {
        item(',', text)
    }

    fn fields(pairs: &[[&str; 2]]) -> String {
        item(']', &pairs.iter().map(|pair| item(']', &pair.map(bytes).concat())).collect::<String>())
    }

    fn request(content: String) -> String {
        dictionary(&[
            ("method", bytes("POST")),
            ("path", bytes("/a?b")),
            ("http_version", bytes("HTTP/2.0")),
            ("authority", bytes("shop.example")),
            ("headers", fields(&[["content-type", "text/plain"], ["content-length", "2"]])),
            ("content", content),
            ("timestamp_start", item('^', "1795176180.25")),
            ("timestamp_end", item('^', "1795176180.2500001")),
        ])
    }

    fn response(content: String) -> String {
        let status = item('#', "200");
        let times = [("timestamp_start", item('^', "1795176181.0")), ("timestamp_end", item('#', "1795176182"))];
        dictionary(
            &[
                &[("http_version", bytes("HTTP/2.0")), ("status_code", status), ("reason", bytes("")), ("headers", fields(&[])), ("content", content)],
                &times[..],
            ]
            .concat(),
        )
    }

    fn flow(more: &[(&str, String)]) -> String {
        let address = |ip: &str, port: &str| item(']', &[item(';', ip), item('#', port)].concat());
        let client = dictionary(&[("id", item(';', "c-1")), ("peername", address("10.0.0.9", "40000"))]);
        let server = dictionary(&[("peername", item('~', "")), ("address", address("10.0.0.1", "443"))]);
        dictionary(&[&[("version", item('#', "20")), ("type", item(';', "http")), ("client_conn", client), ("server_conn", server)], more].concat())
    }

    #[test]
    fn flows_become_exchanges() {
        let whole = flow(&[("request", request(bytes("hi"))), ("response", response(bytes("ok")))]);
        let alone = flow(&[("request", request(item('~', ""))), ("response", item('~', "")), ("error", dictionary(&[]))]);
        let other = dictionary(&[("type", item(';', "dns"))]);
        let (exchanges, imported) = of([whole, other, alone].concat().as_bytes());
        assert_eq!(exchanges.iter().map(|one| one.id.to_string()).collect::<Vec<_>>(), ["1.1", "1.2"]);
        let [first, second] = exchanges.as_slice() else { panic!("two") };
        let head = String::from_utf8_lossy(first.request.as_ref().unwrap().head.raw()).replace("\r\n", "|");
        assert_eq!(head, "POST /a?b HTTP/1.1|Host: shop.example|content-type: text/plain|content-length: 2||");
        assert_eq!(first.request.as_ref().unwrap().body.contiguous().as_ref(), b"hi");
        assert_eq!((first.client.to_string(), first.server.to_string()), ("10.0.0.9:40000".to_owned(), "10.0.0.1:443".to_owned()));
        let times = [Some(first.start), first.timing.request_end, first.timing.first_byte, first.timing.end].map(|time| time.unwrap().to_string());
        assert_eq!(times, ["2026-11-20T12:03:00.25Z", "2026-11-20T12:03:00.2500001Z", "2026-11-20T12:03:01Z", "2026-11-20T12:03:02Z"]);
        assert!(first.is_complete() && second.response.is_none() && !second.request.as_ref().unwrap().body.completeness.was_seen_whole());
        assert_eq!((imported.ledger.entries, imported.ledger.notices[&Notice::PassedOver]), (3, 1));
    }

    #[test]
    fn flows_that_are_none_are_counted_and_a_cut_file_gives_what_came_before() {
        let good = flow(&[("request", request(bytes("hi")))]);
        let late = flow(&[("request", request(bytes("hi")).replace("13:1795176180.25", "13:tomorrow-noon"))]);
        let file = [good.clone(), flow(&[]), "5:abcde,".to_owned(), late, good.clone()].concat();
        let (exchanges, imported) = of(file.as_bytes());
        use Unreadable::{Form, Request, Time};
        assert_eq!((exchanges.len(), imported.ledger.unreadable), (2, [(2, Request), (3, Form), (4, Time)].into()));
        for (cut, found, damage) in [(10, 1, "ends in the middle of flow 5"), (good.len() - 3, 1, "has no flow behind flow 4")] {
            let (exchanges, imported) = of(&file.as_bytes()[..file.len() - cut]);
            assert_eq!((exchanges.len(), imported.damage.as_deref()), (found, Some(format!("it {damage}").as_str())));
        }
        let (exchanges, imported) = of([&good, "secret"].concat().as_bytes());
        assert_eq!((exchanges.len(), imported.damage.as_deref()), (1, Some("it has no flow behind flow 1")));
        // A length that no file has.
        let (_, imported) = of(["999999999999:", &good, &good].concat().as_bytes().get(..).map(|bytes| [good.as_bytes(), bytes].concat()).unwrap().as_slice());
        assert_eq!(imported.ledger.unreadable, [(2, Unreadable::Length)].into());
    }
}

#[test]
fn files_of_other_kinds_are_named() {
    let refused = |data: &[u8], format| import(data, &ImportOptions { format, ..ImportOptions::default() }).expect_err("it cannot be imported").to_string();
    for (data, found) in [
        (&b""[..], "it is empty"),
        (b" \n", "it is empty"),
        (&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0], "a packet capture"),
        (b"PAR1....", "a Parquet file"),
        (b"<html>secret</html>", "XML or HTML"),
        (b"these are secret notes\n", "text of an unknown form"),
        (b"\x01\x02\x03secret", "unknown binary data"),
        (b"{\n\"secret\": {}}", "neither a HAR file nor lines"),
        (b"{\"log\": {}}", "cannot be imported as har: it has no log.entries"),
    ] {
        let text = refused(data, None);
        assert!(text.contains(found) && !text.contains("secret"), "{text}");
    }
    assert_eq!(refused(b"some secret text", Some(ImportFormat::Gor)), "it cannot be imported as gor: none of its 1 entries can be read");
}

mod properties {
    use proptest::prelude::*;

    proptest! {
        /// Whatever stands in a file, and however it comes, nothing panics and the same is found.
        #[test]
        fn any_bytes_are_read(data in proptest::collection::vec(any::<u8>(), 0..400)) {
            super::fuzz_import(&data);
        }

        /// Likewise what is nearly right.
        #[test]
        fn nearly_right_bytes_are_read(first in any::<u8>(), words in proptest::collection::vec(proptest::sample::select(WORDS), 0..24), noise in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)) {
            let mut data: Vec<u8> = std::iter::once(first).chain(words.concat().into_bytes()).collect();
            for (at, byte) in noise {
                let at = at.index(data.len());
                data[at] = byte;
            }
            super::fuzz_import(&data);
        }
    }

    const WORDS: &[&str] = &[
        "\n🐵🙈🙉\n",
        "1 ",
        "2 ",
        "3 ",
        "9c401f900a01020300000001 ",
        "9c401f900a01020300000002 ",
        "1700000000000000000 5\n",
        "17\n",
        "\n",
        "\r\n",
        "\r\n\r\n",
        "GET /a HTTP/1.1\r\n",
        "HTTP/1.1 200 OK\r\n",
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "3\r\nabc\r\n",
        "abc",
    ];
}
