//! Values of several words, which prose does not set apart: a person's name, a street address.
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
}

impl Worded {
    /// Whether values of a domain are.
    pub(super) fn of(domain: Domain) -> Option<Self> {
        match domain {
            Domain::Person => Some(Self::Person),
            Domain::Address => Some(Self::Address),
            _ => None,
        }
    }

    /// Where the value that begins at `at` ends.
    pub(super) fn behind(self, text: &[u8], at: usize) -> Option<usize> {
        match self {
            Self::Person => persons::extent(text, at),
            Self::Address => addresses::extent(text, at),
        }
    }

    /// Where the value that ends at `end` begins.
    pub(super) fn before(self, text: &[u8], end: usize) -> Option<usize> {
        match self {
            Self::Person => persons::extent_before(text, end),
            Self::Address => addresses::extent_before(text, end),
        }
    }
}
