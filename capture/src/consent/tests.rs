use bytes::Bytes;

use super::*;

fn request(text: &str) -> Head {
    Head::request(Bytes::copy_from_slice(text.as_bytes())).expect("a request")
}

fn conditions(texts: &[&str]) -> Vec<Condition> {
    texts.iter().map(|text| text.parse().expect("a rule")).collect()
}

#[test]
fn globs_describe_whole_texts() {
    for (glob, text, expected) in [
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("*", "anything/at all", true),
        ("a*", "a", true),
        ("*a", "bca", true),
        ("*a", "bcab", false),
        ("a*b*c", "a-b-b-c", true),
        ("a*b*c", "a-c-b", false),
        ("?", "", false),
        ("?", "a", true),
        ("a?c", "abc", true),
        ("a?", "a", false),
        ("*?", "a", true),
        (r"\*", "*", true),
        (r"\*", "a", false),
        (r"\?x", "?x", true),
        (r"a\", r"a\", true),
        ("*aab", "aaaaaaaab", true),
        ("API*", "api.example", false),
    ] {
        assert_eq!(matches(glob.as_bytes(), text.as_bytes(), Case::Told), expected, "{glob} {text}");
    }
    assert!(matches(b"API*", b"api.example", Case::Same));
}

#[test]
fn rules_hold_for_what_they_name() {
    let plain = "GET /Health/live?x=1 HTTP/1.1\r\nHost: API.example:8080\r\nX-Tenant: acme-1\r\nx-tenant: other\r\n\r\n";
    let absolute = "GET http://user@api.example:8080?x HTTP/1.1\r\nHost: elsewhere\r\n\r\n";
    for (rule, head, expected) in [
        ("host=api.*", plain, true),
        ("host=api.example", plain, true),
        ("host=*.example:8080", plain, true),
        ("host=example", plain, false),
        ("host=api.example", absolute, true),
        ("host=elsewhere", absolute, false),
        ("path=/", absolute, true),
        ("path=/Health*", plain, true),
        ("path=/health*", plain, false),
        ("path=*x=1", plain, false),
        ("path=/a b", "GET /%61%20b HTTP/1.1\r\n\r\n", true),
        ("host=*", "GET / HTTP/1.0\r\n\r\n", true),
        ("host=a*", "GET / HTTP/1.0\r\n\r\n", false),
        ("host=[::1]", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", true),
        ("host=[::1]", "GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", true),
        ("host=db.example", "CONNECT db.example:443 HTTP/1.1\r\nHost: x\r\n\r\n", true),
        ("method=get", plain, true),
        ("method=P*", plain, false),
        ("header:X-TENANT=acme*", plain, true),
        ("header:x-tenant=other", plain, true),
        ("header:x-tenant=Acme*", plain, false),
        ("header:x-tenant", plain, true),
        ("header:x-tenants", plain, false),
        ("header:x-tenant=", plain, false),
        ("path=*", "OPTIONS * HTTP/1.1\r\n\r\n", true),
    ] {
        let condition: Condition = rule.parse().expect("a rule");
        assert_eq!(condition.holds(&request(head)), expected, "{rule} of {head}");
    }
}

#[test]
fn what_is_no_rule_is_refused_with_its_text() {
    for text in ["", "host", "host=", "path", "hosts=a", "header:", "header:=a", "header:a b=c", "status=200", "=x", "header", "cookie:sid=1"] {
        let error = text.parse::<Condition>().expect_err(text);
        assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
    }
    assert!(Condition::header("").expect_err("no name").to_string().contains("``"));
    for text in ["", "cookie", "cookie:", "header:", "user", "cookie:a b"] {
        assert!(text.parse::<SampleBy>().is_err(), "{text}");
    }
    for share in [-0.1, 1.1, f64::NAN] {
        assert_eq!(Sample::new(share, SampleBy::Connection), None);
    }
}

#[test]
fn one_of_each_kind_includes_and_one_of_any_excludes() {
    let consent = Consent {
        include: conditions(&["host=api.*", "host=www.*", "method=POST", "method=GET"]),
        exclude: conditions(&["path=/health*", "header:x-internal"]),
        ..Consent::default()
    };
    for (head, expected) in [
        ("GET / HTTP/1.1\r\nHost: api.x\r\n\r\n", None),
        ("POST / HTTP/1.1\r\nHost: www.x\r\n\r\n", None),
        ("PUT / HTTP/1.1\r\nHost: www.x\r\n\r\n", Some(FilterCause::NotIncluded)),
        ("GET / HTTP/1.1\r\nHost: cdn.x\r\n\r\n", Some(FilterCause::NotIncluded)),
        ("GET /health HTTP/1.1\r\nHost: api.x\r\n\r\n", Some(FilterCause::Excluded)),
        ("GET / HTTP/1.1\r\nHost: api.x\r\nX-Internal:\r\n\r\n", Some(FilterCause::Excluded)),
    ] {
        assert_eq!(consent.by_rules(&request(head)), expected, "{head}");
    }
}

#[test]
fn a_sample_is_a_share_of_sessions_and_the_same_everywhere() {
    let ends = |port: u16| (([10, 0, 0, 1], port).into(), ([10, 0, 0, 2], 80).into());
    for (share, most_off) in [(0.0, 0), (0.1, 100), (0.5, 150), (1.0, 0)] {
        let sample = Sample::new(share, SampleBy::Connection).expect("a share");
        let kept = (0..10_000).filter(|port| sample.takes_unnamed(ends(*port))).count();
        assert!(kept.abs_diff((share * 10_000.0) as usize) <= most_off, "{share}: {kept}");
    }
    let tenth = Sample::new(0.1, SampleBy::Connection).expect("a share");
    let fifth = Sample::new(0.2, SampleBy::Connection).expect("a share");
    for port in 0..2000 {
        let (client, server) = ends(port);
        assert_eq!(tenth.takes_unnamed((client, server)), tenth.takes_unnamed((server, client)), "whoever is taken for the client");
        assert!(!tenth.takes_unnamed((client, server)) || fifth.takes_unnamed((client, server)), "a larger sample holds the smaller");
    }
    // It must not change: nodes of different releases agree.
    let kept: Vec<u16> = (0..100).filter(|port| tenth.takes_unnamed(ends(*port))).collect();
    assert_eq!(kept, [1, 4, 10, 14, 16, 17, 30, 33, 40, 52, 54, 57, 60, 61, 65, 83, 93]);
}

#[test]
fn a_login_belongs_to_the_session_that_it_opens() {
    let sample = Sample::new(0.5, SampleBy::Cookie("sid".to_owned())).expect("a share");
    let login = request("POST /login HTTP/1.1\r\nCookie: lang=en\r\n\r\n");
    let answer =
        Head::response(Bytes::from_static(b"HTTP/1.1 200 OK\r\nSet-Cookie: lang=de\r\nSet-Cookie: sid=abc; Path=/; sid=no\r\n\r\n")).expect("a response");
    let next = request("GET / HTTP/1.1\r\nCookie: lang=en; sid=abc\r\n\r\n");
    let name = Some(b"abc".to_vec());
    assert_eq!((sample.named(Some(&login), Some(&answer)), sample.named(Some(&next), None)), (name.clone(), name));
    assert_eq!(sample.named(Some(&login), None), None);

    let consent = Consent { sample: Sample::new(0.0, SampleBy::Cookie("sid".to_owned())), ..Consent::default() };
    let ends = (([10, 0, 0, 1], 1).into(), ([10, 0, 0, 2], 80).into());
    assert!(!consent.refuses(&login, ends), "the answer decides");
    assert!(consent.refuses(&next, ends));
}
