//! Numbers that carry their own proof: check digits, dates and ranges, in the forms in which people and machines write them.
//!
//! In: the runs of letters and digits of a text, and the number forms of all rules. Out: spans with their rule. Each run is asked only
//! what begins with a group of its length and goes on as the text does behind it: no form is searched for by itself. A form is then walked byte by
//! byte, and only what fits it whole is given to its checks. Full-width digits, digits of other scripts and spaces and dashes of all
//! widths are read as the plain ones. Nothing here knows names: what needs one is only told how well a value fits.

use std::borrow::Cow;
use std::ops::Range;

use super::Fit;
use super::check::Check;
use super::runs::Run;
use crate::rules::{Alone, Number, RuleId};

/// The number forms of all rules.
#[derive(Debug)]
pub(super) struct Numbers {
    kinds: Vec<Kind>,
    forms: Vec<Form>,
    /// Those that need no name, by the length of their first group and what follows it.
    starting: Vec<[Starting; Joint::COUNT]>,
}

/// Forms whose first groups are of one length.
#[derive(Debug, Clone, Default)]
struct Starting {
    forms: Vec<u16>,
    /// Where all of them take a digit only, or a letter only.
    digits: u64,
    letters: u64,
}

impl Starting {
    fn push(&mut self, number: u16, form: &Form) {
        let keep = |mask: u64, other: u64| if self.forms.is_empty() { other } else { mask & other };
        (self.digits, self.letters) = (keep(self.digits, form.digits), keep(self.letters, form.letters));
        self.forms.push(number);
    }

    /// Those that may begin with `run`.
    fn of(&self, run: &Run) -> &[u16] {
        if run.digits & self.letters != 0 || run.letters & self.digits != 0 { &[] } else { &self.forms }
    }
}

/// What stands behind the first group of a form, or behind a run in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joint {
    /// Nothing that belongs to it.
    End,
    Space,
    Dash,
    Other,
}

impl Joint {
    const COUNT: usize = 4;

    fn of(byte: Option<u8>) -> Self {
        match byte {
            Some(b' ' | b'+' | b'\t') => Self::Space,
            Some(b'-') => Self::Dash,
            Some(_) => Self::Other,
            None => Self::End,
        }
    }
}

/// What is given to the checks of one rule.
#[derive(Debug)]
struct Kind {
    rule: RuleId,
    checks: Vec<Check>,
    /// What any number passes: a weak name is not enough.
    needs_strong_name: bool,
}

/// One way to write it.
#[derive(Debug)]
struct Form {
    kind: u16,
    items: Vec<Item>,
    /// Which bytes of the first group must be digits, and which letters.
    digits: u64,
    letters: u64,
    /// It has a separator, or letters at places of their own.
    is_telling: bool,
    /// How long the first and the last of several groups are.
    edges: Option<(usize, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Digit,
    Letter,
    Alphanumeric,
    Hexadecimal,
    Space,
    Literal(u8),
}

impl Numbers {
    pub(super) fn new<'a>(numbers: impl IntoIterator<Item = (RuleId, &'a Number)>) -> Self {
        let mut made = Self { kinds: Vec::new(), forms: Vec::new(), starting: vec![Default::default(); MAX_GROUP + 1] };
        for (rule, number) in numbers {
            let kind = made.kinds.len() as u16;
            let needs_no_name = |form: &Form| match number.alone {
                Alone::Checked => true,
                Alone::CheckedShape => form.is_telling,
                Alone::Weak | Alone::Strong => false,
            };
            for form in number.digits.iter().map(|count| Form::of(kind, &"#".repeat(*count))).chain(number.groups.iter().map(|group| Form::of(kind, group))) {
                if let Some(starting) = made.starting.get_mut(form.first_group()).filter(|_| needs_no_name(&form)) {
                    starting[form.joint() as usize].push(made.forms.len() as u16, &form);
                }
                made.forms.push(form);
            }
            made.kinds.push(Kind { rule, checks: number.checks.clone(), needs_strong_name: number.alone == Alone::Strong });
        }
        made
    }

    /// All that needs no name and begins with `run`, which is one of the runs of `text`; of one place, every rule that it fits.
    pub(super) fn find(&self, text: &[u8], run: &Run, mut take: impl FnMut(Range<usize>, RuleId)) {
        let Some(starting) = self.starting.get(run.len()) else { return };
        let joint = Joint::of(text.get(run.span.end).copied());
        let behind = if joint == Joint::End { &[] } else { starting[joint as usize].of(run) };
        let alone = starting[Joint::End as usize].of(run);
        if (alone.is_empty() && behind.is_empty()) || !may_begin(text, run) {
            return;
        }
        for form in alone.iter().chain(behind) {
            let form = &self.forms[usize::from(*form)];
            if run.digits & form.letters != 0 || run.letters & form.digits != 0 {
                continue;
            }
            let start = run.span.start;
            let Some(end) = form.end(text, start).filter(|end| may_end(text, *end) && !form.is_piece(text, start..*end)) else { continue };
            let kind = &self.kinds[usize::from(form.kind)];
            if kind.accepts(&text[start..end]) {
                take(start..end, kind.rule);
            }
        }
    }

    /// How well a whole value fits a rule, whatever its separators.
    pub(super) fn fit(&self, rule: RuleId, value: &[u8]) -> Fit {
        let text = folded(value).map_or(Cow::Borrowed(value), |(text, _)| Cow::Owned(text));
        if text.len() > MAX_WRITTEN {
            return Fit::No;
        }
        let bare: Vec<u8> = text.iter().filter(|byte| !SEPARATORS.contains(byte)).map(u8::to_ascii_uppercase).collect();
        if !bare.iter().all(u8::is_ascii_alphanumeric) {
            return Fit::No;
        }
        let fits = self.kinds.iter().enumerate().filter(|(_, kind)| kind.rule == rule).map(|(index, kind)| {
            let is_shaped = self.forms.iter().any(|form| usize::from(form.kind) == index && form.is_bare(&bare));
            match is_shaped {
                true if !kind.needs_strong_name && kind.passes(&bare) => Fit::Checked,
                true => Fit::Shape,
                false => Fit::No,
            }
        });
        fits.max().unwrap_or(Fit::No)
    }
}

impl Kind {
    /// Whether what a form took passes; its letters are of one case, and many are in capitals: small ones make words.
    fn accepts(&self, written: &[u8]) -> bool {
        let mut bare = [0_u8; MAX_WRITTEN];
        let mut length = 0;
        for byte in written.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
            bare[length] = *byte;
            length += 1;
        }
        let bare = &mut bare[..length];
        let (lower, upper) =
            bare.iter().fold((0, 0), |(lower, upper), byte| (lower + usize::from(byte.is_ascii_lowercase()), upper + usize::from(byte.is_ascii_uppercase())));
        if lower > 0 {
            if upper > 0 || lower > MAX_LOWER {
                return false;
            }
            bare.make_ascii_uppercase();
        }
        self.passes(bare)
    }

    fn passes(&self, bare: &[u8]) -> bool {
        !bare.is_empty() && self.checks.iter().any(|check| check(bare))
    }
}

impl Form {
    /// `#` is a digit, `@` a letter, `*` either, `~` a hexadecimal digit, a space any space; all else is itself.
    fn of(kind: u16, written: &str) -> Self {
        let items: Vec<Item> = written
            .bytes()
            .take(MAX_WRITTEN)
            .map(|byte| match byte {
                b'#' => Item::Digit,
                b'@' => Item::Letter,
                b'*' => Item::Alphanumeric,
                b'~' => Item::Hexadecimal,
                b' ' => Item::Space,
                other => Item::Literal(other.to_ascii_uppercase()),
            })
            .collect();
        let groups: Vec<&[Item]> = items.split(|item| item.is_separator()).collect();
        let edges = (groups.len() > 1).then(|| (groups[0].len(), groups[groups.len() - 1].len()));
        let is_telling = edges.is_some() || items.iter().any(|item| *item != Item::Digit);
        let mask =
            |test: fn(Item) -> bool| groups[0].iter().take(64).enumerate().filter(|(_, item)| test(**item)).fold(0, |mask, (place, _)| mask | 1 << place);
        let digits = mask(|item| matches!(item, Item::Digit | Item::Literal(b'0'..=b'9')));
        let letters = mask(|item| matches!(item, Item::Letter | Item::Literal(b'A'..=b'Z')));
        Self { kind, digits, letters, is_telling, edges, items }
    }

    fn first_group(&self) -> usize {
        self.items.iter().take_while(|item| !item.is_separator()).count()
    }

    fn joint(&self) -> Joint {
        match self.items.get(self.first_group()) {
            None => Joint::End,
            Some(Item::Space) => Joint::Space,
            Some(Item::Literal(b'-')) => Joint::Dash,
            Some(_) => Joint::Other,
        }
    }

    /// Whether letters and digits without separators are of this form.
    fn is_bare(&self, bare: &[u8]) -> bool {
        let mut items = self.items.iter().filter(|item| !item.is_separator());
        bare.iter().all(|byte| items.next().is_some_and(|item| item.fits(*byte))) && items.next().is_none()
    }

    /// Where a text that begins at `at` in this form ends.
    fn end(&self, text: &[u8], at: usize) -> Option<usize> {
        let written = text.get(at..at + self.items.len())?;
        self.items.iter().zip(written).all(|(item, byte)| item.fits(*byte)).then_some(at + self.items.len())
    }

    /// Whether groups of the same form go on before or behind: it is a piece of a longer number, of a table, or of a phone number.
    fn is_piece(&self, text: &[u8], span: Range<usize>) -> bool {
        let Some((first, last)) = self.edges else { return false };
        let is_space = |byte: &u8| matches!(byte, b' ' | b'+');
        let before = text[..span.start]
            .split_last()
            .filter(|(byte, _)| is_space(byte))
            .map_or(0, |(_, rest)| rest.iter().rev().take(MAX_GROUP).take_while(|byte| byte.is_ascii_digit()).count());
        let behind = text[span.end..]
            .split_first()
            .filter(|(byte, _)| is_space(byte))
            .map_or(0, |(_, rest)| rest.iter().take(MAX_GROUP).take_while(|byte| byte.is_ascii_digit()).count());
        let is_plus_before = before > 0 && before <= 3 && matches!(text.get(span.start.wrapping_sub(before + 2)), Some(b'+'));
        // A time or a date is no group.
        let goes_on = |at: usize| matches!(text.get(at), Some(b'-' | b'/' | b':' | b'.')) && text.get(at + 1).is_some_and(u8::is_ascii_digit);
        let is_group = |count: usize, edge: usize| count > 0 && (count == edge || count >= LONG_GROUP);
        is_plus_before || is_group(before, first) || (is_group(behind, last) && !goes_on(span.end + 1 + behind))
    }
}

impl Item {
    fn is_separator(self) -> bool {
        match self {
            Self::Space => true,
            Self::Literal(byte) => !byte.is_ascii_alphanumeric(),
            _ => false,
        }
    }

    fn fits(self, byte: u8) -> bool {
        match self {
            Self::Digit => byte.is_ascii_digit(),
            Self::Letter => byte.is_ascii_alphabetic(),
            Self::Alphanumeric => byte.is_ascii_alphanumeric(),
            Self::Hexadecimal => byte.is_ascii_hexdigit(),
            Self::Space => matches!(byte, b' ' | b'+' | b'\t'),
            Self::Literal(literal) => byte.to_ascii_uppercase() == literal,
        }
    }
}

/// Whether a number may begin with a run: no word before it, no decimal point, no dash of a longer word, no sign of a phone number.
fn may_begin(text: &[u8], run: &Run) -> bool {
    match &text[..run.span.start] {
        [.., b'_'] => false,
        [.., before, b'-'] => !before.is_ascii_alphanumeric(),
        [.., before, b'.'] => !before.is_ascii_digit(),
        [.., before, b'+'] => before.is_ascii_alphanumeric(),
        [b'+'] => false,
        _ => true,
    }
}

/// Whether a number may end here: nothing of a word, no decimals, no dash of a longer word.
fn may_end(text: &[u8], at: usize) -> bool {
    match &text[at..] {
        [byte, ..] if byte.is_ascii_alphanumeric() || *byte == b'_' => false,
        [b'-', after, ..] => !after.is_ascii_alphanumeric(),
        [b'.', after, ..] => !after.is_ascii_digit(),
        _ => true,
    }
}

/// The text with plain digits, letters, spaces and dashes for those of other widths and scripts, and where each of its bytes begins in the value;
/// nothing if there is none.
pub(super) fn folded(value: &[u8]) -> Option<(Vec<u8>, Vec<usize>)> {
    let has_spaces = || memchr::memchr_iter(b'%', value).any(|at| value[at..].starts_with(b"%20"));
    if (value.is_ascii() || !value.windows(2).any(may_be_folded)) && !has_spaces() {
        return None;
    }
    let (mut text, mut starts, mut at) = (Vec::with_capacity(value.len()), Vec::with_capacity(value.len() + 1), 0);
    while at < value.len() {
        let (byte, length) = match &value[at..] {
            [b'%', b'2', b'0', ..] => (b' ', 3),
            // Spaces: no-break, the narrow ones, the ideographic one.
            [0xc2, 0xa0, ..] => (b' ', 2),
            [0xe2, 0x80, 0x80..=0x8a | 0xaf, ..] | [0xe3, 0x80, 0x80, ..] => (b' ', 3),
            // Hyphens and dashes.
            [0xe2, 0x80, 0x90..=0x95, ..] | [0xe2, 0x88, 0x92, ..] => (b'-', 3),
            // Full-width: from `!` to `_`, and from the grave accent to `~`.
            [0xef, 0xbc, byte @ 0x81..=0xbf, ..] => (byte - 0x60, 3),
            [0xef, 0xbd, byte @ 0x80..=0x9e, ..] => (byte - 0x20, 3),
            // Arabic, Persian and Devanagari digits.
            [0xd9, byte @ 0xa0..=0xa9, ..] => (byte - 0xa0 + b'0', 2),
            [0xdb, byte @ 0xb0..=0xb9, ..] => (byte - 0xb0 + b'0', 2),
            [0xe0, 0xa5, byte @ 0xa6..=0xaf, ..] => (byte - 0xa6 + b'0', 3),
            [byte, ..] => (*byte, 1),
            [] => break,
        };
        text.push(byte);
        starts.push(at);
        at += length;
    }
    starts.push(value.len());
    Some((text, starts))
}

/// Whether a character that is read as another one may begin with these bytes.
fn may_be_folded(bytes: &[u8]) -> bool {
    matches!(bytes, [0xc2, 0xa0] | [0xe2, 0x80 | 0x88] | [0xe3, 0x80] | [0xef, 0xbc | 0xbd] | [0xd9, 0xa0..=0xa9] | [0xdb, 0xb0..=0xb9] | [0xe0, 0xa5])
}

/// What may stand within a number that has a name.
const SEPARATORS: &[u8] = b" -./+()\t";
/// More than the month and year that stand behind a card, or the count before one.
const LONG_GROUP: usize = 3;
/// A national insurance number has three letters.
const MAX_LOWER: usize = 3;
/// The longest group of a form.
const MAX_GROUP: usize = 40;
/// The longest form, with its separators.
const MAX_WRITTEN: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::runs::runs;
    use super::super::{Classes, Plain};
    use super::*;
    use crate::rules::Rules;

    /// What is found in a text without a name, as `rule:piece`.
    fn proven(text: &str) -> Vec<String> {
        let rules = Rules::built_in();
        let plain = Plain::of(text.as_bytes(), &Classes::of(text.as_bytes()));
        let mut found = Vec::new();
        for run in runs(plain.text()) {
            rules.compiled().numbers.find(plain.text(), &run, |span, rule| found.push(format!("{}:{}", rules.word(rule), &text[plain.place(span)])));
        }
        found
    }

    #[test]
    fn numbers_are_found_in_what_surrounds_them() {
        for (text, expected) in [
            ("card 4111 1111 1111 1111 12/27", "card:4111 1111 1111 1111"),
            ("17 4111 1111 1111 1111", "card:4111 1111 1111 1111"),
            ("cc=4111+1111+1111+1111&x=1", "card:4111+1111+1111+1111"),
            ("cc=4111%201111%201111%201111", "card:4111%201111%201111%201111"),
            ("4111\u{a0}1111\u{a0}1111\u{a0}1111", "card:4111\u{a0}1111\u{a0}1111\u{a0}1111"),
            ("番号４１１１１１１１１１１１１１１１", "card:４１１１１１１１１１１１１１１１"),
            ("4111‑1111‑1111‑1111", "card:4111‑1111‑1111‑1111"),
            ("身份证11010519491231002X。", "cn_resident_id:11010519491231002X"),
            ("1,4111111111111111,x", "card:4111111111111111"),
            ("(078-05-1120)", "ssn:078-05-1120"),
            ("nhs 943 476 5919 2026-01-01", "uk_nhs:943 476 5919"),
            ("rh248794c", "uk_nino:rh248794c"),
        ] {
            assert_eq!(proven(text), [expected], "{text}");
        }
    }

    #[test]
    fn pieces_of_longer_things_are_not() {
        for text in [
            "4111 1111 1111 1111 1111",
            "732 829 320 00074",
            "+49 943 476 5919",
            "ORD-123-45-6789",
            "123-45-6789-01",
            "1.123-45-6789",
            "0.4111111111111111",
            "x_4111111111111111",
            "4111111111111111abc",
            "12345678-1234-1234-1234-123456789012",
            "Rh248794c",
            "resolution1=1352x39",
            "4532015112830",
            "3039159884967470049",
            "451015546564852",
            "",
        ] {
            assert_eq!(proven(text), Vec::<String>::new(), "{text}");
        }
    }

    /// Of a hundred random numbers of any length, a few are taken for someone's; of times, hardly one. Payment cards apart, whose issuers
    /// have a good part of all numbers of sixteen digits.
    #[test]
    fn random_numbers_are_no_ones() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        for length in 6..=20 {
            let taken = (0..2000).filter(|_| {
                let text: String = (0..length).map(|_| char::from(b'0' + (random() % 10) as u8)).collect();
                !proven(&text).is_empty()
            });
            let (taken, most) = (taken.count(), if length == 16 { 120 } else { 100 });
            assert!(taken <= most, "{taken} of 2000 of {length} digits");
        }
        let times = (0..4000).map(|_| (1_577_836_800 + random() % 250_000_000, random()));
        let taken =
            times.filter(|(time, rest)| [1, 1000, 1_000_000, 1_000_000_000].iter().any(|unit| !proven(&(time * unit + rest % unit).to_string()).is_empty()));
        let taken = taken.count();
        assert!(taken <= 24, "{taken} of 4000 times");
    }

    #[test]
    fn a_value_fits_whatever_its_separators() {
        let rules = Rules::built_in();
        let fit = |rule: &str, value: &str| rules.compiled().numbers.fit(rules.by_word(rule).expect(rule), value.as_bytes());
        for (rule, value, expected) in [
            ("nl_bsn", "111222333", Fit::Checked),
            ("nl_bsn", "1112.22.333", Fit::Checked),
            ("nl_bsn", "111222334", Fit::Shape),
            ("nl_bsn", "11122233", Fit::No),
            ("hk_id", "A123456(3)", Fit::Checked),
            ("hk_id", "a1234563", Fit::Checked),
            ("us_npi", "1234567893", Fit::Checked),
            ("us_npi", "x", Fit::No),
            ("us_npi", "", Fit::No),
        ] {
            assert_eq!(fit(rule, value), expected, "{rule} {value}");
        }
    }
}
