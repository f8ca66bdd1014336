use std::time::Duration;

use super::*;

fn detector() -> Detector {
    Detector::new(&Rules::built_in())
}

fn word(hit: &Hit) -> String {
    Rules::built_in().word(hit.rule).to_owned()
}

/// What is found in a text without a name, as `rule:piece`.
fn found(text: &str) -> Vec<String> {
    named("", text)
}

fn named(name: &str, text: &str) -> Vec<String> {
    let place = Place { kind: LeafKind::JsonString, name: (!name.is_empty()).then_some(name), path: "body:/x/y", beside: None };
    detector().detect(text.as_bytes(), &place).into_iter().map(|hit| format!("{}:{}", word(&hit), &text[hit.span])).collect()
}

#[test]
fn shapes_are_found_without_a_name() {
    for (text, expected) in [
        ("mail alice.b+c@shop.example, please", "email:alice.b+c@shop.example"),
        ("<bob@mail.co.uk>", "email:bob@mail.co.uk"),
        ("to=eve@x.io&y", "email:eve@x.io"),
        ("jürgen@bücher.de", "email:jürgen@bücher.de"),
        ("card 4111 1111 1111 1111 12/27", "card:4111 1111 1111 1111"),
        ("378282246310005", "card:378282246310005"),
        ("5555-5555-5555-4444.", "card:5555-5555-5555-4444"),
        ("GB29 NWBK 6016 1331 9268 19", "iban:GB29 NWBK 6016 1331 9268 19"),
        ("pay DE89370400440532013000 now", "iban:DE89370400440532013000"),
        ("ssn 078-05-1120", "ssn:078-05-1120"),
        ("call +49 (30) 123-4567!", "phone:+49 (30) 123-4567"),
        ("call 415-555-2671", "phone:415-555-2671"),
        ("from 93.184.216.34:443", "ip:93.184.216.34"),
        ("2a02:1b08:3cb6:625a:7e03:9d68:c17a:c95e", "ip:2a02:1b08:3cb6:625a:7e03:9d68:c17a:c95e"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln x", "jwt:eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln"),
        (
            "-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY----- x",
            "private_key:-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----",
        ),
        ("-----BEGIN PRIVATE KEY-----\ncut", "private_key:-----BEGIN PRIVATE KEY-----\ncut"),
        ("key AKIAIOSFODNN7EXAMPLE", "aws_key:AKIAIOSFODNN7EXAMPLE"),
        ("Bearer mF_9.B5f-4.1JqM", "authorization:mF_9.B5f-4.1JqM"),
        ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "authorization:QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("postgres://app:s3cret@db:5432/x", "url_credential:postgres://app:s3cret@db:5432/x"),
        ("user=bob password=hunter2, ok", "password:hunter2"),
        (r#"{"api_key": "abc def"#, "token:abc def"),
        ("aws secret access key: abcdefgh/+12", "aws_secret:abcdefgh/+12"),
        ("2fa code = 135646", "one_time_code:135646"),
        ("the cvv on file is 524; ok", "card_security:524"),
        ("New tel 0976279864 confirmed", "phone:0976279864"),
        ("csrfmiddlewaretoken DmmSCFmiBX-otBEGMEV7 was rejected", "token:DmmSCFmiBX-otBEGMEV7"),
        ("my date of birth is 13 November 1974. ok", "birth_date:13 November 1974"),
        ("gave 17 mai 1984 as date de naissance", "birth_date:17 mai 1984"),
        ("street address is набережна Академіка Липського, буд. 205; my", "address:набережна Академіка Липського, буд. 205"),
        ("mutation { login(pw: \"a b\", as: \"x\") { token } }", "password:a b"),
        (";4111111111111111=25121010000012300?", "card_security:;4111111111111111=25121010000012300?"),
    ] {
        assert_eq!(found(text), [expected], "{text}");
    }
}

#[test]
fn look_alikes_stay() {
    for text in [
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "11111111-1111-4111-8111-111111111111",
        "d41d8cd98f00b204e9800998ecf8427e",
        "00-6ca31cfe2d2e46d97a68ab7f5dcebf57-418197b586bbe2c3-01",
        "1640965287349",
        "2024-01-31T10:00:00+01:00",
        "4111111111111112",
        "0.4111111111111111",
        "ORD-4111111111111111x",
        "DE00090026310316070601",
        "DE00600553885616918940",
        "900-12-3456",
        "000-12-3456",
        "10.0.0.1 127.0.0.1 192.168.1.1 203.0.113.7 ::1 fe80::1 2001:db8::1",
        "Mozilla/5.0 Chrome/120.0.0.0 Safari/537.36",
        "10:20:30",
        "a@b",
        "@handle user@localhost",
        "npm i left-pad@1.3.0",
        "Basic authentication-required",
        "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----",
        "sku AKIA",
        "token=${API_TOKEN}",
        "password=%(token)s",
        "awb: 487458624983; my token is ***",
        "password=<redacted> secret: ****",
        "https://shop.example/orders?page=2",
        "The quick brown fox: 12 items, 3 = three",
        "let pinned = Pin::new(&mut stream); use core::pin::Pin;",
        "a=3D40 bind=192.0.2.44",
        "let token = client.acquire();",
        "mutation In($mail: String!, $password: String!) { login(mail: $mail, password: $password) { token } }",
    ] {
        assert_eq!(found(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn names_claim_whole_values() {
    for (name, text, expected) in [
        ("password", "p w", "password:p w"),
        ("authorization", "Bearer abc", "authorization:abc"),
        ("phone", "030 / 1234", "phone:030 / 1234"),
        ("ssn", "123456789", "ssn:123456789"),
        ("cvv", "123", "card_security:123"),
        ("card_number", "1234 5678 9012 3456", "card:1234 5678 9012 3456"),
        ("holder", "Ada Smith", "person:Ada Smith"),
        ("first_name", "Zoë", "person:Zoë"),
        ("street", "Rue de la Paix", "address:Rue de la Paix"),
        ("address", "12 High St", "address:12 High St"),
        ("dob", "31.1.80", "birth_date:31.1.80"),
        ("email", "alice at shop", "email:alice at shop"),
        ("code", "4/0AQ-0tCieQvvDZyEZJRx", "oauth_code:4/0AQ-0tCieQvvDZyEZJRx"),
        ("access_code", " 1234 ", "one_time_code:1234"),
    ] {
        assert_eq!(named(name, text), [expected], "{name}");
    }
    for (name, text) in [
        ("password", ""),
        ("password", "xxxx"),
        ("token", "null"),
        ("token", "[FILTERED]"),
        ("password", "%252A%252A%252A"),
        ("password", "%25%28token%29s"),
        ("code", "NOT_FOUND"),
        ("country_code", "DE"),
        ("address", "local"),
        ("name", "Madison Desk"),
        ("state", "CA"),
        ("key", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
        ("version", "1.2.3.4"),
        ("phone", "iPhone 12"),
    ] {
        assert_eq!(named(name, text), Vec::<String>::new(), "{name}={text}");
    }
}

/// What is found in a cookie.
fn cookie(name: &str, value: &str) -> Vec<String> {
    let place = Place { kind: LeafKind::Cookie, name: Some(name), path: "cookie:x", beside: None };
    detector().detect(value.as_bytes(), &place).into_iter().filter(|hit| hit.span == (0..value.len())).map(|hit| word(&hit)).collect()
}

#[test]
fn cookies_are_redacted_under_any_name_but_for_settings() {
    for (name, value) in [("uid", "jane"), ("acct", "12"), ("remember", "janeroe"), ("lang", "jh"), ("x", "jh-US"), ("n", "2"), ("theme", "darkest")] {
        assert_eq!(cookie(name, value).len(), 1, "{name}={value}");
    }
    assert_eq!((cookie("pw", "hunter"), cookie("login", "harker")), (vec!["password".to_owned()], vec!["cookie".to_owned()]));
    for value in ["", "0", "1", "true", "Off", "dark", "accepted", "deleted", "en", "en-US", "pt_br"] {
        assert_eq!(cookie("x", value), Vec::<&str>::new(), "{value}");
    }
}

#[test]
fn names_are_read_behind_what_is_no_utf_8() {
    for text in [&b"\xdf password=hunter2"[..], b"a_a\xdfaa password=hunter2", b"\xdfpassword=hunter2", b"a\xdf b\xdf passwor\xdf d password%3Dhunter2"] {
        let place = Place { kind: LeafKind::Text, name: None, path: "body:", beside: None };
        let hits = detector().detect(text, &place);
        assert_eq!(hits.iter().map(|hit| &text[hit.span.clone()]).collect::<Vec<_>>(), [b"hunter2"], "{}", text.escape_ascii());
    }
}

#[test]
fn mailboxes_are_taken_apart() {
    for (name, text, expected) in [
        ("from", "\"Jane Roe\" <jane@x.io>", vec!["person:Jane Roe", "email:jane@x.io"]),
        ("to", "a@x.io, b@y.io", vec!["email:a@x.io", "email:b@y.io"]),
        ("cc", " Roe, J. <jane@x.io>; b@y.io (Bob 2) ", vec!["person:Roe", "person:J", "email:jane@x.io", "email:b@y.io", "person:Bob 2"]),
        ("contact", "mailto:jane@x.io", vec!["email:jane@x.io"]),
        ("email", "Zoë <jane@x.io> 555", vec!["person:Zoë", "email:jane@x.io", "email:555"]),
        ("sender", "jane@x.io", vec!["email:jane@x.io"]),
        ("recipient", "Jane jane@x.io", vec!["person:Jane", "email:jane@x.io"]),
        ("sender", "jane at x", vec!["email:jane at x"]),
        ("from", "2026-01-01", vec![]),
        ("to", "USD", vec![]),
    ] {
        let got = named(name, text);
        assert_eq!(got, expected, "{name}={text}");
    }
}

#[test]
fn every_social_security_number_with_dashes_is_found() {
    for serial in 1..10_000_u32 {
        let text = format!("id 123-45-{serial:04}.");
        assert_eq!(found(&text).len(), 1, "{text}");
    }
}

#[test]
fn overlaps_leave_no_piece_behind() {
    let hit = |span: Range<usize>, rule| Hit::new(span, rule, Domain::Email);
    let spans = |hits: Vec<Hit>| apart(hits).into_iter().map(|hit| (hit.span, hit.rule)).collect::<Vec<_>>();
    assert_eq!(spans(vec![hit(0..4, RuleId::IP), hit(2..10, RuleId::EMAIL)]), [(0..2, RuleId::IP), (2..10, RuleId::EMAIL)]);
    assert_eq!(spans(vec![hit(0..9, RuleId::IP), hit(2..4, RuleId::EMAIL)]), [(0..9, RuleId::IP)]);
    assert_eq!(spans(vec![hit(3..5, RuleId::IP), hit(3..5, RuleId::EMAIL)]), [(3..5, RuleId::EMAIL)]);
    assert_eq!(spans(vec![hit(0..3, RuleId::IP), hit(2..5, RuleId::IP), hit(1..4, RuleId::IP)]).len(), 3);
}

/// Shapes that make backtracking engines and careless loops slow. The bound is generous: linear code takes a hundredth of it.
#[test]
fn no_input_makes_a_detector_slow() {
    let repeated = |text: &str| text.repeat((256 << 10) / text.len());
    for piece in [
        "a",
        "1",
        "@",
        "a@",
        "a=",
        "a:",
        "eyJ",
        "eyJ-",
        "eyJa.",
        "sk-",
        "AIza-",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN ",
        "4 ",
        "1-",
        "+1",
        "1.",
        "::",
        "{\"a\":",
        "[",
        "\"",
        "\\",
        "Bearer ",
        "a://b:",
        "AA00",
        "password=",
        "pwd: '",
        "xoxb-",
        "glpat-",
        "hf_x",
        "basic+",
        "Bearer+a",
        "digest a=\"",
        "a://b:c/@",
        "a://b/@:",
        "password=a ",
        "x=y;pwd=a;",
        "-----BEGIN PRIVATE KEY\"",
        "---- BEGIN SSH2 PRIVATE KEY ",
        "PuTTY-User-Key-File-",
        "eyJ.-",
        "M0123456789012345678901.",
        "AKIA ",
        "==",
        "a.b@c.",
        "%40",
        "12345678:A",
    ] {
        let text = repeated(piece);
        let started = cpu_time();
        found(&text);
        assert!(cpu_time().saturating_sub(started) < Duration::from_secs(3), "{piece}");
    }
}

/// CPU time of this process, so that a busy machine fails no test.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u64 = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// The same address in other coats: what of the text is found must hold all of it, and no more than the coat.
#[test]
fn values_are_found_whatever_they_wear() {
    for (text, found_in) in [
        ("amFuZS5yb2VAc2hvcC5leGFtcGxl", "amFuZS5yb2VAc2hvcC5leGFtcGxl"),
        ("amFuZS5yb2VAc2hvcC5leGFtcGxl", "amFuZS5yb2VAc2hvcC5leGFtcGxl"),
        ("payload=eyJlbWFpbCI6ImphbmUucm9lQHNob3AuZXhhbXBsZSJ9 sent", "eyJlbWFpbCI6ImphbmUucm9lQHNob3AuZXhhbXBsZSJ9"),
        ("ZXlKbGJXRnBiQ0k2SW1waGJtVXVjbTlsUUhOb2IzQXVaWGhoYlhCc1pTSjk=", "ZXlKbGJXRnBiQ0k2SW1waGJtVXVjbTlsUUhOb2IzQXVaWGhoYlhCc1pTSjk="),
        ("6a616e652e726f654073686f702e6578616d706c65", "6a616e652e726f654073686f702e6578616d706c65"),
        ("0x6a616e652e726f654073686f702e6578616d706c65", "6a616e652e726f654073686f702e6578616d706c65"),
        ("%6A%61%6E%65%2E%72%6F%65%40%73%68%6F%70%2E%65%78%61%6D%70%6C%65", "%6A%61%6E%65%2E%72%6F%65%40%73%68%6F%70%2E%65%78%61%6D%70%6C%65"),
        ("jane.roe%2540shop.example", "jane.roe%2540shop.example"),
        ("jane.roe&#64;shop&period;example", "jane.roe&#64;shop&period;example"),
        ("jane.roe\\u0040shop.example", "jane.roe\\u0040shop.example"),
        ("\"{\\\"email\\\": \\\"jane.roe@shop.example\\\"}\"", "jane.roe@shop.example"),
        ("12:00 INFO body={\"email\":\"jane.roe@shop.example\"} took 3 ms", "jane.roe@shop.example"),
        ("12:00 INFO body={\\\"email\\\":\\\"jane.roe@shop.example\\\"} took 3 ms", "jane.roe@shop.example"),
        ("<u><email>jane.roe&#x40;shop.example</email></u>", "jane.roe&#x40;shop.example"),
        ("a=1&email=jane.roe%40shop.example", "jane.roe%40shop.example"),
        ("https://h/x?email=jane.roe%40shop.example", "jane.roe%40shop.example"),
        ("data:application/json;base64,eyJlbWFpbCI6ImphbmUucm9lQHNob3AuZXhhbXBsZSJ9", "eyJlbWFpbCI6ImphbmUucm9lQHNob3AuZXhhbXBsZSJ9"),
        ("agBhAG4AZQAuAHIAbwBlAEAAcwBoAG8AcAAuAGUAeABhAG0AcABsAGUA", "agBhAG4AZQAuAHIAbwBlAEAAcwBoAG8AcAAuAGUAeABhAG0AcABsAGUA"),
        (
            "H4sIAAAAAAACA6tWSs1NzMxRslLKSsxL1SvKT3Uozsgv0EutSMwtyElVqgUAICNUHyEAAAA=",
            "H4sIAAAAAAACA6tWSs1NzMxRslLKSsxL1SvKT3Uozsgv0EutSMwtyElVqgUAICNUHyEAAAA=",
        ),
        ("eJyrVkrNTczMUbJSykrMS9Uryk91KM7IL9BLrUjMLchJVaoFAMS/C+k=", "eJyrVkrNTczMUbJSykrMS9Uryk91KM7IL9BLrUjMLchJVaoFAMS/C+k="),
        ("jane.roe=40shop.ex=\nample", "jane.roe=40shop.ex=\nample"),
        ("Zo=C3=AB jane.roe=2Bx@shop.example", "jane.roe=2Bx@shop.example"),
        (
            "//57ACIAZQBtAGEAaQBsACIAOgAiAGoAYQBuAGUALgByAG8AZQBAAHMAaABvAHAALgBlAHgAYQBtAHAAbABlACIAfQA=",
            "//57ACIAZQBtAGEAaQBsACIAOgAiAGoAYQBuAGUALgByAG8AZQBAAHMAaABvAHAALgBlAHgAYQBtAHAAbABlACIAfQA=",
        ),
        ("got email=amFuZUBhLmlv, x", "amFuZUBhLmlv"),
        ("{\"name\": \"email\", \"value\": \"jane at shop\"}", "jane at shop"),
        (":email => \"jane at shop\"", "jane at shop"),
    ] {
        assert_eq!(found(text), [format!("email:{found_in}")], "{text}");
    }
    for (segment, is_found) in [("1984-05-17", true), ("1984", false), ("v2", false)] {
        let place = Place { kind: LeafKind::PathSegment, name: Some("birth_date"), path: "target:/1", beside: None };
        assert_eq!(!detector().detect(segment.as_bytes(), &place).is_empty(), is_found, "{segment}");
    }
    let wrapped = (0..=MAX_NESTING).fold("hello, world of base64".to_owned(), |text, _| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, text));
    assert_eq!(found(&wrapped), [format!("opaque_body:{wrapped}")], "deeper than anyone looks");
}

#[test]
fn times_and_ids_of_no_meaning_are_known_for_what_they_are() {
    for (text, expected) in [
        ("2024-01-31", true),
        ("2024-01-31T10:00:00Z", true),
        ("2024-01-31 10:00:00.123456789+01:00", true),
        ("2024-01-31T10:00:00-0330", true),
        ("2024-01-31T10:00:00", true),
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", true),
        ("2024-01-31T10:00", false),
        ("2024-01-31T10:00:00 a@b.example", false),
        ("2024-01-31x", false),
        ("2024-01-3", false),
        ("4111-11-11 11:11:11.1111+1", false),
        ("3f2504e0-4f89-11d3-9a0c-0305e82c330g", false),
        ("", false),
    ] {
        assert_eq!(is_no_ones(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn what_is_left_of_a_hit_stays_a_rest() {
    let whole = Hit::new(0..6, RuleId::TOKEN, Domain::Opaque);
    let rest = Hit { is_rest: true, ..Hit::new(6..9, RuleId::TOKEN, Domain::Opaque) };
    let hits = apart(apart(vec![whole.clone(), rest]));
    assert_eq!(hits.iter().map(|hit| (hit.span.clone(), hit.is_rest)).collect::<Vec<_>>(), [(0..6, false), (6..9, true)]);
    let hits = apart(vec![whole, Hit::new(4..9, RuleId::EMAIL, Domain::Email)]);
    assert_eq!(hits.iter().map(|hit| (hit.span.clone(), hit.is_rest)).collect::<Vec<_>>(), [(0..6, false), (6..9, true)]);
}
