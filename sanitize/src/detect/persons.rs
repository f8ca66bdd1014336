//! People's names: how far one reaches beside a word that tells of it, and names that are known for what they are.
//!
//! In: a text. Out: spans of names. Beside a telling phrase, the writing is enough: words with capitals, joiners, titles, a comma between family and given
//! name, or a run of a script without capitals. Without one, names must be in the dictionaries (`sanitize/rules/dictionaries`), given and family name
//! both, since a given name alone is as often a product, a street or a town.

use std::ops::Range;

use super::Classes;
use super::dictionary::{IDEOGRAPHIC, Known, Likelihood, Part, ends_like_a_family, known};
use super::fold::is_ideographic;

/// Where a name that begins at `at` ends, by its writing alone.
pub(super) fn extent(value: &[u8], at: usize) -> Option<usize> {
    let text = text_at(value, at);
    let mut end = 0;
    let mut names = 0;
    let mut has_comma = false;
    let mut position = 0;
    for _ in 0..MAX_WORDS {
        let Some(word) = word_at(text, position) else { break };
        match word.kind {
            Kind::Name => {
                names += 1;
                end = word.end;
            }
            Kind::Joiner | Kind::Title => {}
            Kind::Other => break,
        }
        let rest = &text[word.end..];
        position = word.end
            + match rest.as_bytes() {
                [b' ', ..] => 1,
                [b',', b' ', ..] if !has_comma && word.kind == Kind::Name && word_at(text, word.end + 2).is_some_and(|next| next.kind == Kind::Name) => {
                    has_comma = true;
                    2
                }
                [0xc2, 0xa0, ..] => 2,
                [0xe3, 0x80, 0x80, ..] => 3,
                _ => break,
            };
    }
    (names > 0).then_some(at + end)
}

/// Where a name that ends at `end` begins, by its writing alone: at the first word from which it reaches so far.
pub(super) fn extent_before(value: &[u8], end: usize) -> Option<usize> {
    begins_before(value, end, MAX_BYTES, extent)
}

/// The first word before `end`, within `most` bytes, from which `extent` reaches exactly there.
pub(super) fn begins_before(value: &[u8], end: usize, most: usize, extent: impl Fn(&[u8], usize) -> Option<usize>) -> Option<usize> {
    let from = end.saturating_sub(most);
    let is_edge = |at: &usize| *at == 0 || matches!(value[at - 1], b' ' | b'"' | b'\'' | b'(' | b'>' | b':' | b'\n' | b'\t' | b'=');
    (from..end).filter(is_edge).filter(|at| !matches!(value[*at], b' ' | 0x80..=0xbf)).find(|at| extent(&value[..end], *at) == Some(end))
}

/// Names that are known for what they are: given and family name both from the dictionaries, side by side or with a comma between.
pub(super) fn find(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(start) = next_start(value, at) {
        // Most words with a capital stand alone.
        let first = value[start..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        at = start + first.max(1);
        if first > 0 && !matches!(value.get(at), Some(b' ' | b',' | b'.' | b'-' | b'\'' | 0x80..)) {
            continue;
        }
        let text = text_at(value, start);
        let written = Written::of(text);
        // No pair within these words: the next name begins with the last of them at the earliest.
        at = at.max(start + written.pieces().last().map_or(0, |last| if written.count > 1 { last.start } else { last.end }));
        let is_whole = start == value.len() - value.trim_ascii_start().len() && start + written.end == value.trim_ascii_end().len();
        if let Some(span) = written.name(text, is_whole) {
            at = start + span.end;
            found.push(with_title(value, start + span.start)..at);
        }
    }
}

/// A title in small letters belongs to the name behind it.
fn with_title(value: &[u8], start: usize) -> usize {
    let Some(before) = value[..start].strip_suffix(b" ") else { return start };
    let length = before.iter().rev().take(12).take_while(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'.') || **byte >= 0x80).count();
    let word = std::str::from_utf8(&before[before.len() - length..]).unwrap_or_default();
    if known(word.trim_end_matches('.')).part == Part::Title { before.len() - length } else { start }
}

/// A whole value that may be a name: one name from the dictionaries, and nothing that makes something else of it.
pub(super) fn find_like(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    let Ok(text) = std::str::from_utf8(value) else { return };
    let written = Written::of(text);
    if text.len() <= MAX_BYTES && written.end == text.len() && written.is_like_a_name(text) {
        found.push(0..value.len());
    }
}

/// Words of which a name may be made.
struct Written {
    words: [Piece; MAX_WORDS],
    count: usize,
    /// Where all that was read ends.
    end: usize,
}

#[derive(Clone, Copy)]
struct Piece {
    start: usize,
    end: usize,
    kind: Kind,
    known: Known,
    /// A comma stands behind it.
    has_comma: bool,
}

impl Written {
    fn of(text: &str) -> Self {
        let none = Piece { start: 0, end: 0, kind: Kind::Other, known: Known::default(), has_comma: false };
        let mut written = Self { words: [none; MAX_WORDS], count: 0, end: 0 };
        let mut position = 0;
        while written.count < MAX_WORDS {
            let Some(word) = word_at(text, position).filter(|word| word.kind != Kind::Other) else { break };
            let rest = &text.as_bytes()[word.end..];
            let has_comma = rest.starts_with(b", ");
            written.words[written.count] = Piece { start: position, end: word.end, kind: word.kind, known: word.known, has_comma };
            written.count += 1;
            written.end = word.end;
            position = word.end + 1 + usize::from(has_comma);
            if !has_comma && !rest.starts_with(b" ") {
                break;
            }
        }
        written
    }

    fn pieces(&self) -> &[Piece] {
        &self.words[..self.count]
    }

    /// Where the name stands, if one is there.
    fn name(&self, text: &str, is_whole: bool) -> Option<Range<usize>> {
        if text.starts_with(is_ideographic) {
            return self.ideographic_name(text);
        }
        if self.pieces().iter().any(|piece| piece.known.is_other) && is_whole {
            return None;
        }
        if is_whole && !has_case(text) {
            let is_known = (2..=5).contains(&self.count) && self.pieces().iter().any(|piece| piece.known.given == Likelihood::Likely);
            return is_known.then_some(0..self.end);
        }
        let names: Vec<&Piece> = self.pieces().iter().filter(|piece| piece.kind == Kind::Name).collect();
        let first = names.windows(2).position(|two| are_a_name(text, two[0], two[1], is_whole))?;
        if is_whole {
            return Some(0..self.end);
        }
        // What stands on both sides belongs to it as long as it is known.
        let is_part = |piece: &Piece| piece.kind != Kind::Name || piece.known.given > Likelihood::No || piece.known.family > Likelihood::No;
        let pair = names[first].start..names[first + 1].end;
        let before = self.pieces().iter().rev().skip_while(|piece| piece.start >= pair.start).take_while(|piece| is_part(piece) && !piece.has_comma);
        let after = self.pieces().iter().skip_while(|piece| piece.end <= pair.end).take_while(|piece| is_part(piece));
        let start = before.last().map_or(pair.start, |piece| piece.start);
        let end = after.filter(|piece| piece.kind == Kind::Name).last().map_or(pair.end, |piece| piece.end);
        Some(start..end)
    }

    fn ideographic_name(&self, text: &str) -> Option<Range<usize>> {
        let first = self.pieces().first()?;
        let second = self.pieces().get(1).filter(|second| text[second.start..].starts_with(is_ideographic));
        let whole = second.map_or(first.end, |second| second.end);
        [whole, first.end].into_iter().find(|end| IDEOGRAPHIC.is_name(&text[..*end])).map(|end| 0..end)
    }

    fn is_like_a_name(&self, text: &str) -> bool {
        if text.starts_with(is_ideographic) {
            return self.ideographic_name(text) == Some(0..self.end);
        }
        let has = |test: fn(&Piece) -> bool| self.pieces().iter().any(test);
        let is_likely = has(|piece| piece.known.given == Likelihood::Likely || piece.known.family == Likelihood::Likely);
        let is_title = has(|piece| piece.kind == Kind::Title);
        !has(|piece| piece.known.is_other) && (if self.count == 1 { self.words[0].known.given == Likelihood::Likely } else { is_likely || is_title })
    }
}

/// Whether two words are given and family name, in either order: not both of them words that mean something else as often.
fn are_a_name(text: &str, first: &Piece, second: &Piece, is_whole: bool) -> bool {
    use Likelihood::{Likely, No, Perhaps};
    let pair = |given: &Piece, family: &Piece| match (given.known.given, family.known.family) {
        (No, _) | (Perhaps, Perhaps) => false,
        (_, No) => !family.known.is_other && ends_like_a_family(&text[family.start..family.end]),
        _ => true,
    };
    let both_given = first.known.given == Likely && second.known.given == Likely;
    match first.has_comma {
        true => pair(second, first) || (both_given && is_whole),
        false => pair(first, second) || (first.known.family == Likely && second.known.given == Likely) || (both_given && is_whole),
    }
}

/// Whether a text is in a script with capitals, or without.
fn has_case(text: &str) -> bool {
    text.chars().find(|character| character.is_alphabetic()).is_some_and(|first| first.is_uppercase() || first.is_lowercase())
}

/// Where the next word begins that could begin a name: with a capital, or beyond ASCII.
fn next_start(value: &[u8], from: usize) -> Option<usize> {
    (from..value.len()).find(|at| {
        let byte = value[*at];
        let may_begin = byte.is_ascii_uppercase() || byte >= 0xc3;
        may_begin
            && (*at == 0 || !(value[at - 1].is_ascii_alphanumeric() || matches!(value[at - 1], b'_' | b'-' | b'/' | b'@' | b'.' | b'#' | b'$' | b'%' | 0x80..)))
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Name,
    /// `van`, `de la`: only between names or before one.
    Joiner,
    Title,
    Other,
}

struct Word {
    kind: Kind,
    known: Known,
    end: usize,
}

/// The word that begins at `from`.
fn word_at(text: &str, from: usize) -> Option<Word> {
    let rest = &text[from..];
    let first = rest.chars().next().filter(|first| first.is_alphabetic())?;
    if is_ideographic(first) {
        let end = rest.char_indices().find(|(_, character)| !is_ideographic(*character) && *character != '・').map_or(rest.len(), |(end, _)| end);
        let kind = if rest[..end].chars().count() <= MAX_IDEOGRAPHS { Kind::Name } else { Kind::Other };
        return Some(Word { kind, known: Known::default(), end: from + end });
    }
    let mut end = rest.len();
    let mut characters = rest.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let joins = matches!(character, '\'' | '’' | '-' | '‘' | '\u{5f3}') && characters.peek().is_some_and(|(_, next)| next.is_alphabetic());
        // Marks of the scripts of India and of Thai, which no alphabet counts.
        let is_mark =
            matches!(character, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{dff}' | '\u{e31}'..='\u{e4e}' | '\u{200c}' | '\u{200d}' | '\u{64b}'..='\u{65f}');
        if !character.is_alphabetic() && !joins && !is_mark {
            end = at;
            break;
        }
    }
    let word = &rest[..end];
    let is_abbreviated = rest[end..].starts_with('.');
    let known = if first.is_lowercase() && end > MAX_JOINER { Known::default() } else { known(word) };
    let has_digits = rest[end..].starts_with(|next: char| next.is_ascii_digit() || matches!(next, '_' | '@' | '/' | '=' | ':'));
    let kind = match () {
        () if has_digits => Kind::Other,
        () if known.part == Part::Title => Kind::Title,
        () if known.part == Part::Joiner && first.is_lowercase() => Kind::Joiner,
        () if first.is_lowercase() => Kind::Other,
        () => Kind::Name,
    };
    // `Dr.`, `J.`, `B.Sc.`
    let letters = word.chars().count();
    let takes_dot = is_abbreviated && (kind == Kind::Title || (letters <= 3 && kind == Kind::Name && first.is_uppercase()));
    Some(Word { kind, known, end: from + end + usize::from(takes_dot) })
}

/// As much text as a name has, up to what is no UTF-8.
fn text_at(value: &[u8], at: usize) -> &str {
    let piece = &value[at..value.len().min(at + MAX_BYTES)];
    match std::str::from_utf8(piece) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&piece[..error.valid_up_to()]).unwrap_or_default(),
    }
}

/// The longest joiner or title, in bytes.
const MAX_JOINER: usize = 20;
const MAX_WORDS: usize = 8;
const MAX_BYTES: usize = 120;
/// `佐々木 小次郎`, `阿卜杜拉` and longer ones in phonetic letters.
const MAX_IDEOGRAPHS: usize = 8;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_found_and_goods_and_places_are_not() {
        for (text, expected) in [
            ("Kimberly Lopez", &["Kimberly Lopez"][..]),
            ("Please check Kimberly Lopez again", &["Kimberly Lopez"]),
            ("Nyström, Helena", &["Nyström, Helena"]),
            ("MÜLLER Anna", &["MÜLLER Anna"]),
            ("pan Grzegorz Woźniak", &["pan Grzegorz Woźniak"]),
            ("Virginia Liguori-Gottardi", &["Virginia Liguori-Gottardi"]),
            ("Тарас Зубко", &["Тарас Зубко"]),
            ("坂本, 晃", &["坂本, 晃"]),
            ("牛洁", &["牛洁"]),
            ("김채원", &["김채원"]),
            ("they wrote 山崎 涼平 on", &["山崎 涼平"]),
            ("Madison Desk", &[]),
            ("Paris Lamp", &[]),
            ("Hudson Sofa", &[]),
            ("Oxford Shirt", &[]),
            ("Jackson Guitar Strap", &[]),
            ("Jordan Air 1 Retro", &[]),
            ("Rose Garden Candle", &[]),
            ("Victoria Sponge Mix", &[]),
            ("Hansen & Sons Ltd", &[]),
            ("Victoria Park", &[]),
            ("Los Angeles", &[]),
            ("The Quick Brown Fox", &[]),
            ("GOLD_TIER PENDING", &[]),
            ("北京", &[]),
            ("東京", &[]),
            ("東京 description", &[]),
            ("total 東京 basic", &[]),
            ("강원도", &[]),
            ("이메일", &[]),
            ("温度", &[]),
            ("Content-Type", &[]),
        ] {
            let mut found = Vec::new();
            find(text.as_bytes(), &Classes::of(text.as_bytes()), &mut found);
            assert_eq!(found.iter().map(|span| &text[span.clone()]).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn names_reach_as_far_as_they_are_written_like_one() {
        for (text, expected) in [
            ("Kimberly Lopez was rejected", Some("Kimberly Lopez")),
            ("Morgan, Ashley; and", Some("Morgan, Ashley")),
            ("Dr. Kim van Ooste. my", Some("Dr. Kim van Ooste")),
            ("pani Hedviga Hoštáková DSc. ;", Some("pani Hedviga Hoštáková DSc.")),
            ("Öğr. Büşranur Gülen İnönü on", Some("Öğr. Büşranur Gülen İnönü")),
            ("坂本, 晃です", Some("坂本, 晃です")),
            ("苗岩. due", Some("苗岩")),
            ("Ефим Чеславович Ермаков. range", Some("Ефим Чеславович Ермаков")),
            ("อาภัศรา ธรรมทินนา confirm", Some("อาภัศรา ธรรมทินนา")),
            ("מעיין אבו כף. mobile", Some("מעיין אבו כף")),
            ("O'Brien-Smith J. x", Some("O'Brien-Smith J.")),
            ("required by law", None),
            ("Ada level=info", Some("Ada")),
            ("Ada Status: ok", Some("Ada")),
            ("12 Main", None),
        ] {
            assert_eq!(extent(text.as_bytes(), 0).map(|end| &text[..end]), expected, "{text}");
        }
        let text = "customer gave van der Berg, Ada";
        assert_eq!(extent_before(text.as_bytes(), text.len()), Some(14));
        assert_eq!(extent_before(b"it was given", 12), None);
    }
}
