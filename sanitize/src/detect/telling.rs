//! What a telling name makes of a value: which of it is redacted, by which rule, in which domain.
//!
//! A cookie tells by being one: its value is redacted under any name. The one exception is a closed list of settings (`true`, `dark`,
//! `accepted`, `0`, `1`, a language tag), which tell of no one, and on which a service's answers often depend.

use std::ops::Range;

use crate::rules::RuleId;
use reenact_formats::content::{LeafKind, Surface, is_fixed_segment};

use super::check::{is_card, is_iban, is_ssn};
use super::names::{Names, Telling, words};
use super::{Classes, Detector, Fit, Hit, Place, Strength};
use crate::pseudonym::Domain;

/// The hits that a value's name, which tells what `tellings` say, makes of it: none if the name tells nothing, or the value is a placeholder.
pub(super) fn named(detector: &Detector, value: &[u8], place: &Place<'_>, tellings: &[Telling]) -> Vec<Hit> {
    // Most names tell nothing, and need no look at their values.
    let tells = !tellings.is_empty() || matches!(place.kind, LeafKind::Credential | LeafKind::UserInfo | LeafKind::PathSegment | LeafKind::Cookie);
    if !tells || matches!(place.kind, LeafKind::JsonKey | LeafKind::CookieAttribute | LeafKind::Host) {
        return Vec::new();
    }
    let trimmed = trimmed(value);
    let bare = &value[trimmed.clone()];
    if bare.is_empty() || is_placeholder(bare) {
        return Vec::new();
    }
    if matches!(tellings, [Telling { rule: RuleId::ENTITY_TAG, .. }]) {
        return entity_tags(bare).map(|tag| Hit::new(trimmed.start + tag.start..trimmed.start + tag.end, RuleId::ENTITY_TAG, Domain::Opaque)).collect();
    }
    let told = || told(detector, tellings, bare, place);
    let found = match place.kind {
        LeafKind::Credential => credential(bare, place),
        LeafKind::UserInfo => Some((0..bare.len(), RuleId::URL_CREDENTIAL, Domain::Password)),
        LeafKind::PathSegment => path_segment(bare, place).or_else(|| told_of_segment(detector, tellings, bare)),
        LeafKind::Cookie => told().or_else(|| cookie(bare)),
        _ => {
            // `cc` is a credit card, or who gets a copy; `author` and `recipient` are names, with an address or without.
            let may_be_mailboxes = tellings
                .iter()
                .any(|telling| matches!((telling.domain, telling.strength), (Domain::Email | Domain::Person, _) | (Domain::Card, Strength::Weak)));
            let is_email = may_be_mailboxes && is_email(bare);
            if let ([Telling { rule, domain: Domain::Email, .. }], true) = (tellings, is_email) {
                return vec![Hit::new(trimmed, *rule, Domain::Email)];
            }
            if may_be_mailboxes && !is_email {
                let mailboxes = mailboxes(bare);
                if !mailboxes.is_empty() {
                    return mailboxes.into_iter().map(|hit| Hit { span: trimmed.start + hit.span.start..trimmed.start + hit.span.end, ..hit }).collect();
                }
            }
            told()
        }
    };
    found.map(|(span, rule, domain)| Hit::new(trimmed.start + span.start..trimmed.start + span.end, rule, domain)).into_iter().collect()
}

/// What a value is by what its name tells: of several tellings the one whose rule knows the value by itself, else the first that it can be.
fn told(detector: &Detector, tellings: &[Telling], bare: &[u8], place: &Place<'_>) -> Option<Found> {
    if tellings.len() > 1
        && let Some(known) = tellings.iter().find(|telling| detector.fit(telling.rule, bare) == Fit::Checked)
    {
        return Some((0..bare.len(), known.rule, of_kind(known.domain, bare)));
    }
    tellings.iter().find_map(|telling| match telling.strength {
        Strength::Strong => value_of(detector.names(), *telling, bare, place),
        Strength::Weak if detector.fit(telling.rule, bare) == Fit::Checked => Some((0..bare.len(), telling.rule, of_kind(telling.domain, bare))),
        // Without a way to know it by itself, the shape of its kind must do.
        Strength::Weak if matches!(telling.domain, Domain::Person | Domain::Address) || !detector.is_known_by_itself(telling.rule) => {
            value_of(detector.names(), *telling, bare, place)
        }
        Strength::Weak => None,
    })
}

/// `/customers/933…/orders`: what the segment before tells, where the value has the shape of it. Words of an API stand there, too.
fn told_of_segment(detector: &Detector, tellings: &[Telling], bare: &[u8]) -> Option<Found> {
    let fits = |telling: &&Telling| {
        let is_strong = telling.strength == Strength::Strong;
        // What only a name tells of has digits.
        let is_number = || digits(bare).len() >= MIN_SEGMENT_DIGITS && !is_fixed_segment(bare);
        detector.fit(telling.rule, bare) >= if is_strong { Fit::Shape } else { Fit::Checked }
            || is_strong && !detector.is_known_by_itself(telling.rule) && matches!(telling.domain, Domain::Identifier | Domain::BirthDate) && is_number()
    };
    tellings.iter().find(fits).map(|telling| (0..bare.len(), telling.rule, of_kind(telling.domain, bare)))
}

/// Of `"a", W/"b"` what stands between the quotes and may be a digest; of a text without quotes all of it.
fn entity_tags(bare: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut quotes = memchr::memchr_iter(b'"', bare);
    let mut whole = (!bare.contains(&b'"')).then_some(0..bare.len());
    let tags = std::iter::from_fn(move || whole.take().or_else(|| Some(quotes.next()? + 1..quotes.next()?)));
    tags.filter(|tag| may_be_digest(&bare[tag.clone()]))
}

/// Versions, dates, and the time and size of a file tell nothing of what stands in a body, and a service may hold them against its own: a digest
/// is one piece of letters and digits, or has a long one, or many.
fn may_be_digest(tag: &[u8]) -> bool {
    if tag.contains(&b' ') {
        return false;
    }
    let is_mixed = |piece: &[u8]| piece.iter().any(u8::is_ascii_digit) && piece.iter().any(u8::is_ascii_alphabetic);
    let is_within = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let pieces = || tag.split(|byte| !is_within(byte)).filter(|piece| !piece.is_empty());
    let least = if pieces().count() == 1 { SHORTEST_DIGEST } else { SHORTEST_PIECE };
    pieces().any(|piece| piece.len() >= least && is_mixed(piece)) || is_mixed(tag) && pieces().map(<[u8]>::len).sum::<usize>() >= LONG_DIGEST
}

/// The domain that a value has its pseudonym in: what it is counts for more than what it is called, so that it has one pseudonym only.
pub(super) fn of_kind(domain: Domain, bare: &[u8]) -> Domain {
    match domain {
        Domain::Opaque | Domain::Email if is_email(bare) => Domain::Email,
        Domain::Email => Domain::Opaque,
        Domain::Iban | Domain::Identifier | Domain::Ssn => {
            let digits = digits(bare);
            let text: Vec<u8> = bare.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
            let is_like_iban = || domain == Domain::Iban && text.len() >= 15 && text[..2].iter().all(u8::is_ascii_uppercase);
            if is_iban(&text) || is_like_iban() {
                Domain::Iban
            // A tax number may be the social security number, and must then be its pseudonym.
            } else if text.len() == digits.len() && (is_ssn(&digits) || (domain == Domain::Ssn && digits.len() == 9)) {
                Domain::Ssn
            } else {
                Domain::Identifier
            }
        }
        other => other,
    }
}

fn digits(bare: &[u8]) -> Vec<u8> {
    bare.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0').collect()
}

/// `"Jane Roe" <jane@shop.example>, bob@mail.example`: each address by itself, so that it has the pseudonym that it has anywhere, and the
/// names beside them. Nothing without an address.
fn mailboxes(bare: &[u8]) -> Vec<Hit> {
    let addresses = addresses(bare);
    let mut hits: Vec<Hit> = addresses.iter().map(|address| Hit::new(address.clone(), RuleId::EMAIL, Domain::Email)).collect();
    let mut start = 0;
    for address in addresses.iter().chain(addresses.last().map(|_| bare.len()..bare.len()).as_ref()) {
        hits.extend(display_names(bare, start..address.start));
        start = address.end;
    }
    hits.sort_by_key(|hit| hit.span.start);
    hits
}

/// What stands beside addresses, between the marks.
fn display_names(bare: &[u8], beside: Range<usize>) -> impl Iterator<Item = Hit> {
    let is_within = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80 || b" .'-_".contains(byte);
    let is_edge = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80;
    let mut at = beside.start;
    bare[beside].split(move |byte| !is_within(byte)).filter_map(move |piece| {
        let start = at;
        at += piece.len() + 1;
        let (first, last) = (piece.iter().position(is_edge)?, piece.iter().rposition(is_edge)?);
        let name = &piece[first..=last];
        let is_person = name.iter().any(|byte| !byte.is_ascii_digit());
        let (rule, domain) = if is_person { (RuleId::PERSON, Domain::Person) } else { (RuleId::EMAIL, Domain::Opaque) };
        (!name.eq_ignore_ascii_case(b"mailto")).then(|| Hit::new(start + first..start + last + 1, rule, domain))
    })
}

type Found = (Range<usize>, RuleId, Domain);

fn value_of(names: &Names, telling: Telling, bare: &[u8], place: &Place<'_>) -> Option<Found> {
    let is_strong = telling.strength == Strength::Strong;
    let digits = digits(bare);
    let has_letters = bare.iter().any(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80);
    let whole = || Some((0..bare.len(), telling.rule, of_kind(telling.domain, bare)));
    match telling.domain {
        Domain::Opaque if !is_email(bare) && (is_strong || is_token(bare)) => Some((credential_span(bare), telling.rule, Domain::Opaque)),
        Domain::Opaque if is_strong => whole(),
        Domain::Password if is_strong => whole(),
        // `from` and `to` are as often dates, currencies or pages.
        Domain::Email if is_strong || is_email(bare) => whole(),
        Domain::Phone if digits.len() >= 5 => whole(),
        Domain::Card if (12..=19).contains(&digits.len()) && (is_strong || is_card(&digits)) => whole(),
        Domain::Card if is_strong && digits.len() >= 8 => Some((0..bare.len(), telling.rule, Domain::Identifier)),
        Domain::Iban | Domain::Identifier | Domain::Ssn | Domain::Place if is_strong && (!digits.is_empty() || bare.len() >= 2) => whole(),
        Domain::Person if has_letters && !bare.contains(&b'@') && (is_strong || is_persons_name(names, bare, place)) => whole(),
        Domain::Address if has_letters && (is_strong || is_street(bare)) && !is_email(bare) => whole(),
        Domain::BirthDate if digits.len() >= 4 => whole(),
        _ => None,
    }
}

/// The parameters of a credential that say how it is made stay; they are no one's.
fn credential(bare: &[u8], place: &Place<'_>) -> Option<Found> {
    let name = place.name.unwrap_or_default();
    if matches!(
        name,
        "realm"
            | "qop"
            | "algorithm"
            | "nc"
            | "charset"
            | "stale"
            | "userhash"
            | "signedheaders"
            | "oauth_version"
            | "oauth_signature_method"
            | "oauth_timestamp"
    ) {
        return None;
    }
    Some((credential_span(bare), RuleId::AUTHORIZATION, Domain::Opaque))
}

/// What follows a word that tells the kind of credential: it is surface, and the credential is the same without it.
fn credential_span(bare: &[u8]) -> Range<usize> {
    for scheme in [&b"bearer"[..], b"basic", b"token", b"apikey", b"negotiate"] {
        if bare.len() > scheme.len() && bare[..scheme.len()].eq_ignore_ascii_case(scheme) && matches!(bare[scheme.len()], b' ' | b'\t') {
            let spaces = bare[scheme.len()..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            return scheme.len() + spaces..bare.len();
        }
    }
    0..bare.len()
}

/// A cookie without a telling name is opaque, unless it is a setting.
fn cookie(bare: &[u8]) -> Option<Found> {
    let is_setting = SETTINGS.iter().any(|word| bare.eq_ignore_ascii_case(word.as_bytes())) || is_language(bare);
    (!is_setting).then_some((0..bare.len(), RuleId::COOKIE, Domain::Opaque))
}

/// `en`, `en-US`.
fn is_language(bare: &[u8]) -> bool {
    let is_region = match bare.get(2..) {
        Some([]) => true,
        Some([b'-' | b'_', region @ ..]) => region.len() == 2 && region.iter().all(u8::is_ascii_alphabetic),
        _ => false,
    };
    is_region && LANGUAGES.iter().any(|language| bare[..2] == *language.as_bytes())
}

/// `/activate/K7QD93ZX`: a segment that is no word of the API behind one that says that a secret follows.
fn path_segment(bare: &[u8], place: &Place<'_>) -> Option<Found> {
    let before = words(place.name?);
    let tells = before.iter().any(|word| SECRET_SEGMENTS.contains(&word.as_str()));
    (tells && bare.len() >= 4 && !is_fixed_segment(bare)).then_some((0..bare.len(), RuleId::TOKEN, Domain::Opaque))
}

/// Letters and digits, or both cases, and long: nothing that people write.
pub(super) fn is_token(bare: &[u8]) -> bool {
    let has = |test: fn(&u8) -> bool| bare.iter().any(test);
    bare.len() >= 16 && !bare.contains(&b' ') && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) && !is_uuid(bare)
}

pub(super) fn is_uuid(bare: &[u8]) -> bool {
    bare.len() == 36
        && bare[8] == b'-'
        && bare.iter().enumerate().all(|(position, byte)| if matches!(position, 8 | 13 | 18 | 23) { *byte == b'-' } else { byte.is_ascii_hexdigit() })
}

fn is_email(bare: &[u8]) -> bool {
    matches!(addresses(bare).as_slice(), [address] if *address == (0..bare.len()))
}

fn addresses(bare: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if memchr::memchr(b'@', bare).is_some() {
        super::email::find(bare, &Classes::of(bare), &mut found);
    }
    found
}

/// A bare `name` is a person's beside or below something about people, and a bare word for people holds one if it is of two words or more; never with digits.
fn is_persons_name(names: &Names, bare: &[u8], place: &Place<'_>) -> bool {
    if bare.iter().any(|byte| byte.is_ascii_digit() || *byte == b'_') {
        return false;
    }
    if place.name.is_some_and(|name| names.is_about_people(name)) {
        return bare.contains(&b' ') || bare.iter().any(|byte| *byte >= 0x80);
    }
    if place.beside.is_some_and(|beside| beside.has(place.path)) {
        return true;
    }
    let parent =
        place.path.rsplit_once('/').map_or("", |(before, _)| before.trim_end_matches(|character: char| character.is_ascii_digit() || character == '/'));
    names.is_about_people(parent.rsplit(['/', ':']).next().unwrap_or_default())
}

/// A bare `address` is a street if it has a number and words, one of them with a capital.
fn is_street(bare: &[u8]) -> bool {
    let has_word = bare.split(|byte| *byte == b' ').any(|word| word.len() > 1 && (word[0].is_ascii_uppercase() || word[0] >= 0x80));
    has_word && bare.iter().any(u8::is_ascii_digit) && bare.contains(&b' ') && memchr::memmem::find(bare, b"://").is_none()
}

/// What stands where a value would: nothing is told by it, and tests look for it.
pub(super) fn is_placeholder(bare: &[u8]) -> bool {
    if bare.len() <= MAX_PLACEHOLDER && bare.starts_with(b"%") {
        // An escape less each time.
        let undressed = Surface::Percent.undress(bare);
        if undressed.len() < bare.len() {
            return is_placeholder(&undressed);
        }
    }
    let lower = bare.to_ascii_lowercase();
    let is_one_character = bare.len() >= 3 && bare.iter().all(|byte| *byte == bare[0]) && matches!(lower[0], b'x' | b'*' | b'-' | b'.' | b'?' | b'_');
    let is_variable = [(&b"${"[..], &b"}"[..]), (b"{{", b"}}"), (b"<", b">"), (b"[redacted", b"]"), (b"%(", b")s")]
        .iter()
        .any(|(open, close)| lower.starts_with(open) && lower.ends_with(close));
    is_one_character
        || is_variable
        || MASKS.iter().any(|mask| lower.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")) == Some(mask))
        || matches!(
            lower.as_slice(),
            b"null"
                | b"none"
                | b"nil"
                | b"undefined"
                | b"true"
                | b"false"
                | b"n/a"
                | b"na"
                | b"changeme"
                | b"change_me"
                | b"redacted"
                | b"placeholder"
                | b"todo"
                | b"tbd"
                | b"yes"
                | b"no"
        )
        || NO_DATES.iter().any(|date| lower.starts_with(date))
        || lower.starts_with(b"your-")
        || lower.starts_with(b"your_")
        || lower.starts_with(b"replace_me")
        || lower.starts_with(b"replace-me")
}

/// A check sum of 32 bits, in hexadecimal digits.
const SHORTEST_DIGEST: usize = 8;
/// A digest of 64 bits, likewise, beside a length or what compressed it.
const SHORTEST_PIECE: usize = 16;
/// One of 128 bits, in whatever pieces.
const LONG_DIGEST: usize = 32;
/// The shortest number of someone in a path.
const MIN_SEGMENT_DIGITS: usize = 5;
/// Longer than what is written in place of a value, escaped twice.
const MAX_PLACEHOLDER: usize = 256;
/// What stands for no date where there must be one.
const NO_DATES: [&[u8]; 3] = [b"0000-00-00", b"0001-01-01", b"9999-12-31"];
/// What other redactors write in brackets.
const MASKS: [&[u8]; 8] = [b"filtered", b"masked", b"hidden", b"removed", b"secret", b"scrubbed", b"omitted", b"sanitized"];

fn trimmed(value: &[u8]) -> Range<usize> {
    let start = value.len() - value.trim_ascii_start().len();
    start..start + value.trim_ascii().len()
}

const SECRET_SEGMENTS: [&str; 24] = [
    "activate",
    "activation",
    "verify",
    "verification",
    "confirm",
    "confirmation",
    "reset",
    "invite",
    "invites",
    "invitation",
    "invitations",
    "token",
    "tokens",
    "session",
    "sessions",
    "unsubscribe",
    "magic",
    "otp",
    "auth",
    "key",
    "keys",
    "secret",
    "secrets",
    "recover",
];
/// All that a cookie may say and stay.
const SETTINGS: [&str; 28] = [
    "0",
    "1",
    "true",
    "false",
    "on",
    "off",
    "yes",
    "no",
    "dark",
    "light",
    "auto",
    "system",
    "default",
    "null",
    "undefined",
    "none",
    "deleted",
    "accepted",
    "accept",
    "declined",
    "rejected",
    "denied",
    "granted",
    "enabled",
    "disabled",
    "all",
    "necessary",
    "essential",
];
/// Those of ISO 639-1 that sites are most often offered in.
const LANGUAGES: [&str; 40] = [
    "ar", "bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id", "is", "it", "ja", "ko", "lt", "lv", "nb", "nl",
    "nn", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "th", "tr", "uk", "zh",
];
