//! Payment cards: issuer ranges, their lengths, and Luhn's check (ISO/IEC 7812-1; the networks' own lists of ranges).

use super::luhn::is_luhn;
use super::{is_repeated, number, weighted};

/// Whether digits are a payment card's: a known issuer range, its length, and Luhn's check. They may also be values instead of ASCII.
pub(crate) fn is_card(digits: &[u8]) -> bool {
    (12..=19).contains(&digits.len()) && is_luhn(digits) && !is_repeated(digits) && is_issued(digits)
}

/// Whether a card's number tells without a name: thirteen digits are
/// goods (EAN), which begin like cards did, and fourteen may be.
pub(super) fn is_telling_card(digits: &[u8]) -> bool {
    (14..=19).contains(&digits.len()) && is_card(digits) && !(digits.len() == 14 && is_trade_item(digits))
}

/// Whether fourteen digits are a trade item's number (GS1 General Specifications: weights 3 and 1).
fn is_trade_item(digits: &[u8]) -> bool {
    weighted(digits, &[3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

fn is_issued(digits: &[u8]) -> bool {
    let (head, length) = (number(&digits[..6]), digits.len());
    ISSUERS.iter().any(|(from, to, lengths)| (*from..=*to).contains(&head) && lengths.contains(&length))
}

/// Issuer ranges by their first six digits, and how many digits their cards have.
const ISSUERS: &[(u64, u64, std::ops::RangeInclusive<usize>)] = &[
    // American Express.
    (340_000, 349_999, 15..=15),
    (370_000, 379_999, 15..=15),
    // Visa; with Electron, Dankort's co-badge and a part of Elo.
    (400_000, 499_999, 13..=13),
    (400_000, 499_999, 16..=16),
    (400_000, 499_999, 19..=19),
    // Mastercard.
    (510_000, 559_999, 16..=16),
    (222_100, 272_099, 16..=16),
    // Mir; Borica of Bulgaria.
    (220_000, 220_599, 16..=19),
    // Diners Club.
    (300_000, 305_999, 14..=14),
    (300_000, 305_999, 16..=16),
    (309_500, 309_599, 14..=14),
    (309_500, 309_599, 16..=16),
    (360_000, 369_999, 14..=14),
    (360_000, 369_999, 16..=16),
    (380_000, 399_999, 14..=14),
    (380_000, 399_999, 16..=16),
    // JCB; with the RuPay and LankaPay co-badges.
    (352_800, 358_999, 16..=16),
    // Discover.
    (601_100, 601_199, 16..=16),
    (644_000, 659_999, 16..=16),
    // UnionPay.
    (620_000, 629_999, 16..=19),
    (810_000, 817_199, 16..=16),
    // RuPay.
    (606_985, 608_500, 16..=16),
    (508_500, 508_999, 16..=16),
    (817_200, 820_199, 16..=16),
    // Elo, Hipercard, Cabal, Naranja: Brazil and Argentina.
    (504_175, 504_175, 16..=16),
    (506_699, 506_778, 16..=16),
    (509_000, 509_999, 16..=16),
    (627_780, 627_780, 16..=16),
    (636_297, 636_368, 16..=16),
    (606_282, 606_282, 16..=19),
    (604_201, 604_400, 16..=16),
    (589_562, 589_562, 16..=16),
    // Verve.
    (506_099, 506_198, 16..=19),
    (507_865, 507_964, 16..=19),
    // Troy; Uzcard; Humo.
    (979_200, 979_289, 16..=16),
    (860_000, 860_099, 16..=16),
    (986_000, 986_099, 16..=16),
    // Dankort; Maestro; InterPayment.
    (501_900, 501_999, 16..=16),
    (501_800, 501_899, 12..=19),
    (502_000, 502_099, 12..=19),
    (503_800, 503_899, 12..=19),
    (589_300, 589_399, 12..=19),
    (630_400, 630_499, 12..=19),
    (675_900, 675_999, 12..=19),
    (676_100, 676_399, 12..=19),
    (676_770, 676_774, 12..=19),
    (636_000, 636_999, 16..=16),
];
