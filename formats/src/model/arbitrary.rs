//! Any exchange, for property tests: every kind of head, body, address, oddity and redaction that the vocabulary can say.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use bytes::Bytes;
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{
    Action, Anomaly, Body, BodyFraming, Completeness, ConnectionId, DropReason, Exchange, ExchangeId, Head, Initiator, Message, Part, Protocol, Redaction,
    Role, Shape, Side, Timestamp, Timing,
};

/// Any exchange; its body, if it has one, stands in one slice.
pub(crate) fn exchange() -> impl Strategy<Value = Exchange> {
    let id = (any::<u64>(), any::<u32>()).prop_map(|(connection, index)| ExchangeId { connection: ConnectionId(connection), index });
    let node = option::of(prop_oneof![Just("web1"), Just("web 2")]).prop_map(|name| name.map(Into::into));
    let words = (select(Protocol::ALL), select(Role::ALL), node, select(Initiator::ALL), select(Shape::ALL));
    let timing =
        (option::of(time()), option::of(time()), option::of(time())).prop_map(|(request_end, first_byte, end)| Timing { request_end, first_byte, end });
    let sides = (option::of(message(request_head())), vec(response_head(), 0..3), option::of(message(response_head().boxed().prop_union(headless().boxed()))));
    ((id, any::<u64>(), words, address(), address(), time(), timing), (sides, btree_set(select(Anomaly::ALL), 0..3), vec(redaction(), 0..4))).prop_map(
        |((id, stream, words, client, server, start, timing), (sides, anomalies, redactions))| {
            let (protocol, role, node, initiator, shape) = words;
            let (request, interim, response) = sides;
            Exchange { id, stream, protocol, role, node, initiator, shape, client, server, start, timing, request, interim, response, anomalies, redactions }
        },
    )
}

/// Any time that 64 bits of nanoseconds can say, the ends of them included.
pub(crate) fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![any::<i64>(), 1_700_000_000_000_000_000..1_700_000_010_000_000_000_i64, Just(i64::MIN), Just(i64::MAX)].prop_map(Timestamp::from_nanos)
}

fn address() -> impl Strategy<Value = SocketAddr> {
    // Without flow labels: they are a packet's, not a connection's.
    prop_oneof![
        (any::<u32>(), any::<u16>()).prop_map(|(ip, port)| SocketAddrV4::new(Ipv4Addr::from(ip), port).into()),
        (any::<u128>(), any::<u16>(), prop_oneof![Just(0), any::<u32>()])
            .prop_map(|(ip, port, scope)| SocketAddrV6::new(Ipv6Addr::from(ip), port, 0, scope).into()),
    ]
}

fn request_head() -> impl Strategy<Value = Head> {
    ("[A-Z]{1,8}", target(), select(&[" HTTP/1.1\r\n", " HTTP/1.0\n", "\r\n"][..]), fields()).prop_map(|(method, target, version, fields)| {
        let raw = [method.as_bytes(), b" ", &target, version.as_bytes(), &fields].concat();
        Head::request(raw.into()).expect("a request line stands in front")
    })
}

fn target() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "(http://[a-z.]{1,9})?(/[a-z0-9%{}]{0,9}){1,4}(\\?[a-z=&]{0,9})?".prop_map(String::into_bytes),
        vec(any::<u8>().prop_filter("no white space", |byte| !byte.is_ascii_whitespace()), 1..20),
    ]
}

fn response_head() -> impl Strategy<Value = Head> {
    (100..1000_u16, "[ a-zA-Z]{0,12}", fields()).prop_map(|(status, reason, fields)| {
        let raw = [format!("HTTP/1.1 {status} {reason}\r\n").as_bytes(), &fields].concat();
        Head::response(raw.into()).expect("a status line stands in front")
    })
}

/// HTTP/0.9 has responses without a head.
fn headless() -> impl Strategy<Value = Head> {
    Just(Head::trailers(Bytes::new()).expect("nothing to be wrong"))
}

fn fields() -> impl Strategy<Value = Vec<u8>> {
    let field = prop_oneof![
        ("[A-Za-z-]{1,12}", vec(any::<u8>(), 0..20)).prop_map(|(name, value)| [name.as_bytes(), b": ", &value, b"\r\n"].concat()),
        Just(b"Content-Type: application/json; charset=utf-8\r\n".to_vec()),
        Just(b"Host: example.com\r\n".to_vec()),
        Just(b" folded\r\n".to_vec()),
        vec(any::<u8>(), 0..20),
    ];
    vec(field, 0..5).prop_map(|fields| [fields.concat(), b"\r\n".to_vec()].concat())
}

fn message(head: impl Strategy<Value = Head>) -> impl Strategy<Value = Message> {
    let trailers = option::of(fields().prop_map(|raw| Head::trailers(raw.into()).expect("short")));
    (head, body(), trailers).prop_map(|(head, body, trailers)| Message { head, body, trailers })
}

fn body() -> impl Strategy<Value = Body> {
    let completeness = prop_oneof![
        Just(Completeness::Whole),
        any::<u64>().prop_map(Completeness::TruncatedAt),
        any::<u64>().prop_map(Completeness::Gap),
        (select(DropReason::ALL), any::<bool>()).prop_map(|(reason, seen_whole)| Completeness::Dropped { reason, seen_whole }),
    ];
    let framing =
        prop_oneof![Just(BodyFraming::Empty), Just(BodyFraming::Length), Just(BodyFraming::Close), vec(any::<u64>(), 0..4).prop_map(BodyFraming::Chunked),];
    (vec(any::<u8>(), 0..200), any::<u64>(), completeness, framing).prop_map(|(bytes, wire_length, completeness, framing)| Body {
        slices: if bytes.is_empty() { Vec::new() } else { vec![bytes.into()] },
        wire_length: wire_length >> 8,
        completeness,
        framing,
    })
}

fn redaction() -> impl Strategy<Value = Redaction> {
    let words = (select(Side::ALL), select(Part::ALL), select(Action::ALL));
    (words, any::<(u64, u64)>(), "[a-z-]{1,8}", "[a-z]{1,8}", "[a-z]{1,6}:[a-z/{}*]{0,12}")
        .prop_map(|((side, part, action), (start, end), rule, domain, path)| Redaction { side, part, span: start..end, rule, domain, action, path })
}
