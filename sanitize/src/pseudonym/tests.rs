use std::collections::BTreeSet;

use super::*;
use crate::detect::check::{by_name, is_card, is_iban, is_ssn};
use crate::key::test_key;

fn pseudonyms() -> Pseudonyms {
    Pseudonyms::new(&test_key())
}

fn of(domain: Domain, value: &str) -> String {
    String::from_utf8(pseudonyms().of(domain, value.as_bytes())).expect("text")
}

/// Whoever changes one of these changes every recording's pseudonyms: then the salt of the key derivation changes too. Each line is a domain,
/// the choice of the policy, a value and its pseudonym.
#[test]
fn golden_vectors() {
    let lines: Vec<[&str; 4]> = GOLDEN.lines().filter(|line| !line.starts_with('#')).map(|line| fields(line).expect("four fields")).collect();
    let made = |[domain, choice, value, _]: &[&str; 4]| {
        let domain = Domain::from_word(domain).expect("a domain");
        let choices = Choices {
            reserved: if *choice == "reserved" { BTreeSet::from([domain]) } else { BTreeSet::new() },
            addresses: if *choice == "town" { Detail::Town } else { Detail::None },
        };
        String::from_utf8(Pseudonyms::with(&test_key(), choices).of(domain, value.replace("\\n", "\n").as_bytes())).expect("text").replace('\n', "\\n")
    };
    let differ: Vec<String> = lines
        .iter()
        .map(|line| (line, made(line)))
        .filter(|(line, made)| line[3] != made)
        .map(|(line, made)| [line[0], line[1], line[2], &made].join("\t"))
        .collect();
    assert!(differ.is_empty(), "\n{}\n", differ.join("\n"));
    assert!(Domain::ALL.iter().all(|domain| lines.iter().any(|line| line[0] == domain.word())));
    // In any order, on any thread.
    let all = pseudonyms();
    std::thread::scope(|scope| {
        for rotation in 0..4 {
            let (all, lines) = (&all, &lines);
            scope.spawn(move || {
                for [domain, _, value, expected] in lines.iter().rev().cycle().skip(rotation * 7).take(lines.len()).filter(|line| line[1] == "-") {
                    let made = all.of(Domain::from_word(domain).expect("a domain"), value.as_bytes());
                    assert_eq!(String::from_utf8_lossy(&made), *expected);
                }
            });
        }
    });
}

fn fields(line: &str) -> Option<[&str; 4]> {
    line.split('\t').collect::<Vec<_>>().try_into().ok()
}

/// Nothing is alike under another key but what is kept on purpose.
#[test]
fn another_key_links_nothing() {
    let other = Pseudonyms::new(&Key::from_text("/wECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("a key"));
    for line in GOLDEN.lines().filter(|line| !line.starts_with('#')) {
        let [domain, choice, value, expected] = fields(line).expect("four fields");
        // A year has few others to become.
        if choice == "-" && value.len() > 4 {
            let made = other.of(Domain::from_word(domain).expect("a domain"), value.as_bytes());
            assert_ne!(String::from_utf8_lossy(&made), expected, "{domain} {value}");
        }
    }
    assert_ne!(other.password_for("ann"), pseudonyms().password_for("ann"));
}

#[test]
fn numbers_pass_the_checks_that_they_passed() {
    for (name, examples) in crate::detect::check::tests::EXAMPLES
        .iter()
        .filter(|(name, _)| !matches!(*name, "card" | "iban" | "mac" | "sepa_creditor" | "btc_address" | "crypto_address"))
    {
        let check = by_name(name).expect("a check");
        let bare = |text: &str| -> Vec<u8> { text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_uppercase()).collect() };
        for example in *examples {
            let made = of(Domain::Identifier, example);
            assert!(check(&bare(&made)) || PASS_TOO_MANY.contains(example), "{name} {example} {made}");
            assert_ne!(made, *example, "{name}");
            let alike = |(was, is): (char, char)| {
                was == is || was.is_ascii_digit() == is.is_ascii_digit() && was.is_ascii_alphanumeric() && was.is_lowercase() == is.is_lowercase()
            };
            assert!(made.len() == example.len() && example.chars().zip(made.chars()).all(alike), "{name} {example} {made}");
            assert_eq!(bare(&made), bare(&of(Domain::Identifier, &String::from_utf8(bare(example)).expect("text"))), "{name}: separators count for nothing");
        }
    }
}

/// Numbers that pass more checks than are kept.
const PASS_TOO_MANY: [&str; 2] = ["000000018", "111 111 110"];

#[test]
fn numbers_of_a_kind_do_not_meet() {
    for (name, from) in [
        ("nl_bsn", 100_000_000_u64),
        ("us_ssn", 123_456_000),
        ("br_cpf", 39_053_344_000),
        ("pl_pesel", 44_051_401_000),
        ("ca_sin", 193_456_000),
        ("uk_nhs", 9_434_760_000),
    ] {
        let check = by_name(name).expect("a check");
        let length = if name == "br_cpf" || name == "pl_pesel" { 11 } else { from.to_string().len() };
        let numbers: Vec<String> = (from..).map(|number| format!("{number:0length$}")).filter(|number| check(number.as_bytes())).take(20).collect();
        let made: BTreeSet<String> = numbers.iter().map(|number| of(Domain::Identifier, number)).collect();
        assert_eq!(made.len(), numbers.len(), "{name} {:?}", made.iter().take(5).collect::<Vec<_>>());
        assert!(made.iter().all(|number| check(number.as_bytes()) && number.starts_with('0') == (length != from.to_string().len())), "{name}");
    }
}

#[test]
fn a_number_is_one_and_the_same_by_any_name() {
    assert_eq!(of(Domain::Ssn, "219-09-9999"), of(Domain::Identifier, "219-09-9999"));
    assert_eq!(of(Domain::Identifier, "AB 12 34 56 C").replace(' ', ""), of(Domain::Identifier, "AB123456C"));
    assert_eq!(of(Domain::Identifier, "ab123456c").to_uppercase(), of(Domain::Identifier, "AB123456C"));
    assert_eq!(of(Domain::Phone, "0049 30 1234567").split_at(4).1, of(Domain::Phone, "+49 30 1234567").split_at(3).1);
    assert_eq!(of(Domain::Opaque, "3F2504E0-4F89-41D3-9A0C-0305E82C3301").to_lowercase(), of(Domain::Opaque, "3f2504e0-4f89-41d3-9a0c-0305e82c3301"));
    assert_eq!(of(Domain::Opaque, "3f2504e0-4f89-41d3-9a0c-0305e82c3301").replace('-', ""), of(Domain::Opaque, "3f2504e04f8941d39a0c0305e82c3301"));
    assert_eq!(of(Domain::Identifier, "08:1E:D1:FA:38:53").replace(':', "").to_lowercase(), of(Domain::Identifier, "081e.d1fa.3853").replace('.', ""));
    assert_eq!(of(Domain::Person, "Ren\u{e9}"), of(Domain::Person, "Rene\u{301}"));
}

#[test]
fn times_in_ids_keep_their_order() {
    let made: Vec<String> = (0..50_u64).map(|at| of(Domain::Opaque, &format!("{:08x}-{:04x}-7cc3-98c4-dc0c0c07398f", 0x017f_22e2, 0x79b0 + at))).collect();
    assert!(made.is_sorted() && made.iter().all(|made| made.as_bytes()[14] == b'7' && b"89ab".contains(&made.as_bytes()[19])), "{made:?}");
    assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), made.len());
}

#[test]
fn dates_of_one_subject_keep_their_order_and_their_distance() {
    let all = pseudonyms();
    let text = |made: Vec<u8>| String::from_utf8(made).expect("text");
    let dates = ["1980-01-31", "1980-02-28", "1980-02-29", "1980-03-01", "2001-12-31"];
    let shifted: Vec<String> = dates.iter().map(|date| text(all.date_of(b"patient 1", date.as_bytes()))).collect();
    assert!(shifted.is_sorted() && shifted.iter().collect::<BTreeSet<_>>().len() == dates.len());
    assert_ne!(shifted[0], text(all.date_of(b"patient 2", dates[0].as_bytes())));
    assert_eq!(text(all.date_of(b"", dates[0].as_bytes())), of(Domain::BirthDate, dates[0]));
    assert_eq!(of(Domain::BirthDate, "31.01.1980")[6..], of(Domain::BirthDate, "1980-01-31")[..4]);
}

#[test]
fn addresses_of_a_network_stay_together() {
    let shared = |one: &str, other: &str| {
        let bits = |text: &str| text.parse::<std::net::Ipv4Addr>().expect("an address").to_bits();
        (bits(one) ^ bits(other)).leading_zeros()
    };
    let values = [
        "93.184.216.34",
        "93.184.216.35",
        "93.184.217.1",
        "93.185.0.1",
        "8.8.8.8",
        "1.1.1.1",
        "192.0.3.1",
        "10.1.2.3",
        "10.1.2.4",
        "172.16.0.9",
        "192.168.1.1",
        "127.0.0.1",
    ];
    for one in values {
        for other in values {
            assert_eq!(shared(one, other), shared(&of(Domain::Ip, one), &of(Domain::Ip, other)), "{one} {other}");
        }
        let public = |text: &str| crate::detect::is_public(text.parse().expect("an address"));
        assert_eq!(public(one), public(&of(Domain::Ip, one)), "{one}");
    }
}

#[test]
fn what_is_set_aside_is_used_where_the_policy_asks_for_it() {
    let all = Pseudonyms::with(&test_key(), Choices { reserved: BTreeSet::from([Domain::Phone, Domain::Ssn, Domain::Ip]), ..Choices::default() });
    let of = |domain: Domain, value: &str| String::from_utf8(all.of(domain, value.as_bytes())).expect("text");
    for (phone, begins) in [
        ("+1 (415) 623-2671", "+1 ("),
        ("+44 7911 123456", "+44 7700 900"),
        ("+44 20 8946 1234", "+44 20 7946 0"),
        ("+33 6 12 34 56 78", "+33 6 39 98"),
        ("+61 412 345 678", "+61 491 570"),
        ("+49 30 90123456", "+49 30 23125"),
    ] {
        let made = of(Domain::Phone, phone);
        assert!(made.starts_with(begins) && made.len() == phone.len(), "{made}");
    }
    assert!(of(Domain::Phone, "+1 (415) 623-2671").contains(") 555-01"));
    assert!(of(Domain::Ip, "8.8.8.8").starts_with("198.1") && of(Domain::Ssn, "219-09-9999").starts_with('9'));
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
    let reserved = Pseudonyms::with(&test_key(), Choices { reserved: BTreeSet::from([Domain::Ssn]), ..Choices::default() });
    let of = |value: String| String::from_utf8(reserved.of(Domain::Ssn, value.as_bytes())).expect("text");
    let made: BTreeSet<String> = (1..1000_u32).map(|serial| of(format!("123-45-{serial:04}"))).collect();
    assert!(made.len() > 995);
    for number in made {
        let digits: Vec<u8> = number.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect();
        assert!(number.starts_with('9') && !is_ssn(&digits) && number.as_bytes()[3] == b'-', "{number}");
        assert!(digits[3] * 10 + digits[4] < 50, "{number} could be a tax number");
    }
}

#[test]
fn addresses_go_to_reserved_ranges_with_their_networks() {
    let reserved = Pseudonyms::with(&test_key(), Choices { reserved: BTreeSet::from([Domain::Ip]), ..Choices::default() });
    let of = |domain: Domain, value: &str| String::from_utf8(reserved.of(domain, value.as_bytes())).expect("text");
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
        assert_eq!(made.len(), values.len(), "{}", values[0]);
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
fn no_claim_of_a_web_token_tells_of_anyone() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
    let claims = r#"{"lat":52.520008,"lon":-13.404954,"age":77,"n":0,"big":1.5e10,"cvv":"123","pin":1234,"scope":"read:ada@mail.example","iss":"https://ada:pw@idp.example"}"#;
    let token = format!("{}.{}.{}", B64.encode(r#"{"alg":"HS256"}"#), B64.encode(claims), "c2lnbmF0dXJl");
    let made = of(Domain::Opaque, &token);
    let made: serde_json::Value = serde_json::from_slice(&B64.decode(made.split('.').nth(1).expect("claims")).expect("base64")).expect("JSON");
    let claims: serde_json::Value = serde_json::from_str(claims).expect("JSON");
    for (name, claim) in claims.as_object().expect("an object") {
        let made = &made[name];
        assert!(made != claim || name == "n", "{name}");
        assert_eq!((made.is_number(), made.is_string()), (claim.is_number(), claim.is_string()), "{name}");
    }
    assert_eq!((&made["cvv"], &made["pin"]), (&"000".into(), &0.into()));
    assert!(!made.to_string().contains("ada"), "{made}");
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

const GOLDEN: &str = include_str!("golden.tsv");
