//! Targets in absolute form (RFC 9112, section 3.2.2): whole URLs, as requests through a proxy and files of other tools name them.
//!
//! A target flows in, its parts flow out as they stand. What never happens here: a URL within a path or a query is taken for the target's own.

/// The parts of a target in absolute form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absolute<'t> {
    /// What stands before `://`.
    pub scheme: &'t [u8],
    /// Host and port, and whoever is named before an `@`.
    pub authority: &'t [u8],
    /// The path and what follows it; may be empty.
    pub rest: &'t [u8],
}

impl<'t> Absolute<'t> {
    /// The authority without whoever is named before an `@`.
    pub fn host(&self) -> &'t [u8] {
        memchr::memrchr(b'@', self.authority).map_or(self.authority, |at| &self.authority[at + 1..])
    }
}

/// The parts of `target`, if it is in absolute form.
pub fn split_absolute(target: &[u8]) -> Option<Absolute<'_>> {
    let end = target.iter().position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'-' | b'.'))?;
    let (scheme, rest) = target.split_at(end);
    let rest = rest.strip_prefix(b"://").filter(|_| scheme.first().is_some_and(u8::is_ascii_alphabetic))?;
    let (authority, rest) = rest.split_at(rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len()));
    Some(Absolute { scheme, authority, rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_scheme_in_front_makes_a_target_absolute() {
        let parts =
            |target: &'static str| split_absolute(target.as_bytes()).map(|absolute| [absolute.scheme, absolute.host(), absolute.rest].map(<[u8]>::to_vec));
        for (target, expected) in [
            ("http://shop.example/a?u=http://b/c", Some(["http", "shop.example", "/a?u=http://b/c"])),
            ("HTTPS://me:x@shop.example:8443?a", Some(["HTTPS", "shop.example:8443", "?a"])),
            ("git+ssh://h#f", Some(["git+ssh", "h", "#f"])),
            ("http://h", Some(["http", "h", ""])),
            ("/redirect?u=http://other/x", None),
            ("redirect?u=http://other/x", None),
            ("://h/a", None),
            ("1a://h/a", None),
            ("@evil.example/x", None),
            ("shop.example:443", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(parts(target), expected.map(|parts| parts.map(|part| part.as_bytes().to_vec())), "{target}");
        }
    }
}
