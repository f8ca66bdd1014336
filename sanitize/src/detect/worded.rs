//! Values of several words, which prose does not set apart: a person's name, a street address, a date with the name of its month.
//!
//! In: a text and where such a value begins or ends, beside a phrase that tells of it. Out: how far it reaches by its writing. Whether it is one
//! is for others to say.

use super::{addresses, persons};
use crate::pseudonym::Domain;

/// What is written in several words.
#[derive(Debug, Clone, Copy)]
pub(super) enum Worded {
    Person,
    Address,
    Date,
}

impl Worded {
    /// Whether values of a domain are.
    pub(super) fn of(domain: Domain) -> Option<Self> {
        match domain {
            Domain::Person => Some(Self::Person),
            Domain::Address => Some(Self::Address),
            Domain::BirthDate => Some(Self::Date),
            _ => None,
        }
    }

    /// Where the value that begins at `at` ends.
    pub(super) fn behind(self, text: &[u8], at: usize) -> Option<usize> {
        match self {
            Self::Person => persons::extent(text, at),
            Self::Address => addresses::extent(text, at),
            Self::Date => date_extent(text, at),
        }
    }

    /// Where the value that ends at `end` begins.
    pub(super) fn before(self, text: &[u8], end: usize) -> Option<usize> {
        match self {
            Self::Person => persons::extent_before(text, end),
            Self::Address => addresses::extent_before(text, end),
            Self::Date => persons::begins_before(text, end, MAX_DATE, date_extent),
        }
    }
}

/// Where a date that begins at `at` ends: `13 November 1974`, `March 3rd, 1981`, `7 de mayo de 1990`. Months are any word, in any language.
fn date_extent(text: &[u8], at: usize) -> Option<usize> {
    let (mut end, mut day, mut month) = (at, false, false);
    for _ in 0..MAX_DATE_WORDS {
        let word = text[end..].iter().take(MAX_DATE).take_while(|byte| byte.is_ascii_alphanumeric() || **byte >= 0x80).count();
        let digits = text[end..end + word].iter().take_while(|byte| byte.is_ascii_digit()).count();
        match (digits, word - digits) {
            (0, 1..=3) if day && text[end..end + word].is_ascii() && [&b"de"[..], b"of", b"del", b"da"].contains(&&text[end..end + word]) => {}
            (0, _) if !month && word >= 3 => month = true,
            (1..=2, 0..=2) if !day => day = true,
            (4, 0) if day && month && matches!(text[end], b'1' | b'2') => return Some(end + word),
            _ => return None,
        }
        end += word;
        let gap = text[end..].iter().take(MAX_DATE_GAP).take_while(|byte| matches!(byte, b' ' | b',' | b'.' | b'-')).count();
        if gap == 0 {
            return None;
        }
        end += gap;
    }
    None
}

const MAX_DATE_WORDS: usize = 5;
const MAX_DATE_GAP: usize = 2;
const MAX_DATE: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_reach_to_their_year() {
        for (text, expected) in [
            ("13 November 1974; x", Some("13 November 1974")),
            ("March 3rd, 1981 confirmed", Some("March 3rd, 1981")),
            ("7 de mayo de 1990", Some("7 de mayo de 1990")),
            ("1. März 1990", Some("1. März 1990")),
            ("17-mai-1984", Some("17-mai-1984")),
            ("13 November", None),
            ("13 9 1974", None),
            ("November 1974 13", None),
            ("13 items 9974", None),
            ("", None),
        ] {
            assert_eq!(date_extent(text.as_bytes(), 0).map(|end| &text[..end]), expected, "{text}");
        }
    }
}
