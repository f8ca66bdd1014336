//! Letters without case and accents: what is compared are `strasse`, `uzytkownika` and `ιδιοτητα`, however they were written.
//!
//! In: a character. Out: the one or two plain ones that stand for it, or none for a mark that only decorates. Scripts without
//! case and accents pass as they are. This is for comparing alone: nothing that was folded is ever written.

/// The plain letters of a character.
pub(crate) fn folded(character: char) -> impl Iterator<Item = char> {
    let (first, second) = if character.is_ascii() { (Some(character.to_ascii_lowercase()), None) } else { beyond_ascii(character) };
    first.into_iter().chain(second)
}

fn beyond_ascii(character: char) -> (Option<char>, Option<char>) {
    let lower = character.to_lowercase().next().unwrap_or(character);
    let one = |letter| (Some(letter), None);
    match lower {
        // Combining accents; Arabic vowel signs and the dash that stretches.
        '\u{300}'..='\u{36f}' | '\u{640}' | '\u{64b}'..='\u{652}' => (None, None),
        'ß' => (Some('s'), Some('s')),
        'æ' | 'ǽ' => (Some('a'), Some('e')),
        'œ' => (Some('o'), Some('e')),
        'þ' => (Some('t'), Some('h')),
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' | 'ạ'..='ặ' => one('a'),
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => one('c'),
        'ď' | 'đ' | 'ð' => one('d'),
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ẹ'..='ệ' => one('e'),
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => one('g'),
        'ĥ' | 'ħ' => one('h'),
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ỉ' | 'ị' => one('i'),
        'ĵ' => one('j'),
        'ķ' => one('k'),
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => one('l'),
        'ñ' | 'ń' | 'ņ' | 'ň' => one('n'),
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'ơ' | 'ọ'..='ợ' => one('o'),
        'ŕ' | 'ŗ' | 'ř' => one('r'),
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => one('s'),
        'ţ' | 'ť' | 'ț' => one('t'),
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ư' | 'ụ'..='ự' => one('u'),
        'ŵ' => one('w'),
        'ý' | 'ÿ' | 'ŷ' | 'ỳ'..='ỹ' => one('y'),
        'ź' | 'ż' | 'ž' => one('z'),
        'ά' => one('α'),
        'έ' => one('ε'),
        'ή' => one('η'),
        'ί' | 'ϊ' | 'ΐ' => one('ι'),
        'ό' => one('ο'),
        'ύ' | 'ϋ' | 'ΰ' => one('υ'),
        'ώ' => one('ω'),
        'ς' => one('σ'),
        'ё' => one('е'),
        'أ' | 'إ' | 'آ' => one('ا'),
        'ى' | 'ی' => one('ي'),
        'ک' => one('ك'),
        // Full-width forms of ASCII.
        '\u{ff01}'..='\u{ff5e}' => one(char::from_u32(u32::from(lower) - 0xfee0).map_or(lower, |plain| plain.to_ascii_lowercase())),
        _ => one(lower),
    }
}

/// Whether a character is written without spaces between words: each is a word of its own.
pub(crate) const fn is_ideographic(character: char) -> bool {
    matches!(character, '\u{3005}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_fall() {
        for (text, expected) in [
            ("Straße", "strasse"),
            ("UŻYTKOWNIKA", "uzytkownika"),
            ("Doğum Günü", "dogum gunu"),
            ("İsim ADI Kızlık", "isim adi kizlik"),
            ("e\u{301}tat", "etat"),
            ("Số điện thoại", "so dien thoai"),
            ("Επώνυμο", "επωνυμο"),
            ("Ёлка", "елка"),
            ("ＩＰ", "ip"),
            ("الأوّل", "الاول"),
            ("氏名", "氏名"),
            ("Æøå œuvre", "aeoa oeuvre"),
        ] {
            assert_eq!(text.chars().flat_map(folded).collect::<String>(), expected, "{text}");
        }
    }
}
