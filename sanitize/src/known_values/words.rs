//! Words of a value, and what stands in them in any spelling.
//!
//! In: bytes. Out: words, with what they say in lower case, letters and digits alone, composed (NFC). `Anna-Maria SCHMIDT`,
//! `anna.maria_schmidt` and `Anna Maria Schmidt` are the same three words; `DE89 3704 0044` says what `DE8937040044` does.

use unicode_normalization::char::compose;

/// The words of one stretch of a value. Kept from value to value, so that nothing is allocated.
#[derive(Default)]
pub(super) struct Words {
    /// What the words say, one after the other.
    pub(super) said: Vec<u8>,
    pub(super) words: Vec<Word>,
}

/// One word.
#[derive(Clone, Copy)]
pub(super) struct Word {
    /// Where it stands in the value.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Where what it says begins in all that is said, and where it ends.
    pub(super) said: usize,
    pub(super) said_end: usize,
    /// Whether it can be of one value with the word before.
    pub(super) follows: bool,
}

impl Words {
    /// Reads words from `at` on, a bounded number of them. The place from which it was not read any more.
    pub(super) fn read(&mut self, value: &[u8], mut at: usize) -> usize {
        self.said.clear();
        self.words.clear();
        let mut gap = Gap::default();
        let mut is_within = false;
        while at < value.len() {
            let byte = value[at];
            let letter = LETTERS[usize::from(byte)];
            if letter != 0 {
                if !is_within {
                    if self.words.len() == MAX_WORDS {
                        return at;
                    }
                    self.begin(at, &mut gap);
                    is_within = true;
                }
                self.push(at + 1, &[letter]);
                at += 1;
                continue;
            }
            if byte.is_ascii() {
                is_within = false;
                gap.add(byte);
                at += 1;
                continue;
            }
            let (character, length) = character_at(value, at);
            if ('\u{300}'..='\u{36f}').contains(&character) {
                if is_within {
                    self.compose(at + length, character);
                }
            } else if character.is_alphanumeric() {
                if !is_within || is_unspaced(character) {
                    if self.words.len() == MAX_WORDS {
                        return at;
                    }
                    self.begin(at, &mut gap);
                }
                is_within = !is_unspaced(character);
                let mut buffer = [0; 4];
                for lower in character.to_lowercase() {
                    self.push(at + length, folded(lower).unwrap_or_else(|| lower.encode_utf8(&mut buffer)).as_bytes());
                }
            } else {
                is_within = false;
                gap.add(b' ');
            }
            at += length;
        }
        at
    }

    fn begin(&mut self, at: usize, gap: &mut Gap) {
        let said = self.said.len();
        self.words.push(Word { start: at, end: at, said, said_end: said, follows: gap.joins() });
        *gap = Gap::default();
    }

    fn push(&mut self, end: usize, said: &[u8]) {
        let Some(word) = self.words.last_mut() else { return };
        word.end = end;
        // What is too long for any known value need not be held; one byte more, so that it is none.
        if self.said.len() - word.said <= MAX_SAID {
            self.said.extend_from_slice(said);
            word.said_end = self.said.len();
        }
    }

    /// Puts an accent on the last character.
    fn compose(&mut self, end: usize, mark: char) {
        let Some(word) = self.words.last_mut() else { return };
        word.end = end;
        let last = std::str::from_utf8(&self.said[word.said..]).ok().and_then(|said| said.chars().next_back());
        if let Some((last, composed)) = last.and_then(|last| Some((last, compose(last, mark)?))) {
            self.said.truncate(self.said.len() - last.len_utf8());
            self.said.extend_from_slice(composed.encode_utf8(&mut [0; 4]).as_bytes());
            word.said_end = self.said.len();
        }
    }
}

/// The character at `at`, and how many bytes it takes. A byte that is no UTF-8 is taken for Latin-1.
fn character_at(value: &[u8], at: usize) -> (char, usize) {
    let length = match value[at] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    let read = value.get(at..at + length).and_then(|bytes| std::str::from_utf8(bytes).ok()).and_then(|text| text.chars().next());
    read.map_or((char::from(value[at]), 1), |character| (character, length))
}

/// What is not the same in capitals and back.
const fn folded(lower: char) -> Option<&'static str> {
    match lower {
        'ß' => Some("ss"),
        'ς' => Some("σ"),
        'ı' => Some("i"),
        // What the Turkish capital leaves behind.
        '\u{307}' => Some(""),
        _ => None,
    }
}

/// Scripts that put no space between words: each character is a word.
const fn is_unspaced(character: char) -> bool {
    matches!(character as u32, 0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3040..=0x30ff | 0x3400..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

/// What stands between two words.
#[derive(Default)]
struct Gap {
    bytes: usize,
    is_closed: bool,
}

impl Gap {
    fn add(&mut self, byte: u8) {
        self.bytes += 1;
        self.is_closed |= byte.is_ascii_control() || b"\"<>{}[]=;|\\".contains(&byte);
    }

    /// Whether a value can have it within: `, ` and ` - ` can stand in one, a line break or a quote cannot.
    const fn joins(&self) -> bool {
        self.bytes <= MAX_GAP && !self.is_closed
    }
}

/// For each byte of a word the one that it says; 0 for others.
static LETTERS: [u8; 256] = {
    let mut letters = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        if (byte as u8).is_ascii_alphanumeric() {
            letters[byte] = (byte as u8).to_ascii_lowercase();
        }
        byte += 1;
    }
    letters
};

const MAX_GAP: usize = 3;
/// Of one stretch.
const MAX_WORDS: usize = 4096;
/// The longest value that is known, in what it says.
pub(super) const MAX_SAID: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_say_the_same() {
        let said = |text: &[u8]| {
            let mut words = Words::default();
            words.read(text, 0);
            (String::from_utf8(words.said.clone()).expect("text"), words.words.len())
        };
        for (text, expected, count) in [
            (&b"Anna-Maria SCHMIDT"[..], "annamariaschmidt", 3),
            (b"anna.maria_schmidt", "annamariaschmidt", 3),
            ("M\u{fc}ller".as_bytes(), "m\u{fc}ller", 1),
            ("MU\u{308}LLER".as_bytes(), "m\u{fc}ller", 1),
            (b"M\xfcller", "m\u{fc}ller", 1),
            ("王伟先生".as_bytes(), "王伟先生", 4),
            ("ИВАН\u{a0}Петров".as_bytes(), "иванпетров", 2),
            (b"DE89 3704-0044", "de8937040044", 3),
            ("Groß GROSS İSTANBUL ıSTANBUL ΟΔΟΣ οδος".as_bytes(), "grossgrossistanbulistanbulοδοσοδοσ", 6),
            ("\u{301}x\u{301} \u{308}".as_bytes(), "x", 1),
            (b"\xff\xfe--", "\u{ff}\u{fe}", 1),
        ] {
            assert_eq!(said(text), (expected.to_owned(), count), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn words_follow_one_another_over_small_gaps() {
        let follows = |text: &str| {
            let mut words = Words::default();
            words.read(text.as_bytes(), 0);
            words.words.iter().skip(1).map(|word| word.follows).collect::<Vec<_>>()
        };
        for (text, expected) in [("a b", true), ("a - b", true), ("a    b", false), ("a\nb", false), ("a\",\"b", false), ("a@b", true), ("Schmidt, Anna", true)]
        {
            assert_eq!(follows(text), [expected], "{text}");
        }
    }

    #[test]
    fn a_stretch_is_bounded() {
        let text = "ab ".repeat(MAX_WORDS + 10) + &"x".repeat(3 * MAX_SAID);
        let mut words = Words::default();
        let stopped = words.read(text.as_bytes(), 0);
        assert_eq!((words.words.len(), stopped), (MAX_WORDS, 3 * MAX_WORDS));
        assert_eq!(words.read(text.as_bytes(), stopped), text.len());
        assert!(words.words.len() == 11 && words.said.len() <= 20 + MAX_SAID + 1);
    }
}
