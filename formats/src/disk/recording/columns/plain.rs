//! What the plain columns show of a message. Bytes that are no text are shown as replacement characters.

use std::borrow::Cow;

use crate::content::endpoint_template;
use crate::model::{Exchange, Side};

pub(super) fn host(exchange: &Exchange) -> Option<Cow<'_, str>> {
    let authority = exchange.target().and_then(|target| split_absolute(target).0);
    let host = || exchange.request.as_ref()?.head.header("host");
    authority.or_else(host).map(String::from_utf8_lossy)
}

pub(super) fn path(exchange: &Exchange) -> Option<Cow<'_, str>> {
    let (_, path) = split_absolute(exchange.target()?);
    let end = path.iter().position(|byte| *byte == b'?').unwrap_or(path.len());
    Some(String::from_utf8_lossy(&path[..end]))
}

pub(super) fn endpoint(exchange: &Exchange) -> Option<Cow<'_, str>> {
    Some(Cow::Owned(endpoint_template(exchange.target()?)))
}

pub(super) fn media_type(exchange: &Exchange, side: Side) -> Option<Cow<'_, str>> {
    exchange.message(side)?.head.media_type().map(Cow::Owned)
}

/// The head and the body, without what the transfer coding adds.
pub(super) fn bytes(exchange: &Exchange, side: Side) -> Option<u64> {
    exchange.message(side).map(|message| message.head.raw().len() as u64 + message.body.wire_length)
}

/// The authority of a target in absolute form (RFC 9112, section 3.2.2), and its path.
fn split_absolute(target: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let scheme_end = target.windows(3).position(|window| window == b"://").filter(|end| target[..*end].iter().all(u8::is_ascii_alphanumeric));
    match scheme_end {
        Some(end) if end > 0 => {
            let rest = &target[end + 3..];
            let authority_end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
            (Some(&rest[..authority_end]), &rest[authority_end..])
        }
        _ => (None, target),
    }
}
