//! What a recording says beside its messages: addresses, host names, where it came from. Every byte of every file is searched.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod traffic;

use std::collections::BTreeSet;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use reenact::pipeline::{self, Findings, Redaction};
use reenact::planted::{Planted, Scanner};
use reenact_formats::disk::recording::{Recording, RecordingWriter, State, Window, WriterOptions};
use reenact_formats::model::{Body, Exchange, LossLedger};
use reenact_sanitize::{Key, KnownValuesBuilder, Policy};
use traffic::{body, exchange, request, response};

const PUBLIC: [&str; 3] = ["93.184.216.34", "2a02:1b08:3cb6:625a:7e03:9d68:c17a:c95e", "185.12.64.17"];
/// A person, as subdomain, folder and path have the name.
const PEOPLE: [&str; 3] = ["xenia-petrova", "xenia.petrova", "Xenia Petrova"];
const PRIVATE: [&str; 4] = ["10.20.30.40", "192.168.77.3", "127.0.0.1", "192.0.2.9"];

fn exchanges() -> Vec<Exchange> {
    let host = "xenia-petrova.customers.shop.com";
    let head = format!(
        "GET http://{host}/x?from={0} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: {0}, 10.20.30.40\r\nForwarded: for={0};host={host}\r\nOrigin: https://{host}\r\n\
         Referer: https://[{1}]:8443/xenia.petrova\r\nVia: 1.1 {2}\r\nX-Real-IP: {0}\r\n\r\n",
        PUBLIC[0], PUBLIC[1], PUBLIC[2]
    );
    let seen = format!(r#"{{"peer":"{}","host":"{host}","via":["{}","192.168.77.3"],"note":"for Xenia Petrova at {}"}}"#, PUBLIC[0], PUBLIC[2], PUBLIC[1]);
    let answer = format!("HTTP/1.1 302 Found\r\nContent-Type: application/json\r\nLocation: http://{host}/y\r\nX-Served-By: {}\r\n\r\n", PUBLIC[2]);
    let mut first = exchange(1, 1, 0, request(&head, body(&b""[..])), response(&answer, body(seen)));
    first.client = format!("{}:40000", PUBLIC[0]).parse().unwrap();
    first.server = format!("{}:80", PUBLIC[2]).parse().unwrap();
    let mut second = exchange(2, 1, 5, request(&format!("GET / HTTP/1.1\r\nHost: [{}]:8080\r\n\r\n", PUBLIC[1]), Body::empty()), None);
    second.client = format!("[{}]:40000", PUBLIC[1]).parse().unwrap();
    second.server = format!("{}:80", PRIVATE[0]).parse().unwrap();
    let third = ["127.0.0.1", "192.168.77.3"].map(|private| {
        let mut one = exchange(3, 1, 9, request(&format!("GET / HTTP/1.1\r\nHost: {private}\r\n\r\n"), Body::empty()), None);
        (one.client, one.server) = ("127.0.0.1:5000".parse().unwrap(), "192.0.2.9:80".parse().unwrap());
        one
    });
    [first, second].into_iter().chain(third).collect()
}

#[test]
fn public_addresses_and_known_names_are_in_no_file_and_private_addresses_stay() {
    let folder = tempfile::tempdir().unwrap();
    let [raw, clean] = ["raw", "clean"].map(|name| folder.path().join(name));
    let options = WriterOptions { source: "file /home/xenia.petrova/shop.pcap".to_owned(), sanitized: None, ..WriterOptions::default() };
    let mut writer = RecordingWriter::create(&raw, options).unwrap();
    exchanges().iter().for_each(|exchange| writer.write(exchange).unwrap());
    writer.finish(&LossLedger::default()).unwrap();

    let mut known = KnownValuesBuilder::new(vec!["name".to_owned()]);
    known.add(0, "Xenia Petrova");
    let redaction = Redaction { key: Key::generate().unwrap(), policy: Policy::default(), known_values: Some(Arc::new(known.finish())) };
    let recorded = pipeline::sanitize(&raw, &clean, &redaction, None, NonZero::<usize>::MIN, &mut |_| {}).unwrap().check().unwrap();
    assert_eq!((recorded.findings, recorded.manifest.state), (Findings::default(), State::Checked));

    let planted: Vec<Planted> =
        PUBLIC.iter().chain(&PEOPLE).chain(&PRIVATE).map(|value| Planted { kind: (*value).to_owned(), value: (*value).to_owned() }).collect();
    let left = |folder: &Path| {
        let scan = Scanner::new(&planted).folder(folder).unwrap();
        scan.survivors.into_iter().map(|survivor| survivor.kind).collect::<BTreeSet<_>>()
    };
    assert_eq!(left(&raw).len(), planted.len(), "all of them were there");
    assert_eq!(left(&clean), PRIVATE.map(str::to_owned).into());

    // One address is one pseudonym, in the columns and in the messages.
    let exchanges: Vec<Exchange> = Recording::open(&clean).unwrap().exchanges(&Window::ALL).unwrap().collect::<Result<_, _>>().unwrap();
    let first = exchanges.iter().find(|exchange| exchange.id.connection.0 == 1).unwrap();
    let head = String::from_utf8_lossy(first.request.as_ref().unwrap().head.raw()).into_owned();
    let (client, server) = (first.client.ip().to_string(), first.server.ip().to_string());
    assert_eq!((head.matches(&client).count(), head.matches(&server).count()), (4, 1), "{head}");
    let second = exchanges.iter().find(|exchange| exchange.id.connection.0 == 2).unwrap();
    let head = String::from_utf8_lossy(second.request.as_ref().unwrap().head.raw()).into_owned();
    assert!(head.contains(&format!("Host: [{}]:8080\r\n", second.client.ip())), "{head}");
}
