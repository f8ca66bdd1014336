//! Opaque values with a form of their own: JSON Web Tokens, keys in armour, user and password in base64.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reenact_formats::content::{Leaf, LeafKind, visit_nested};

use super::prf::{Prf, Stream};
use super::{Answer, Domain, Pseudonyms};
use crate::detect::Place;
use crate::rules::RuleId;

/// The forms that need more than their classes kept. `None` for all else.
pub(super) fn structured(all: &Pseudonyms, prf: &Prf, text: &str) -> Option<String> {
    if is_web_token(text.as_bytes())
        && let Some(token) = web_token(all, prf, text)
    {
        return Some(token);
    }
    if text.contains("-----BEGIN ") {
        return armoured(prf, text);
    }
    all.basic(text, Answer::Open)
}

/// Whether a value has the form of a JSON Web Token: three parts, or five, of which the first is an object in base64.
pub(crate) fn is_web_token(value: &[u8]) -> bool {
    value.starts_with(b"eyJ") && matches!(memchr::memchr_iter(b'.', value).count(), 2 | 4)
}

/// A JSON Web Token (RFC 7519): of header and claims stays what says how it is made, what it is for, and when; all other texts and numbers
/// are replaced, in place. The signature is replaced and so is none any more, until someone signs anew. Of one that is encrypted, all but the
/// header is opaque.
fn web_token(all: &Pseudonyms, prf: &Prf, text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('.').collect();
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).ok().filter(|bytes| bytes.starts_with(b"{"));
    let header = URL_SAFE_NO_PAD.encode(replaced(all, &decoded(parts[0])?, &KEPT_IN_HEADER));
    let mut stream = prf.stream("jwt signature", text.as_bytes());
    if let [_, claims, signature] = parts[..] {
        let claims = URL_SAFE_NO_PAD.encode(replaced(all, &decoded(claims)?, &KEPT_CLAIMS));
        return Some(format!("{header}.{claims}.{}", opaque_part(&mut stream, signature)));
    }
    let rest: Vec<String> = parts[1..].iter().map(|part| opaque_part(&mut stream, part)).collect();
    Some(format!("{header}.{}", rest.join(".")))
}

/// As many characters of base64, of which the last says no bits that there are not.
fn opaque_part(stream: &mut Stream, part: &str) -> String {
    let last = part.len().saturating_sub(1);
    part.bytes()
        .enumerate()
        .map(|(at, _)| char::from(if at == last { b"AQgw"[usize::from(stream.below(4))] } else { BASE64_URL[usize::from(stream.below(64))] }))
        .collect()
}

/// A JSON object with its values replaced where they stand, save for those of the names that are kept.
fn replaced(all: &Pseudonyms, json: &[u8], kept: &[&str]) -> Vec<u8> {
    let mut edits = Vec::new();
    visit_nested(json, &mut |leaf| {
        let is_kept = leaf.name.as_deref().is_some_and(|name| kept.contains(&name));
        if let Some(made) = claim(all, &leaf, is_kept) {
            edits.push((leaf.span, leaf.surface.dress(&made)));
        }
    });
    let mut out = json.to_vec();
    for (span, made) in edits.into_iter().rev() {
        out.splice(span, made);
    }
    out
}

/// What a claim becomes. What it is, a member of that name in any JSON text would be, too; what no rule knows is opaque, for a token is about someone.
fn claim(all: &Pseudonyms, leaf: &Leaf<'_>, is_kept: bool) -> Option<Vec<u8>> {
    let text = leaf.text()?;
    let (is_text, is_number) = (leaf.kind == LeafKind::JsonString, leaf.kind == LeafKind::JsonNumber);
    if !(is_text || is_number || leaf.kind == LeafKind::JsonKey) {
        return None;
    }
    let hits = all.detector.detect(text.as_bytes(), &Place { kind: leaf.kind, name: leaf.name.as_deref(), path: leaf.path, beside: None });
    // A scope or an issuer with an address or a password in it is more than its name says; most names are words of the standard.
    let is_someones = text.contains('@') || hits.iter().any(|hit| hit.held.is_some() || hit.domain != Domain::Opaque);
    if (is_kept || leaf.kind == LeafKind::JsonKey) && !is_someones {
        return None;
    }
    let whole = hits.first().filter(|hit| hits.len() == 1 && hit.held.is_none() && hit.span == (0..text.len()));
    Some(match whole {
        // Few digits tell what they were made of.
        Some(hit) if is_number && (hit.rule == RuleId::CARD_SECURITY || matches!(hit.domain, Domain::Opaque | Domain::Password)) => b"0".to_vec(),
        Some(hit) if hit.rule == RuleId::CARD_SECURITY => vec![b'0'; text.len()],
        // Of a URL with user and password the user would stay.
        Some(hit) if !is_number && (hit.domain == Domain::Email || !text.contains('@')) => all.of(hit.domain, text.as_bytes()),
        _ if is_number => number(all, text),
        _ if text.contains('@') && !text.contains("://") => all.of(Domain::Email, text.as_bytes()),
        _ => all.of(Domain::Opaque, text.as_bytes()),
    })
}

/// Another number that is written like it: sign, point and exponent stay, and no zero leads that did not.
fn number(all: &Pseudonyms, text: &str) -> Vec<u8> {
    let mut stream = all.prf(Domain::Opaque).stream("claim number", text.as_bytes());
    let mut leads = true;
    let digits = text.bytes().scan(false, |is_exponent, byte| {
        *is_exponent |= matches!(byte, b'e' | b'E');
        Some((*is_exponent, byte))
    });
    digits
        .map(|(is_exponent, byte)| match byte {
            b'0'..=b'9' if is_exponent => byte,
            b'0' if leads => {
                leads = false;
                byte
            }
            b'0'..=b'9' => {
                let least = u8::from(leads);
                leads = false;
                b'0' + least + stream.below(10 - least)
            }
            other => other,
        })
        .collect()
}

/// An armoured key: the lines that open and close it stay, the letters between are replaced.
fn armoured(prf: &Prf, text: &str) -> Option<String> {
    let begin = text.find("-----BEGIN ")?;
    let body = begin + 11 + text[begin + 11..].find("-----")? + 5;
    let end = text[body..].find("-----END").map_or(text.len(), |at| body + at);
    let mut stream = prf.stream("armour", text.trim().as_bytes());
    let replaced: String = text[body..end]
        .chars()
        .map(|character| match character {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '+' | '/' => char::from(BASE64[usize::from(stream.below(64))]),
            character if character.is_ascii() => character,
            _ => '.',
        })
        .collect();
    Some(format!("{}{replaced}{}", &text[..body], &text[end..]))
}

/// What a token is for, by whom, and when: nothing of whom it is about.
const KEPT_CLAIMS: [&str; 14] = ["iss", "aud", "exp", "nbf", "iat", "auth_time", "updated_at", "typ", "token_use", "scope", "scp", "alg", "azp", "acr"];
/// How a token is made, and with which key.
const KEPT_IN_HEADER: [&str; 11] = ["alg", "typ", "cty", "kid", "enc", "zip", "crit", "b64", "kty", "crv", "use"];
const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
