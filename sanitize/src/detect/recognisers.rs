//! The recognisers that are written in code, in one table by the names that rules know them by.
//!
//! In: what bytes a value has. Out: which recognisers can find anything in it, and how they look at it. What each of them knows stands in a
//! file of its own; nothing here looks at a value.

use std::ops::Range;

use super::classes::{Classes, Plain};
use super::runs::{Run, runs};
use super::{MIN_SECRET, accounts, addresses, armour, credentials, email, geo, internet, mac, persons, phones, secrets};

/// A recogniser that is written in code; rules name it.
#[derive(Debug)]
pub(crate) struct Recogniser {
    pub(crate) name: &'static str,
    /// One of these stands in every value that holds one, in any case; none where no word tells.
    pub(super) words: &'static [&'static str],
    /// Whether a value with such bytes can hold one.
    pub(super) may: fn(&Classes) -> bool,
    /// It looks for numbers, which in headers for machines and in versions are no one's.
    pub(super) is_numeric: bool,
    pub(super) look: Look,
}

/// How a recogniser looks at a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Look {
    /// Through all of it.
    Through(fn(&[u8], &Classes, &mut Vec<Range<usize>>)),
    /// At the runs of letters and digits that it may begin with.
    At(Start, fn(&[u8], &Run) -> Option<Range<usize>>),
}

/// What a run looks like that something may begin with, a bit for each.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    Iban = 1,
    Creditor = 1 << 1,
    Track = 1 << 2,
    CryptoAddress = 1 << 3,
    Phone = 1 << 4,
    Mac = 1 << 5,
}

impl Start {
    /// All that a run looks like.
    pub(super) fn of(run: &Run) -> u8 {
        let bit = |start: Self, is_one: bool| u8::from(is_one) * start as u8;
        bit(Self::Iban, accounts::may_be_iban(run))
            | bit(Self::Creditor, accounts::may_be_creditor(run))
            | bit(Self::Track, accounts::may_be_track(run))
            | bit(Self::CryptoAddress, accounts::may_be_crypto_address(run))
            | bit(Self::Phone, phones::may_begin(run))
            | bit(Self::Mac, mac::may_begin(run))
    }
}

impl Recogniser {
    const fn through(name: &'static str, may: fn(&Classes) -> bool, find: fn(&[u8], &Classes, &mut Vec<Range<usize>>)) -> Self {
        Self { name, words: &[], may, is_numeric: false, look: Look::Through(find) }
    }

    const fn at(name: &'static str, may: fn(&Classes) -> bool, start: Start, find: fn(&[u8], &Run) -> Option<Range<usize>>) -> Self {
        Self { name, words: &[], may, is_numeric: true, look: Look::At(start, find) }
    }

    const fn numeric(self) -> Self {
        Self { is_numeric: true, ..self }
    }

    const fn with_words(self, words: &'static [&'static str]) -> Self {
        Self { words, ..self }
    }

    /// Whether all of a value is one.
    pub(super) fn is(&self, value: &[u8]) -> bool {
        let classes = Classes::of(value);
        (self.may)(&classes)
            && match self.look {
                Look::Through(find) => {
                    let mut found = Vec::new();
                    find(value, &classes, &mut found);
                    found.contains(&(0..value.len()))
                }
                Look::At(start, find) => {
                    let plain = Plain::of(value, &classes);
                    let is_whole =
                        |run: Run| Start::of(&run) & start as u8 != 0 && find(plain.text(), &run).is_some_and(|span| plain.place(span) == (0..value.len()));
                    runs(plain.text()).any(is_whole)
                }
            }
    }
}

/// All of them.
pub(crate) static RECOGNISERS: &[Recogniser] = &[
    Recogniser::through("email", |classes| classes.at > 0, email::find),
    Recogniser::through("ip", |classes| classes.dots >= 3 || classes.colons >= 2, internet::find).numeric(),
    Recogniser::at("iban", |classes| classes.digits >= 2 && classes.length >= 15, Start::Iban, accounts::iban),
    Recogniser::at("sepa_creditor", |classes| classes.upper >= 2 && classes.digits >= 6, Start::Creditor, accounts::creditor),
    Recogniser::at("card_track", |classes| classes.digits >= 19, Start::Track, accounts::track),
    Recogniser {
        is_numeric: false,
        ..Recogniser::at("crypto_address", |classes| classes.length >= 26 && classes.digits > 0, Start::CryptoAddress, accounts::crypto_address)
    },
    Recogniser::through(
        "travel_document",
        |classes| classes.digits >= 12 && classes.upper >= 2 && classes.digits + classes.upper + classes.marks >= 30,
        accounts::travel_documents,
    )
    .numeric(),
    Recogniser::at("phone", |classes| classes.digits >= 8 && classes.length > classes.digits, Start::Phone, phones::find),
    Recogniser::at("mac", |classes| classes.length >= MIN_MAC && classes.digits + classes.colons > 0, Start::Mac, mac::find),
    Recogniser::through("geo", |classes| classes.dots >= 2 && classes.digits >= 6, geo::find).numeric(),
    Recogniser::through("person", |classes| classes.length >= 5 && ((classes.upper >= 2 && classes.blanks > 0) || classes.marks >= 2), persons::find),
    Recogniser::through("person_like", |classes| classes.length >= 2, persons::find_like),
    Recogniser::through("address", |classes| classes.digits >= 2 && classes.length >= MIN_ADDRESS && classes.blanks + classes.marks >= 2, addresses::find),
    Recogniser::through("private_key", |classes| classes.upper >= 10 && classes.length >= MIN_ARMOURED, armour::find).with_words(&["private", "putty-"]),
    Recogniser::through("jwt", |classes| classes.dots > 0 && classes.upper > 0 && classes.length >= MIN_SECRET, secrets::web_tokens).with_words(&["eyj"]),
    Recogniser::through("authorization", |classes| classes.length >= MIN_SECRET, credentials::schemes).with_words(credentials::SCHEME_WORDS),
    Recogniser::through("url_credential", |classes| classes.colons >= 2 && classes.at > 0, credentials::urls).with_words(&["://"]),
    Recogniser::through("connection_string", |classes| classes.equals >= 2, credentials::connection_strings).with_words(credentials::SETTING_WORDS),
    Recogniser::through("discord_token", |classes| classes.dots >= 2 && classes.length >= MIN_DISCORD, secrets::discord_tokens),
    Recogniser::through("mailgun_key", |classes| classes.digits >= 8 && classes.length >= MIN_MAILGUN, secrets::mailgun_keys),
    Recogniser::through("aws_secret", |classes| classes.upper >= 8 && classes.length >= MIN_AWS_PAIR, secrets::aws_secrets).with_words(&["akia", "asia"]),
    Recogniser::through("azure_key", |classes| classes.equals >= 2 && classes.length >= MIN_AZURE, secrets::azure_keys).with_words(&["=="]),
];

/// The one that is called so.
pub(crate) fn recogniser(name: &str) -> Option<&'static Recogniser> {
    RECOGNISERS.iter().find(|recogniser| recogniser.name == name)
}

/// 24, 6 and 27 characters, and dots between.
const MIN_DISCORD: usize = 59;
/// 32, 8 and 8 characters, and dashes between.
const MIN_MAILGUN: usize = 50;
/// An access key id of 20 characters, a secret of 40, and something between.
const MIN_AWS_PAIR: usize = 61;
/// 64 bytes in base64.
const MIN_AZURE: usize = 88;
/// `081e.d1fa.3853`.
const MIN_MAC: usize = 14;
/// `-----BEGIN … PRIVATE KEY`
const MIN_ARMOURED: usize = 22;
/// `1 Way, A B1 2CD`
const MIN_ADDRESS: usize = 14;
