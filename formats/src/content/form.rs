//! Form bodies: `name=value&name=value` (the URL standard's `application/x-www-form-urlencoded`).

use super::Visit;
use super::leaf::LeafKind;
use super::path::Paths;
use super::url::Parameters;
use crate::model::Part;

/// `prefix` begins the paths; `offset` is where the form begins in the body.
pub(super) fn visit(bytes: &[u8], prefix: &[&str], offset: usize, f: Visit<'_>) {
    Parameters { part: Part::Body, offset, prefix, kind: LeafKind::Form, separator: b'&' }.visit(bytes, &mut Paths::default(), f);
}
