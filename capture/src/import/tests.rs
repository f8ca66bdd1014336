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
