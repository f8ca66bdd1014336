//! Exchanges into a record batch.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Int64Array, ListArray, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray, UInt16Array,
    UInt32Array, UInt64Array,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::DataType;

use super::{SIDES, item, plain, redaction_fields, schema};
use crate::model::{Body, BodyFraming, Completeness, Exchange, Head, Redaction, Side, Timestamp};

/// Exchanges as a batch, in their order.
pub(crate) fn encode(rows: &[Exchange]) -> RecordBatch {
    let times =
        |time: fn(&Exchange) -> Option<Timestamp>| -> ArrayRef { Arc::new(rows.iter().map(|row| time(row).map(Timestamp::as_nanos)).collect::<Int64Array>()) };
    let texts = |text: fn(&Exchange) -> Option<Cow<'_, str>>| -> ArrayRef { Arc::new(rows.iter().map(text).collect::<StringArray>()) };
    let words = |word: fn(&Exchange) -> &'static str| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.iter().map(word))) };

    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.start.as_nanos().div_euclid(1000)))),
        times(|row| Some(row.start)),
        texts(|row| Some(row.id.to_string().into())),
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.id.connection.0))),
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.id.index))),
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.stream))),
        words(|row| row.protocol.word()),
        words(|row| row.role.word()),
        words(|row| row.initiator.word()),
        words(|row| row.shape.word()),
        texts(|row| Some(ip_text(row.client).into())),
        Arc::new(UInt16Array::from_iter_values(rows.iter().map(|row| row.client.port()))),
        texts(|row| Some(ip_text(row.server).into())),
        Arc::new(UInt16Array::from_iter_values(rows.iter().map(|row| row.server.port()))),
        times(|row| row.timing.request_end),
        times(|row| row.timing.first_byte),
        times(|row| row.timing.end),
        Arc::new(rows.iter().map(|row| between(Some(row.start), row.timing.end)).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| between(row.timing.request_end, row.timing.first_byte)).collect::<Int64Array>()),
        texts(|row| row.method().map(Cow::Borrowed)),
        texts(plain::host),
        texts(plain::path),
        texts(plain::endpoint),
        Arc::new(rows.iter().map(Exchange::status).collect::<UInt16Array>()),
        texts(|row| plain::media_type(row, Side::Request)),
        texts(|row| plain::media_type(row, Side::Response)),
        Arc::new(rows.iter().map(|row| plain::bytes(row, Side::Request)).collect::<UInt64Array>()),
        Arc::new(rows.iter().map(|row| plain::bytes(row, Side::Response)).collect::<UInt64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.is_complete())).collect::<BooleanArray>()),
        list(
            rows.iter().map(|row| row.anomalies.len()),
            Arc::new(rows.iter().flat_map(|row| &row.anomalies).map(|anomaly| Some(anomaly.word())).collect::<StringArray>()),
        ),
        list(
            rows.iter().map(|row| row.interim.len()),
            Arc::new(rows.iter().flat_map(|row| &row.interim).map(|head| Some(head.raw())).collect::<BinaryArray>()),
        ),
        list(rows.iter().map(|row| row.redactions.len()), encode_redactions(rows)),
    ];
    for side in SIDES {
        columns.extend(encode_side(rows, side));
    }
    RecordBatch::try_new(schema(), columns).expect("the columns above are those of the schema")
}

fn encode_side(rows: &[Exchange], side: Side) -> [ArrayRef; 10] {
    let messages = || rows.iter().map(|row| row.message(side));
    let bodies = || messages().map(|message| message.map(|message| &message.body));
    let completeness = || bodies().map(|body| body.map(|body| body.completeness));
    let chunks = |body: Option<&Body>| match body.map(|body| &body.framing) {
        Some(BodyFraming::Chunked(chunks)) => Some(chunks.clone()),
        _ => None,
    };
    [
        Arc::new(messages().map(|message| message.map(|message| message.head.raw())).collect::<BinaryArray>()),
        Arc::new(bodies().map(|body| body.map(Body::contiguous)).collect::<BinaryArray>()),
        Arc::new(bodies().map(|body| body.map(|body| body.wire_length)).collect::<UInt64Array>()),
        Arc::new(completeness().map(|it| if let Some(Completeness::TruncatedAt(at)) = it { Some(at) } else { None }).collect::<UInt64Array>()),
        Arc::new(completeness().map(|it| if let Some(Completeness::Gap(gap)) = it { Some(gap) } else { None }).collect::<UInt64Array>()),
        Arc::new(
            completeness().map(|it| if let Some(Completeness::Dropped { reason, .. }) = it { Some(reason.word()) } else { None }).collect::<StringArray>(),
        ),
        Arc::new(
            completeness().map(|it| if let Some(Completeness::Dropped { seen_whole, .. }) = it { Some(seen_whole) } else { None }).collect::<BooleanArray>(),
        ),
        Arc::new(bodies().map(|body| body.map(|body| framing_word(&body.framing))).collect::<StringArray>()),
        Arc::new(optional_list(bodies().map(chunks))),
        Arc::new(messages().map(|message| message?.trailers.as_ref().map(Head::raw)).collect::<BinaryArray>()),
    ]
}

fn encode_redactions(rows: &[Exchange]) -> ArrayRef {
    let all = || rows.iter().flat_map(|row| &row.redactions);
    let texts = |text: fn(&Redaction) -> &str| -> ArrayRef { Arc::new(all().map(|redaction| Some(text(redaction))).collect::<StringArray>()) };
    let numbers = |number: fn(&Redaction) -> u64| -> ArrayRef { Arc::new(UInt64Array::from_iter_values(all().map(number))) };
    let columns = vec![
        texts(|redaction| redaction.side.word()),
        texts(|redaction| redaction.part.word()),
        numbers(|redaction| redaction.span.start),
        numbers(|redaction| redaction.span.end),
        texts(|redaction| &redaction.rule),
        texts(|redaction| &redaction.domain),
        texts(|redaction| redaction.action.word()),
        texts(|redaction| &redaction.path),
    ];
    Arc::new(StructArray::new(redaction_fields(), columns, None))
}

/// A list column out of each row's length and all rows' values in order.
fn list(lengths: impl Iterator<Item = usize>, values: ArrayRef) -> ArrayRef {
    Arc::new(ListArray::new(item(values.data_type().clone()), OffsetBuffer::from_lengths(lengths), values, None))
}

fn optional_list(rows: impl Iterator<Item = Option<Vec<u64>>>) -> ListArray {
    let rows: Vec<_> = rows.collect();
    let lengths = rows.iter().map(|row| row.as_ref().map_or(0, Vec::len));
    let values = UInt64Array::from_iter_values(rows.iter().flatten().flatten().copied());
    let present = rows.iter().map(Option::is_some).collect();
    ListArray::new(item(DataType::UInt64), OffsetBuffer::from_lengths(lengths), Arc::new(values), Some(present))
}

fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<i64> {
    to?.as_nanos().checked_sub(from?.as_nanos())
}

fn framing_word(framing: &BodyFraming) -> &'static str {
    match framing {
        BodyFraming::Empty => "empty",
        BodyFraming::Length => "length",
        BodyFraming::Chunked(_) => "chunked",
        BodyFraming::Close => "close",
    }
}
/// An address without its port; with the scope of a link-local one.
fn ip_text(address: SocketAddr) -> String {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
        _ => address.ip().to_string(),
    }
}
