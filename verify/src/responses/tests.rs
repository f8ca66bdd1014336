use std::time::Duration;

use reenact_formats::model::{Action, Part, Side, Timestamp};

use super::*;
use crate::test_data::{answer, exchange, outcome};

fn compare_with(learned: &Learned, ignored: &[&str], baseline: &Outcome, run: &Outcome) -> Responses {
    let ignored: Vec<_> = ignored.iter().map(|path| (*path).to_owned()).collect();
    let mut comparison = Comparison::new(learned, &ignored, Clock::new(Duration::from_secs(1)));
    comparison.pair(baseline, run);
    comparison.finish()
}

fn found(responses: &Responses) -> Vec<String> {
    responses.groups.iter().map(|group| format!("{} {}", group.kind, group.path)).collect()
}

#[test]
fn bodies_are_compared_value_by_value() {
    for (baseline, run, expected) in [
        (r#"{"a":1,"b":[true,null]}"#, r#"{"b":[true,null],"a":1}"#, vec![]),
        (r#"{"a":1.50}"#, r#"{"a":1.5}"#, vec![]),
        (r#"{"a":150}"#, r#"{"a":15}"#, vec!["value body:/a"]),
        (r#"{"a":"x"}"#, r#"{"a":"y"}"#, vec!["value body:/a"]),
        (r#"{"a":"1"}"#, r#"{"a":1}"#, vec!["type body:/a"]),
        (r#"{"a":1}"#, r#"{"a":null}"#, vec!["type body:/a"]),
        (r#"{"a":1,"b":2}"#, r#"{"a":1}"#, vec!["missing body:/b"]),
        (r#"{"a":1}"#, r#"{"a":1,"b":{"c":2}}"#, vec!["extra body:/b"]),
        (r#"{"a":[1,2,3]}"#, r#"{"a":[1]}"#, vec!["missing body:/a/*"]),
        (r#"{"a":[]}"#, r#"{}"#, vec!["missing body:/a"]),
        (r#"{"a":[]}"#, r#"{"a":[{"b":1,"c":2}]}"#, vec!["extra body:/a/*"]),
        (r#"{"a":[{"b":1,"c":2},{"b":3,"c":4}]}"#, r#"{"a":[{"b":1,"c":2}]}"#, vec!["missing body:/a/*"]),
        (r#"{"a":[]}"#, r#"{"a":null}"#, vec!["type body:/a"]),
        (r#"{"a":{"b":1},"ab":2}"#, r#"{"ab":2}"#, vec!["missing body:/a"]),
        (r#"{"a":[{"b":"x"}]}"#, r#"{"a":[{"b":"y"}]}"#, vec!["value body:/a/*/b"]),
        ("", r#"{"a":1}"#, vec!["extra body:/a"]),
        ("not json", "not jsom", vec!["value body:"]),
    ] {
        let responses = compare_with(&Learned::new(true), &[], &outcome("1.1", 200, baseline), &outcome("1.1", 200, run));
        assert_eq!(found(&responses), expected, "{baseline} {run}");
        assert_eq!(responses.equal, u64::from(expected.is_empty()));
    }
}

#[test]
fn heads_are_compared_in_part() {
    let with = |headers: &str| Outcome {
        reply: Reply::Answered { status: 200, response: Some(answer(200, headers, "{}")), redactions: vec![] },
        ..outcome("1.1", 200, "")
    };
    for (baseline, run, expected) in [
        ("Date: a\r\nServer: x\r\nETag: 1\r\n", "Date: b\r\nETag: 2\r\nConnection: close\r\n", vec![]),
        ("Location: http://a:1/orders/17\r\n", "Location: http://b:2/orders/18\r\n", vec![]),
        ("Location: /orders/17\r\n", "Location: /carts/17\r\n", vec!["value header:location"]),
        ("Set-Cookie: sid=1; Path=/\r\n", "Set-Cookie: sid=2\r\n", vec![]),
        ("Set-Cookie: sid=1\r\n", "Set-Cookie: session=2\r\n", vec!["extra set-cookie:session", "missing set-cookie:sid"]),
        ("X-Page: 1\r\n", "", vec!["missing header:x-page"]),
        ("X-Noise: 1\r\n", "", vec![]),
    ] {
        let responses = compare_with(&Learned::new(true), &["header:x-noise"], &with(baseline), &with(run));
        let mut found = found(&responses);
        found.sort();
        assert_eq!(found, expected, "{baseline:?} {run:?}");
    }
}

#[test]
fn statuses_and_failures_are_breaches_and_recoveries_are_not() {
    let failed = |failure| Outcome { reply: Reply::Failed(failure), ..outcome("1.1", 200, "") };
    for (baseline, run, expected) in [
        (outcome("1.1", 200, "{}"), outcome("1.1", 500, r#"{"error":"x"}"#), Some(("status 200 → 500", true))),
        (outcome("1.1", 200, "{}"), failed(Failure::Timeout), Some(("failed 200 → timeout", true))),
        (failed(Failure::Closed), outcome("1.1", 200, "{}"), Some(("recovered closed → 200", false))),
        (failed(Failure::Closed), failed(Failure::Timeout), None),
        (outcome("1.1", 200, "{}"), failed(Failure::Stopped), None),
        (outcome("1.1", 200, "{}"), failed(Failure::NotReplayable), None),
    ] {
        let responses = compare_with(&Learned::new(true), &[], &baseline, &run);
        assert_eq!(
            responses.groups.first().map(|group| (format!("{} {}", group.kind, group.path), group.breach)),
            expected.map(|(text, breach)| (text.to_owned(), breach))
        );
    }
}

#[test]
fn what_the_target_makes_anew_is_told() {
    let pair = |old: &str, new: &str| (outcome("1.1", 200, old), outcome("1.1", 200, new));
    let (old, new) = pair(r#"{"id":17,"n":3}"#, r#"{"id":18,"n":3}"#);

    // The recording had yet another id there.
    let mut learned = Learned::new(true);
    assert_eq!(found(&compare_with(&learned, &[], &old, &new)), ["value body:/id"]);
    learned.compare(&exchange("1.1", "GET /things/9", "", 200, r#"{"id":9,"n":3}"#), &old);
    let responses = compare_with(&learned, &[], &old, &new);
    assert_eq!((found(&responses).len(), responses.made_anew[0].told_by.as_str()), (0, "differs from the recording"));
    // A number that the baseline repeated is no id.
    let (old_n, new_n) = pair(r#"{"id":17,"n":3}"#, r#"{"id":17,"n":4}"#);
    assert_eq!(found(&compare_with(&learned, &[], &old_n, &new_n)), ["value body:/n"]);

    // A place that was learned may hold any value, but not none.
    for (new, expected) in [(r#"{"id":0,"n":3}"#, 0), (r#"{"id":null,"n":3}"#, 1), (r#"{"n":3}"#, 1)] {
        assert_eq!(compare_with(&learned, &[], &old, &outcome("1.1", 200, new)).groups.len(), expected, "{new}");
    }

    // Without a recording the name tells.
    assert_eq!(compare_with(&Learned::new(false), &[], &old, &new).made_anew[0].told_by, "identifier");

    // A later request takes it.
    let (old, new) = pair(r#"[{"code":"a"},{"code":"b"}]"#, r#"[{"code":"c"},{"code":"d"}]"#);
    let mut learned = Learned::new(true);
    learned.bind("GET /things/{}", &["body:/0/code".to_owned()]);
    let responses = compare_with(&learned, &[], &old, &new);
    assert_eq!((found(&responses).len(), responses.made_anew[0].count, responses.made_anew[0].told_by.as_str()), (0, 2, "bound later"));

    // It was redacted as an opaque value.
    let (mut old, new) = pair(r#"{"secret":"aa"}"#, r#"{"secret":"bb"}"#);
    if let Reply::Answered { redactions, .. } = &mut old.reply {
        redactions.push(Redaction {
            side: Side::Response,
            part: Part::Body,
            span: 11..13,
            rule: "r".into(),
            domain: "opaque".into(),
            action: Action::Pseudonym,
            path: "body:/secret".into(),
        });
    }
    assert_eq!(compare_with(&Learned::new(true), &[], &old, &new).made_anew[0].told_by, "redacted as opaque");
}

#[test]
fn clocks_may_differ_and_times_may_not() {
    let at = |body: &str, later: Duration| {
        let mut outcome = outcome("1.1", 200, body);
        outcome.timing.done = outcome.timing.done.map(|done: Timestamp| done.saturating_add(later));
        outcome
    };
    let hour = Duration::from_secs(3600);
    let learned = Learned::new(true);
    for (old, new, expected) in [
        // Made when answered: the second run was an hour later.
        ("2026-09-21T14:13:20Z", "2026-09-21T15:13:20.5Z", 0),
        ("1790000000", "1790003600", 0),
        // One and the same time, read in another zone.
        ("2026-12-24T18:00:00Z", "2026-12-24T20:00:00Z", 1),
        // A date is no clock.
        ("2026-09-21", "2026-09-22", 1),
    ] {
        let (old, new) = (at(&format!("{{\"t\":\"{old}\"}}"), Duration::ZERO), at(&format!("{{\"t\":\"{new}\"}}"), hour));
        assert_eq!(compare_with(&learned, &[], &old, &new).groups.len(), expected);
    }
}

#[test]
fn ignored_places_are_left_out_with_all_below() {
    let (old, new) = (outcome("1.1", 200, r#"{"a":{"b":1},"c":[{"d":"x"}]}"#), outcome("1.1", 200, r#"{"a":{"b":2},"c":[{"d":"y"}]}"#));
    for (ignored, expected) in [
        (vec![], vec!["value body:/a/b", "value body:/c/*/d"]),
        (vec!["body:/a"], vec!["value body:/c/*/d"]),
        (vec!["body:/a/b", "body:/c/*/d"], vec![]),
        (vec!["body:/c/0"], vec!["value body:/a/b"]),
        (vec!["body:/b"], vec!["value body:/a/b", "value body:/c/*/d"]),
    ] {
        assert_eq!(found(&compare_with(&Learned::new(true), &ignored, &old, &new)), expected, "{ignored:?}");
    }
}

#[test]
fn like_differences_share_a_group() {
    let learned = Learned::new(true);
    let mut comparison = Comparison::new(&learned, &[], Clock::new(Duration::ZERO));
    for index in 1..=9 {
        comparison.pair(&outcome(&format!("1.{index}"), 200, r#"{"a":"x"}"#), &outcome(&format!("1.{index}"), 200, r#"{"a":"y"}"#));
    }
    // Two values of one pair that differ alike are one pair.
    comparison.pair(&outcome("2.1", 200, r#"{"l":["x","x"]}"#), &outcome("2.1", 200, r#"{"l":["y","y"]}"#));
    let mut responses = comparison.finish();
    assert_eq!(responses.groups.pop().map(|group| (group.path, group.count)), Some(("body:/l/*".to_owned(), 1)));
    assert_eq!((responses.groups.len(), responses.groups[0].count, responses.groups[0].examples.len(), responses.differing), (1, 9, MAX_EXAMPLES, 10));
    assert_eq!(responses.groups[0].examples[0].baseline.as_deref(), Some("x"));
}
