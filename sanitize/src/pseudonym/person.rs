//! People's names: each word becomes another word that could be a name, made of syllables, so that there are enough of them
//! for no two names to meet, and a first name is the same alone and in the full name.

use super::prf::Prf;

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

pub(super) fn made_name(prf: &Prf, word: &str) -> String {
    let canonical = word.to_lowercase();
    let mut stream = prf.stream("name", canonical.as_bytes());
    loop {
        let syllables = 2 + usize::from(canonical.chars().count() > 4) + usize::from(canonical.chars().count() > 8);
        let mut made: String = (0..syllables)
            .flat_map(|_| [ONSETS[usize::from(stream.below(ONSETS.len() as u8))], NUCLEI[usize::from(stream.below(NUCLEI.len() as u8))]])
            .collect();
        made.push_str(CODAS[usize::from(stream.below(CODAS.len() as u8))]);
        if made != canonical {
            return made;
        }
    }
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
        (true, false) => made[..1].to_uppercase() + &made[1..],
        (false, _) => made.to_owned(),
    }
}

/// Chosen so that what comes out can be said; no list of people was used.
const ONSETS: [&str; 24] = ["b", "br", "c", "d", "dr", "f", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "r", "s", "st", "t", "th", "tr", "v", "w", "z"];
const NUCLEI: [&str; 8] = ["a", "e", "i", "o", "u", "ai", "ea", "ie"];
const CODAS: [&str; 12] = ["", "n", "r", "l", "s", "m", "nd", "rt", "lin", "ton", "ck", "x"];
