//! Digests of bodies in headers, made right for a body that was changed.
//!
//! In: a header's name and value, and the body as it is sent now. Out: the value that it should have; nothing where no algorithm in it is
//! known, and then the header goes: a digest that does not hold is of no use, and one of the body as it was tells of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

/// The headers that hold digests of the body (RFC 1864; RFC 3230, section 4.3.2; RFC 9530).
pub(crate) const HEADERS: [&str; 4] = ["content-md5", "digest", "content-digest", "repr-digest"];

/// The value that the digest header `name` should have.
pub(crate) fn renewed(name: &[u8], value: &[u8], body: &[u8]) -> Option<String> {
    if name.eq_ignore_ascii_case(b"content-md5") {
        return Some(STANDARD.encode(Md5::digest(body)));
    }
    let is_structured = !name.eq_ignore_ascii_case(b"digest");
    let members = std::str::from_utf8(value).ok()?.split(',').filter_map(|member| {
        let algorithm = member.split('=').next()?.trim();
        let digest = of(algorithm, body)?;
        Some(if is_structured { format!("{algorithm}=:{digest}:") } else { format!("{algorithm}={digest}") })
    });
    Some(members.collect::<Vec<_>>().join(if is_structured { ", " } else { "," })).filter(|value| !value.is_empty())
}

fn of(algorithm: &str, body: &[u8]) -> Option<String> {
    match algorithm.to_ascii_lowercase().as_str() {
        "md5" => Some(STANDARD.encode(Md5::digest(body))),
        "sha-256" => Some(STANDARD.encode(Sha256::digest(body))),
        "sha-512" => Some(STANDARD.encode(Sha512::digest(body))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9530, appendix B.1; RFC 1321, appendix A.5.
    #[test]
    fn digests_are_those_of_the_standards() {
        let body = b"{\"hello\": \"world\"}\n";
        for (name, value, expected) in [
            ("Content-Digest", "sha-256=:AAAA:", Some("sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:")),
            ("repr-digest", "unixsum=:AA:", None),
            ("digest", "unixsum=30637,SHA-256=x", Some("SHA-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=")),
        ] {
            assert_eq!(renewed(name.as_bytes(), value.as_bytes(), body).as_deref(), expected, "{name}");
        }
        assert_eq!(renewed(b"Content-MD5", b"x", b"abc").as_deref(), Some("kAFQmDzST7DWlj99KOF/cg=="));
    }
}
