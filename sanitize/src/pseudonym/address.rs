//! Street addresses: words become other words, numbers other numbers of the same length. The policy may keep the town.

use super::person::{made_name, words_replaced};
use super::prf::Prf;

/// How much of an address stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Nothing.
    #[default]
    None,
    /// What follows the street: town, region and country, and the first two digits of a postal code.
    Town,
}

pub(super) fn street(prf: &Prf, names: &Prf, text: &str, detail: Detail) -> String {
    match (detail, text.find([',', '\n'])) {
        (Detail::Town, Some(end)) => {
            made_street(prf, names, &text[..end])
                + &numbers(&text[end..], |run| {
                    let kept = run.len().min(KEPT_OF_POSTAL_CODE);
                    run[..kept].to_owned() + &if run.len() > kept { number(prf, &run[kept..]) } else { String::new() }
                })
        }
        _ => made_street(prf, names, text),
    }
}

fn made_street(prf: &Prf, names: &Prf, text: &str) -> String {
    // Short words are joiners and house letters; a street that is named after a person is not told apart from one.
    let worded = words_replaced(text, |word| (word.chars().count() > 2 || !word.is_ascii()).then(|| made_name(names, word)));
    numbers(&worded, |run| number(prf, run))
}

/// `text` with each run of digits replaced.
fn numbers(text: &str, replace: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|character: char| character.is_ascii_digit() != first.is_ascii_digit()).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        if first.is_ascii_digit() { out.push_str(&replace(run)) } else { out.push_str(run) }
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

/// A region of some hundred thousand people.
const KEPT_OF_POSTAL_CODE: usize = 2;
