//! Street addresses: how far one reaches beside a word that tells of it, and addresses that are known by their street, number and town.
//!
//! In: a text. Out: spans of addresses. Beside a telling phrase the writing is enough: words with capitals, numbers, the joiners and abbreviations of
//! addresses. Without one a word must tell a kind of street, with the number of a house beside it, and a postal code or a second number must follow.

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

use super::Classes;
use super::dictionary::plain_into;
use super::fold::{folded, is_ideographic};
use super::persons::begins_before;

/// Where an address that begins at `at` ends, by its writing alone.
pub(super) fn extent(value: &[u8], at: usize) -> Option<usize> {
    let text = text_at(value, at);
    let (mut end, mut words, mut digits, mut ideographs) = (0, 0, 0, 0);
    let mut position = 0;
    while words < MAX_WORDS && position < text.len() {
        let rest = &text[position..];
        let length = rest
            .find(|character: char| character.is_whitespace() || matches!(character, ';' | '"' | '<' | '>' | '=' | '|' | '{' | '}' | '[' | ']'))
            .unwrap_or(rest.len());
        let piece = &rest[..length];
        let bare = piece.trim_end_matches(['.', ',', ':', '!', '?', '。', '、']);
        if bare.is_empty() && piece != "," || !belongs(bare) {
            break;
        }
        words += 1;
        digits += bare.bytes().filter(u8::is_ascii_digit).count();
        ideographs += bare.chars().filter(|character| is_ideographic(*character)).count();
        end = position + bare.len();
        let tail = &piece[bare.len()..];
        let is_abbreviation = bare.chars().filter(|character| character.is_alphabetic()).count() <= 5 && !bare.bytes().any(|byte| byte.is_ascii_digit());
        let ends_sentence = match tail {
            "" | "," => false,
            "." => !is_abbreviation,
            ".," => false,
            _ => true,
        };
        let after = position + length;
        if ends_sentence || !text[after..].starts_with(' ') {
            break;
        }
        position = after + 1;
    }
    let is_address = (digits > 0 && (words >= 2 || ideographs >= MIN_IDEOGRAPHS)) || ideographs >= 2 * MIN_IDEOGRAPHS;
    is_address.then_some(at + end)
}

/// Addresses that are known for what they are: a kind of street with a number beside it, and a town or a postal code behind.
pub(super) fn find(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    let mut after = 0;
    let mut at = 0;
    while let Some(word) = next_word(value, at) {
        at = word.end;
        if word.start < after {
            continue;
        }
        let Some(start) = street_around(value, &word).filter(|start| *start >= after) else { continue };
        if let Some(end) = extent(value, start).filter(|end| is_whole(&value[start..*end])) {
            found.push(start..end);
            after = end;
        }
    }
}

/// Where the street begins of which `word` tells the kind.
fn street_around(value: &[u8], word: &Range<usize>) -> Option<usize> {
    static KINDS: LazyLock<HashSet<&str, FixedState>> = LazyLock::new(|| STREET_KINDS.split_ascii_whitespace().collect());
    let text = std::str::from_utf8(&value[word.clone()]).ok()?;
    if text.starts_with(is_ideographic) {
        return Some(word.start);
    }
    let mut buffer = [0; 2 * MAX_KIND];
    let plain = plain_into(text, &mut buffer)?;
    let has_number_behind = || value[word.end..].iter().take(MAX_STREET).take_while(|byte| !matches!(byte, b'\n' | b';')).any(u8::is_ascii_digit);
    if ENDINGS.iter().any(|ending| plain.len() > ending.len() + 1 && plain.ends_with(ending)) && has_number_behind() {
        return Some(first_capital(value, word.start));
    }
    // In capitals it is as often part of a name in code.
    let is_shouted = text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_within = word.start > 0 && matches!(value[word.start - 1], b'_' | b'-' | b'/' | b'.' | b'0'..=b'9') || value.get(word.end) == Some(&b'_');
    if is_shouted || is_within || !KINDS.contains(plain) {
        return None;
    }
    // `25 Fall Street`, where no sentence goes on; `12 bis rue de la Paix`; else the kind stands first.
    let goes_on = matches!(value[word.end..], [b' ', b'a'..=b'z', ..]);
    match number_before(value, word.start) {
        Some(number) => (!goes_on || text.starts_with(char::is_lowercase)).then_some(number),
        None => has_number_behind().then_some(word.start),
    }
}

/// Where the number begins that stands a few words before.
fn number_before(value: &[u8], mut at: usize) -> Option<usize> {
    for _ in 0..MAX_STREET_WORDS {
        let before = value[..at].strip_suffix(b" ")?;
        let before = before.strip_suffix(b",").unwrap_or(before);
        let length = before
            .iter()
            .rev()
            .take(MAX_KIND)
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/' | b'\'' | b'.') || **byte >= 0x80)
            .count();
        at = before.len() - length;
        let piece = before.get(at..)?;
        if piece.first()?.is_ascii_digit() {
            return (piece.iter().filter(|byte| byte.is_ascii_digit()).count() <= MAX_HOUSE).then_some(at);
        }
    }
    None
}

/// The words with capitals before a street's own: `Alte Hauptstraße`.
fn first_capital(value: &[u8], mut at: usize) -> usize {
    for _ in 0..MAX_STREET_WORDS {
        let Some(before) = value[..at].strip_suffix(b" ") else { break };
        let length = before.iter().rev().take(MAX_KIND).take_while(|byte| byte.is_ascii_alphabetic() || **byte >= 0x80).count();
        if length == 0 || !before[before.len() - length].is_ascii_uppercase() {
            break;
        }
        at = before.len() - length;
    }
    at
}

/// A number of a house, and a town with its postal code, or what stands in its place.
fn is_whole(address: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(address) else { return false };
    let marks = text.chars().filter(|character| "県都府市区町村省路街道号號丁番縣시군구동로길도읍면".contains(*character)).count();
    if text.starts_with(is_ideographic) {
        return marks >= 3 && text.bytes().any(|byte| byte.is_ascii_digit());
    }
    let numbers = text.split(|character: char| !character.is_alphanumeric() && character != '-').filter(|word| word.bytes().any(|byte| byte.is_ascii_digit()));
    let (count, codes) = numbers.fold((0, 0), |(count, codes), word| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        let is_mixed = (2..=4).contains(&word.len()) && word.len() > digits && !word.bytes().any(|byte| byte.is_ascii_lowercase());
        (count + 1, codes + usize::from((4..=8).contains(&digits) || is_mixed))
    });
    let capitals = text.split(' ').filter(|word| word.starts_with(|first: char| first.is_uppercase() || !first.is_ascii())).count();
    count >= 2 && codes >= 1 && capitals >= 2
}

fn next_word(value: &[u8], from: usize) -> Option<Range<usize>> {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte >= 0x80;
    let start = from + value.get(from..)?.iter().position(is_letter)?;
    let end = value[start..].iter().position(|byte| !is_letter(byte)).map_or(value.len(), |to| start + to);
    Some(start..end)
}

/// Where an address that ends at `end` begins, by its writing alone.
pub(super) fn extent_before(value: &[u8], end: usize) -> Option<usize> {
    begins_before(value, end, MAX_BYTES, extent)
}

/// Whether a piece between spaces can be part of an address.
fn belongs(piece: &str) -> bool {
    let Some(first) = piece.chars().find(|character| character.is_alphanumeric()) else { return matches!(piece, "/" | "-" | "," | "#" | "–") };
    if !first.is_lowercase() {
        return true;
    }
    static JOINERS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| JOINING.split_ascii_whitespace().collect());
    piece.bytes().any(|byte| byte.is_ascii_digit()) || {
        let plain: String = piece.chars().flat_map(folded).take(16).filter(|character| character.is_alphanumeric()).collect();
        JOINERS.contains(plain.as_str())
    }
}

/// As much text as an address has, up to what is no UTF-8.
fn text_at(value: &[u8], at: usize) -> &str {
    let piece = &value[at..value.len().min(at + MAX_BYTES)];
    match std::str::from_utf8(piece) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&piece[..error.valid_up_to()]).unwrap_or_default(),
    }
}

const MAX_KIND: usize = 24;
const MAX_STREET_WORDS: usize = 4;
const MAX_STREET: usize = 48;
const MAX_HOUSE: usize = 5;
/// Words that tell the kind of a street, in the languages that write it as a word of its own; for English those of USPS Publication 28, appendix C.
const STREET_KINDS: &str = "street st avenue ave road rd lane ln drive dr court ct place pl square sq terrace close crescent grove gardens way boulevard blvd parkway pkwy highway hwy \
    alley annex arcade bayou bend bluff branch bridge brook bypass camp canyon cape causeway circle cliff common corner course cove creek crest crossing curve dale dam divide estate estates \
    expressway extension fall falls ferry field fields flat ford forest forge fork fort freeway garden gateway glen green haven heights hill hills hollow inlet island isle junction key keys knoll \
    lake land landing light loaf lock lodge loop mall manor meadow meadows mews mill mission motorway mount mountain neck orchard oval overpass park pass passage path pike pine pines plain plains \
    plaza point port prairie radial ramp ranch rapid rapids rest ridge river route row rue run shoal shore shores skyway spring springs spur station stravenue stream summit throughway trace track \
    trafficway trail tunnel turnpike underpass union unions valley via viaduct view village ville vista walk wall well wells \
    chemin allee impasse quai ruelle sentier calle avenida plaza paseo camino carrera callejon ronda rua travessa alameda estrada praca viale vicolo piazza corso contrada strada largo \
    ul ulica aleja aleje plac os osiedle ulice namesti trida nabrezi utca ut ter korut setany bulevardul aleea intrarea soseaua ulitsa bulvar sokak sok cadde caddesi cad mahallesi jalan jl gang gg duong pho \
    ул улица проспект просп пр бульвар бул переулок пер набережная наб шоссе ш площадь пл аллея алл вул вулиця шосе пров провулок набережна \
    οδος λεωφορος πλατεια";
/// What words for streets end in, where kind and name are one word.
const ENDINGS: [&str; 24] = [
    "strasse", "gasse", "weg", "allee", "platz", "ring", "damm", "ufer", "gatan", "vagen", "gata", "vegen", "veien", "gaten", "gade", "vej", "straat", "laan",
    "plein", "gracht", "katu", "tie", "polku", "kuja",
];
const MAX_WORDS: usize = 24;
const MAX_BYTES: usize = 280;
const MIN_IDEOGRAPHS: usize = 4;
/// What is written small in addresses.
const JOINING: &str = "de la le les du des d l di da do dos das del della delle dei degli van von der den dem het t s a an am auf im zum zur y e na nad nade pod u v ve og och pa i bis ter \
    rue avenue allee boulevard chemin place impasse quai route cours passage square via viale vicolo piazza corso calle avenida plaza paseo camino carrera rua travessa praca \
    ul ulica aleja al plac pl os ulice namesti utca ut ter korut setany koz fasor strada str bulevardul bd aleea sokak sok mahallesi mah caddesi cad bulvari blv no kat daire d apt \
    app int scala piano interno appartamento piso puerta esc nr n num cp km bl et ap sc jud vej gade alle gata gatan vag vagen stig katu tie kuja polku d k kv str korp g obl r n ulitsa pr per bul \
    montee cote sentier faubourg villa hameau residence lotissement vei veien plads torv plass plats stien lane allee ring weg damm ufer pfad gasse \
    набережна узвіз наб буд вул просп шосе площа провулок тупик алея бульвар проспект улица набережная переулок шоссе площадь проезд \
    д кв ул стр корп к г обл р пр пер бул ш наб пл с п вул буд cedex ngo duong pho xa phuong quan tinh so thanh jalan jl gang gg of the and near sk pk po c o st dist vpo ulitsa gatve prospektas iela tn mnt";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_reach_as_far_as_they_are_written_like_one() {
        for (text, expected) in [
            ("25 Fall Street A80HRKF Martin Ville was rejected", Some("25 Fall Street A80HRKF Martin Ville")),
            ("Johannes-Gasse 93, 9150 Hainburg an der Donau; my", Some("Johannes-Gasse 93, 9150 Hainburg an der Donau")),
            ("ul. Morska 455, 05-602 Kościan. please", Some("ul. Morska 455, 05-602 Kościan")),
            ("945 Isle, Apt. 477, North Gökberg, MS 72941. My", Some("945 Isle, Apt. 477, North Gökberg, MS 72941")),
            ("Strada Tullio, 94, 47011, Terra Del Sole (FC) confirm", Some("Strada Tullio, 94, 47011, Terra Del Sole (FC)")),
            ("경기도 청주시 서원구 서초중앙가 29-36 (경수고송면)\nx", Some("경기도 청주시 서원구 서초중앙가 29-36 (경수고송면)")),
            ("香川県高松市番町1丁目2番3号。", Some("香川県高松市番町1丁目2番3号")),
            ("Main Street is long", None),
            ("required 12", None),
        ] {
            assert_eq!(extent(text.as_bytes(), 0).map(|end| &text[..end]), expected, "{text}");
        }
    }

    #[test]
    fn addresses_are_known_by_their_street_number_and_town() {
        for (text, expected) in [
            ("see 743 Jasmine Cape, Tinafurt, WV2X 6QE again", Some("743 Jasmine Cape, Tinafurt, WV2X 6QE")),
            ("at Bahnhofstraße 12, 10115 Berlin; and", Some("Bahnhofstraße 12, 10115 Berlin")),
            ("Alte Hauptstraße 5, 8010 Graz", Some("Alte Hauptstraße 5, 8010 Graz")),
            ("x Strada Mercalli, 77 Appartamento 31, 64018, Tortoreto (TE)", Some("Strada Mercalli, 77 Appartamento 31, 64018, Tortoreto (TE)")),
            ("12 rue de la Paix, 75002 Paris", Some("12 rue de la Paix, 75002 Paris")),
            ("ul. Morska 455, 05-602 Kościan", Some("ul. Morska 455, 05-602 Kościan")),
            ("島根県西多摩郡日の出町土沢2丁目7番2号", Some("島根県西多摩郡日の出町土沢2丁目7番2号")),
            ("10 Downing Street", None),
            ("Copyright 2021, 2022 Anthony Green and Red Hat, Inc", None),
            ("RSA_PSS_2048_8192_SHA384_LEGACY_KEY, RSA_PSS_2048", None),
            ("-----BEGIN PUBLIC KEY-----", None),
            ("Version 12, 10115 downloads", None),
            ("took 12 in way 10115", None),
            ("12 items in 3 boxes", None),
        ] {
            let mut found = Vec::new();
            find(text.as_bytes(), &Classes::of(text.as_bytes()), &mut found);
            assert_eq!(found.first().map(|span| &text[span.clone()]), expected, "{text}");
            for start in 0..text.len() {
                find(&text.as_bytes()[start..], &Classes::of(text.as_bytes()), &mut found);
            }
        }
    }
}
