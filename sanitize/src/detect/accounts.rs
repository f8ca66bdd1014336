//! Longer numbers with a grammar of their own: bank accounts and creditors, the tracks of cards, addresses of crypto-currencies, the lines of
//! travel documents.
//!
//! In: a run of letters and digits of a text, or the whole. Out: spans. Each recogniser reads as far as its grammar goes and no further, and asks a
//! check last.

use std::ops::Range;

use super::check::{iban_length, is_card, is_creditor_id, is_crypto_address, is_iban, is_mrz};
use super::runs::Run;
use super::{Classes, ends_word};

/// Two letters, two digits, and as many letters and digits behind them as the country has; single separators between.
pub(super) fn iban(text: &[u8], run: &Run) -> Option<Range<usize>> {
    let start = run.span.start;
    let [first, second, ..] = text[start..] else { return None };
    let length = iban_length(&[first, second].map(|byte| byte.to_ascii_uppercase()))?;
    let (bare, end) = gathered(text, start, length)?;
    // `is` is a word and Iceland.
    (run.begins_word(text) && ends_word(text, end) && is_iban(&bare)).then_some(start..end)
}

/// Whether an account may begin with a run: two letters and a digit, or two letters of which a separator may follow.
pub(super) const fn may_be_iban(run: &Run) -> bool {
    run.begins_with_letters(2) && (run.digits & 0b100 != 0 || run.letters == 0b11)
}

/// The same head, then a business code and a national number, in one word.
pub(super) fn creditor(text: &[u8], run: &Run) -> Option<Range<usize>> {
    let word = &text[run.span.clone()];
    // Other business codes are by name only: without their letters it is as often an account number that is mistyped.
    let fits = &word[4..7] == b"ZZZ" && is_creditor_id(word);
    (fits && run.begins_word(text) && ends_word(text, run.span.end)).then(|| run.span.clone())
}

/// Whether a run is as long as a creditor's identifier, and begins like one.
pub(super) fn may_be_creditor(run: &Run) -> bool {
    (MIN_CREDITOR..=MAX_CREDITOR).contains(&run.len()) && run.begins_with_letters(2) && run.letters >> 4 & 0b111 == 0b111
}

/// The magnetic stripe of a card (ISO/IEC 7813): the first track with the name between carets, the second with an equals sign.
pub(super) fn track(text: &[u8], run: &Run) -> Option<Range<usize>> {
    let start = run.span.start + run.digits.trailing_zeros() as usize;
    let end = digits_end(text, start);
    let is_number = (MIN_CARD..=MAX_CARD).contains(&(end - start)) && is_card(&text[start..end]);
    let data = match text.get(end) {
        Some(b'^') if is_number => text[end + 1..].iter().take(MAX_NAME).position(|byte| *byte == b'^').map(|name| end + name + 2)?,
        Some(b'=' | b'D' | b'd') if is_number => end + 1,
        _ => return None,
    };
    let data_end = digits_end(text, data);
    if data_end - data < MIN_TRACK_DATA {
        return None;
    }
    // Discretionary data of the first track has letters and signs, up to the end sentinel.
    let rest =
        if text[end] == b'^' { text[data_end..].iter().take(MAX_NAME).position(|byte| matches!(byte, b'?' | b'\r' | b'\n' | b'"')).unwrap_or(0) } else { 0 };
    let ends = data_end + rest + usize::from(text.get(data_end + rest) == Some(&b'?'));
    let begins = match &text[..start] {
        [.., b'%', b'B' | b'b'] => start - 2,
        [.., b'B' | b'b' | b';'] => start - 1,
        _ => start,
    };
    Some(begins..ends)
}

/// Whether a run has the digits of a card, from its first one on.
pub(super) const fn may_be_track(run: &Run) -> bool {
    run.digits != 0 && (run.digits >> run.digits.trailing_zeros()).trailing_ones() as usize >= MIN_CARD
}

/// Addresses of crypto-currencies: words whose own checksum holds, and the long ones whose shape is rare enough.
pub(super) fn crypto_address(text: &[u8], run: &Run) -> Option<Range<usize>> {
    let is_one = run.begins_word(text) && ends_word(text, run.span.end) && is_crypto_address(&text[run.span.clone()]);
    is_one.then(|| run.span.clone())
}

/// Whether a run is as long as one.
pub(super) fn may_be_crypto_address(run: &Run) -> bool {
    (MIN_ADDRESS..=MAX_ADDRESS).contains(&run.len())
}

/// The machine readable zone of a travel document (ICAO Doc 9303): two lines of 44 or 36 characters or three of 30; the checked line tells the others.
pub(super) fn travel_documents(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    // Only the longest lines may be without fillers.
    if value.len() > LONGEST_LINE && memchr::memchr(b'<', value).is_none() {
        return;
    }
    let is_of_zone = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'<';
    // The lines before and behind are of the same length, beyond a line break or its escape.
    let line_before = |line: &Range<usize>| {
        let breaks = value[..line.start].iter().rev().take(4).take_while(|byte| b"\r\n\\nr".contains(byte)).count();
        let end = line.start - breaks;
        let start = end.checked_sub(line.len())?;
        (breaks > 0 && value[start..end].iter().all(is_of_zone)).then_some(start..end)
    };
    let line_behind = |line: &Range<usize>| {
        let start = line.end + value[line.end..].iter().take(4).take_while(|byte| b"\r\n\\nr".contains(byte)).count();
        let end = start + line.len();
        (start > line.end && value.get(start..end)?.iter().all(is_of_zone)).then_some(start..end)
    };
    let mut at = 0;
    while let Some(start) = value[at..].iter().position(is_of_zone).map(|offset| at + offset) {
        let end = start + value[start..].iter().take_while(|byte| is_of_zone(byte)).count();
        at = end;
        let line = start..end;
        if !is_mrz(&value[line.clone()]) {
            continue;
        }
        let first = line_before(&line).map_or(line.start, |before| before.start);
        let last = if line.len() == SHORT_LINE { line_behind(&line).map_or(line.end, |behind| behind.end) } else { line.end };
        found.push(first..last);
        at = last;
    }
}

/// So many letters and digits, in upper case, and where they end; single separators between.
fn gathered(text: &[u8], start: usize, count: usize) -> Option<(Vec<u8>, usize)> {
    let mut bare = Vec::with_capacity(count);
    let mut at = start;
    while bare.len() < count {
        match text.get(at)? {
            byte if byte.is_ascii_alphanumeric() => bare.push(byte.to_ascii_uppercase()),
            b' ' | b'-' | b'+' | b'.' if text.get(at + 1).is_some_and(u8::is_ascii_alphanumeric) => {}
            _ => return None,
        }
        at += 1;
    }
    Some((bare, at))
}

fn digits_end(value: &[u8], start: usize) -> usize {
    start + value[start..].iter().take_while(|byte| byte.is_ascii_digit()).count()
}

const MIN_CREDITOR: usize = 11;
const MAX_CREDITOR: usize = 35;
const MIN_CARD: usize = 12;
const MAX_CARD: usize = 19;
/// Expiry and service code.
const MIN_TRACK_DATA: usize = 7;
/// The longest name in the first track, and the longest discretionary data.
const MAX_NAME: usize = 40;
const MIN_ADDRESS: usize = 26;
/// A bech32 address of a staking wallet; one of Monero has 95.
const MAX_ADDRESS: usize = 110;
const LONGEST_LINE: usize = 44;
/// Each of three lines.
const SHORT_LINE: usize = 30;
