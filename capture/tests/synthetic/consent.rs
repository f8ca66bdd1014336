//! What may not be kept is counted, and nothing else is.

use std::collections::BTreeMap;

use proptest::prelude::*;
use reenact_capture::{CaptureOptions, Condition, Consent, Sample, SampleBy};
use reenact_formats::model::{Exchange, FilterCause, FilteredTraffic, LossCause};

use crate::support::{Connection, Segment, frames, ok, pcap, tell, tell_all, try_read};

fn rules(texts: &[&str]) -> Vec<Condition> {
    texts.iter().map(|text| text.parse().expect("a rule")).collect()
}

fn captured(segments: &[Segment], consent: Consent) -> crate::support::Captured {
    try_read(pcap(1, &frames(segments)), &CaptureOptions { consent, ..CaptureOptions::default() }).expect("readable")
}

/// What is asked and what is answered.
const TALK: [(&str, &str); 7] = [
    ("GET /a HTTP/1.1\r\nHost: api.x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"),
    ("GET /health HTTP/1.1\r\nHost: api.x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup"),
    ("POST /b HTTP/1.1\r\nHost: api.x\r\nContent-Length: 4\r\nX-No-Recording: 1\r\n\r\nbody", "HTTP/1.1 204 No\r\n\r\n"),
    (
        "POST /c HTTP/1.1\r\nHost: api.x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nx-no-recording: please\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
    ),
    ("GET /d HTTP/1.1\r\nHost: cdn.x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("GET /e HTTP/1.1\r\nHost: api.x\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx-no-recording: late\r\n\r\n"),
    ("GET /f HTTP/1.1\r\nHost: api.x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend"),
];

fn consent() -> Consent {
    let opt_out = vec![Condition::header("x-no-recording").expect("a rule")];
    Consent { include: rules(&["host=api.*"]), exclude: rules(&["path=/health*"]), opt_out, sample: None }
}

#[test]
fn what_is_left_out_is_counted_with_its_cause_and_its_bytes() {
    let mut connection = Connection::open(4000);
    for (request, response) in TALK {
        connection.ask(request).answer(response);
    }
    let captured = captured(&connection.close().segments, consent());
    let told: Vec<_> = captured.exchanges.iter().map(|exchange| exchange.id.index).collect();
    assert_eq!(told, [1, 7], "{:?}", tell_all(&captured));
    let left_out = |exchanges: &[usize]| FilteredTraffic {
        exchanges: exchanges.len() as u64,
        requests: exchanges.len() as u64,
        bytes: exchanges.iter().map(|exchange| (TALK[*exchange].0.len() + TALK[*exchange].1.len()) as u64).sum(),
    };
    let expected =
        BTreeMap::from([(FilterCause::Excluded, left_out(&[1])), (FilterCause::OptedOut, left_out(&[2, 3, 5])), (FilterCause::NotIncluded, left_out(&[4]))]);
    assert_eq!(captured.ledger.filtered, expected);
    let kept = left_out(&[0, 6]);
    assert_eq!((captured.ledger.requests, captured.ledger.complete, captured.ledger.recorded_bytes), (2, 2, kept.bytes));
    assert_eq!((captured.ledger.interim, captured.ledger.lost.is_empty()), (0, true), "what is left out is no loss");
}

#[test]
fn an_answer_without_its_question_cannot_be_judged() {
    let mut connection = Connection::open(4000);
    connection.ask(TALK[0].0).answer(TALK[0].1);
    let lost = connection.segments.len();
    connection.ask(TALK[1].0).answer(TALK[1].1).close();
    connection.segments.remove(lost);
    let with = captured(&connection.segments, consent());
    assert_eq!(with.exchanges.len(), 1, "{:?}", tell_all(&with));
    assert_eq!(with.ledger.filtered[&FilterCause::Unjudged].exchanges, 1);
    assert_eq!(with.ledger.lost.get(&LossCause::MissingRequest), None);
    let without = captured(&connection.segments, Consent { sample: Sample::new(1.0, SampleBy::Connection), ..Consent::default() });
    assert_eq!(without.exchanges.len(), 2, "a sample needs no request: {:?}", tell_all(&without));
}

#[test]
fn a_sample_keeps_whole_connections() {
    let segments: Vec<Segment> = (0..60)
        .flat_map(|port| {
            let mut connection = Connection::open(4000 + port);
            for (request, response) in &TALK[..2] {
                connection.ask(request).answer(response);
            }
            connection.close().segments.clone()
        })
        .collect();
    let captured = captured(&segments, Consent { sample: Sample::new(0.5, SampleBy::Connection), ..Consent::default() });
    let mut connections: BTreeMap<_, u32> = BTreeMap::new();
    for exchange in &captured.exchanges {
        *connections.entry(exchange.id.connection).or_default() += 1;
    }
    assert!((15..45).contains(&connections.len()) && connections.values().all(|exchanges| *exchanges == 2), "{connections:?}");
    let left_out = captured.ledger.filtered[&FilterCause::NotSampled];
    assert_eq!(left_out.exchanges, 120 - 2 * connections.len() as u64);
}

/// What [`consent`] says, in other words.
fn may_be_kept(exchange: &Exchange) -> bool {
    let heads = [&exchange.request, &exchange.response].into_iter().flatten().flat_map(|message| [Some(&message.head), message.trailers.as_ref()]).flatten();
    let raw = heads.map(|head| String::from_utf8_lossy(head.raw()).to_lowercase()).collect::<String>();
    let target = exchange.target().map(|target| String::from_utf8_lossy(target).into_owned());
    raw.contains("\r\nhost: api.") && !raw.contains("x-no-recording") && target.is_some_and(|target| !target.starts_with("/health"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_missing_the_same_is_kept_as_would_be_picked_afterwards(
        talk in proptest::collection::vec(0..TALK.len(), 1..12),
        losses in proptest::collection::vec(any::<proptest::sample::Index>(), 0..4),
        largest in prop_oneof![Just(1400_usize), 3..60_usize],
        pipelined in any::<bool>(),
    ) {
        let mut connection = Connection::new(4000, [1000, 9000], largest);
        connection.handshake();
        if pipelined {
            talk.iter().for_each(|at| { connection.ask(TALK[*at].0); });
            talk.iter().for_each(|at| { connection.answer(TALK[*at].1); });
        } else {
            talk.iter().for_each(|at| { connection.ask(TALK[*at].0).answer(TALK[*at].1); });
        }
        connection.close();
        for loss in losses {
            let at = loss.index(connection.segments.len());
            connection.segments.remove(at);
        }
        let (all, kept) = (captured(&connection.segments, Consent::default()), captured(&connection.segments, consent()));
        let (picked, others): (Vec<_>, Vec<_>) = all.exchanges.iter().partition(|exchange| may_be_kept(exchange));
        // An anomaly of the connection stands on its first exchange, whichever that is.
        prop_assert_eq!(picked.iter().map(|exchange| tell(exchange)).collect::<Vec<_>>(), tell_all(&kept));
        let filtered = kept.ledger.filtered.values().map(|traffic| traffic.exchanges).sum::<u64>();
        prop_assert_eq!(filtered, others.len() as u64);
        prop_assert_eq!(kept.ledger.stream_bytes, all.ledger.stream_bytes);
    }
}

#[test]
fn a_share_of_nothing_keeps_nothing() {
    let mut connection = Connection::open(4000);
    connection.ask(TALK[0].0).answer(ok("body")).close();
    let captured = captured(&connection.segments, Consent { sample: Sample::new(0.0, SampleBy::Client), ..Consent::default() });
    assert!(captured.exchanges.is_empty() && captured.ledger.recorded_bytes == 0, "{:?}", captured.ledger);
}
