//! Street addresses: words become other words, numbers other numbers of the same length.

use super::person::{made_name, words_replaced};
use super::prf::Prf;

pub(super) fn street(prf: &Prf, names: &Prf, text: &str) -> String {
    // Short words are joiners and house letters; a street that is named after a person is not told apart from one.
    let worded = words_replaced(text, |word| (word.chars().count() > 2 || !word.is_ascii()).then(|| made_name(names, word)));
    let mut out = String::with_capacity(worded.len());
    let mut rest = worded.as_str();
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|character: char| character.is_ascii_digit() != first.is_ascii_digit()).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        if first.is_ascii_digit() { out.push_str(&number(prf, run)) } else { out.push_str(run) }
    }
    out
}

fn number(prf: &Prf, digits: &str) -> String {
    let mut stream = prf.stream("number", digits.as_bytes());
    loop {
        let made: String = (0..digits.len()).map(|position| char::from(b'0' + if position == 0 { stream.below(9) + 1 } else { stream.below(10) })).collect();
        if made != digits {
            return made;
        }
    }
}
