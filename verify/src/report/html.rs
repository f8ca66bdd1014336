//! One HTML file that needs nothing else.

use super::Named;

/// One HTML file with everything in it.
pub fn html(verdicts: &[Named<'_>]) -> String {
    verdicts.iter().map(|named| named.name).collect()
}
