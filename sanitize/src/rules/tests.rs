use std::ops::Range;

use reenact_formats::config::rules::{PackFile, Vector};
use reenact_formats::content::LeafKind;

use super::*;
use crate::detect::{Detector, Place};

/// Each rule with the examples that stand with it.
fn packs() -> Vec<(String, PackFile)> {
    pack::built_in_packs()
}

/// What every rule finds, also those of the profiles that take more.
fn detector() -> (Arc<Rules>, Detector) {
    let rules = Arc::new(Rules::of_profile(Profile::GdprMinimal));
    let detector = Detector::new(&rules);
    (rules, detector)
}

/// A text without the marks, and where what they enclose stands.
fn unmarked(text: &str) -> (String, Vec<Range<usize>>) {
    let (mut bare, mut spans) = (String::new(), Vec::new());
    let mut start = 0;
    for character in text.chars() {
        match character {
            '«' => start = bare.len(),
            '»' => spans.push(start..bare.len()),
            other => bare.push(other),
        }
    }
    (bare, spans)
}

#[test]
fn every_example_of_every_rule_holds() {
    let (rules, detector) = detector();
    let found = |vector: &Vector| {
        let (name, text) = vector.parts();
        let (bare, spans) = unmarked(text);
        let place = Place { kind: LeafKind::JsonString, name, path: "body:/x/y", beside: None };
        let hits = detector.detect(bare.as_bytes(), &place);
        let hits: Vec<(String, Range<usize>)> = hits.into_iter().map(|hit| (rules.word(hit.rule).to_owned(), hit.span)).collect();
        (bare, spans, hits)
    };
    let mut wrong = Vec::new();
    for (file, pack) in packs() {
        for rule in &pack.rules {
            let id = rule.id.text();
            for vector in &rule.positive {
                let (text, spans, hits) = found(vector);
                let got: Vec<Range<usize>> = hits.iter().map(|(_, span)| span.clone()).collect();
                if spans.is_empty() || got != spans {
                    wrong.push(format!("{file}: {id}: {text:?} should give {spans:?}, gives {hits:?}"));
                }
            }
            for vector in &rule.negative {
                let (text, _, hits) = found(vector);
                if hits.iter().any(|(rule, _)| rule == id) {
                    wrong.push(format!("{file}: {id}: {text:?} should give nothing, gives {hits:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} examples do not hold:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_rule_says_where_it_is_from_and_shows_what_it_finds() {
    for (file, pack) in packs() {
        assert!(pack.dated.len() == 10, "{file}");
        for rule in &pack.rules {
            let is_known_by_code = rule.find.is_empty() && rule.names.strong.is_empty() && rule.names.weak.is_empty();
            let id = rule.id.text();
            assert!(!rule.source.is_empty() && !rule.about.is_empty(), "{file}: {id}");
            assert!(is_known_by_code || (rule.positive.len() >= 2 && !rule.negative.is_empty()), "{file}: {id} needs two positive examples and a negative one");
        }
    }
}

#[test]
fn rules_that_code_refers_to_have_their_places() {
    let rules = Rules::built_in();
    for (word, (id, rule)) in KNOWN.iter().zip(rules.all()) {
        assert_eq!((rules.by_word(word), rule.id.as_str()), (Some(id), *word));
    }
    assert_eq!(rules.word(RuleId::BODY_DIGEST), "body_digest");
}

#[test]
fn a_users_own_pack_is_looked_for_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("own.yaml");
    let head = "version: 1\npack: own\ndated: 2026-11-22\nrules:\n";
    let rule = "  - id: badge\n    about: badges\n    domain: opaque\n    severity: low\n    source: our own\n    names: { strong: [badge ref] }\n    find: [{ prefix: [bdg_], then: hex, length: 8 }, { pattern: '2031-[0-9]{2}-[0-9]{2}', has: '2031-' }]\n";
    let read_own = |text: &str| {
        std::fs::write(&path, text).expect("writes");
        read([path.clone()], Profile::Default)
    };
    let rules = Arc::new(read_own(&format!("{head}{rule}")).expect("reads"));
    let detector = Detector::new(&rules);
    for (name, text) in [(None, "a bdg_01234567 b"), (Some("badgeRef"), "7"), (None, "on 2031-01-31"), (None, "2031-01-31")] {
        let place = Place { kind: LeafKind::JsonString, name, path: "body:/x/y", beside: None };
        let hits = detector.detect(text.as_bytes(), &place);
        assert_eq!(hits.iter().map(|hit| rules.word(hit.rule)).collect::<Vec<_>>(), ["badge"], "{text}");
    }
    for (from, to, expected) in [
        ("id: badge", "id: email", "own.yaml, line 5, column 9: there is a rule `email` already"),
        ("domain: opaque", "domain: opaqe", "line 7, column 13: unknown domain `opaqe`"),
        ("then: hex", "then: hexa", "unknown alphabet `hexa`"),
        ("prefix: [bdg_]", "code: emial", "unknown recogniser `emial`"),
        ("prefix: [bdg_]", "pattern: '('", "the pattern is none"),
        ("length: 8", "length: 8, at_most: 9", "a length is exact"),
        ("length: 8", "check: no_such", "there is no check `no_such`"),
        ("prefix: [bdg_], then: hex, length: 8", "then: hex", "exactly one of"),
    ] {
        let error = read_own(&format!("{head}{}", rule.replace(from, to))).expect_err(to).to_string();
        assert!(error.contains(expected), "{error}");
    }
}
