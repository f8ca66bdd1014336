//! Detection: what in a value is a person's or a secret, and of which domain.
//!
//! In: a value with its place. Out: [`Hit`]s, spans that do not overlap. A telling name is the strongest context: it claims
//! the whole value, whatever it looks like, except a placeholder. Without one, patterns look for shapes that carry their own proof: a
//! check digit, a vendor's prefix, a grammar. Every detector is one pass over the bytes behind a cheap look at which bytes
//! there are at all; no input makes one slow. Nothing here changes a byte.

mod accounts;
mod addresses;
mod armour;
mod beside;
pub(crate) mod check;
mod classes;
mod coats;
pub(crate) mod credentials;
mod dictionary;
mod email;
mod fold;
mod geo;
mod internet;
mod lately;
mod mac;
pub(crate) mod names;
mod no_ones;
mod numbers;
mod pairs;
mod persons;
mod phones;
mod prose;
mod recognisers;
mod runs;
mod secrets;
pub(crate) mod shapes;
mod telling;
mod worded;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use reenact_formats::content::{Leaf, LeafKind, Surface, visit_nested};

use crate::pseudonym::Domain;
use crate::rules::{Alone, Find, RuleId, Rules};
pub(crate) use beside::{Around, Beside};
use check::Check;
pub(crate) use classes::is_word_byte;
use classes::{Classes, Plain};
pub(crate) use coats::{Held, MAX_COATS, TOKEN, look_within, may_hold_token, texts_within};
use coats::{is_inline_media, is_worn, may_be_worn};
pub(crate) use internet::is_public;
use lately::{Asked, Question};
use names::{Meaning, Names};
use no_ones::is_no_ones;
use numbers::Numbers;
use recognisers::{Look, Start};
pub(crate) use recognisers::{RECOGNISERS, Recogniser, recogniser};
use runs::{Run, runs};
use shapes::{Seen, Shapes};

/// How much a name tells of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strength {
    /// All: the value is what the name says.
    Strong,
    /// Something: the value must look like it, too.
    Weak,
}

/// Where a value stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) kind: LeafKind,
    pub(crate) name: Option<&'a str>,
    pub(crate) path: &'a str,
    /// What else stands there, if that was looked at.
    pub(crate) beside: Option<&'a Beside<'a>>,
}

impl<'a> Place<'a> {
    pub(crate) fn of(leaf: &'a Leaf<'_>, beside: &'a Beside<'_>) -> Self {
        let name = leaf.name.as_deref();
        let told = name.and_then(|name| beside.told(name, leaf.path));
        Self { kind: leaf.kind, name: told.or(name), path: leaf.path, beside: Some(beside) }
    }
}

/// A piece of a value that is to be redacted.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Where it stands in the value.
    pub(crate) span: Range<usize>,
    pub(crate) rule: RuleId,
    pub(crate) domain: Domain,
    /// What it wears within the value, the innermost first: it was found in a text that the value holds.
    pub(crate) wears: Vec<Surface>,
    /// It is what another hit, which it overlaps, has left of it.
    pub(crate) is_rest: bool,
    /// The value is a text in base64, with hits of its own.
    pub(crate) held: Option<Box<Held>>,
}

impl Hit {
    pub(crate) fn new(span: Range<usize>, rule: RuleId, domain: Domain) -> Self {
        Self { span, rule, domain, wears: Vec::new(), is_rest: false, held: None }
    }

    /// The bare value.
    pub(crate) fn bare<'v>(&self, value: &'v [u8]) -> Cow<'v, [u8]> {
        let worn = Cow::Borrowed(&value[self.span.clone()]);
        self.wears.iter().rev().fold(worn, |worn, surface| Cow::Owned(surface.undress(&worn).into_owned()))
    }

    /// Hands out each bare value: those in the text that it holds, or its own.
    pub(crate) fn each_bare(&self, value: &[u8], f: &mut dyn FnMut(&Hit, &[u8])) {
        match &self.held {
            Some(held) => held.hits.iter().for_each(|hit| hit.each_bare(&held.text, f)),
            None => {
                let bare = self.bare(value);
                // What may recur of a URL is its password.
                let password = if self.rule == RuleId::URL_CREDENTIAL { credentials::password_of(&bare) } else { None };
                f(self, password.map_or(&bare, |password| &bare[password]));
            }
        }
    }

    /// About how many bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        let held = self.held.as_ref().map_or(0, |held| size_of::<Held>() + held.text.len() + held.hits.iter().map(Self::weight).sum::<usize>());
        size_of::<Self>() + self.wears.len() * size_of::<Surface>() + held
    }

    /// `bare` as it must be written in place of the hit.
    pub(crate) fn dressed(&self, bare: Vec<u8>) -> Vec<u8> {
        self.wears.iter().fold(bare, |value, surface| surface.dress(&value))
    }
}

/// What comes of a look at a value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Ascending and apart from one another.
    pub(crate) hits: Vec<Hit>,
    pub(crate) layers: Layers,
}

/// Whether a value wears anything, under which other texts may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layers {
    /// It was looked for, and there is nothing.
    None,
    /// There is, or no one has looked.
    Some,
}

impl Verdict {
    const fn of(hits: Vec<Hit>, layers: Layers) -> Self {
        Self { hits, layers }
    }
}

/// How well a value fits a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// Not at all.
    No,
    /// It has the shape, and no check holds.
    Shape,
    /// All that can be checked holds.
    Checked,
}

/// What detection makes of the rules that are on.
pub(crate) struct Compiled {
    names: Names,
    shapes: Shapes<usize>,
    /// The recognisers that are asked without a name, each with its entry and the number of its words: those that look through a value,
    codes: Vec<(usize, u32, &'static Recogniser)>,
    /// and those that look at runs.
    at_runs: Vec<AtRun>,
    /// What has a shape or is found by a recogniser, by its number.
    entries: Vec<Entry>,
    numbers: Numbers,
}

/// A recogniser that looks at runs.
struct AtRun {
    entry: usize,
    recogniser: &'static Recogniser,
    start: Start,
    find: fn(&[u8], &Run) -> Option<Range<usize>>,
}

/// One way to find a value of a rule.
struct Entry {
    rule: RuleId,
    domain: Domain,
    checks: Vec<Check>,
    alone: Alone,
}

impl Compiled {
    pub(crate) fn of(rules: &Rules) -> Self {
        let (mut shapes, mut codes, mut at_runs, mut entries) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (id, rule) in rules.all().filter(|(_, rule)| rule.is_on) {
            for find in &rule.finds {
                let (checks, alone) = match find {
                    Find::Prefix(prefix) => {
                        shapes.push((entries.len(), prefix.shape()));
                        (&prefix.checks[..], prefix.alone)
                    }
                    Find::Pattern(pattern) if !pattern.has.is_empty() => {
                        shapes.push((entries.len(), pattern.shape()));
                        (&pattern.checks[..], pattern.alone)
                    }
                    // These are asked where a name tells of them.
                    Find::Pattern(_) | Find::Number(_) | Find::Code(_, Some(Alone::Weak)) => continue,
                    Find::Code(recogniser, alone) => {
                        match recogniser.look {
                            Look::Through(_) => codes.push((entries.len(), codes.len() as u32, *recogniser)),
                            Look::At(start, find) => at_runs.push(AtRun { entry: entries.len(), recogniser, start, find }),
                        }
                        (&[][..], *alone)
                    }
                };
                entries.push(Entry { rule: id, domain: rule.domain, checks: checks.to_vec(), alone: alone.unwrap_or(Alone::Checked) });
            }
        }
        let numbers = rules.all().filter(|(_, rule)| rule.is_on).flat_map(|(id, rule)| {
            rule.finds.iter().filter_map(move |find| match find {
                Find::Number(number) => Some((id, number)),
                _ => None,
            })
        });
        let words = codes.iter().flat_map(|(_, number, recogniser)| recogniser.words.iter().map(|word| (*word, *number)));
        let shapes = Shapes::new(shapes, words).expect("literals are few and short");
        Self { names: Names::of(rules), shapes, codes, at_runs, entries, numbers: Numbers::new(numbers) }
    }

    /// How many bytes of a token are its vendor's prefix, which a pseudonym keeps.
    pub(crate) fn prefix_length(&self, token: &[u8]) -> usize {
        self.shapes.prefix_length(token)
    }
}

/// What a value says without its separators, letters in upper case: what checks are asked of.
fn checkable(value: &[u8]) -> Vec<u8> {
    value.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect()
}

fn pass(checks: &[Check], value: &[u8]) -> bool {
    checks.is_empty() || {
        let bare = checkable(value);
        checks.iter().any(|check| check(&bare))
    }
}

/// Finds what is to be redacted.
#[derive(Debug)]
pub(crate) struct Detector {
    rules: Arc<Rules>,
}

impl Detector {
    pub(crate) fn new(rules: &Arc<Rules>) -> Self {
        Self { rules: Arc::clone(rules) }
    }

    pub(crate) fn names(&self) -> &Names {
        &self.rules.compiled().names
    }

    /// Whether a rule has a way to know its values without a name.
    fn is_known_by_itself(&self, rule: RuleId) -> bool {
        !self.rules.get(rule).finds.is_empty()
    }

    /// How well all of a value fits a rule.
    fn fit(&self, rule: RuleId, value: &[u8]) -> Fit {
        let checked = |is_shaped: bool, checks: &[Check]| match is_shaped {
            false => Fit::No,
            true if pass(checks, value) => Fit::Checked,
            true => Fit::Shape,
        };
        let fits = self.rules.get(rule).finds.iter().map(|find| match find {
            Find::Prefix(prefix) => checked(prefix.is(value), &[]),
            Find::Pattern(pattern) => checked(pattern.is(value), &pattern.checks),
            Find::Code(recogniser, _) => checked(recogniser.is(value), &[]),
            Find::Number(_) => Fit::No,
        });
        fits.max().unwrap_or(Fit::No).max(self.rules.compiled().numbers.fit(rule, value))
    }

    /// What stands beside what in a part of a message.
    pub(crate) fn beside<'v>(&'v self, part: Around<'v>) -> Beside<'v> {
        Beside::of(self.names(), part)
    }

    /// The hits in a value, ascending and apart from one another.
    pub(crate) fn detect(&self, value: &[u8], place: &Place<'_>) -> Vec<Hit> {
        self.look(value, place, 0).hits
    }

    /// The same, and whether there is more to look at.
    pub(crate) fn verdict(&self, value: &[u8], place: &Place<'_>) -> Verdict {
        self.look(value, place, 0)
    }

    fn look(&self, value: &[u8], place: &Place<'_>, depth: usize) -> Verdict {
        if value.is_empty() || matches!(place.kind, LeafKind::JsonBool | LeafKind::JsonNull | LeafKind::MultipartFile) {
            return Verdict::of(Vec::new(), Layers::Some);
        }
        let classes = Classes::of(value);
        if place.kind == LeafKind::JsonKey && classes.is_word() {
            return Verdict::of(Vec::new(), Layers::Some);
        }
        let meaning = place.name.map(|name| self.names().meaning(name)).unwrap_or_default();
        let named = telling::named(self, value, place, self.names().tellings_of(meaning));
        if !named.is_empty() || classes.is_word() || is_inline_media(value) {
            return Verdict::of(named, Layers::Some);
        }
        if self.rules.are_built_in() && is_no_ones(value) {
            return Verdict::of(named, Layers::None);
        }
        let is_for_machines = place.kind == LeafKind::Header && meaning.is_machine_header;
        let takes_numbers = !(meaning.is_version || is_for_machines);
        // Where the name tells nothing, the verdict depends on nothing else but these.
        let question = Question { rules: self.names().number(), place: (place.kind as u8) << 1 | u8::from(takes_numbers) };
        // A number is looked at sooner than it is found again.
        let may_be_kept = depth == 0 && meaning.tells_nothing() && place.kind != LeafKind::JsonNumber;
        let asked = if may_be_kept { Asked::of(question, value) } else { None };
        if let Some(verdict) = asked.and_then(Asked::verdict) {
            return verdict;
        }
        let mut hits = Vec::new();
        let mut layers = Layers::None;
        let may_hold_more = !matches!(place.kind, LeafKind::JsonNumber | LeafKind::JsonKey | LeafKind::Host | LeafKind::CookieAttribute);
        if depth == MAX_NESTING {
            // What is wrapped deeper than anyone looks is no one's to see.
            if may_hold_more && (is_worn(value) || visit_nested(value, &mut |_| {})) {
                return Verdict::of(vec![Hit::new(0..value.len(), RuleId::OPAQUE_BODY, Domain::Opaque)], Layers::Some);
            }
        } else if classes.equals + classes.marks > 0 && self.nested(value, place, depth, &mut hits) {
            return Verdict::of(hits, Layers::Some);
        } else if may_be_worn(value, &classes) {
            if !may_hold_more || may_hold_token(value) {
                layers = Layers::Some;
            }
            if may_hold_more {
                look_within(value, &mut hits, |text| {
                    layers = Layers::Some;
                    self.look(text, place, depth + 1).hits
                });
            }
        }
        self.scan(value, &classes, place, (meaning, takes_numbers), &mut hits);
        let verdict = Verdict::of(apart(hits), layers);
        if let Some(asked) = asked {
            asked.keep(&verdict);
        }
        verdict
    }

    /// Looks into a value that has structure of its own: a JSON text, or one in the middle of it, XML, a form.
    fn nested(&self, value: &[u8], place: &Place<'_>, depth: usize, hits: &mut Vec<Hit>) -> bool {
        if matches!(place.kind, LeafKind::JsonNumber | LeafKind::JsonKey) {
            return false;
        }
        let beside = self.beside(Around::Text(value));
        visit_nested(value, &mut |leaf| {
            let found = self.look(&leaf.value, &Place::of(&leaf, &beside), depth + 1).hits;
            if found.is_empty() {
                return;
            }
            let raw = &value[leaf.span.clone()];
            let offsets = (raw != leaf.value.as_ref()).then(|| leaf.surface.offsets(raw));
            for mut hit in found {
                hit.span = within(&hit.span, leaf.span.start, offsets.as_deref());
                hit.wears.push(leaf.surface);
                hits.push(hit);
            }
        })
    }

    /// Looks for all that is known without a name.
    fn scan(&self, value: &[u8], classes: &Classes, place: &Place<'_>, (meaning, takes_numbers): (Meaning, bool), hits: &mut Vec<Hit>) {
        if value.len() < MIN_PAIR {
            return;
        }
        let compiled = self.rules.compiled();
        let tellings = self.names().tellings_of(meaning);
        let (mut found, mut seen) = (Vec::new(), Seen::default());
        // How short a user's own tokens are, no one knows.
        let has_own = !self.rules.are_built_in();
        if value.len() >= MIN_WORDED || has_own {
            seen = compiled.shapes.find(value, &mut found);
        }
        // A short token without a digit would be a word.
        if !has_own && (value.len() < MIN_SECRET || classes.digits == 0 && value.len() < MIN_WORDY_SECRET) {
            found.clear();
        }
        self.ask_recognisers(value, classes, (takes_numbers, seen), &mut found, hits);
        for (span, entry) in found {
            let entry = &compiled.entries[entry];
            let is_told = |strength: &[Strength]| tellings.iter().any(|telling| telling.rule == entry.rule && strength.contains(&telling.strength));
            let counts = match entry.alone {
                Alone::Checked => true,
                Alone::CheckedShape => is_told(&[Strength::Weak, Strength::Strong]) || value[span.clone()].iter().any(|byte| !byte.is_ascii_alphanumeric()),
                Alone::Weak => is_told(&[Strength::Weak, Strength::Strong]),
                Alone::Strong => is_told(&[Strength::Strong]),
            };
            if counts && pass(&entry.checks, &value[span.clone()]) {
                hits.push(Hit::new(span, entry.rule, entry.domain));
            }
        }
        if classes.colons + classes.equals > 0 && place.kind != LeafKind::JsonKey {
            pairs::find(self, value, hits);
        }
        if takes_numbers && classes.blanks > 0 && value.len() >= MIN_PROSE && place.kind != LeafKind::JsonKey {
            prose::find(self, value, hits);
        }
    }

    /// Asks the recognisers and the numbers: some look through the value, the others at its runs of letters and digits, which are read once for all.
    /// What they find has the number of its entry, what the numbers find is a hit.
    fn ask_recognisers(
        &self,
        value: &[u8],
        classes: &Classes,
        (takes_numbers, seen): (bool, Seen),
        found: &mut Vec<(Range<usize>, usize)>,
        hits: &mut Vec<Hit>,
    ) {
        let compiled = self.rules.compiled();
        let is_asked = |recogniser: &Recogniser| (recogniser.may)(classes) && (takes_numbers || !recogniser.is_numeric);
        let mut spans = Vec::new();
        for (entry, number, recogniser) in &compiled.codes {
            if let Look::Through(find) = recogniser.look
                && (recogniser.words.is_empty() || seen.has(*number))
                && is_asked(recogniser)
            {
                find(value, classes, &mut spans);
                found.extend(spans.drain(..).map(|span| (span, *entry)));
            }
        }
        let plain = Plain::of(value, classes);
        let may_be_numbers = takes_numbers && (classes.digits >= MIN_DIGITS || classes.upper >= MIN_CAPITALS || plain.is_folded());
        let starts = compiled.at_runs.iter().filter(|at_run| is_asked(at_run.recogniser)).fold(0, |starts, at_run| starts | at_run.start as u8);
        if starts == 0 && !may_be_numbers {
            return;
        }
        let mut after = [0; u8::BITS as usize];
        for run in runs(plain.text()) {
            if may_be_numbers {
                compiled.numbers.find(plain.text(), &run, |span, rule| hits.push(Hit::new(plain.place(span), rule, self.rules.get(rule).domain)));
            }
            let begins = Start::of(&run) & starts;
            for at_run in compiled.at_runs.iter().filter(|at_run| begins & at_run.start as u8 != 0) {
                let after = &mut after[(at_run.start as u8).trailing_zeros() as usize];
                if run.span.start >= *after
                    && let Some(span) = (at_run.find)(plain.text(), &run)
                {
                    *after = span.end;
                    found.push((plain.place(span), at_run.entry));
                }
            }
        }
    }
}

/// Whether a leaf is the name of a JSON member that is a word: nothing is found in it.
pub(crate) fn is_plain_key(leaf: &Leaf<'_>) -> bool {
    leaf.kind == LeafKind::JsonKey && Classes::of(&leaf.value).is_word()
}

/// A span of a value as a span of the raw bytes that say it, which begin at `start`.
pub(crate) fn within(span: &Range<usize>, start: usize, offsets: Option<&[usize]>) -> Range<usize> {
    match offsets {
        Some(offsets) => start + offsets[span.start]..start + offsets[span.end],
        None => start + span.start..start + span.end,
    }
}

/// Resolves overlaps: the longest hit wins, among equals the one that was found by the more telling rule (the order of the rules). What of
/// a losing hit stands outside of the winner is redacted as well, as opaque: no piece of it is left over.
pub(crate) fn apart(mut hits: Vec<Hit>) -> Vec<Hit> {
    if hits.len() < 2 {
        return hits;
    }
    hits.sort_by_key(|hit| (std::cmp::Reverse(hit.span.len()), hit.rule, hit.span.start));
    let mut taken: BTreeMap<usize, Hit> = BTreeMap::new();
    for hit in hits {
        let winners: Vec<Range<usize>> =
            taken.range(..hit.span.end).rev().map(|(_, winner)| winner.span.clone()).take_while(|winner| winner.end > hit.span.start).collect();
        let mut start = hit.span.start;
        for winner in winners.iter().rev().chain(std::iter::once(&(hit.span.end..hit.span.end))) {
            if start < winner.start {
                let span = start..winner.start;
                let is_rest = hit.is_rest || span != hit.span;
                let domain = if is_rest { Domain::Opaque } else { hit.domain };
                let held = hit.held.clone().filter(|_| !is_rest);
                taken.insert(start, Hit { span, domain, is_rest, held, ..hit.clone() });
            }
            start = start.max(winner.end);
        }
    }
    taken.into_values().collect()
}

/// Whether the byte before `at` ends a word, so that one may begin here.
fn starts_word(value: &[u8], at: usize) -> bool {
    at == 0 || !(value[at - 1].is_ascii_alphanumeric() || value[at - 1] == b'_')
}

/// Whether the byte at `at` is beyond the word before.
fn ends_word(value: &[u8], at: usize) -> bool {
    value.get(at).is_none_or(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'))
}

/// A JSON text in base64 in a string in a JSON text: seen. Deeper: no one's.
const MAX_NESTING: usize = 4;
/// A bank's code has as many.
const MIN_CAPITALS: usize = 8;
/// The shortest secret without a digit.
const MIN_WORDY_SECRET: usize = 20;
/// The shortest secret that a shape gives away.
const MIN_SECRET: usize = 12;
/// `a://b:c@d`
const MIN_WORDED: usize = 9;
/// The fewest digits of a form that needs no name: two letters or more stand in those with less than seven.
const MIN_DIGITS: usize = 4;
/// `pin 1234`
const MIN_PROSE: usize = 8;
/// `pwd=x`, `a@b.c`.
const MIN_PAIR: usize = 5;

#[cfg(test)]
mod tests;
