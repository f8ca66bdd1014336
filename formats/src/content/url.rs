//! URLs as they stand in request targets and in headers: split by span, never normalised.

use std::borrow::Cow;
use std::ops::Range;

use super::Visit;
use super::leaf::{Leaf, LeafKind, Surface, unpercent};
use super::path::{Repeats, is_name};
use crate::model::Part;

/// Where the parts of a URL reference stand (RFC 3986, section 4.1). The path may be empty.
pub(super) struct Split {
    pub(super) user_info: Option<Range<usize>>,
    pub(super) host: Option<Range<usize>>,
    pub(super) path: Range<usize>,
    pub(super) query: Option<Range<usize>>,
    pub(super) fragment: Option<Range<usize>>,
}

pub(super) fn split(url: &[u8]) -> Split {
    let find = |range: Range<usize>, wanted: &[u8]| url[range.clone()].iter().position(|byte| wanted.contains(byte)).map(|at| range.start + at);
    let (mut end, mut query, mut fragment) = (url.len(), None, None);
    if let Some(at) = find(0..end, b"#") {
        fragment = Some(at + 1..end);
        end = at;
    }
    if let Some(at) = find(0..end, b"?") {
        query = Some(at + 1..end);
        end = at;
    }
    let (mut user_info, mut host, mut start) = (None, None, 0);
    if let Some(scheme) = url[..end].windows(3).position(|window| window == b"://")
        && url[..scheme].iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    {
        let authority = scheme + 3..find(scheme + 3..end, b"/").unwrap_or(end);
        start = authority.end;
        let at = url[authority.clone()].iter().rposition(|byte| *byte == b'@').map(|at| authority.start + at);
        user_info = at.map(|at| authority.start..at);
        host = Some(at.map_or(authority.start, |at| at + 1)..authority.end);
    }
    Split { user_info, host, path: start..end, query, fragment }
}

/// Where a URL stands, and how the paths of its leaves begin.
pub(super) struct Place<'p> {
    pub(super) part: Part,
    /// Where it begins in that part.
    pub(super) offset: usize,
    /// Before `/1`, `host`, `userinfo`.
    pub(super) prefix: &'p str,
    /// Before a query parameter's name.
    pub(super) query_prefix: &'p str,
}

/// Hands out a URL's path segments, parameters, host and credentials.
pub(super) fn visit(url: &[u8], place: &Place<'_>, f: Visit<'_>) {
    let split = split(url);
    let Place { part, offset, prefix, query_prefix } = *place;
    for (range, word, kind, surface) in
        [(&split.user_info, "userinfo", LeafKind::UserInfo, Surface::Percent), (&split.host, "host", LeafKind::Host, Surface::Header)]
    {
        if let Some(range) = range.as_ref().filter(|range| !range.is_empty()) {
            let value = if kind == LeafKind::UserInfo { unpercent(&url[range.clone()], false) } else { Cow::Borrowed(&url[range.clone()]) };
            let span = offset + range.start..offset + range.end;
            f(Leaf { part, path: &format!("{prefix}{word}"), name: None, kind, span, value, surface });
        }
    }
    let mut repeats = Repeats::default();
    visit_segments(url, split.path, place, &mut repeats, f);
    if let Some(query) = split.query {
        let parameters = Parameters { part, offset: offset + query.start, prefix: query_prefix, kind: LeafKind::Query, separator: b'&' };
        parameters.visit(&url[query], &mut repeats, f);
    }
    if let Some(fragment) = split.fragment.filter(|fragment| !fragment.is_empty()) {
        let fragment_prefix = format!("{prefix}#");
        let parameters = Parameters { part, offset: offset + fragment.start, prefix: &fragment_prefix, kind: LeafKind::Query, separator: b'&' };
        parameters.visit(&url[fragment], &mut repeats, f);
    }
}

fn visit_segments(url: &[u8], path: Range<usize>, place: &Place<'_>, repeats: &mut Repeats, f: Visit<'_>) {
    let (mut index, mut start) = (0_usize, path.start);
    let mut before: Option<Cow<'_, str>> = None;
    while start < path.end {
        let end = url[start..path.end].iter().position(|byte| *byte == b'/').map_or(path.end, |at| start + at);
        if end > start {
            let bare_end = url[start..end].iter().position(|byte| *byte == b';').map_or(end, |at| start + at);
            let value = unpercent(&url[start..bare_end], false);
            let name = lossy(value.clone());
            if bare_end > start {
                f(Leaf {
                    part: place.part,
                    path: &format!("{}/{index}", place.prefix),
                    name: before.take(),
                    kind: LeafKind::PathSegment,
                    span: place.offset + start..place.offset + bare_end,
                    value,
                    surface: Surface::Path,
                });
            }
            before = Some(name);
            if bare_end < end {
                // Matrix parameters: `/cart;jsessionid=…`.
                let prefix = format!("{}/{index};", place.prefix);
                let parameters = Parameters { part: place.part, offset: place.offset + bare_end + 1, prefix: &prefix, kind: LeafKind::Query, separator: b';' };
                parameters.visit(&url[bare_end + 1..end], repeats, f);
            }
            index += 1;
        }
        start = end + 1;
    }
}

/// A list of `name=value` with percent-escapes.
pub(super) struct Parameters<'p> {
    pub(super) part: Part,
    /// Where the list begins in that part.
    pub(super) offset: usize,
    /// What the leaves' paths begin with.
    pub(super) prefix: &'p str,
    pub(super) kind: LeafKind,
    pub(super) separator: u8,
}

impl Parameters<'_> {
    pub(super) fn visit(&self, list: &[u8], repeats: &mut Repeats, f: Visit<'_>) {
        let mut start = 0;
        for parameter in list.split(|byte| *byte == self.separator) {
            let at = self.offset + start;
            start += parameter.len() + 1;
            if parameter.is_empty() {
                continue;
            }
            let equals = memchr::memchr(b'=', parameter);
            let name = lossy(unpercent(&parameter[..equals.unwrap_or(0)], true));
            if !is_name(&name) {
                // A name that may be a value itself is a leaf of its own.
                let span = at..at + equals.unwrap_or(0);
                let value = unpercent(&parameter[..equals.unwrap_or(0)], true);
                f(Leaf { part: self.part, path: &format!("{}~key", self.prefix), name: None, kind: self.kind, span, value, surface: Surface::Query });
            }
            let value_start = equals.map_or(0, |equals| equals + 1);
            f(Leaf {
                part: self.part,
                path: &repeats.unique(format!("{}{name}", self.prefix)),
                name: equals.map(|_| name.clone()),
                kind: self.kind,
                span: at + value_start..at + parameter.len(),
                value: unpercent(&parameter[value_start..], true),
                surface: Surface::Query,
            });
        }
    }
}

/// The bytes as text; what is not UTF-8 becomes U+FFFD.
pub(super) fn lossy(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}
