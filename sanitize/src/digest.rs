//! Digests of bodies in headers, made right for a body that was changed.
//!
//! In: a header's name and value, and the body as it is sent now. Out: the value that it should have; nothing where no algorithm in it is
//! known, and then the header goes: a digest that does not hold is of no use, and one of the body as it was tells of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc::{CRC_32_ISCSI, CRC_32_ISO_HDLC, CRC_64_NVME, Crc};
use md5::Md5;
use reenact_formats::model::Header;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

/// How a header writes the digests that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One in base64.
    Base64(Algorithm),
    /// One in small hexadecimal digits; other words say that there is none.
    Hex(Algorithm),
    /// `sha-256=…,md5=…`
    List,
    /// `sha-256=:…:, sha-512=:…:`
    Dictionary,
    /// By an algorithm that we do not have.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
    Crc32,
    Crc32c,
    Crc64Nvme,
}

/// The headers that hold digests of the body: RFC 1864; RFC 3230, section 4.3.2; RFC 9530; those of Amazon S3, Google Cloud Storage and Azure Blob Storage.
const HEADERS: [(&str, Form); 15] = [
    ("content-md5", Form::Base64(Algorithm::Md5)),
    ("digest", Form::List),
    ("content-digest", Form::Dictionary),
    ("repr-digest", Form::Dictionary),
    ("x-amz-content-sha256", Form::Hex(Algorithm::Sha256)),
    ("x-amz-checksum-crc32", Form::Base64(Algorithm::Crc32)),
    ("x-amz-checksum-crc32c", Form::Base64(Algorithm::Crc32c)),
    ("x-amz-checksum-crc64nvme", Form::Base64(Algorithm::Crc64Nvme)),
    ("x-amz-checksum-sha1", Form::Base64(Algorithm::Sha1)),
    ("x-amz-checksum-sha256", Form::Base64(Algorithm::Sha256)),
    ("x-goog-hash", Form::List),
    ("x-ms-blob-content-md5", Form::Base64(Algorithm::Md5)),
    ("x-ms-content-crc64", Form::Unknown),
    ("x-oss-hash-crc64ecma", Form::Unknown),
    ("x-cos-hash-crc64ecma", Form::Unknown),
];

/// Whether a header holds digests of the body.
pub(crate) fn is_one(header: &Header<'_>) -> bool {
    HEADERS.iter().any(|(name, form)| header.is(name) && (!matches!(form, Form::Hex(_)) || is_hex(header.value)))
}

/// The value that the digest header `name` should have.
pub(crate) fn renewed(name: &[u8], value: &[u8], body: &[u8]) -> Option<String> {
    let (_, form) = HEADERS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()))?;
    let members = |written: fn(&str, &str) -> String| {
        let members = std::str::from_utf8(value).ok()?.split(',').filter_map(|member| {
            let name = member.split('=').next()?.trim();
            Some(written(name, &STANDARD.encode(Algorithm::called(name)?.of(body))))
        });
        Some(members.collect::<Vec<_>>()).filter(|members| !members.is_empty())
    };
    match form {
        // Of an object in parts, it is one of the digests of these: `…==-3`.
        Form::Base64(_) if value.contains(&b'-') => None,
        Form::Base64(algorithm) => Some(STANDARD.encode(algorithm.of(body))),
        Form::Hex(algorithm) => Some(algorithm.of(body).iter().map(|byte| format!("{byte:02x}")).collect()),
        Form::List => Some(members(|name, digest| format!("{name}={digest}"))?.join(",")),
        Form::Dictionary => Some(members(|name, digest| format!("{name}=:{digest}:"))?.join(", ")),
        Form::Unknown => None,
    }
}

impl Algorithm {
    /// By the name that lists have for it.
    fn called(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "md5" => Some(Self::Md5),
            "sha" => Some(Self::Sha1),
            "sha-256" => Some(Self::Sha256),
            "sha-512" => Some(Self::Sha512),
            "crc32c" => Some(Self::Crc32c),
            _ => None,
        }
    }

    fn of(self, body: &[u8]) -> Vec<u8> {
        static CRC32: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
        static CRC32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
        static CRC64: Crc<u64> = Crc::<u64>::new(&CRC_64_NVME);
        match self {
            Self::Md5 => Md5::digest(body).to_vec(),
            Self::Sha1 => Sha1::digest(body).to_vec(),
            Self::Sha256 => Sha256::digest(body).to_vec(),
            Self::Sha512 => Sha512::digest(body).to_vec(),
            Self::Crc32 => CRC32.checksum(body).to_be_bytes().to_vec(),
            Self::Crc32c => CRC32C.checksum(body).to_be_bytes().to_vec(),
            Self::Crc64Nvme => CRC64.checksum(body).to_be_bytes().to_vec(),
        }
    }
}

fn is_hex(value: &[u8]) -> bool {
    value.len() == 64 && value.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9530, appendix B.1; RFC 1321, appendix A.5; FIPS 180-2, appendices; the check values of the CRC catalogue (reveng).
    #[test]
    fn digests_are_those_of_the_standards() {
        let hello = "{\"hello\": \"world\"}\n";
        for (name, value, body, expected) in [
            ("Content-Digest", "sha-256=:AAAA:", hello, Some("sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:")),
            ("repr-digest", "unixsum=:AA:", hello, None),
            ("digest", "unixsum=30637,SHA-256=x", hello, Some("SHA-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=")),
            ("digest", "sha=x", "abc", Some("sha=qZk+NkcGgWq6PiVxeFDCbJzQ2J0=")),
            ("Content-MD5", "x", "abc", Some("kAFQmDzST7DWlj99KOF/cg==")),
            ("x-ms-blob-content-md5", "x", "abc", Some("kAFQmDzST7DWlj99KOF/cg==")),
            ("X-Amz-Content-Sha256", "x", "abc", Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")),
            ("x-amz-checksum-sha256", "x", "abc", Some("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=")),
            ("x-amz-checksum-sha1", "x", "abc", Some("qZk+NkcGgWq6PiVxeFDCbJzQ2J0=")),
            ("x-amz-checksum-sha1", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=-3", "abc", None),
            // cbf43926, e3069283, ae8b14860a799888
            ("x-amz-checksum-crc32", "x", "123456789", Some("y/Q5Jg==")),
            ("x-amz-checksum-crc32c", "x", "123456789", Some("4waSgw==")),
            ("x-amz-checksum-crc64nvme", "x", "123456789", Some("rosUhgp5mIg=")),
            ("x-goog-hash", "crc32c=AA==,md5=BB==", "123456789", Some("crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw==")),
            ("x-ms-content-crc64", "x", "abc", None),
        ] {
            assert_eq!(renewed(name.as_bytes(), value.as_bytes(), body.as_bytes()).as_deref(), expected, "{name}");
        }
    }
}
