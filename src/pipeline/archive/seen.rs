//! What tells that two machines saw the same request.
//!
//! In: an exchange. Out: digests of what it was asked with, and between whom. What never happens here: what was answered is looked at, for it may have
//! been seen at one place and not at the other.

use std::net::{IpAddr, SocketAddr};

use reenact_formats::model::{Body, Completeness, Exchange};
use sha2::{Digest as _, Sha256};

/// The first half of a SHA-256: whoever sends requests cannot make two that have the same.
pub(super) type Mark = [u8; 16];

/// The two ends, and the head of the request; nothing where no request was seen.
pub(super) fn mark(exchange: &Exchange) -> Option<Mark> {
    let request = exchange.request.as_ref()?;
    let mut hasher = Sha256::new();
    for end in [exchange.client, exchange.server] {
        add_end(&mut hasher, end);
    }
    hasher.update(request.head.raw());
    Some(half(hasher))
}

/// The same, and the place on the connection.
pub(super) fn placed_mark(exchange: &Exchange) -> Option<Mark> {
    let mut hasher = Sha256::new();
    hasher.update(mark(exchange)?);
    hasher.update(exchange.id.index.to_le_bytes());
    Some(half(hasher))
}

/// Of the request's body, if all of it was seen.
pub(super) fn body_mark(body: &Body) -> Option<Mark> {
    let mut hasher = Sha256::new();
    hasher.update(body.wire_length.to_le_bytes());
    match body.completeness {
        Completeness::Whole => body.slices.iter().for_each(|slice| hasher.update(slice)),
        Completeness::Dropped { seen_whole: true, .. } => {}
        _ => return None,
    }
    Some(half(hasher))
}

fn add_end(hasher: &mut Sha256, end: SocketAddr) {
    match end.ip().to_canonical() {
        IpAddr::V4(address) => hasher.update(address.octets()),
        IpAddr::V6(address) => hasher.update(address.octets()),
    }
    hasher.update(end.port().to_le_bytes());
}

fn half(hasher: Sha256) -> Mark {
    let whole: [u8; 32] = hasher.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use reenact_formats::model::Timing;

    use super::*;
    use crate::explain::exchange_of;

    /// A request from a port to a path so many milliseconds after some time, and its answer two later.
    pub(in super::super) fn exchange(millis: u64, port: u16, path: &str) -> Exchange {
        let text = format!("GET {path} HTTP/1.1\r\nHost: shop.example\r\n\r\nHTTP/1.1 200 OK\r\n\r\nok");
        let start = "2026-11-20T12:00:00Z".parse::<reenact_formats::model::Timestamp>().expect("a time").saturating_add(Duration::from_millis(millis));
        let answered = Some(start.saturating_add(Duration::from_millis(2)));
        Exchange {
            client: SocketAddr::from(([192, 0, 2, 7], port)),
            server: SocketAddr::from(([192, 0, 2, 1], 80)),
            start,
            timing: Timing { request_end: Some(start), first_byte: answered, end: answered },
            ..exchange_of(text.as_bytes()).expect("two messages")
        }
    }

    #[test]
    fn a_mark_is_of_the_ends_and_of_the_head() {
        let one = exchange(0, 1, "/x");
        assert_eq!(mark(&one), mark(&Exchange { server: "[::ffff:192.0.2.1]:80".parse().expect("an address"), response: None, ..exchange(9, 1, "/x") }));
        for other in [exchange(0, 2, "/x"), exchange(0, 1, "/y"), Exchange { server: SocketAddr::from(([192, 0, 2, 2], 80)), ..one.clone() }] {
            assert_ne!(mark(&one), mark(&other));
        }
        assert_eq!(mark(&Exchange { request: None, ..one }), None);
    }
}
