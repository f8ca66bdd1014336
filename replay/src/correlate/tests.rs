use crate::testing::{exchange, response, script};
use crate::{Plan, PlanOptions};
use reenact_formats::model::Exchange;

use super::harvest::harvest;

fn plan(exchanges: Vec<Exchange>) -> Plan {
    Plan::build(exchanges.into_iter().map(Ok), &PlanOptions::default()).unwrap()
}

/// Which step takes from which, by which binding.
fn ties(exchanges: Vec<Exchange>) -> Vec<String> {
    let plan = plan(exchanges);
    let mut ties = Vec::new();
    for (step, planned) in plan.steps.iter().enumerate() {
        for take in &planned.takes {
            assert!(planned.follows.contains(&take.producer), "a consumer waits for its producer");
            ties.push(format!("{step} <- {}: {}", take.producer, take.name));
        }
    }
    ties
}

fn check(about: &str, lines: &[(u64, &str, &str)], expected: &[&str]) {
    assert_eq!(ties(script(lines)), expected, "{about}");
}

const UUID: &str = "1f0c7e4a-9d3b-4c55-8a21-0e6f7b9d2c11";
const OPAQUE: &str = "hT7pQ2xW9vL4mN8r";

#[test]
fn values_of_many_bits_tie_wherever_they_are_carried() {
    let created = format!("201\n\n{{\"a\":{{\"b\":[0,\"{UUID}\"]}}}}");
    let carriers = [
        (format!("GET /x/{UUID}"), "0: POST /make body:/a/b/* -> GET /x/{} target:/1"),
        (format!("GET /x?y={UUID}"), "0: POST /make body:/a/b/* -> GET /x query:y"),
        (format!("GET /x\nX-Y: {UUID}"), "0: POST /make body:/a/b/* -> GET /x header:x-y"),
        (format!("GET /x\nAuthorization: Bearer {UUID}"), "0: POST /make body:/a/b/* -> GET /x header:authorization"),
        (format!("GET /x\nCookie: a=1; b={UUID}"), "0: POST /make body:/a/b/* -> GET /x cookie:b"),
        (format!("POST /x\n\n{{\"y\":\"{UUID}\"}}"), "0: POST /make body:/a/b/* -> POST /x body:/y"),
        (format!("POST /x\n\n{{\"y\":\"see {UUID}, please\"}}"), "0: POST /make body:/a/b/* -> POST /x body:/y"),
        (format!("POST /x\nContent-Type: application/x-www-form-urlencoded\n\ny={UUID}"), "0: POST /make body:/a/b/* -> POST /x body:y"),
        (format!("POST /x\nContent-Type: text/plain\n\nlook at {UUID}!"), "0: POST /make body:/a/b/* -> POST /x body:"),
    ];
    for (carrier, expected) in carriers {
        // In the session that made it, and in any other.
        for connection in [1, 2] {
            check(&carrier, &[(1, "POST /make", &created), (connection, &carrier, "200")], &[&format!("1 <- {expected}")]);
        }
    }
}

#[test]
fn values_are_found_in_every_part_of_an_answer() {
    let answers = [
        (format!("201\nSet-Cookie: k={OPAQUE}; Path=/"), "set-cookie:k"),
        (format!("201\nLocation: http://recorded.example/y/{OPAQUE}?z=1"), "header:location:/1"),
        (format!("200\nETag: \"{OPAQUE}\""), "header:etag[0]"),
        (format!("200\nX-Next: {OPAQUE}"), "header:x-next"),
        (format!("200\n\n{{\"link\":\"/y/{OPAQUE}?z=1\"}}"), "body:/link[1]"),
        (format!("200\nContent-Type: text/plain\n\nyour code is {OPAQUE}."), "body:[3]"),
    ];
    for (answer, place) in answers {
        check(&answer, &[(1, "GET /a", &answer), (1, &format!("GET /b?c={OPAQUE}"), "200")], &[&format!("1 <- 0: GET /a {place} -> GET /b query:c")]);
    }
}

#[test]
fn what_is_drawn_may_look_like_a_word() {
    // One in some dozens of codes of letters and digits comes out without a digit.
    let codes = ["kx7qm2rw9", "p4zn8tyc1", "hgwqbvrtk"];
    let lines: Vec<_> =
        codes.iter().map(|code| (format!("201\n\n{{\"id\":\"{code}\",\"state\":\"waiting\"}}"), format!("GET /boxes/{code}?state=waiting"))).collect();
    let lines: Vec<_> = lines.iter().flat_map(|(created, read)| [(1, "POST /boxes", created.as_str()), (1, read, "200")]).collect();
    let exchanges = script(&lines);
    assert_eq!(ties(exchanges.clone()), [1, 3, 5].map(|step| format!("{step} <- {}: POST /boxes body:/id -> GET /boxes/{{}} target:/1", step - 1)));
    assert_eq!(plan(exchanges).steps[5].endpoint, "/boxes/{}", "what is bound is a value");
}

#[test]
fn what_the_client_said_first_stays() {
    let echoed = format!("201\n\n{{\"reference\":\"{UUID}\"}}");
    check("an echo", &[(1, &format!("POST /a\n\n{{\"reference\":\"{UUID}\"}}"), &echoed), (1, &format!("GET /a/{UUID}"), "200")], &[]);
    check("said elsewhere", &[(1, &format!("GET /a/{UUID}"), "404"), (2, "GET /b", &echoed), (2, &format!("GET /c/{UUID}"), "200")], &[]);
}

#[test]
fn the_first_answer_that_held_it_issued_it() {
    let answer = format!("200\n\n{{\"id\":\"{UUID}\"}}");
    let lines = [(1, "POST /a", answer.as_str()), (2, "GET /a", &answer), (2, &format!("GET /a/{UUID}"), &answer)];
    check("a repetition", &lines, &["2 <- 0: POST /a body:/id -> GET /a/{} target:/1"]);
}

#[test]
fn an_answer_that_was_not_over_ties_nothing() {
    let answer = format!("200\n\n{{\"id\":\"{UUID}\"}}");
    let exchanges = vec![exchange(1, 1, 0, 50, "POST /a", &answer), exchange(2, 1, 40, 60, &format!("GET /a/{UUID}"), "200")];
    assert_eq!(ties(exchanges), [""; 0]);
}

#[test]
fn small_numbers_tie_where_names_agree() {
    let created = "201\n\n{\"id\":7,\"size\":3,\"version\":7}";
    let lines = [(1, "POST /boxes", created), (1, "GET /boxes/7", "200"), (1, "GET /boxes/3", "404"), (1, "GET /boxes/7", "200"), (1, "GET /pages/7", "200")];
    let expected = ["1 <- 0: POST /boxes body:/id -> GET /boxes/{} target:/1", "3 <- 0: POST /boxes body:/id -> GET /boxes/{} target:/1"];
    check("a row's number", &lines, &expected);
    // Numbers are one identity's own.
    check("another session", &[(1, "POST /boxes", "201\n\n{\"id\":7}"), (2, "GET /boxes/7", "200")], &[]);
}

#[test]
fn sessions_with_one_credential_are_one() {
    let badge = format!("200\n\n{{\"badge\":\"{OPAQUE}\"}}");
    let create = format!("POST /boxes\nX-Badge: {OPAQUE}");
    let read = format!("GET /boxes/7\nX-Badge: {OPAQUE}");
    let lines = [(1, "POST /enter", badge.as_str()), (2, &create, "201\n\n{\"id\":7}"), (3, &read, "200")];
    let expected = [
        "1 <- 0: POST /enter body:/badge -> POST /boxes header:x-badge",
        "2 <- 1: POST /boxes body:/id -> GET /boxes/{} target:/1",
        "2 <- 0: POST /enter body:/badge -> GET /boxes/{} header:x-badge",
    ];
    check("three connections of one", &lines, &expected);
}

#[test]
fn small_numbers_elsewhere_need_evidence() {
    // Each session creates a box and puts things into it by its number; names do not agree, numbers rise.
    let session = |number: u64, box_id: u64| {
        let created = format!("201\n\n{{\"nr\":{box_id},\"rows\":2}}");
        let put = format!("POST /put\n\n{{\"into\":{box_id},\"rows\":2}}");
        [(number, "POST /boxes".to_owned(), created), (number, put, "200".to_owned())]
    };
    let tied = |sessions: u64| {
        let lines: Vec<_> = (1..=sessions).flat_map(|number| session(number, 40 + number)).collect();
        let lines: Vec<_> = lines.iter().map(|(connection, request, response)| (*connection, request.as_str(), response.as_str())).collect();
        ties(script(&lines)).len()
    };
    assert_eq!([tied(1), tied(2), tied(5)], [0, 0, 5], "the constant number of rows never ties");
}

#[test]
fn cookies_and_entity_tags_tie_however_short() {
    let lines = [(1, "GET /a", "200\nSet-Cookie: k=q"), (1, "GET /b\nCookie: k=q; l=q", "200")];
    check("a cookie", &lines, &["1 <- 0: GET /a set-cookie:k -> GET /b cookie:k"]);
    let lines = [(1, "GET /a/x", "200\nETag: \"3\""), (1, "PUT /a/x\nIf-Match: \"3\"", "200"), (1, "GET /b\nX-Y: \"3\"", "200")];
    check("an entity tag", &lines, &["1 <- 0: GET /a/x header:etag -> PUT /a/x header:if-match"]);
}

#[test]
fn a_number_is_that_of_the_latest_thing_that_was_made() {
    let lines = [(1, "POST /boxes", "201\n\n{\"id\":7}"), (1, "POST /boxes/7/items", "201\n\n{\"id\":7}"), (1, "GET /boxes/7/items/7", "200")];
    let expected = [
        "1 <- 0: POST /boxes body:/id -> POST /boxes/{}/items target:/1",
        "2 <- 0: POST /boxes body:/id -> GET /boxes/{}/items/{} target:/1",
        "2 <- 1: POST /boxes/{}/items body:/id -> GET /boxes/{}/items/{} target:/3",
    ];
    check("a box and an item of the same number", &lines, &expected);
}

#[test]
fn live_values_are_taken_by_place() {
    let recorded = format!("200\n\n{{\"id\":\"{UUID}\",\"list\":[{{\"sku\":\"{OPAQUE}\"}}]}}");
    let plan = plan(script(&[(1, "GET /a", &recorded), (1, &format!("GET /b/{UUID}/{OPAQUE}"), "200")]));
    let harvested = |answer: &str| {
        let harvest = harvest(&plan.steps[0].gives, &response(answer));
        let values: Vec<_> = harvest.values.iter().map(|(_, value)| value.as_ref().map(|value| String::from_utf8(value.to_vec()).unwrap())).collect();
        (values, harvest.produced)
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(harvested("200\n\n{\"id\":9,\"list\":[{\"sku\":\"z\"}]}"), (vec![some("9"), some("z")], vec!["body:/id".into(), "body:/list/0/sku".into()]));
    assert_eq!(harvested("200\n\n{\"list\":[]}"), (vec![None, None], vec![]), "the recorded values are sent");
    // The target knows the recorded value: it was set up with it. Its place in the list means nothing.
    let known = format!("200\n\n{{\"id\":\"new\",\"list\":[{{\"sku\":\"z\"}},{{\"sku\":\"{OPAQUE}\"}}]}}");
    assert_eq!(harvested(&known), (vec![some("new"), None], vec!["body:/id".into()]));
    assert_eq!(harvested("500\n\noops"), (vec![None, None], vec![]));
}
