//! What policies make of an exchange.

use super::tests::{exchange, json, request, response, text_of};
use super::*;
use crate::key::test_key;
use crate::residue::ResidueCheck;

/// A JSON answer under a policy. The check finds nothing in it, and redacting it again changes nothing.
fn answer(policy: &str, text: &str) -> (String, Vec<Redaction>) {
    let policy = Policy::parse("p.yaml", &format!("version: 1\n{policy}\n")).expect("reads");
    let (head, content) = json(text);
    let mut exchange = exchange(0, request("GET /users/42?q=blue HTTP/1.1\r\nHost: shop.example\r\nX-Device: red-42", b""), response(&head, &content));
    Redactor::new(&policy, &test_key()).exchange(&mut exchange);
    assert_eq!(ResidueCheck::new(&policy, None).exchange(&exchange), [], "{text}");
    let once = exchange.clone();
    Redactor::new(&policy, &test_key()).exchange(&mut exchange);
    assert_eq!(exchange, once);
    let texts = [exchange.request.as_ref(), exchange.response.as_ref()].map(|message| text_of(message.expect("both")));
    (texts.concat(), exchange.redactions)
}

#[test]
fn places_are_taken_whole() {
    let text =
        r#"{"users":[{"nick":"sunny bear","note":"call ada@planted.example","age":41,"ok":true,"no":null,"card":"4111111111111111","cvv":"123"}],"sku":"A-1"}"#;
    let policy = "locations:\n  'body:/users/*/*': { action: mask }\n  'body:/users/*/nick': { domain: person }\n  'header:x-*': { action: drop }\n  'query:q': { action: hash }\n  'target:/1': { action: mask }";
    let (made, redactions) = answer(policy, text);
    for gone in ["sunny", "call", "planted", "41,", "true", "4111", "\"123\"", "red-42", "q=blue", "/42"] {
        assert!(!made.contains(gone), "{gone}: {made}");
    }
    for left in [r#""sku":"A-1""#, r#""no":null"#, r#""age":0"#, r#""ok":false"#, "X-Device: \r\n", "/users/**", r#""cvv":"000""#] {
        assert!(made.contains(left), "{left}: {made}");
    }
    let of = |path: &str| {
        redactions.iter().find(|redaction| redaction.path == path).map(|redaction| (redaction.rule.as_str(), redaction.domain.as_str(), redaction.action))
    };
    assert_eq!(of("body:/users/*/nick"), Some(("location", "person", Action::Pseudonym)));
    assert_eq!(of("body:/users/*/cvv"), Some(("card_security", "password", Action::Mask)));
    assert_eq!(of("query:q"), Some(("location", "opaque", Action::Hash)));
}

#[test]
fn a_broad_place_leaves_what_a_message_is_read_by() {
    let (made, _) = answer("locations: { '**': { action: mask } }", r#"{"status":"shipped","ok":true}"#);
    for left in ["GET /users/**?q=**** HTTP/1.1", "Content-Type: application/json", r#"{"status":"*******","ok":true}"#] {
        assert!(made.contains(left), "{left}: {made}");
    }
    let (kept, redactions) = answer("locations: { '**': { action: keep } }", r#"{"email":"ada@planted.example","cvv":"123"}"#);
    assert!(kept.contains("ada@planted.example") && kept.contains(r#""cvv":"000""#), "{kept}");
    assert!(redactions.iter().any(|redaction| redaction.rule == "email" && redaction.action == Action::Keep));
}

#[test]
fn actions_do_what_they_say() {
    let hashed = String::from_utf8(Pseudonyms::new(&test_key()).hash(Domain::Email, b"ada@planted.example")).expect("digits");
    assert_eq!((hashed.len(), hashed.as_str()), (32, "dd6fe66422f7a80bfea7974d6ebed273"));
    for (policy, text, expected) in [
        ("rules: { email: { action: hash } }", r#"{"email":"Ada@planted.example"}"#, format!(r#"{{"email":"{hashed}"}}"#)),
        ("domains: { birth_date: { action: generalise } }", r#"{"birthDate":"1984-03-12"}"#, r#"{"birthDate":"1984-01-01"}"#.to_owned()),
        (
            "extends: hipaa-safe-harbor",
            r#"{"birthDate":"1841-03-12","zip":"90210","patient_age":93}"#,
            r#"{"birthDate":"1880-01-01","zip":"90200","patient_age":90}"#.to_owned(),
        ),
        ("extends: hipaa-safe-harbor", r#"{"zip":10201,"birthDate":12031984}"#, r#"{"zip":0,"birthDate":0}"#.to_owned()),
        ("rules: { ip: { action: generalise } }", r#"{"ip":"93.184.216.34"}"#, r#"{"ip":"93.184.216.0"}"#.to_owned()),
        ("extends: secrets-only", r#"{"email":"ada@planted.example","password":"x"}"#, r#"{"email":"ada@planted.example","password":""#.to_owned()),
    ] {
        let (made, _) = answer(policy, text);
        assert!(made.contains(&expected), "{policy}: {made}");
    }
}

#[test]
fn unknown_content_is_what_the_policy_says() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";
    for (policy, expected, action) in [
        ("", &b""[..], Action::Drop),
        ("unknown_content: keep_length", &[b'0'; 20][..], Action::Mask),
        ("unknown_content: keep", png, Action::Keep),
        ("rules: { opaque_body: { action: keep } }", png, Action::Keep),
    ] {
        let policy = Policy::parse("p.yaml", &format!("version: 1\n{policy}\n")).expect("reads");
        let mut exchange = exchange(0, request("GET /a HTTP/1.1\r\nHost: a", b""), response("Content-Type: image/png", png));
        Redactor::new(&policy, &test_key()).exchange(&mut exchange);
        assert_eq!(exchange.response.as_ref().map(|response| response.body.contiguous().into_owned()).as_deref(), Some(expected));
        assert!(exchange.redactions.iter().any(|redaction| redaction.rule == "opaque_body" && redaction.action == action), "{:?}", exchange.redactions);
        assert_eq!(ResidueCheck::new(&policy, None).exchange(&exchange), []);
    }
}

#[test]
fn columns_are_places_too() {
    let policy = Policy::parse("p.yaml", "version: 1\nlocations: { 'customers/nick*': { action: mask }, 'orders/email': { action: keep } }\n").expect("reads");
    let mut redactor = Redactor::new(&policy, &test_key());
    assert_eq!(redactor.value("customers.nickname", "bear"), "****");
    assert_eq!(redactor.value("orders.email", "ada@planted.example"), "ada@planted.example");
}

#[test]
fn what_was_found_is_explained() {
    let policy = Policy::parse("p.yaml", "version: 1\nlocations: { 'body:/nick': { action: mask } }\n").expect("reads");
    let text = r#"{"username":"ada_l","note":"card 4111 1111 1111 1111, mail ada@planted.example","nick":"bear","again":"s3cr3t-t0ken-4711","sku":"A-1"}"#;
    let (head, content) = json(text);
    let asked = request("GET /a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer s3cr3t-t0ken-4711", b"");
    let mut exchange = exchange(0, asked, response(&head, &content));
    let mut redactor = Redactor::new(&policy, &test_key());
    let told = redactor.explain(&mut exchange);
    let of = |path: &str, rule: &str| told.iter().find(|one| one.path == path && one.rule == rule).unwrap_or_else(|| panic!("{path} {rule}: {told:?}"));
    for (path, rule, evidence, value) in [
        ("header:authorization", "authorization", Evidence::Name, "s3cr3t-t0ken-4711"),
        ("body:/username", "username", Evidence::Name, "ada_l"),
        ("body:/note", "card", Evidence::Check, "4111 1111 1111 1111"),
        ("body:/note", "email", Evidence::Shape, "ada@planted.example"),
        ("body:/nick", "location", Evidence::Location, "bear"),
        ("body:/again", "recurrence", Evidence::Recurrence, "s3cr3t-t0ken-4711"),
        ("metadata:client", "ip", Evidence::Name, "93.184.216.34"),
    ] {
        let one = of(path, rule);
        assert_eq!((one.evidence, String::from_utf8_lossy(&one.value).as_ref()), (evidence, value), "{path} {rule}");
        assert!(one.becomes != one.value && !format!("{one:?}").contains(value));
    }
    assert_eq!(of("body:/again", "recurrence").becomes, of("header:authorization", "authorization").becomes);
    assert!(!told.iter().any(|one| one.path == "body:/sku"));
    // Nothing is told that no one has asked for.
    assert!(redactor.told.is_none());
}

#[test]
fn what_is_gone_stays_gone_whatever_comes_to_light_around_it() {
    let texts = [
        "call +49 30 alice@planted.example 901820 now",
        "peer 2001:4860:4860:alice@planted.example:8888 up",
        "card 4111 1111 alice@planted.example 1111 1111 paid",
        "call +49 30 8.8.8.8 901820 alice@planted.example now",
    ];
    for rest in ["", ", phone: { action: keep }, ip: { action: keep }, card: { action: keep }", ", phone: { action: drop }, ip: { action: drop }"] {
        for text in texts {
            let policy = format!("rules: {{ email: {{ action: drop }}{rest} }}");
            let (head, content) = json(&format!(r#"{{"note":"{text}"}}"#));
            let mut exchange = exchange(0, request("GET / HTTP/1.1\r\nHost: shop.example", b""), response(&head, &content));
            let policy = Policy::parse("p.yaml", &format!("version: 1\n{policy}\n")).expect("reads");
            Redactor::new(&policy, &test_key()).exchange(&mut exchange);
            let made = text_of(exchange.response.as_ref().expect("is there"));
            assert!(!made.contains("alice") && !made.contains("planted"), "{made}: {:?}", exchange.redactions);
        }
    }
}
