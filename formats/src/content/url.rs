//! URLs as they stand in request targets and in headers: split by span, never normalised.

use std::borrow::Cow;
use std::ops::Range;

use super::Visit;
use super::leaf::{Leaf, LeafKind, Surface, unpercent};
use super::path::{Paths, is_name};
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
    pub(super) prefix: &'p [&'p str],
    /// Before a query parameter's name.
    pub(super) query_prefix: &'p [&'p str],
}

/// Hands out a URL's path segments, parameters, host and credentials.
pub(super) fn visit(url: &[u8], place: &Place<'_>, paths: &mut Paths, f: Visit<'_>) {
    let split = split(url);
    authority(url, split.user_info, split.host, place, paths, f);
    segments(url, split.path, place, paths, f);
    if let Some(query) = split.query {
        parameters(url, query, place, place.query_prefix, paths, f);
    }
    if let Some(fragment) = split.fragment.filter(|fragment| !fragment.is_empty()) {
        let prefix = &[&place.prefix.concat(), "#"];
        // Some clients keep a path of their own there, with a query: `#/reset?token=…`.
        if url[fragment.start] == b'/' {
            let query = memchr::memchr(b'?', &url[fragment.clone()]).map(|at| fragment.start + at);
            segments(url, fragment.start..query.unwrap_or(fragment.end), &Place { prefix, ..*place }, paths, f);
            if let Some(query) = query {
                parameters(url, query + 1..fragment.end, place, prefix, paths, f);
            }
        } else {
            parameters(url, fragment, place, prefix, paths, f);
        }
    }
}

/// Hands out the host and port that a request names instead of a URL (RFC 9112, section 3.2.3).
pub(super) fn visit_authority(target: &[u8], place: &Place<'_>, paths: &mut Paths, f: Visit<'_>) {
    let at = memchr::memrchr(b'@', target);
    authority(target, at.map(|at| 0..at), Some(at.map_or(0, |at| at + 1)..target.len()), place, paths, f);
}

fn authority(url: &[u8], user_info: Option<Range<usize>>, host: Option<Range<usize>>, place: &Place<'_>, paths: &mut Paths, f: Visit<'_>) {
    for (range, word, kind, surface) in [(user_info, "userinfo", LeafKind::UserInfo, Surface::Percent), (host, "host", LeafKind::Host, Surface::Header)] {
        if let Some(range) = range.filter(|range| !range.is_empty()) {
            let value = surface.undress(&url[range.clone()]);
            let span = place.offset + range.start..place.offset + range.end;
            f.leaf(Leaf { part: place.part, path: paths.start(place.prefix).push(word).unique(), name: None, kind, span, value, surface });
        }
    }
}

fn parameters(url: &[u8], list: Range<usize>, place: &Place<'_>, prefix: &[&str], paths: &mut Paths, f: Visit<'_>) {
    Parameters { part: place.part, offset: place.offset + list.start, prefix, kind: LeafKind::Query, separator: b'&' }.visit(&url[list], paths, f);
}

fn segments(url: &[u8], path: Range<usize>, place: &Place<'_>, paths: &mut Paths, f: Visit<'_>) {
    let (mut index, mut start) = (0_usize, path.start);
    let mut before: Option<Cow<'_, str>> = None;
    while start < path.end {
        let end = memchr::memchr(b'/', &url[start..path.end]).map_or(path.end, |at| start + at);
        if end > start {
            let bare_end = memchr::memchr(b';', &url[start..end]).map_or(end, |at| start + at);
            let value = unpercent(&url[start..bare_end], false);
            let name = lossy(value.clone());
            if bare_end > start {
                f.leaf(Leaf {
                    part: place.part,
                    path: paths.start(place.prefix).push("/").index(index).unique(),
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
                let prefix = &[&paths.start(place.prefix).push("/").index(index).push(";").text().to_owned()[..]];
                let parameters = Parameters { part: place.part, offset: place.offset + bare_end + 1, prefix, kind: LeafKind::Query, separator: b';' };
                parameters.visit(&url[bare_end + 1..end], paths, f);
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
    pub(super) prefix: &'p [&'p str],
    pub(super) kind: LeafKind,
    pub(super) separator: u8,
}

impl Parameters<'_> {
    pub(super) fn visit(&self, list: &[u8], paths: &mut Paths, f: Visit<'_>) {
        let mut start = 0;
        while start < list.len() {
            let end = memchr::memchr(self.separator, &list[start..]).map_or(list.len(), |at| start + at);
            if end > start {
                self.parameter(&list[start..end], self.offset + start, paths, f);
            }
            start = end + 1;
        }
    }

    fn parameter(&self, parameter: &[u8], at: usize, paths: &mut Paths, f: Visit<'_>) {
        let equals = memchr::memchr(b'=', parameter);
        let key = unpercent(&parameter[..equals.unwrap_or(0)], true);
        let name = lossy(key.clone());
        if !is_name(&name) {
            // A name that may be a value itself is a leaf of its own.
            let span = at..at + equals.unwrap_or(0);
            let path = paths.start(self.prefix).push("~key").unique();
            f.leaf(Leaf { part: self.part, path, name: None, kind: self.kind, span, value: key, surface: Surface::Query });
        }
        let value_start = equals.map_or(0, |equals| equals + 1);
        f.leaf(Leaf {
            part: self.part,
            path: paths.start(self.prefix).push(&name).unique(),
            name: equals.map(|_| Cow::Borrowed(&*name)),
            kind: self.kind,
            span: at + value_start..at + parameter.len(),
            value: unpercent(&parameter[value_start..], true),
            surface: Surface::Query,
        });
    }
}

/// The bytes as text; what is not UTF-8 becomes U+FFFD.
pub(super) fn lossy(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        // Nearly all are, which this tells sooner.
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())),
    }
}
