//! What the plain columns show of a message. Bytes that are no text are shown as replacement characters.

use std::borrow::Cow;

use crate::content::{endpoint_template, split_absolute};
use crate::model::{Exchange, Side};

pub(super) fn host(exchange: &Exchange) -> Option<Cow<'_, str>> {
    let authority = exchange.target().and_then(split_absolute).map(|absolute| absolute.authority);
    let host = || exchange.request.as_ref()?.head.header("host");
    authority.or_else(host).map(String::from_utf8_lossy)
}

pub(super) fn path(exchange: &Exchange) -> Option<Cow<'_, str>> {
    let target = exchange.target()?;
    let path = split_absolute(target).map_or(target, |absolute| absolute.rest);
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
    exchange.message(side).map(|message| (message.head.raw().len() as u64).saturating_add(message.body.wire_length))
}
