use std::collections::BTreeSet;

use super::*;
use crate::detect::check::{is_card, is_iban, is_ssn};
use crate::key::test_key;

fn pseudonyms() -> Pseudonyms {
    Pseudonyms::new(&test_key())
}

fn of(domain: Domain, value: &str) -> String {
    String::from_utf8(pseudonyms().of(domain, value.as_bytes())).expect("text")
}

/// Whoever changes one of these changes every recording's pseudonyms: then the salt of the key derivation changes too.
#[test]
fn golden_vectors() {
    for (domain, value, expected) in GOLDEN {
        assert_eq!(of(*domain, value), *expected, "{} {value}", domain.word());
    }
}

#[test]
fn cards_keep_length_and_separators_and_pass_luhn() {
    for card in ["4111 1111 1111 1111", "5500-0055-5555-5559", "378282246310005", "6011000990139424", "30569309025904", "4222222222222", "3530111333300000"] {
        let made = of(Domain::Card, card);
        let digits: Vec<u8> = made.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect();
        assert!(is_card(&digits), "{made}");
        assert_eq!(made.len(), card.len());
        assert_ne!(made, card);
        assert_eq!(made.replace([' ', '-'], ""), of(Domain::Card, &card.replace([' ', '-'], "")));
    }
}

#[test]
fn ibans_keep_country_and_length_and_pass_the_check() {
    for iban in ["GB29 NWBK 6016 1331 9268 19", "DE89370400440532013000", "FR1420041010050500013M02606", "NO9386011117947"] {
        let made = of(Domain::Iban, iban);
        assert!(is_iban(made.replace(' ', "").as_bytes()), "{made}");
        assert_eq!(&made[..2], &iban[..2]);
        assert_eq!(made.replace(' ', ""), of(Domain::Iban, &iban.replace(' ', "")));
    }
}

#[test]
fn phones_keep_country_code_and_digit_count() {
    for (phone, code) in [("+49 30 1234567", "+49 "), ("+1 (415) 555-2671", "+1 ("), ("+353 1 234 5678", "+353 "), ("030-123456", "0"), ("12345", "")] {
        let made = of(Domain::Phone, phone);
        assert!(made.starts_with(code), "{made}");
        assert_eq!(made.len(), phone.len());
        assert_ne!(made, phone);
    }
    assert_eq!(of(Domain::Phone, "+49 30 1234567").replace(' ', ""), of(Domain::Phone, "+49301234567"));
}

#[test]
fn social_security_numbers_were_never_given_out() {
    let made: BTreeSet<String> = (1..1000_u32).map(|serial| of(Domain::Ssn, &format!("123-45-{serial:04}"))).collect();
    assert!(made.len() > 995);
    for number in made {
        let digits: Vec<u8> = number.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect();
        assert!(number.starts_with('9') && !is_ssn(&digits) && number.as_bytes()[3] == b'-', "{number}");
        assert!(digits[3] * 10 + digits[4] < 50, "{number} could be a tax number");
    }
}

#[test]
fn addresses_go_to_reserved_ranges_with_their_networks() {
    let network = |text: &str| text.rsplit_once('.').map(|(network, _)| network.to_owned());
    assert_eq!(network(&of(Domain::Ip, "8.8.8.8")), network(&of(Domain::Ip, "8.8.8.4")));
    assert_ne!(of(Domain::Ip, "8.8.8.8"), of(Domain::Ip, "8.8.8.4"));
    assert!(["198.18.", "198.19."].iter().any(|range| of(Domain::Ip, "1.1.1.1").starts_with(range)));
    assert!(of(Domain::Ip, "2a02:1b08:3cb6:625a::1").starts_with("2001:db8:"));
    assert_eq!(of(Domain::Ip, "2A02:1B08:3CB6:625A:0::1"), of(Domain::Ip, "2a02:1b08:3cb6:625a::1"));
}

#[test]
fn mails_go_to_example_domains() {
    for mail in ["alice@shop.example", "Bob.Builder+tag@mail.co.uk", "x@y.io", "jürgen@bücher.de"] {
        let made = of(Domain::Email, mail);
        assert!(["@example.com", "@example.net", "@example.org"].iter().any(|host| made.ends_with(host)), "{made}");
        assert_eq!(made, of(Domain::Email, &mail.to_uppercase().to_lowercase()));
    }
    assert_eq!(of(Domain::Email, "Alice@Shop.example"), of(Domain::Email, "alice@shop.example"));
    assert_ne!(of(Domain::Email, "alice@shop.example"), of(Domain::Email, "alice@shop.example.org"));
}

#[test]
fn opaque_values_keep_length_classes_and_prefix() {
    for value in [
        "K7QD-93ZX",
        "deadbeef0123456789abcdef01234567",
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "s:abc.def/ghi+=",
        "482913",
        "0042",
        "7",
        "passwörter",
    ] {
        let made = of(Domain::Opaque, value);
        assert_eq!(made.len(), value.len());
        assert_ne!(made, value);
        for (old, new) in value.bytes().zip(made.bytes()) {
            let class = |byte: u8| (byte.is_ascii_uppercase(), byte.is_ascii_alphanumeric() || byte >= 0x80);
            assert!(class(old).1 == class(new).1 && (class(old).0 == class(new).0 || value.len() > 30), "{value} {made}");
        }
    }
    assert!(of(Domain::Opaque, "ghp_0123456789abcdefghijABCDEFGHIJ012345").starts_with("ghp_"));
    let uuid = of(Domain::Opaque, "3f2504e0-4f89-41d3-9a0c-0305e82c3301");
    assert!(uuid.as_bytes()[14] == b'4' && b"89ab".contains(&uuid.as_bytes()[19]), "{uuid}");
    assert_eq!(of(Domain::Opaque, "----"), "****");
    assert_eq!(of(Domain::Opaque, ""), "");
}

#[test]
fn short_values_do_not_meet() {
    for format in [|n: u32| format!("{n:04}"), |n: u32| format!("{:06}", n * 97), |n: u32| format!("A{n:04}x")] {
        let values: Vec<String> = (0..2000).map(format).collect();
        let made: BTreeSet<String> = values.iter().map(|value| of(Domain::Opaque, value)).collect();
        assert!(made.len() >= values.len() - 2, "{}", values[0]);
    }
}

#[test]
fn web_tokens_keep_their_form() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
    let token = format!(
        "{}.{}.{}",
        B64.encode(r#"{"alg":"HS256"}"#),
        B64.encode(r#"{"sub":"1234567","email":"alice@shop.example","name":"Alice Smith","iss":"https://id.example","exp":1700000000,"admin":true}"#),
        "c2lnbmF0dXJl"
    );
    let made = of(Domain::Opaque, &token);
    let parts: Vec<&str> = made.split('.').collect();
    assert_eq!(parts[0], token.split('.').next().expect("a header"));
    let claims: serde_json::Value = serde_json::from_slice(&B64.decode(parts[1]).expect("base64")).expect("JSON");
    assert_eq!(claims["email"], of(Domain::Email, "alice@shop.example"));
    assert_eq!(claims["name"], of(Domain::Person, "Alice Smith"));
    assert_eq!(claims["sub"], of(Domain::Opaque, "1234567"));
    assert_eq!((&claims["exp"], &claims["admin"]), (&1_700_000_000.into(), &true.into()));
    assert_eq!(claims["iss"], "https://id.example");
    assert_ne!(parts[2], "c2lnbmF0dXJl");
    assert_eq!(made, of(Domain::Opaque, &token));
}

#[test]
fn armoured_keys_keep_their_armour() {
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow+/AB==\n-----END RSA PRIVATE KEY-----\n";
    let made = of(Domain::Opaque, key);
    assert!(made.starts_with("-----BEGIN RSA PRIVATE KEY-----\n") && made.ends_with("==\n-----END RSA PRIVATE KEY-----\n"), "{made}");
    assert_eq!(made.len(), key.len());
    assert!(!made.contains("MIIEow"));
}

#[test]
fn names_are_replaced_word_by_word() {
    let full = of(Domain::Person, "Alice SMITH");
    let (first, last) = full.split_once(' ').expect("two words");
    assert_eq!(first, of(Domain::Person, "Alice"));
    assert_eq!(last.to_lowercase(), of(Domain::Person, "smith"));
    assert!(last.chars().all(char::is_uppercase) && first.chars().next().is_some_and(char::is_uppercase), "{full}");
    for name in ["坂本, 晃", "O'Neil", "Dr. J. Müller-Lüdenscheidt", "X"] {
        assert_ne!(of(Domain::Person, name), name);
    }
    let many: BTreeSet<String> = (0..5000_u32).map(|n| of(Domain::Person, &format!("Name{}", char::from_u32(0x4e00 + n).expect("a letter")))).collect();
    assert!(many.len() > 4900, "{}", many.len());
}

#[test]
fn dates_stay_dates() {
    for date in ["1980-01-31", "31.01.1980", "1/31/1980", "19800131", "1980-01-31T00:00:00Z"] {
        let made = of(Domain::BirthDate, date);
        assert_eq!(made.len(), date.len());
        assert_ne!(made, date);
    }
    assert!(of(Domain::BirthDate, "1980-01-31").starts_with("19"));
}

#[test]
fn nothing_is_its_own_pseudonym() {
    for domain in Domain::ALL {
        for value in ["a", "0", "9", "aa", "4242424242424242", "u@example.com", "x y", "é", "*", "\u{0}", "198.18.0.1", "2001-01-01"] {
            let made = pseudonyms().of(domain, value.as_bytes());
            assert!(made != value.as_bytes() || value == "*", "{} {value:?}", domain.word());
        }
        assert_ne!(pseudonyms().of(domain, b"\xff\xfe"), b"\xff\xfe");
    }
}

#[test]
fn domains_and_keys_are_apart() {
    let other = Pseudonyms::new(&Key::generate().expect("randomness"));
    assert_ne!(of(Domain::Opaque, "token-12345678"), of(Domain::Password, "token-12345678"));
    assert_ne!(pseudonyms().of(Domain::Opaque, b"token-12345678"), other.of(Domain::Opaque, b"token-12345678"));
}

const GOLDEN: &[(Domain, &str, &str)] = &[
    (Domain::Opaque, "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "5afba263-0441-4e75-9e23-e821d67c9979"),
    (Domain::Opaque, "K7QD-93ZX", "L8KO-97WG"),
    (Domain::Opaque, "482913", "680962"),
    (Domain::Opaque, "q_SnvwTffWF5z7oghzFAoynyRbM4wR-1RAfL-at1ns59rDdQ", "k_GidxGxmRP0y5zrpbNEucfgVfD6nW-8AAoX-ya2ly26wLaB"),
    (Domain::Password, "correct horse", "hpljlcu yznco"),
    (Domain::Email, "alice@shop.example", "ul5jwhhpvm2p@example.net"),
    (Domain::Card, "4111 1111 1111 1111", "4242 4297 3166 3481"),
    (Domain::Iban, "DE89370400440532013000", "DE50936431100637164575"),
    (Domain::Phone, "+49 30 1234567", "+49 54 7819026"),
    (Domain::Ip, "8.8.8.8", "198.19.149.165"),
    (Domain::Ip, "2a02:1b08:3cb6:625a::1", "2001:db8:3b4c:a3c8:2404:5229:df4a:7d5b"),
    (Domain::Ssn, "123-45-6789", "938-48-0943"),
    (Domain::Identifier, "AB 12 34 56 C", "XB 39 14 92 N"),
    (Domain::Person, "Alice Smith", "Taivieru Pivecai"),
    (Domain::Address, "12 Market Street", "20 Haibrotrom Teakethe"),
    (Domain::BirthDate, "1980-01-31", "1983-11-06"),
];
