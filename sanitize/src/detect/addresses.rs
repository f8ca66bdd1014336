//! Street addresses: how far one reaches beside a word that tells of it, and addresses that are known by their street, number and town.
//!
//! In: a text. Out: spans of addresses. Beside a telling phrase the writing is enough: words with capitals, numbers, the joiners and abbreviations of
//! addresses.

use std::collections::BTreeSet;
use std::sync::LazyLock;

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
}
