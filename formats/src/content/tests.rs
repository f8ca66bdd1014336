//! What holds for every visitor, whatever the bytes.

use bytes::Bytes;
use proptest::prelude::*;

use super::{Edit, Leaf, LeafKind, Surface, apply, visit_body, visit_head, visit_nested};
use crate::model::Head;

/// Bodies of every kind that is looked into.
const BODIES: &[(&str, &str)] = &[
    ("application/json", r#"{"a":[1,-2.5e3,"x\u00e9\n",true,null],"b":{"c":"\ud83d\ude00"},"a":{}}"#),
    ("application/json", "{\"a\":1}\n{\"b\":[2]} {\"c\":\"x\"}"),
    ("application/x-ndjson", "{\"a\":1}\n\nnot json\n[2]\n"),
    ("application/json-seq", "\u{1e}{\"a\":1}\n\u{1e}[2]\n"),
    ("application/x-www-form-urlencoded", "a=1&b=x%40y+z&a=2&flag&k%40v=3"),
    (
        "multipart/form-data; boundary=b",
        "hi\r\n--b\r\nContent-Disposition: form-data; name=\"n\"; filename=\"a \\\"b\\\".txt\"\r\nContent-Type: text/plain\r\n\r\nline\r\n--b\r\nContent-Disposition: form-data; name=j\r\nContent-Type: application/json\r\n\r\n{\"a\":\"x\"}\r\n--b--\r\nbye",
    ),
    (
        "multipart/mixed; boundary=b",
        "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=3Db=\r\nc\r\n--c--\r\n--b--",
    ),
    ("application/xml", "<?xml version=\"1.0\"?><r id='7'><c:n> A &amp; B </c:n><!-- c --><x/><![CDATA[<raw>]]><key>k</key><string>v</string></r>tail"),
    ("text/html", "<p>one<br>two<input name=n value=x disabled><script>{\"a\":\"x\"}</script><script>let a;</script> 3 < 4 </p>"),
    ("text/csv", "name,e mail\r\n\"Roe, \"\"J\"\"\",x\r\n,\"a\nb\",more"),
    ("text/event-stream", ": hi\nid: 7\ndata: {\"a\":\"x\"}\n\ndata: {\"b\":\ndata: [\"c\"]}\n\ndata: one\ndata:two\n\n"),
    ("application/yaml", "# hi\nuser:\n  mail: x # old\n  name: \"J \\\"R\\\"\"\n  - a\n  - b: c\nkey: |\n  1\n  2\n[s]\nt = '''q\nr'''\nfree"),
    ("text/plain", "any text, a=b"),
    ("", "any text"),
];
const NESTED: &[&str] = &["at 10 {\"a\":[\"x\"]} and [{\"b\":\"y\"}] ok", "\"{\\\"a\\\":1}\"", "a=1&b=x%20y", "<a><b c='d'>x</b></a>"];
const HEADS: &[&str] = &[
    "GET http://u%40:p@h:80/a/b%20c;m=1//d?x=1&y=a+b%26&x=2&flag&k%40v=3#t=9 HTTP/1.1\r\nCookie: a=b; c=\"d\"; e=f%3Bg; lone\r\nAuthorization: Digest username=\"M\\\"u\", qop=auth\r\nLink: <https://h/a?b=c>; rel=next, </d>; title=\"x\"\r\nForwarded: for=\"[2001:db8::1]:4711\";proto=http, for=_hid\r\nX-Forwarded-For: 1.2.3.4, \"[::1]:80\", unknown\r\nbaggage: user=a%20b;p=1,k=v\r\nOrigin: https://h:1/a/b;m=1/%20?x=1&y=a%26#/t?z=1\r\nodd line\r\nwho@h: v\r\n\r\n",
    "CONNECT u:p@h:443 HTTP/1.1\r\n\r\n",
    "HTTP/1.1 302 Hello Bob\r\nLocation: /o/17?t=x#/p?q=y\r\nRefresh: 5; url=\"/r?s=t\"\r\nSet-Cookie: s=a; Path=/; HttpOnly\r\nContent-Disposition: attachment; filename=\"a.pdf\"; filename*=UTF-8''a%20b.pdf\r\nETag: W/\"1\"\r\n\r\n",
];

struct Seen {
    path: String,
    kind: LeafKind,
    span: std::ops::Range<usize>,
    surface: Surface,
    value: Vec<u8>,
}

/// All leaves, checked: within bounds, in order and apart, saying what their raw bytes say.
fn seen(raw: &[u8], visit: impl FnOnce(&mut dyn FnMut(Leaf<'_>))) -> Vec<Seen> {
    let (mut seen, mut end) = (Vec::new(), 0);
    visit(&mut |leaf| {
        assert!(leaf.span.start >= end && leaf.span.end <= raw.len(), "{leaf:?} is not behind {end}");
        end = leaf.span.end;
        let said = &raw[leaf.span.clone()];
        assert!(leaf.surface.undress(said) == leaf.value, "{leaf:?} says something else");
        assert_eq!(leaf.surface.offsets(said).len(), leaf.value.len() + 1, "{leaf:?}");
        seen.push(Seen { path: leaf.path.to_owned(), kind: leaf.kind, span: leaf.span.clone(), surface: leaf.surface, value: leaf.value.into_owned() });
    });
    seen
}

fn in_body(content_type: &str, body: &[u8]) -> Vec<Seen> {
    let head = Head::request(Bytes::from(format!("POST / HTTP/1.1\r\nContent-Type: {content_type}\r\n\r\n"))).expect("a head");
    seen(body, |f| _ = visit_body(&head, body, f))
}

fn in_head(raw: &[u8]) -> Vec<Seen> {
    let bytes = Bytes::copy_from_slice(raw);
    let head = Head::request(bytes.clone()).or_else(|_| Head::response(bytes.clone())).or_else(|_| Head::trailers(bytes)).expect("short enough");
    seen(raw, |f| visit_head(&head, f))
}

fn in_nested(text: &[u8]) -> Vec<Seen> {
    seen(text, |f| _ = visit_nested(text, f))
}

/// Puts a word of its own in the place of each value, and looks whether it stands there, and nowhere else, when all is visited again.
fn check_markers(raw: &[u8], look: impl Fn(&[u8]) -> Vec<Seen>) {
    let before = look(raw);
    assert!(!before.is_empty());
    for (index, old) in before.iter().enumerate() {
        // Names say where others stand, and numbers are of another kind than words.
        let names_others =
            ["~key", ";name", ";content-type", ";content-transfer-encoding", ";version", "header:refresh", ";httponly", "body:/0/0", "body:/0/1", "/key"]
                .iter()
                .any(|end| old.path.ends_with(end));
        if names_others || matches!(old.kind, LeafKind::JsonKey | LeafKind::Text) {
            continue;
        }
        let marker = format!("m{index}x");
        let edited = apply(raw, &[Edit { span: old.span.clone(), replacement: old.surface.dress(marker.as_bytes()) }]).expect("applies");
        let after: Vec<_> = look(&edited).into_iter().map(|leaf| (leaf.path, String::from_utf8_lossy(&leaf.value).into_owned())).collect();
        let expected =
            |(at, leaf): (usize, &Seen)| (leaf.path.clone(), if at == index { marker.clone() } else { String::from_utf8_lossy(&leaf.value).into_owned() });
        assert_eq!(after, before.iter().enumerate().map(expected).collect::<Vec<_>>(), "{}", String::from_utf8_lossy(&edited));
    }
}

#[test]
fn a_new_value_stands_where_the_old_one_stood() {
    for (content_type, body) in BODIES.iter().filter(|(content_type, _)| !matches!(*content_type, "" | "text/plain" | "application/json-seq")) {
        check_markers(body.as_bytes(), |body| in_body(content_type, body));
    }
    for text in NESTED {
        check_markers(text.as_bytes(), in_nested);
    }
    for head in HEADS {
        check_markers(head.as_bytes(), in_head);
    }
}

#[test]
fn whatever_is_cut_off_is_visited_within_bounds() {
    for (content_type, body) in BODIES {
        for end in 0..=body.len() {
            in_body(content_type, &body.as_bytes()[..end]);
        }
    }
    for text in NESTED {
        for end in 0..=text.len() {
            in_nested(&text.as_bytes()[..end]);
        }
    }
    for head in HEADS {
        for end in 0..=head.len() {
            in_head(&head.as_bytes()[..end]);
        }
    }
}

proptest! {
    #[test]
    fn whatever_stands_anywhere_is_visited_within_bounds(
        kind in 0..BODIES.len(), text in 0..NESTED.len(), head in 0..HEADS.len(),
        at in any::<prop::sample::Index>(), cut in 0_usize..4,
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&b"\"\\{}[]<>&=%;:,'\r\n -#|"[..])], 0..12),
    ) {
        let broken = |text: &str| {
            let mut raw = text.as_bytes().to_vec();
            let at = at.index(raw.len());
            raw.splice(at..(at + cut).min(raw.len()), bytes.iter().copied());
            raw
        };
        for (content_type, _) in BODIES {
            in_body(content_type, &broken(BODIES[kind].1));
        }
        in_nested(&broken(NESTED[text]));
        in_head(&broken(HEADS[head]));
        in_nested(&bytes);
    }
}
