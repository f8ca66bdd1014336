//! People's names: how far one reaches beside a word that tells of it, and names that are known for what they are.
//!
//! In: a text. Out: spans of names. Beside a telling phrase, the writing is enough: words with capitals, joiners, titles, a comma between family and given
//! name, or a run of a script without capitals. Without one, names must be in the dictionaries (`sanitize/rules/dictionaries`), given and family name
//! both, since a given name alone is as often a product, a street or a town.

use super::fold::{folded, is_ideographic};

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
    begins_before(value, end, extent)
}

/// The first word before `end`, of the few that could be, from which `extent` reaches exactly there.
pub(super) fn begins_before(value: &[u8], end: usize, extent: impl Fn(&[u8], usize) -> Option<usize>) -> Option<usize> {
    let from = end.saturating_sub(MAX_BYTES);
    let is_edge = |at: &usize| *at == 0 || matches!(value[at - 1], b' ' | b'"' | b'\'' | b'(' | b'>' | b':' | b'\n' | b'\t' | b'=');
    (from..end).filter(is_edge).filter(|at| !matches!(value[*at], b' ' | 0x80..=0xbf)).find(|at| extent(&value[..end], *at) == Some(end))
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
    end: usize,
}

/// The word that begins at `from`.
fn word_at(text: &str, from: usize) -> Option<Word> {
    let rest = &text[from..];
    let first = rest.chars().next().filter(|first| first.is_alphabetic())?;
    if is_ideographic(first) {
        let end = rest.char_indices().find(|(_, character)| !is_ideographic(*character) && *character != '・').map_or(rest.len(), |(end, _)| end);
        let kind = if rest[..end].chars().count() <= MAX_IDEOGRAPHS { Kind::Name } else { Kind::Other };
        return Some(Word { kind, end: from + end });
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
    let has_digits = rest[end..].starts_with(|next: char| next.is_ascii_digit() || matches!(next, '_' | '@' | '/' | '=' | ':'));
    let kind = match () {
        () if has_digits => Kind::Other,
        () if is_in(word, TITLES) => Kind::Title,
        () if is_in(word, JOINERS) && first.is_lowercase() => Kind::Joiner,
        () if first.is_lowercase() => Kind::Other,
        () => Kind::Name,
    };
    // `Dr.`, `J.`, `B.Sc.`
    let letters = word.chars().count();
    let takes_dot = is_abbreviated && (kind == Kind::Title || (letters <= 3 && kind == Kind::Name && first.is_uppercase()));
    Some(Word { kind, end: from + end + usize::from(takes_dot) })
}

fn is_in(word: &str, list: &str) -> bool {
    let mut plain = [0; 24];
    let Some(plain) = plain_into(word, &mut plain) else { return false };
    list.split_ascii_whitespace().any(|known| known == plain)
}

/// A word without case and accents, if it is short enough to be a name.
fn plain_into<'b>(word: &str, buffer: &'b mut [u8]) -> Option<&'b str> {
    let mut length = 0;
    for character in word.chars().flat_map(folded) {
        let width = character.len_utf8();
        character.encode_utf8(buffer.get_mut(length..length + width)?);
        length += width;
    }
    std::str::from_utf8(&buffer[..length]).ok()
}

/// As much text as a name has, up to what is no UTF-8.
fn text_at(value: &[u8], at: usize) -> &str {
    let piece = &value[at..value.len().min(at + MAX_BYTES)];
    match std::str::from_utf8(piece) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&piece[..error.valid_up_to()]).unwrap_or_default(),
    }
}

const MAX_WORDS: usize = 8;
const MAX_BYTES: usize = 120;
/// `佐々木 小次郎`, `阿卜杜拉` and longer ones in phonetic letters.
const MAX_IDEOGRAPHS: usize = 8;
const JOINERS: &str = "van von vom zu zum zur der den de dem del della delle dei di da das do dos du des la las le les los y e i ten ter te tot op het bin binti ibn ben bint al el abu ould st af av zo und auf d dal dalla degli lo \
    ne vel";
const TITLES: &str = "mr mrs ms miss mx dr prof sir dame lady lord rev fr hon herr frau hr fru frk dipl ing mag univ mme mlle sig sigra signora signor dott dottssa avv sr sra srta srita don dona sto pan pani pana bc mudr judr \
    phdr rndr mgr doc bay bayan okt ogr av inz lek mec dhr mevr mw drs ir sri smt shri kumari г-н г-жа гн госпожа господин тов";

#[cfg(test)]
mod tests {
    use super::*;

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
