use std::io::Write;

use reenact_formats::seam::Explain;

use super::*;
use crate::Error;

fn known(values: &[&str]) -> KnownValues {
    let mut builder = KnownValuesBuilder::new(Vec::new());
    values.iter().for_each(|value| builder.add(0, value));
    builder.finish()
}

fn found(known: &KnownValues, text: &[u8]) -> Vec<(String, Domain)> {
    let mut hits = Vec::new();
    known.find(text, &mut hits);
    hits.iter().map(|hit| (String::from_utf8_lossy(&text[hit.span.clone()]).into_owned(), hit.domain)).collect()
}

#[test]
fn known_values_are_found_in_any_spelling_and_as_whole_words() {
    let known = known(&[
        "Anna-Maria Schmidt",
        "Anna",
        "anna.schmidt+shop@mail.example",
        "+49 30 1234567",
        "DE89 3704 0044 0532 0130 00",
        "4111111111111111",
        "C-10099",
        "12 Rue de la Paix\nBâtiment C, Escalier 4, Étage 3, Porte 12\n75002 Paris, France, Europe",
        "王伟",
        "Zoë Ng",
    ]);
    for (text, expected) in [
        ("to ANNA MARIA SCHMIDT, now", &[("ANNA MARIA SCHMIDT", Domain::Person)][..]),
        ("anna_maria_schmidt.pdf", &[("anna_maria_schmidt", Domain::Person)]),
        ("annamariaschmidt", &[("annamariaschmidt", Domain::Person)]),
        ("Anna Mariana", &[("Anna", Domain::Person)]),
        ("hanna annab", &[]),
        ("Anna\nMaria Schmidt", &[("Anna\nMaria Schmidt", Domain::Person)]),
        ("Anna\nMaria Schmidt too", &[("Anna", Domain::Person)]),
        ("<Anna.Schmidt+shop@mail.example>", &[("Anna.Schmidt+shop@mail.example", Domain::Email)]),
        ("tel:+49-30-123 45 67", &[("+49-30-123 45 67", Domain::Phone)]),
        ("0049301234567 or 49301234567", &[("0049301234567", Domain::Phone), ("49301234567", Domain::Phone)]),
        ("DE89370400440532013000", &[("DE89370400440532013000", Domain::Iban)]),
        ("4111-1111-1111-1111 41111111111111112", &[("4111-1111-1111-1111", Domain::Card)]),
        ("c10099 c-10099 C-100991", &[("c10099", Domain::Opaque), ("c-10099", Domain::Opaque)]),
        (
            "12 rue de la Paix, Bâtiment C, Escalier 4, Étage 3, Porte 12, 75002 Paris, France, Europe",
            &[("12 rue de la Paix, Bâtiment C, Escalier 4, Étage 3, Porte 12, 75002 Paris, France, Europe", Domain::Address)],
        ),
        ("我是王伟先生", &[("王伟", Domain::Person)]),
        ("ZOE\u{308} NG", &[("ZOE\u{308} NG", Domain::Person)]),
    ] {
        let expected: Vec<_> = expected.iter().map(|(text, domain)| ((*text).to_owned(), *domain)).collect();
        assert_eq!(found(&known, text.as_bytes()), expected, "{text}");
    }
    assert_eq!(found(&known, b"Zo\xeb Ng"), [("Zo\u{fffd} Ng".to_owned(), Domain::Person)], "Latin-1");
    assert!(known.holds("ANNA") && !known.holds("Anna!x"));
}

#[test]
fn a_long_text_is_read_in_stretches() {
    let known = known(&["Anna Maria Schmidt"]);
    for before in (4060..4100).chain(8160..8200) {
        let text = format!("{}Anna Maria Schmidt too", "lorem ".repeat(before));
        assert_eq!(found(&known, text.as_bytes()).len(), 1, "{before}");
    }
}

#[test]
fn what_is_too_short_or_too_long_is_left_out_and_counted() {
    let known = known(&["Ng", "a-b-c", "", "  ", "---", "王", "Jo Li", &"x".repeat(1025), &"y ".repeat(600)]);
    assert_eq!((known.count(), known.left_out()), (2, 5));
    assert_eq!(found(&known, b"Ng and jo.li"), [("jo.li".to_owned(), Domain::Person)]);
}

#[test]
fn columns_tell_domains() {
    let mut builder = KnownValuesBuilder::new(["email", "last_name", "phone", "note", "iban"].map(str::to_owned).to_vec());
    ["JANE@SHOP.EXAMPLE", "Roe", "Schmidt", "030 1234567", "K-1234-X", "DE89 3704 0044 0532 0130 00"]
        .iter()
        .zip([0, 1, 1, 2, 3, 4])
        .for_each(|(value, column)| builder.add(column, value));
    let known = builder.finish();
    assert_eq!(known.count(), 5);
    for (text, domain) in [
        ("jane@shop.example", Domain::Email),
        ("schmidt", Domain::Person),
        ("0301234567", Domain::Phone),
        ("K1234X", Domain::Opaque),
        ("DE89370400440532013000", Domain::Iban),
    ] {
        assert_eq!(found(&known, text.as_bytes()), [(text.to_owned(), domain)]);
    }
}

fn file(name: &str, content: &[u8]) -> Result<KnownValues, Error> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::File::create(&path).expect("a file").write_all(content).expect("written");
    KnownValues::from_file(&path)
}

#[test]
fn files_are_lists_or_tables() {
    for (name, content, values) in [
        ("known.txt", &b"anna@x.example\r\n\r\nAnna Schmidt\nanna@x.example"[..], &["anna@x.example", "Anna Schmidt"][..]),
        ("known.txt", b"\xef\xbb\xbfanna@x.example\n\"quoted\" one\n", &["anna@x.example", "quoted one"]),
        ("known.txt", b"Schmidt, Anna\nRoe, Jane\n", &["Schmidt Anna", "Roe Jane"]),
        ("known.txt", b"email,name\nanna@x.example,\"Schmidt, Anna\"\n", &["anna@x.example", "Schmidt Anna"]),
        ("known.csv", b"customer;mail\nC-1001;anna@x.example\n\nC-1002\n", &["C-1001", "anna@x.example", "C-1002"]),
        ("known.tsv", b"a\tb\nx\"yy z\t\"two\nlines \"\"here\"\"\"\n", &["x\"yy z", "two lines here"]),
        ("known.CSV", b"email\nanna@x.example\n", &["anna@x.example"]),
    ] {
        let known = file(name, content).expect(name);
        let text = String::from_utf8_lossy(content);
        assert_eq!(known.count(), values.len(), "{name} {text}");
        values.iter().for_each(|value| assert!(known.holds(value) || !found(&known, value.as_bytes()).is_empty(), "{value}"));
    }
}

#[test]
fn errors_name_the_file_and_the_line_and_quote_nothing() {
    for (name, content, place, what) in [
        ("known.txt", &b""[..], "known.txt, line 1", "empty"),
        ("known.txt", b"a\nb\n", "known.txt", "no value"),
        ("known.txt", b"secret@x.example\nsecret\xff\n", "line 2", "UTF-8"),
        ("known.csv", b"secret@x.example,Anna\n", "line 1", "columns"),
        ("known.csv", b"email,name\na@x.example,Anna,secret\n", "line 2", "more cells"),
        ("known.csv", b"email,name\nx,y\n\"secret\nz", "line 3", "quote"),
    ] {
        let error = file(name, content).expect_err(what);
        let shown = error.to_string();
        assert!(shown.contains(place) && shown.contains(what) && !shown.contains("secret"), "{shown}");
        assert!(error.hint().is_some());
    }
    let error = KnownValues::from_file(std::path::Path::new("/nowhere/known.txt")).expect_err("there is none");
    assert!(error.to_string().contains("/nowhere/known.txt"), "{error}");
}

#[test]
fn no_value_shows_in_debug() {
    let mut builder = KnownValuesBuilder::new(vec!["email".to_owned()]);
    builder.add(0, "secret@x.example");
    let filling = format!("{builder:?}");
    let shown = format!("{filling}{:?}", builder.finish());
    assert!(!shown.contains("secret") && shown.contains("count: 1"), "{shown}");
}
