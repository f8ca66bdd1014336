//! Exchanges into record batches.
//!
//! In: one exchange after the other. Out: batches of them, in that order. Heads and bodies are copied once, into the column that
//! they stand in, so that nothing of a capture's buffers is kept alive by a row. What never happens here: a row is reordered.

use std::borrow::Cow;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BinaryBuilder, BooleanBuilder, Int64Builder, ListBuilder, StringBuilder, StructBuilder, TimestampMicrosecondBuilder, UInt16Builder,
    UInt32Builder, UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::DataType;

use super::{SIDES, item, plain, redaction_fields, schema};
use crate::model::{Body, BodyFraming, Completeness, Exchange, Head, Redaction, Side, Timestamp};

/// Gathers exchanges into a batch.
pub(crate) struct Rows {
    columns: Vec<Box<dyn Column>>,
    rows: usize,
}

impl Rows {
    /// None yet.
    pub(crate) fn new() -> Self {
        let mut columns = vec![
            column(TimestampMicrosecondBuilder::new(), |start, row| start.append_value(row.start.as_nanos().div_euclid(1000))),
            times(|row| Some(row.start)),
            texts(|row| Some(row.id.to_string().into())),
            numbers(|row| Some(row.id.connection.0)),
            column(UInt32Builder::new(), |ordinal, row| ordinal.append_value(row.id.index)),
            numbers(|row| Some(row.stream)),
            words(|row| Some(row.protocol.word())),
            words(|row| Some(row.role.word())),
            texts(|row| row.node.as_deref().map(Cow::Borrowed)),
            words(|row| Some(row.initiator.word())),
            words(|row| Some(row.shape.word())),
            texts(|row| Some(ip_text(row.client).into())),
            column(UInt16Builder::new(), |port, row| port.append_value(row.client.port())),
            texts(|row| Some(ip_text(row.server).into())),
            column(UInt16Builder::new(), |port, row| port.append_value(row.server.port())),
            times(|row| row.timing.request_end),
            times(|row| row.timing.first_byte),
            times(|row| row.timing.end),
            column(Int64Builder::new(), |nanos, row| nanos.append_option(between(Some(row.start), row.timing.end))),
            column(Int64Builder::new(), |nanos, row| nanos.append_option(between(row.timing.request_end, row.timing.first_byte))),
            texts(|row| row.method().map(Cow::Borrowed)),
            texts(plain::host),
            texts(plain::path),
            texts(plain::endpoint),
            column(UInt16Builder::new(), |status, row| status.append_option(row.status())),
            texts(|row| plain::media_type(row, Side::Request)),
            texts(|row| plain::media_type(row, Side::Response)),
            numbers(|row| plain::bytes(row, Side::Request)),
            numbers(|row| plain::bytes(row, Side::Response)),
            column(BooleanBuilder::new(), |complete, row| complete.append_value(row.is_complete())),
            column(ListBuilder::new(StringBuilder::new()).with_field(item(DataType::Utf8)), |anomalies, row| {
                anomalies.append_value(row.anomalies.iter().map(|anomaly| Some(anomaly.word())));
            }),
            column(ListBuilder::new(BinaryBuilder::new()).with_field(item(DataType::Binary)), |interim, row| {
                interim.append_value(row.interim.iter().map(|head| Some(head.raw())));
            }),
            redactions(),
        ];
        columns.extend(SIDES.into_iter().flat_map(of_side));
        Self { columns, rows: 0 }
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: &Exchange) {
        self.columns.iter_mut().for_each(|column| column.push(row));
        self.rows += 1;
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.rows
    }

    /// Takes them out as a batch.
    pub(crate) fn take(&mut self) -> RecordBatch {
        self.rows = 0;
        let columns = self.columns.iter_mut().map(|column| column.take()).collect();
        RecordBatch::try_new(schema(), columns).expect("the columns above are those of the schema")
    }
}

fn of_side(side: Side) -> [Box<dyn Column>; 10] {
    [
        bulk(move |heads, row| heads.append_option(row.message(side).map(|message| message.head.raw()))),
        bulk(move |bodies, row| push_body(bodies, body(row, side))),
        numbers(move |row| body(row, side).map(|body| body.wire_length)),
        numbers(move |row| if let Some(Completeness::TruncatedAt(at)) = completeness(row, side) { Some(at) } else { None }),
        numbers(move |row| if let Some(Completeness::Gap(gap)) = completeness(row, side) { Some(gap) } else { None }),
        words(move |row| if let Some(Completeness::Dropped { reason, .. }) = completeness(row, side) { Some(reason.word()) } else { None }),
        column(BooleanBuilder::new(), move |seen, row| {
            seen.append_option(if let Some(Completeness::Dropped { seen_whole, .. }) = completeness(row, side) { Some(seen_whole) } else { None });
        }),
        words(move |row| body(row, side).map(|body| framing_word(&body.framing))),
        column(ListBuilder::new(UInt64Builder::new()).with_field(item(DataType::UInt64)), move |chunks, row| match body(row, side).map(|body| &body.framing) {
            Some(BodyFraming::Chunked(lengths)) => chunks.append_value(lengths.iter().copied().map(Some)),
            _ => chunks.append_null(),
        }),
        column(BinaryBuilder::new(), move |trailers, row| {
            trailers.append_option(row.message(side).and_then(|message| message.trailers.as_ref()).map(Head::raw));
        }),
    ]
}

fn body(row: &Exchange, side: Side) -> Option<&Body> {
    row.message(side).map(|message| &message.body)
}

fn completeness(row: &Exchange, side: Side) -> Option<Completeness> {
    body(row, side).map(|body| body.completeness)
}

fn push_body(bodies: &mut BinaryBuilder, body: Option<&Body>) {
    match body.map(|body| body.slices.as_slice()) {
        None => bodies.append_null(),
        Some([one]) => bodies.append_value(one),
        // Whatever came in pieces stands there as one.
        Some(many) => {
            for slice in many {
                bodies.write_all(slice).expect("a builder takes all bytes");
            }
            bodies.append_value(b"");
        }
    }
}

fn redactions() -> Box<dyn Column> {
    let structs = StructBuilder::from_fields(redaction_fields(), 0);
    let list = ListBuilder::new(structs).with_field(item(DataType::Struct(redaction_fields())));
    column(list, |redactions, row| {
        for Redaction { side, part, span, rule, domain, action, path } in &row.redactions {
            let redaction = redactions.values();
            for (field, text) in [(0, side.word()), (1, part.word()), (4, rule), (5, domain), (6, action.word()), (7, path)] {
                redaction.field_builder::<StringBuilder>(field).expect("a text").append_value(text);
            }
            for (field, number) in [(2, span.start), (3, span.end)] {
                redaction.field_builder::<UInt64Builder>(field).expect("a number").append_value(number);
            }
            redaction.append(true);
        }
        redactions.append(true);
    })
}

/// One column of a batch that is being gathered.
trait Column: Send {
    fn push(&mut self, row: &Exchange);
    fn take(&mut self) -> ArrayRef;
}

struct ColumnOf<B, F> {
    builder: B,
    push: F,
}

impl<B: ArrayBuilder, F: Fn(&mut B, &Exchange) + Send> Column for ColumnOf<B, F> {
    fn push(&mut self, row: &Exchange) {
        (self.push)(&mut self.builder, row);
    }

    fn take(&mut self) -> ArrayRef {
        self.builder.finish()
    }
}

/// A column of which each batch has about as much as the one before it: room for that is there at once, and nothing moves while it grows.
struct Bulk<F> {
    builder: BinaryBuilder,
    push: F,
}

impl<F: Fn(&mut BinaryBuilder, &Exchange) + Send> Column for Bulk<F> {
    fn push(&mut self, row: &Exchange) {
        (self.push)(&mut self.builder, row);
    }

    fn take(&mut self) -> ArrayRef {
        let (rows, bytes) = (self.builder.len(), self.builder.values_slice().len());
        let next = BinaryBuilder::with_capacity(rows + rows / 8, bytes + bytes / 8);
        Arc::new(std::mem::replace(&mut self.builder, next).finish())
    }
}

fn bulk(push: impl Fn(&mut BinaryBuilder, &Exchange) + Send + 'static) -> Box<dyn Column> {
    Box::new(Bulk { builder: BinaryBuilder::new(), push })
}

fn column<B: ArrayBuilder>(builder: B, push: impl Fn(&mut B, &Exchange) + Send + 'static) -> Box<dyn Column> {
    Box::new(ColumnOf { builder, push })
}

fn times(time: impl Fn(&Exchange) -> Option<Timestamp> + Send + 'static) -> Box<dyn Column> {
    column(Int64Builder::new(), move |times, row| times.append_option(time(row).map(Timestamp::as_nanos)))
}

fn numbers(number: impl Fn(&Exchange) -> Option<u64> + Send + 'static) -> Box<dyn Column> {
    column(UInt64Builder::new(), move |numbers, row| numbers.append_option(number(row)))
}

fn words(word: impl Fn(&Exchange) -> Option<&'static str> + Send + 'static) -> Box<dyn Column> {
    column(StringBuilder::new(), move |words, row| words.append_option(word(row)))
}

fn texts(text: impl Fn(&Exchange) -> Option<Cow<'_, str>> + Send + 'static) -> Box<dyn Column> {
    column(StringBuilder::new(), move |texts, row| texts.append_option(text(row)))
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
