//! What is known of containers changes nothing that comes out.

use bytes::Bytes;
use proptest::prelude::*;
use reenact_formats::content::Container;
use reenact_formats::model::{Body, BodyFraming, Completeness, ConnectionId, Exchange, Head, Message, Timestamp};
use reenact_formats::seam::Redact;

use super::super::Redactor;
use super::*;
use crate::key::test_key;
use crate::policy::Policy;

/// Each on a connection of its own, of which nothing is known.
fn exchange(connection: u64, media_type: &str, body: &str) -> Exchange {
    let head = Head::request(Bytes::from(format!("POST /x HTTP/1.1\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n", body.len()))).expect("a head");
    let framing = BodyFraming::Length;
    let body = Body { slices: vec![Bytes::copy_from_slice(body.as_bytes())], wire_length: body.len() as u64, completeness: Completeness::Whole, framing };
    let mut exchange = Exchange::between(([127, 0, 0, 1], 5000).into(), ([127, 0, 0, 1], 80).into());
    exchange.id.connection = ConnectionId(connection);
    Exchange { start: Timestamp::from_nanos(1), request: Some(Message { head, body, trailers: None }), ..exchange }
}

/// JSON of few names and values, so that the same containers come again, alone and beside others. Each is long enough to be kept.
fn json() -> impl Strategy<Value = String> {
    const NAMES: [&str; 15] =
        ["name", "value", "values", "key", "user", "customer_id", "items", "email", "address", "password", "7", "", "a:b", "no/te", "\\u006eame"];
    const TEXTS: [&str; 11] = [
        "Bob Smith",
        "email",
        "password",
        "ann@shop.example",
        "12 High Street",
        "s3cr3t-Wa1rus",
        "x",
        "+49 30 901820",
        r#"{\"email\":\"b@c.example\"}"#,
        "2001:4860:4860::8888",
        "born on 2.3.1984 in Bonn",
    ];
    let (name, text) = (prop::sample::select(&NAMES[..]), prop::sample::select(&TEXTS[..]));
    let leaf = prop_oneof![4 => text.prop_map(|text| format!("\"{text}\"")), 1 => Just("4111111111111111".to_owned()), 1 => Just("true".to_owned())];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let object = prop::collection::vec((name.clone(), inner.clone()), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|all| format!("[\"{PAD}\"{}]", all.iter().map(|value| format!(",{value}")).collect::<String>())),
            object.prop_map(|all| format!("{{\"pad\":\"{PAD}\"{}}}", all.iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect::<String>())),
        ]
    })
}

const PAD: &str = "ten green bottles hanging on the wall, and if one green bottle should fall there are nine green bottles, and so on until none is left";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_kept_changes_nothing(texts in prop::collection::vec(json(), 1..4), turns in prop::collection::vec((0..6_usize, 0..4_usize, 0..4_usize), 1..8)) {
        let policy = Policy::default();
        let mut knowing = Redactor::new(&policy, &test_key());
        // The same containers at other places and beside others, and all of it three times.
        for (turn, (form, first, second)) in turns.iter().chain(&turns).chain(&turns).enumerate() {
            let (first, second) = (&texts[first % texts.len()], &texts[second % texts.len()]);
            let (media_type, text) = match form {
                0 => ("application/json", format!("[{turn},{first},{second}]")),
                1 => ("application/json", format!(r#"{{"turn":{turn},"entry":{first},"value":{second}}}"#)),
                2 => ("application/json", format!(r#"{{"entry":{first},"entry":{second}}}"#)),
                3 => ("application/json", format!(r#"{{"name":"email","value":{first},"items":[{second}]}}"#)),
                4 => ("application/x-ndjson", format!("{first}\n{{\"turn\":{turn}}}\n{second}\n")),
                _ => ("application/json", first.clone()),
            };
            let exchange = exchange(turn as u64, media_type, &text);
            let (mut known, mut anew) = (exchange.clone(), exchange);
            knowing.exchange(&mut known);
            Redactor::new(&policy, &test_key()).exchange(&mut anew);
            prop_assert_eq!(known, anew, "{}", text);
        }
    }
}

#[test]
fn a_container_is_known_when_it_was_met_twice_wherever_no_verdict_depends_on_the_place() {
    let object = format!(r#"{{"name":"Bob Smith","email":"bob@shop.example","note":"{PAD}"}}"#);
    let mut redactor = Redactor::new(&Policy::default(), &test_key());
    for turn in 0..3 {
        let mut exchange = exchange(turn, "application/json", &format!(r#"{{"turn":{turn},"users":[{object}],"value":{object}}}"#));
        redactor.exchange(&mut exchange);
        let found = exchange.redactions.iter().filter(|redaction| redaction.path.starts_with("body:")).count();
        assert_eq!(found, 4, "turn {turn}: {:?}", exchange.redactions);
    }
    let is_known = |path: &str, name: Option<&str>, raw: &str| {
        let container = Container { path, name, start: 0, raw: raw.as_bytes() };
        depends_on_itself(&container) && matches!(redactor.fragments.sight(&container), Sight::Known(_))
    };
    // The array is what was kept, not once more what stands in it.
    let array = format!("[{object}]");
    assert!(is_known("body:/users", Some("users"), &array));
    for (path, name, raw) in [
        ("body:/users/0", Some("users"), object.as_str()),
        ("body:/products", Some("users"), &array),
        ("body:/users", Some("products"), &array),
        ("body:/users", None, &array),
        ("body:/users", Some("users"), &array.replace("Bob", "Rob")),
        ("body:/value", Some("value"), &object),
    ] {
        assert!(!is_known(path, name, raw), "{path} {name:?} {raw}");
    }
}

#[test]
fn containers_at_one_path_are_looked_at_together() {
    let entry = format!(r#"{{"name":"Quillwort","pad":"{PAD}"}}"#);
    let alone = format!(r#"{{"entry":{entry}}}"#);
    let beside = format!(r#"{{"entry":{entry},"entry":{{"email":"bob@shop.example"}}}}"#);
    let mut redactor = Redactor::new(&Policy::default(), &test_key());
    for (turn, (text, expected)) in [(&alone, 0), (&alone, 0), (&alone, 0), (&beside, 2), (&alone, 0)].into_iter().enumerate() {
        let mut exchange = exchange(turn as u64, "application/json", text);
        redactor.exchange(&mut exchange);
        let found = exchange.redactions.iter().filter(|redaction| redaction.path.starts_with("body:")).count();
        assert_eq!(found, expected, "turn {turn}: {:?}", exchange.redactions);
    }
}

#[test]
fn what_stands_in_a_list_that_is_too_heavy_is_known() {
    let record = |number: usize| {
        let others: Vec<String> = (0..40).map(|other| format!(r#""{number}.{other}@shop.example""#)).collect();
        format!(r#"{{"email":[{}],"pad":"{PAD}"}}"#, others.join(","))
    };
    let list = format!("[{}]", (0..12).map(record).collect::<Vec<_>>().join(","));
    assert!(CONTAINERS.contains(&list.len()));
    let mut redactor = Redactor::new(&Policy::default(), &test_key());
    for turn in 0..6 {
        redactor.exchange(&mut exchange(turn, "application/json", &format!(r#"{{"turn":{turn},"users":{list}}}"#)));
    }
    let is_known =
        |path: &str, raw: &str| matches!(redactor.fragments.sight(&Container { path, name: Some("users"), start: 0, raw: raw.as_bytes() }), Sight::Known(_));
    assert!(!is_known("body:/users", &list) && is_known("body:/users/3", &record(3)));
}

#[test]
fn what_is_kept_is_bounded() {
    let mut redactor = Redactor::new(&Policy::default(), &test_key());
    for turn in 0..4000 {
        let pad = format!("{PAD} ").repeat(30);
        let mut exchange = exchange(turn, "application/json", &format!(r#"[{{"number":{},"email":"{}@shop.example","pad":"{pad}"}}]"#, turn / 2, turn / 2));
        redactor.exchange(&mut exchange);
    }
    for shard in &redactor.fragments.shards {
        let shard = shard.lock().expect("no one has panicked");
        assert!(shard.kept.weight() <= MAX_WEIGHT && shard.kept.weight() > 0);
    }
}
