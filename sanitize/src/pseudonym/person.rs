//! People's names: each word becomes another word of the same script that could be a name, made from a small dictionary of syllables, so that
//! there are enough of them for no two names to meet, and a first name is the same alone and in the full name.

use std::ops::RangeInclusive;

use super::prf::{Prf, Stream};

pub(super) fn name(prf: &Prf, text: &str) -> String {
    words_replaced(text, |word| (!is_initial(word)).then(|| made_name(prf, word)).or_else(|| Some(initial(prf, word))))
}

/// `text` with each run of letters replaced by what `replace` makes of it, in its case.
pub(super) fn words_replaced(text: &str, replace: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|character: char| character.is_alphabetic() != first.is_alphabetic()).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        match if first.is_alphabetic() { replace(run) } else { None } {
            Some(made) => out.push_str(&in_case_of(run, &made)),
            None => out.push_str(run),
        }
    }
    out
}

/// A name in the script of `word`. One to one among words of up to seven Latin letters; among all others two meet once in some hundred million
/// pairs: there are more words than names of a bearable length.
pub(super) fn made_name(prf: &Prf, word: &str) -> String {
    let canonical = word.to_lowercase();
    let script = canonical.chars().next().and_then(|first| SCRIPTS.iter().find(|script| script.letters.contains(&first)));
    let Some(script) = script else { return latin(prf, &canonical) };
    let mut stream = prf.stream("name", canonical.as_bytes());
    loop {
        let made: String = (0..script.length).map(|place| drawn(&mut stream, if place % 2 == 0 { script.odd } else { script.even })).collect();
        if made != canonical {
            return made;
        }
    }
}

fn drawn(stream: &mut Stream, from: &str) -> char {
    let count = from.chars().count() as u8;
    from.chars().nth(usize::from(stream.below(count))).unwrap_or('a')
}

fn latin(prf: &Prf, canonical: &str) -> String {
    let syllables = if canonical.chars().count() <= 5 { 3 } else { 4 };
    let radices: Vec<u8> = [ONSETS.len() as u8, NUCLEI.len() as u8].repeat(syllables).into_iter().chain([CODAS.len() as u8]).collect();
    let size: u128 = radices.iter().map(|radix| u128::from(*radix)).product();
    let index = number_of(canonical);
    for attempt in 0..u8::MAX {
        let mut image = match index {
            Some(index) => prf.permute_below(&format!("name {syllables} {attempt}"), size, index),
            None => u128::from(prf.stream(&format!("name {attempt}"), canonical.as_bytes()).next_u64()) % size,
        };
        let mut places = vec![0; radices.len()];
        for (place, radix) in radices.iter().enumerate().rev() {
            places[place] = (image % u128::from(*radix)) as usize;
            image /= u128::from(*radix);
        }
        let made: String = places
            .iter()
            .enumerate()
            .map(|(at, place)| {
                if at + 1 == places.len() {
                    CODAS[*place]
                } else if at % 2 == 0 {
                    ONSETS[*place]
                } else {
                    NUCLEI[*place]
                }
            })
            .collect();
        if made != canonical {
            return made;
        }
    }
    canonical.chars().rev().collect()
}

/// The number of a word among all of as many syllables, if it is short and plain.
fn number_of(word: &str) -> Option<u128> {
    let is_plain = word.len() <= LONGEST_NUMBERED && word.bytes().all(|byte| byte.is_ascii_lowercase());
    // In base 27 no word is another one with more before it.
    is_plain.then(|| word.bytes().fold(0, |number, byte| number * 27 + u128::from(byte - b'a' + 1)))
}

fn is_initial(word: &str) -> bool {
    word.is_ascii() && word.len() == 1
}

fn initial(prf: &Prf, word: &str) -> String {
    let lower = word.to_lowercase();
    let mut stream = prf.stream("initial", lower.as_bytes());
    loop {
        let letter = char::from(b'a' + stream.below(26)).to_string();
        if letter != lower {
            return letter;
        }
    }
}

fn in_case_of(word: &str, made: &str) -> String {
    let mut letters = word.chars();
    let first_is_upper = letters.next().is_some_and(|letter| !letter.is_lowercase());
    let rest_is_upper = word.chars().count() > 1 && letters.all(char::is_uppercase);
    match (first_is_upper, rest_is_upper) {
        (true, true) => made.to_uppercase(),
        (true, false) => made.chars().take(1).flat_map(char::to_uppercase).chain(made.chars().skip(1)).collect(),
        (false, _) => made.to_owned(),
    }
}

/// Chosen so that what comes out can be said and be read in one way only; no list of people was used.
const ONSETS: [&str; 24] = ["b", "br", "c", "d", "dr", "f", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "r", "s", "st", "t", "th", "tr", "v", "w", "z"];
const NUCLEI: [&str; 8] = ["a", "e", "i", "o", "u", "ai", "ea", "ie"];
const CODAS: [&str; 12] = ["", "n", "r", "l", "s", "m", "nd", "rt", "lm", "ng", "ck", "x"];
/// `27^7` words are fewer than names of four syllables, and `27^5` fewer than those of three.
const LONGEST_NUMBERED: usize = 7;

/// Letters of another script, drawn in turn from two lists.
struct Script {
    letters: RangeInclusive<char>,
    odd: &'static str,
    even: &'static str,
    length: usize,
}

const SCRIPTS: [Script; 10] = [
    Script { letters: '\u{370}'..='\u{3ff}', odd: "βγδζθκλμνπρστφχψ", even: "αειουωη", length: 8 },
    Script { letters: '\u{400}'..='\u{52f}', odd: "бвгджзклмнпрстфхцчшл", even: "аеиоуыюя", length: 8 },
    Script { letters: '\u{590}'..='\u{5ff}', odd: HEBREW, even: HEBREW, length: 6 },
    Script { letters: '\u{600}'..='\u{6ff}', odd: ARABIC, even: ARABIC, length: 6 },
    Script {
        letters: '\u{900}'..='\u{97f}', odd: "कखगघचछजटडतथदधनपफबभमयरलवशसह", even: "ािीुूेैोौ", length: 8
    },
    Script {
        letters: '\u{e00}'..='\u{e7f}', odd: "กขคงจชซดตทธนบปพฟมยรลวสหอ", even: "าิีุู", length: 8
    },
    Script { letters: '\u{3040}'..='\u{309f}', odd: HIRAGANA, even: HIRAGANA, length: 5 },
    Script { letters: '\u{30a0}'..='\u{30ff}', odd: KATAKANA, even: KATAKANA, length: 5 },
    Script { letters: '\u{3400}'..='\u{9fff}', odd: HAN, even: HAN, length: 4 },
    Script { letters: '\u{ac00}'..='\u{d7a3}', odd: HANGUL, even: HANGUL, length: 4 },
];
const HEBREW: &str = "אבגדהוזחטיכלמנסעפצקרשת";
const ARABIC: &str = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي";
const HIRAGANA: &str = "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわ";
const KATAKANA: &str = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワ";
const HANGUL: &str = "가강건경고곤관광구군권규근기나남노다단대도동두라람래로류리린만명모무문미민바박배범병보복봉부비빈산상서석선설성세소손솔송수순승시신아안양언연영예오옥완요용우운원유윤은의이인일임자장재전정제조종주준지진찬창채천철청초춘충태하학한해혁현형호홍화환황효훈휘희";
const HAN: &str = "一丁三上中久丹之乃二五井京仁今介代仙伊伯伸佐佳俊保信修倉健傑元光克公内冬凡利剛力勇勝北千南博卓原友古吉同名君周和品哲唯善喜国園土圭地坂城堂夏多大天太央奈好妙子孝学宇守安宗定宝実宮家富寛小少尚山岡岩岸島川州工左市帆帝平年幸広庄康弓弘強彦影後徳心志忠思恒恵悟悠慶慧成房才敏敦文斎斗新方旭昌明春星晃景";
