//! Form bodies: `name=value&name=value` (the URL standard's `application/x-www-form-urlencoded`).

use super::Visit;
use super::leaf::LeafKind;
use super::path::Repeats;
use super::url::Parameters;
use crate::model::Part;

pub(super) fn visit(bytes: &[u8], f: Visit<'_>) {
    Parameters { part: Part::Body, offset: 0, prefix: "body:", kind: LeafKind::Form, separator: b'&' }.visit(bytes, &mut Repeats::default(), f);
}
