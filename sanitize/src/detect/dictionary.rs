//! The dictionaries of names (`sanitize/rules/dictionaries`), read once.
//!
//! In: a word as it is written. Out: what it can be: a given name, a family name, a word that makes something else of a name beside it. Case and
//! accents do not matter. Looking up allocates nothing.

#[expect(clippy::disallowed_types, reason = "looked up, never iterated")]
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use foldhash::fast::FixedState;

use super::fold::folded;

/// What a word can be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) given: Likelihood,
    pub(super) family: Likelihood,
    /// Goods, companies, places.
    pub(super) is_other: bool,
    pub(super) part: Part,
}

/// What a word is in a name, besides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Part {
    #[default]
    None,
    /// `van`, `de la`, where it is written small.
    Joiner,
    /// `Dr.`, `pan`.
    Title,
}

/// How surely a word is a name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likelihood {
    #[default]
    No,
    /// As often another word.
    Perhaps,
    Likely,
}

/// What the dictionaries say of a word; of a word with hyphens, what they say of its parts.
pub(super) fn known(word: &str) -> Known {
    let mut buffer = [0; MAX_WORD];
    let Some(plain) = plain_into(word, &mut buffer) else { return Known::default() };
    match WORDS.get(plain) {
        Some(known) => *known,
        None => plain.split('-').filter_map(|part| WORDS.get(part)).fold(Known::default(), |all, part| Known {
            given: all.given.max(part.given),
            family: all.family.max(part.family),
            is_other: all.is_other || part.is_other,
            part: Part::None,
        }),
    }
}

/// Whether a word ends as family names do and few other words.
pub(super) fn ends_like_a_family(word: &str) -> bool {
    let mut buffer = [0; MAX_WORD];
    let Some(plain) = plain_into(word, &mut buffer) else { return false };
    let Some(last) = plain.bytes().last() else { return false };
    ENDINGS[usize::from(last)].iter().any(|ending| plain.len() >= ending.len() + 3 && plain.ends_with(ending))
}

/// A word without case and accents, if it is short enough to be a name.
pub(super) fn plain_into<'b>(word: &str, buffer: &'b mut [u8]) -> Option<&'b str> {
    let mut length = 0;
    for character in word.chars().filter(|character| !matches!(character, '\'' | '’')).flat_map(folded) {
        let width = character.len_utf8();
        character.encode_utf8(buffer.get_mut(length..length + width)?);
        length += width;
    }
    std::str::from_utf8(&buffer[..length]).ok()
}

/// Names that are written without spaces.
pub(super) struct Ideographic {
    /// Chinese and Korean: one character.
    families: [HashSet<char, FixedState>; 2],
    givens: [HashSet<char, FixedState>; 2],
    japanese_families: HashSet<&'static str, FixedState>,
    japanese_givens: HashSet<char, FixedState>,
    /// What is written like a name, and is a town's or a country's.
    places: HashSet<&'static str, FixedState>,
}

impl Ideographic {
    /// Whether a run is a person's name: a family name that is common, and characters that given names are made of. A space or a comma between the two
    /// says where one ends, and lets either come first.
    pub(super) fn is_name(&self, run: &str) -> bool {
        let parts: Vec<&str> = run.split([' ', ',', '、', '，', '\u{3000}', '・']).filter(|part| !part.is_empty()).collect();
        match parts.as_slice() {
            [whole] => self.is_whole_name(whole),
            [first, second] => self.are_names(first, second) || self.are_names(second, first),
            _ => false,
        }
    }

    fn is_whole_name(&self, whole: &str) -> bool {
        let mut starts = whole.char_indices().skip(1).map(|(at, _)| at);
        let Some(second) = starts.next() else { return false };
        if self.places.contains(whole) {
            return false;
        }
        let length = whole.chars().count();
        let third = starts.next();
        let is_short = (2..=3).contains(&length) && self.are_names(&whole[..second], &whole[second..]) && (length == 3 || !is_hangul(whole));
        is_short || third.is_some_and(|third| (3..=5).contains(&length) && self.are_names(&whole[..third], &whole[third..]))
    }

    fn are_names(&self, family: &str, given: &str) -> bool {
        let mut characters = family.chars();
        let single = characters.next().filter(|_| characters.next().is_none());
        let length = given.chars().count();
        let of_one = single.is_some_and(|family| {
            self.families
                .iter()
                .zip(&self.givens)
                .any(|(families, givens)| families.contains(&family) && given.chars().all(|character| givens.contains(&character)))
        });
        (of_one && (1..=2).contains(&length))
            || ((1..=3).contains(&length)
                && self.japanese_families.contains(family)
                && given.chars().all(|character| self.japanese_givens.contains(&character)))
    }
}

fn is_hangul(text: &str) -> bool {
    text.chars().all(|character| matches!(character, '\u{ac00}'..='\u{d7af}'))
}

pub(super) static IDEOGRAPHIC: LazyLock<Ideographic> = LazyLock::new(|| {
    let of = |kind: &str| CJK_NAMES.lines().filter_map(|line| line.strip_prefix(kind)).flat_map(str::chars).filter(|character| *character != ' ').collect();
    let words = |kind: &str| CJK_NAMES.lines().filter_map(|line| line.strip_prefix(kind)).flat_map(str::split_whitespace).collect();
    Ideographic {
        families: [of("chinese_family "), of("korean_family ")],
        givens: [of("chinese_given "), of("korean_given ")],
        japanese_families: words("japanese_family "),
        japanese_givens: of("japanese_given "),
        places: words("place "),
    }
});

/// Looked up, never iterated.
#[expect(clippy::disallowed_types, reason = "its order never shows")]
type Words = HashMap<Box<str>, Known, FixedState>;

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let mut words = Words::default();
    let entries = |text: &'static str| text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace);
    let mut add = |entry: &str, set: fn(&mut Known, Likelihood)| {
        let name = entry.trim_end_matches('*');
        let likelihood = if name.len() < entry.len() { Likelihood::Perhaps } else { Likelihood::Likely };
        let mut buffer = [0; MAX_WORD];
        if let Some(plain) = plain_into(name, &mut buffer) {
            set(words.entry(plain.into()).or_default(), likelihood);
        }
    };
    for entry in entries(GIVEN_NAMES) {
        add(entry, |known, likelihood| known.given = merged(known.given, likelihood));
    }
    for entry in entries(FAMILY_NAMES) {
        add(entry, |known, likelihood| known.family = merged(known.family, likelihood));
    }
    for entry in entries(NOT_NAMES) {
        add(entry, |known, _| {
            known.is_other = known.given == Likelihood::No && known.family == Likelihood::No;
            known.given = known.given.min(Likelihood::Perhaps);
            known.family = known.family.min(Likelihood::Perhaps);
        });
    }
    for (text, part) in [(JOINERS, Part::Joiner), (TITLES, Part::Title)] {
        for entry in entries(text) {
            words.entry(entry.into()).or_default().part = part;
        }
    }
    words
});

/// A name that is another word in one language is so in all.
fn merged(before: Likelihood, now: Likelihood) -> Likelihood {
    if before == Likelihood::No { now } else { before.min(now) }
}

/// The longest plain name.
const MAX_WORD: usize = 48;
const GIVEN_NAMES: &str = include_str!("../../rules/dictionaries/given_names.txt");
const FAMILY_NAMES: &str = include_str!("../../rules/dictionaries/family_names.txt");
const CJK_NAMES: &str = include_str!("../../rules/dictionaries/cjk_names.txt");
const NOT_NAMES: &str = include_str!("../../rules/dictionaries/not_names.txt");
/// Endings that family names have and few other words.
/// The endings by their last byte.
static ENDINGS: LazyLock<Vec<Vec<&str>>> = LazyLock::new(|| {
    let mut endings = vec![Vec::new(); 256];
    FAMILY_ENDINGS.split_ascii_whitespace().for_each(|ending| endings[usize::from(ending.as_bytes()[ending.len() - 1])].push(ending));
    endings
});
const FAMILY_ENDINGS: &str = "sson ssen dottir owski ewski inski ynski owska ewska inska cki cka wicz czyk czak kova ova eva kov nov rov tov lov dov sky skij enko chuk iuk yuk shvili adze yants idis opoulos opoulou akis \
    akos escu eanu ovic evic ovich evich quist qvist strom lund gren dahl lainen nen auskas iene aite kalns oglu stra ema inga veld huis ezz ez guez oza elli etti ucci acci olini nathan swamy murthy pour zadeh nejad ullah \
    uddin mann meier meyer mayer berger hofer bauer stein feld bach wald son ов ова ев ева ин ина ский ская цкий енко чук ук юк ян швили дзе ко ич ски ска ко ιδης οπουλος ακης";
const JOINERS: &str = "van von vom zu zum zur der den de dem del della delle dei di da das do dos du des la las le les los y e i ten ter te tot op het bin binti ibn ben bint al el abu ould st af av zo und auf d dal dalla degli lo \
    ne vel";
const TITLES: &str = "mr mrs ms miss mx dr prof sir dame lady lord rev fr hon herr frau hr fru frk dipl ing mag univ mme mlle sig sigra signora signor dott dottssa avv sr sra srta srita don dona sto pan pani pana bc mudr judr \
    phdr rndr mgr doc bay bayan okt ogr av inz lek mec dhr mevr mw drs ir sri smt shri kumari г-н г-жа гн госпожа господин тов";
