//! Signatures: where they stand in a message, what they are over, and whether they can be made anew.
//!
//! In: the head of a message, or a value that was found. Out: each signature with what it is over, and whether a secret that a sandbox may share
//! makes it, or a private key that only its owner has. Nothing is signed or verified here.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reenact_formats::content::{Leaf, LeafKind, visit_head, visit_nested};
use reenact_formats::model::{Head, Part};

use crate::rules::RuleId;

/// What it takes to make a signature anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// A secret that signer and verifier share: whoever replays may have one of the sandbox's.
    Secret,
    /// A private key, or no one knows what: none that is made here would verify.
    PrivateKey,
}

/// What has to stay for a signature to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// The body alone.
    Body,
    /// Head and body, or pieces of both.
    Message,
}

/// A signature in a head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) part: Part,
    pub(crate) span: Range<usize>,
    /// The template of its path.
    pub(crate) path: String,
    pub(crate) over: Over,
    pub(crate) renewal: Renewal,
}

impl Renewal {
    /// What it is on record as.
    pub(crate) const fn rule(self) -> RuleId {
        match self {
            Self::Secret => RuleId::TO_SIGN,
            Self::PrivateKey => RuleId::UNVERIFIABLE,
        }
    }

    /// That of an algorithm as requests name it (`hmac-sha256`, `RSA-SHA1`, `AWS4-ECDSA-P256-SHA256`). One that is not known is no one's to make.
    fn of_algorithm(algorithm: &[u8]) -> Self {
        let algorithm = algorithm.to_ascii_lowercase();
        let is_shared = memchr::memmem::find(&algorithm, b"hmac").is_some() || algorithm == b"plaintext";
        if is_shared { Self::Secret } else { Self::PrivateKey }
    }
}

/// The signatures in a head or a trailer section: those of AWS, Google and others in header and query, of webhooks, of HTTP messages (RFC 9421 and the
/// drafts before it), of OAuth 1, of the schemes Digest and Hawk. Tokens are [told by themselves](of_token).
pub(crate) fn in_head(head: &Head) -> Vec<Signature> {
    let mut found = Vec::new();
    if !MARKS.is_match(head.raw()) {
        return found;
    }
    visit_head(head, &mut |leaf| {
        if let Some((over, renewal)) = of_leaf(head, &leaf) {
            found.push(Signature { part: leaf.part, span: leaf.span.clone(), path: path_of(&leaf), over, renewal });
        }
    });
    found
}

fn of_leaf(head: &Head, leaf: &Leaf<'_>) -> Option<(Over, Renewal)> {
    let name = leaf.name.as_deref()?.to_ascii_lowercase();
    let is_long = leaf.value.len() >= SHORTEST && !leaf.value.contains(&b' ');
    match leaf.kind {
        LeafKind::Credential => credential(&name, around(head, leaf)).map(|renewal| (Over::Message, renewal)),
        LeafKind::Query if is_long && IN_QUERIES.contains(&name.as_str()) => Some((Over::Message, in_query(&name, around(head, leaf)))),
        LeafKind::Cookie if name == "cloudfront-signature" => Some((Over::Message, Renewal::PrivateKey)),
        LeafKind::Header if name == "signature" && leaf.value.len() >= SHORTEST => Some(message_signature(head, &leaf.value)),
        LeafKind::Header if leaf.value.len() >= SHORTEST && is_signature_header(&name) => {
            let is_private = WITH_PRIVATE_KEYS.iter().any(|mark| name.contains(mark)) || leaf.value.starts_with(b"v1a,");
            Some((Over::Body, if is_private { Renewal::PrivateKey } else { Renewal::Secret }))
        }
        _ => None,
    }
}

/// `AWS4-HMAC-SHA256 …, Signature=…`, `OAuth …, oauth_signature="…"`, `Signature keyId="…", signature="…"`, `Digest …, response="…"`, `SharedKey name:…`.
fn credential(name: &str, value: &[u8]) -> Option<Renewal> {
    let scheme = value.split(|byte| *byte == b' ').next().unwrap_or_default().to_ascii_lowercase();
    match (scheme.as_slice(), name) {
        (b"digest", "response") | (b"hawk" | b"mac", "mac") => Some(Renewal::Secret),
        (b"oauth", "oauth_signature") | (b"signature", "signature") => Some(parameter(value, ALGORITHMS).map_or(Renewal::PrivateKey, Renewal::of_algorithm)),
        (_, "signature") => Some(Renewal::of_algorithm(&scheme)),
        (b"aws" | b"sharedkey" | b"sharedkeylite" | b"sharedaccesssignature" | b"oss" | b"obs" | b"cos", _) if !name.contains('_') => Some(Renewal::Secret),
        (scheme, "authorization") if scheme.starts_with(b"hmac") => Some(Renewal::Secret),
        _ => None,
    }
}

/// Presigned URLs say by which algorithm, but for those of CloudFront, which name a pair of keys, and those that know one only.
fn in_query(name: &str, url: &[u8]) -> Renewal {
    match parameter(url, ALGORITHMS) {
        Some(algorithm) => Renewal::of_algorithm(algorithm),
        None if name == "signature" && parameter(url, &["key-pair-id"]).is_some() => Renewal::PrivateKey,
        None => Renewal::Secret,
    }
}

/// `sig1=:…:` beside `Signature-Input` (RFC 9421), `keyId="…",algorithm="…",signature="…"` of the drafts before it, or a webhook's own.
fn message_signature(head: &Head, value: &[u8]) -> (Over, Renewal) {
    let is_structured = || value.ends_with(b":") && memchr::memmem::find(value, b"=:").is_some();
    let stated = match head.header("signature-input") {
        Some(input) => parameter(input, ALGORITHMS),
        None if parameter(value, &["keyid"]).is_some() => parameter(value, ALGORITHMS),
        None if is_structured() => None,
        None => return (Over::Body, Renewal::Secret),
    };
    (Over::Message, stated.map_or(Renewal::PrivateKey, Renewal::of_algorithm))
}

/// Whether a header of this name holds a signature of the body: `X-Hub-Signature-256`, `Stripe-Signature`, `X-Shopify-Hmac-Sha256`.
fn is_signature_header(name: &str) -> bool {
    let mut words = name.rsplit(['-', '_']);
    let last = words.next().unwrap_or_default();
    let is_mark = |word: &str| matches!(word, "signature" | "sig" | "hmac" | "signature256" | "hmacsha256");
    // An algorithm or a version may stand behind it.
    let is_kind = last.starts_with("sha") || last.starts_with("ed25519") || last.trim_start_matches('v').bytes().all(|byte| byte.is_ascii_digit());
    is_mark(last) || is_kind && words.next().is_some_and(is_mark)
}

/// What a value in a body is that one of the rules for signatures has found.
pub(crate) fn of_value(rule: &str, path: &str, value: &[u8], span: &Range<usize>) -> Option<Renewal> {
    match rule {
        "saml_assertion" => Some(Renewal::PrivateKey),
        "signature" | "webhook_signature" => Some(Renewal::Secret),
        // Others of its parameters are found by the same rule.
        "presigned_url" => {
            let before = value[..span.start].to_ascii_lowercase();
            let is_one = before.ends_with(b"signature=") || before.ends_with(b"sig=") || path.to_ascii_lowercase().contains("sig");
            is_one.then(|| in_query("signature", value))
        }
        _ => None,
    }
}

/// What a JSON Web Token is made with (RFC 7518, sections 3.1 and 4.1); nothing of one that is signed by no one.
pub(crate) fn of_token(token: &[u8]) -> Option<Renewal> {
    let header = token.split(|byte| *byte == b'.').next()?;
    let header = URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
    let mut algorithm = Vec::new();
    visit_nested(&header, &mut |leaf| {
        if leaf.name.as_deref() == Some("alg") && leaf.kind == LeafKind::JsonString {
            algorithm = leaf.value.to_ascii_lowercase();
        }
    });
    let wraps_by_secret = algorithm.starts_with(b"a") && (algorithm.ends_with(b"kw"));
    match algorithm.as_slice() {
        b"none" => None,
        b"dir" => Some(Renewal::Secret),
        algorithm if algorithm.starts_with(b"hs") || algorithm.starts_with(b"pbes2") || wraps_by_secret => Some(Renewal::Secret),
        _ => Some(Renewal::PrivateKey),
    }
}

/// The value of the header, or the request's target, that a leaf stands in.
fn around<'h>(head: &'h Head, leaf: &Leaf<'_>) -> &'h [u8] {
    let header = head.headers().find(|header| header.value_span().start <= leaf.span.start && leaf.span.end <= header.value_span().end);
    header.map_or_else(|| head.raw().split(|byte| *byte == b'\n').next().unwrap_or_default(), |header| header.value)
}

/// The value of the first parameter of one of these names, in any case, in quotes or not.
fn parameter<'t>(text: &'t [u8], names: &[&str]) -> Option<&'t [u8]> {
    let is_edge = |byte: u8| matches!(byte, b' ' | b'&' | b'?' | b';' | b',' | b'"' | b'\t');
    memchr::memchr_iter(b'=', text).find_map(|equals| {
        let start = text[..equals].iter().rposition(|byte| is_edge(*byte)).map_or(0, |edge| edge + 1);
        let name = &text[start..equals];
        if !names.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes())) {
            return None;
        }
        let value = &text[equals + 1..];
        let value = value.strip_prefix(b"\"").unwrap_or(value);
        Some(&value[..value.iter().position(|byte| is_edge(*byte)).unwrap_or(value.len())])
    })
}

/// A header's name that has digits in it could be anything, save where it is one of those that everyone uses.
fn path_of(leaf: &Leaf<'_>) -> String {
    let name = leaf.name.as_deref().unwrap_or_default();
    match leaf.kind {
        LeafKind::Header if WITH_DIGITS.contains(&name) => format!("header:{name}"),
        _ => leaf.template(),
    }
}

/// One of these stands in every head with a signature.
static MARKS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(["signature", "sig=", "sig:", "hmac", "response=", "mac=", "sharedkey", ": aws ", ": oss ", ": obs "])
        .expect("short literals")
});

/// Shorter ones are flags, versions and names.
const SHORTEST: usize = 16;
const ALGORITHMS: &[&str] = &["alg", "algorithm", "x-amz-algorithm", "x-goog-algorithm", "oauth_signature_method", "signaturemethod"];
const IN_QUERIES: [&str; 10] =
    ["signature", "sig", "hmac", "x-amz-signature", "x-goog-signature", "oauth_signature", "x-oss-signature", "x-cos-signature", "q-signature", "sign"];
/// In the names of headers whose signatures their senders make with private keys: Discord and Telnyx, PayPal, SendGrid.
const WITH_PRIVATE_KEYS: [&str; 3] = ["ed25519", "paypal-transmission-sig", "email-event-webhook-signature"];
const WITH_DIGITS: [&str; 8] = [
    "x-hub-signature-256",
    "x-shopify-hmac-sha256",
    "x-signature-256",
    "x-signature-ed25519",
    "telnyx-signature-ed25519",
    "x-square-hmacsha256-signature",
    "x-hubspot-signature-v3",
    "x-docusign-signature-1",
];

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn found(lines: &str) -> Vec<String> {
        let (first, rest) = lines.split_once('\n').unwrap_or((lines, ""));
        let headers: String = rest.lines().map(|line| format!("{line}\r\n")).collect();
        let head = Head::request(Bytes::from(format!("{first} HTTP/1.1\r\n{headers}\r\n"))).expect("a head");
        in_head(&head).iter().map(|one| format!("{} {:?} {:?}", one.path, one.over, one.renewal)).collect()
    }

    #[test]
    fn each_scheme_tells_how_it_is_made() {
        let hex = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
        for (lines, expected) in [
            (format!("POST /\nX-Hub-Signature-256: sha256={hex}"), vec!["header:x-hub-signature-256 Body Secret"]),
            (format!("POST /\nStripe-Signature: t=1700000000,v1={hex}"), vec!["header:stripe-signature Body Secret"]),
            (format!("POST /\nX-Slack-Signature: v0={hex}\nX-Slack-Request-Timestamp: 1531420618"), vec!["header:x-slack-signature Body Secret"]),
            (format!("POST /\nX-Shopify-Hmac-Sha256: {hex}"), vec!["header:x-shopify-hmac-sha256 Body Secret"]),
            (format!("POST /\nX-Our-Own-Signature-V2: {hex}"), vec!["header:x-our-own-signature-v2 Body Secret"]),
            (format!("POST /\nX-Signature-Ed25519: {hex}"), vec!["header:x-signature-ed25519 Body PrivateKey"]),
            (format!("POST /\nwebhook-signature: v1,{hex}"), vec!["header:webhook-signature Body Secret"]),
            (format!("POST /\nwebhook-signature: v1a,{hex}"), vec!["header:webhook-signature Body PrivateKey"]),
            (format!("POST /\nX-Signature-Version: {hex}\nX-Has-Signature: yes"), vec![]),
            (
                format!("GET /\nAuthorization: AWS4-HMAC-SHA256 Credential=A/2/us/iam/aws4_request, SignedHeaders=host, Signature={hex}"),
                vec!["header:authorization;signature Message Secret"],
            ),
            (
                format!("GET /\nAuthorization: AWS4-ECDSA-P256-SHA256 Credential=A/2/iam/aws4_request, SignedHeaders=host, Signature={hex}"),
                vec!["header:authorization;signature Message PrivateKey"],
            ),
            ("GET /\nAuthorization: AWS AKIDEXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=".to_owned(), vec!["header:authorization Message Secret"]),
            (format!("GET /b/o?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A&X-Amz-Signature={hex}"), vec!["query:X-Amz-Signature Message Secret"]),
            (format!("GET /b/o?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature={hex}"), vec!["query:X-Goog-Signature Message PrivateKey"]),
            (format!("GET /o?Expires=1&Signature={hex}&Key-Pair-Id=K2"), vec!["query:Signature Message PrivateKey"]),
            (format!("GET /o?sv=2024-11-04&sig={hex}"), vec!["query:sig Message Secret"]),
            ("GET /o?sig=1&signature=Ada+Smith+of+the+far+north".to_owned(), vec![]),
            (
                format!("GET /\nAuthorization: OAuth oauth_signature_method=\"HMAC-SHA1\", oauth_signature=\"{hex}\""),
                vec!["header:authorization;oauth_signature Message Secret"],
            ),
            (
                format!("GET /\nAuthorization: OAuth oauth_signature_method=\"RSA-SHA1\", oauth_signature=\"{hex}\""),
                vec!["header:authorization;oauth_signature Message PrivateKey"],
            ),
            (format!("GET /\nAuthorization: Digest username=\"a\", response=\"{hex}\""), vec!["header:authorization;response Message Secret"]),
            ("GET /\nAuthorization: Bearer abcdefghijklmnopqrstuvwxyz".to_owned(), vec![]),
            // RFC 9421, in the form of its section 4.3; and drafts before it.
            (
                "GET /\nSignature-Input: s1=(\"@method\");created=1;keyid=\"k\";alg=\"hmac-sha256\"\nSignature: s1=:K2qGT5srn2OGbOIDzQ6kYT+ruaycnDAAUpKv:"
                    .to_owned(),
                vec!["header:signature Message Secret"],
            ),
            (
                "GET /\nSignature-Input: s1=(\"@method\");alg=\"ecdsa-p256-sha256\"\nSignature: s1=:K2qGT5srn2OGbOIDzQ6kYT+ruaycnDAAUpKv:".to_owned(),
                vec!["header:signature Message PrivateKey"],
            ),
            (
                "GET /\nSignature-Input: s1=(\"@method\");keyid=\"k\"\nSignature: s1=:K2qGT5srn2OGbOIDzQ6kYT+ruaycnDAAUpKv:".to_owned(),
                vec!["header:signature Message PrivateKey"],
            ),
            (format!("GET /\nSignature: keyId=\"k\",algorithm=\"hmac-sha256\",signature=\"{hex}\""), vec!["header:signature Message Secret"]),
            (format!("GET /\nSignature: keyId=\"k\",algorithm=\"hs2019\",signature=\"{hex}\""), vec!["header:signature Message PrivateKey"]),
            (
                format!("GET /\nAuthorization: Signature keyId=\"k\",algorithm=\"rsa-sha256\",signature=\"{hex}\""),
                vec!["header:authorization;signature Message PrivateKey"],
            ),
            (format!("POST /\nSignature: {hex}"), vec!["header:signature Body Secret"]),
        ] {
            assert_eq!(found(&lines), expected, "{lines}");
        }
    }

    #[test]
    fn tokens_say_how_they_are_made() {
        for (header, expected) in [
            (r#"{"alg":"HS256"}"#, Some(Renewal::Secret)),
            (r#"{"alg":"RS256","typ":"JWT"}"#, Some(Renewal::PrivateKey)),
            (r#"{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","alg":"ES256"}}"#, Some(Renewal::PrivateKey)),
            (r#"{"alg":"EdDSA"}"#, Some(Renewal::PrivateKey)),
            (r#"{"alg":"PS512"}"#, Some(Renewal::PrivateKey)),
            (r#"{"alg":"none"}"#, None),
            (r#"{"alg":"A256GCMKW","enc":"A256GCM"}"#, Some(Renewal::Secret)),
            (r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#, Some(Renewal::PrivateKey)),
            ("{}", Some(Renewal::PrivateKey)),
        ] {
            let token = format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(header));
            assert_eq!(of_token(token.as_bytes()), expected, "{header}");
        }
    }
}
