//! The entry point of the fuzzer. Any bytes flow in; nothing flows out but the certainty that cuts change nothing and that every
//! byte is accounted for once.

use bytes::Bytes;

use super::{Accounting, Decoder, Event, Limits, RequestContext, encode_body, encode_head};
use crate::model::{Side, Timestamp};

/// Reads `data` as both directions of a connection, whole and in pieces, with a hole, cut and closed.
///
/// # Panics
///
/// If the decoder panics, finds something else in pieces than in one, or loses count of a byte.
pub fn fuzz(data: &[u8]) {
    let [first, second, data @ ..] = data else { return };
    let hole = usize::from(*first);
    for side in [Side::Request, Side::Response] {
        let context = RequestContext { head: second & 1 != 0, connect: second & 2 != 0, upgrade: second & 4 != 0, http09: second & 8 != 0, unseen: false };
        let whole = run(side, context, data, hole, usize::MAX);
        let pieces = run(side, context, data, hole, 1 + usize::from(second >> 4));
        assert_eq!(whole, pieces);
    }
}

fn run(side: Side, context: RequestContext, data: &[u8], hole: usize, piece: usize) -> (Vec<String>, Accounting) {
    let mut decoder = Decoder::new(side, Limits { max_head: 256, max_body: 128 });
    let mut told = Vec::new();
    let now = Timestamp::default();
    let (before, after) = data.split_at(hole.min(data.len()));
    for piece in before.chunks(piece) {
        decoder.feed(Bytes::copy_from_slice(piece), now);
        drain(&mut decoder, context, &mut told);
        decoder.settle();
    }
    if hole.is_multiple_of(3) {
        decoder.gap(hole as u64 + 1, now);
        drain(&mut decoder, context, &mut told);
    }
    for piece in after.chunks(piece) {
        decoder.feed(Bytes::copy_from_slice(piece), now);
        drain(&mut decoder, context, &mut told);
        let _ = decoder.held();
    }
    if hole.is_multiple_of(2) {
        decoder.close(now)
    } else {
        decoder.cut(now)
    }
    drain(&mut decoder, context, &mut told);
    let Accounting { recorded, missing, resync, unparsable, upgraded, over_limit, .. } = decoder.accounting();
    let fed = data.len() as u64 + if hole.is_multiple_of(3) { hole as u64 + 1 } else { 0 };
    assert_eq!(recorded + missing + resync + unparsable + upgraded + over_limit, fed);
    (told, decoder.accounting())
}

fn drain(decoder: &mut Decoder, context: RequestContext, told: &mut Vec<String>) {
    while let Some(event) = decoder.next() {
        match &event {
            Event::Unclaimed { .. } => decoder.expect(context),
            Event::Message(decoded) => {
                let mut out = Vec::new();
                encode_head(&decoded.message, &mut out);
                encode_body(&decoded.message, &mut out);
                told.push(format!("{:?} {} {:?}", decoded.span, decoded.message.body.kept_length(), decoded.anomalies));
            }
            _ => {}
        }
        if decoder.awaits_upgrade() {
            if context.upgrade { decoder.upgrade() } else { decoder.resume() }
        }
        told.push(format!("{:?}", std::mem::discriminant(&event)));
    }
}

#[cfg(test)]
mod tests {
    use super::fuzz;

    #[test]
    fn what_the_fuzzer_found_stays_found() {
        for data in [&b""[..], b"%2GET /a HTTN/1.1\r\0\0\r\n\r\nPOST /b HTTP/1.1\r\n\r\n"] {
            fuzz(data);
        }
    }
}
