//! Reports of a verdict: text for a terminal, JSON, JUnit XML, one self-contained HTML file.
//!
//! In: verdicts alone, so that one which was kept can be reported again. Out: text. Several verdicts can share a report:
//! variants of one migration, say. What never happens here: a judgement, or a byte that is not escaped for its place.

mod html;
mod junit;
mod svg;
mod text;

use reenact_formats::disk::verdict::Verdict;

pub use html::html;
pub use junit::junit;
pub use text::text;

/// A verdict and what it is called in a report.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// A few words, e.g. `v1 → v2`.
    pub name: &'a str,
    /// The verdict.
    pub verdict: &'a Verdict,
}

/// The versioned document, `verdict.json`.
pub fn json(verdict: &Verdict) -> String {
    String::from_utf8(verdict.to_document()).expect("JSON is UTF-8")
}
