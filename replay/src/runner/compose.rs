//! A step's request as it will stand on the wire.
//!
//! In: the recorded request, the live values that are known, the target. Out: its bytes. Everything that is not bound to a live
//! value stays as it was recorded, but for `Host` (or a target in absolute form), which names the target, and the lengths, which
//! are made right. What never happens here: a request goes out with a value missing that the target was to issue.

use bytes::Bytes;
use reenact_formats::content::{Edit, Edits, rewrite};
use reenact_formats::model::{Failure, Message, Part};
use reenact_formats::wire::http1::{RequestContext, encode_body, encode_head};

use crate::plan::Step;
use crate::target::absolute_authority;

/// A live value.
#[derive(Clone)]
pub(super) enum Slot {
    /// Its producer is not settled.
    Unknown,
    /// The target issued this.
    Live(Bytes),
    /// What was recorded is to be sent.
    Recorded,
    /// Its producer failed.
    Failed,
}

/// A request, ready to be sent.
pub(super) struct Composed {
    /// Its bytes.
    pub(super) wire: Vec<u8>,
    /// What the framing of its answer depends on.
    pub(super) context: RequestContext,
    /// The names of the bindings that put a live value into it.
    pub(super) bound: Vec<String>,
}

/// Composes the request of `step`, to be sent to `authority`, or says why it never can be.
pub(super) fn compose(step: &Step, slots: &[Slot], authority: &str) -> Result<Composed, Failure> {
    let request = step.request.as_ref().map_err(|_| Failure::NotReplayable)?;
    let mut edits = Edits { head: host_edits(request, authority), ..Edits::default() };
    let mut bound: Vec<String> = Vec::new();
    for take in &step.takes {
        let replacement = match &slots[take.slot as usize] {
            Slot::Live(value) => take.surface.dress(value),
            Slot::Recorded => continue,
            Slot::Failed | Slot::Unknown => return Err(Failure::Unbound),
        };
        let edit = Edit { span: take.span.clone(), replacement };
        match take.part {
            Part::Body => edits.body.push(edit),
            Part::Trailers => edits.trailers.push(edit),
            _ => edits.head.push(edit),
        }
        if !bound.iter().any(|name| **name == *take.name) {
            bound.push(take.name.to_string());
        }
    }
    edits.head.sort_by_key(|edit| edit.span.start);
    let mut wire = Vec::with_capacity(request.head.raw().len() + 64);
    let mut encode = |message: &Message| {
        encode_head(message, &mut wire);
        encode_body(message, &mut wire);
        RequestContext::of(&message.head)
    };
    let context = if edits.is_empty() {
        encode(request)
    } else {
        let mut message = request.clone();
        rewrite(&mut message, edits).map_err(|_| Failure::NotReplayable)?;
        encode(&message)
    };
    Ok(Composed { wire, context, bound })
}

/// Edits that make `Host`, and a target in absolute form, name the target.
pub(crate) fn host_edits(request: &Message, authority: &str) -> Vec<Edit> {
    let head = &request.head;
    let mut edits = Vec::new();
    if let (Some(target), Some(span)) = (head.target(), head.target_span())
        && let Some((recorded, at)) = absolute_authority(target)
        && recorded != authority.as_bytes()
    {
        let start = span.start + at;
        edits.push(Edit { span: start..start + recorded.len(), replacement: authority.as_bytes().to_vec() });
    }
    let hosts = head.headers_named("host").filter(|host| host.value != authority.as_bytes());
    edits.extend(hosts.map(|host| Edit { span: host.value_span(), replacement: authority.as_bytes().to_vec() }));
    edits
}
