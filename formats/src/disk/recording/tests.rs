//! Recordings on a real file system.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::disk::publish::{Publish, Published, Unpublished};
use crate::model::{
    Action, Body, BodyFraming, Completeness, ConnectionId, Exchange, ExchangeId, Head, Initiator, KeyId, LossCause, LossLedger, Message, Part as MessagePart,
    Protocol, Redaction, Role, Shape, Side, Timing, arbitrary,
};
use crate::seam::{Blame, Explain};

fn sanitized() -> Option<Sanitized> {
    Some(Sanitized { key_id: KeyId::from_digest([7; 8]), policy_digest: "ab".repeat(32) })
}

/// An exchange that starts `start` nanoseconds after a fixed time, with a body of `size` bytes.
fn exchange(connection: u64, start: i64, size: usize) -> Exchange {
    let start = Timestamp::from_nanos(1_700_000_000_000_000_000 + start);
    // Bytes that do not compress, the same on every run.
    let mut state = connection.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let noise = (0..size).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    });
    let body = |bytes: Bytes| Body {
        wire_length: bytes.len() as u64,
        slices: if bytes.is_empty() { Vec::new() } else { vec![bytes] },
        completeness: Completeness::Whole,
        framing: BodyFraming::Length,
    };
    Exchange {
        id: ExchangeId { connection: ConnectionId(connection), index: 1 },
        stream: 0,
        protocol: Protocol::Http1,
        role: Role::Inbound,
        initiator: Initiator::Client,
        shape: Shape::Unary,
        client: "10.0.0.1:40000".parse().unwrap(),
        server: "10.0.0.2:80".parse().unwrap(),
        start,
        timing: Timing { request_end: Some(start), first_byte: Some(start), end: Some(start.saturating_add(Duration::from_micros(5))) },
        request: Some(Message {
            head: Head::request("POST /orders/17?x=1 HTTP/1.1\r\nHost: shop\r\n\r\n".into()).unwrap(),
            body: body(noise.collect::<Vec<_>>().into()),
            trailers: None,
        }),
        interim: Vec::new(),
        response: Some(Message { head: Head::response("HTTP/1.1 201 Created\r\n\r\n".into()).unwrap(), body: body(Bytes::new()), trailers: None }),
        anomalies: [].into(),
        redactions: vec![Redaction {
            side: Side::Request,
            part: MessagePart::Body,
            span: 0..1,
            rule: "email".to_owned(),
            domain: "email".to_owned(),
            action: Action::Pseudonym,
            path: "body:/email".to_owned(),
        }],
    }
}

fn write(dir: &Path, options: WriterOptions, exchanges: &[Exchange]) -> Manifest {
    let mut writer = RecordingWriter::create(dir, options).unwrap();
    exchanges.iter().for_each(|exchange| writer.write(exchange.clone()).unwrap());
    writer.finish(&LossLedger::default()).unwrap()
}

fn read(dir: &Path, window: &Window) -> Vec<Exchange> {
    Recording::open(dir).unwrap().exchanges(window).unwrap().collect::<Result<_, _>>().unwrap()
}

fn in_order(exchanges: &[Exchange]) -> Vec<Exchange> {
    let mut sorted = exchanges.to_vec();
    sorted.sort_by_key(|exchange| (exchange.start, exchange.id, exchange.stream));
    sorted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_exchange_comes_back_as_it_was(exchanges in vec(arbitrary::exchange(), 0..12), part_bytes in 1..8000_u64) {
        let dir = tempfile::tempdir().unwrap();
        let manifest = write(dir.path(), WriterOptions { part_bytes, ..WriterOptions::default() }, &exchanges);
        prop_assert_eq!(manifest.exchanges, exchanges.len() as u64);
        let (read, expected) = (read(dir.path(), &Window::ALL), in_order(&exchanges));
        prop_assert_eq!(read.len(), expected.len());
        // Parts that hold equal keys are merged in the order of parts.
        for pair in read.windows(2) {
            prop_assert!((pair[0].start, pair[0].id) <= (pair[1].start, pair[1].id));
        }
        for exchange in &expected {
            prop_assert!(read.contains(exchange));
        }
    }
}
