//! The columns of an outcome.
//!
//! In: outcomes. Out: record batches, and outcomes again. What people query stands in plain columns; what only we read (heads,
//! bodies, framing, redactions) stands beside it, so that an outcome comes back as it was written.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use arrow_array::builder::{
    BinaryBuilder, Int64Builder, ListBuilder, MapBuilder, StringBuilder, StructBuilder, TimestampMicrosecondBuilder, UInt16Builder, UInt32Builder,
    UInt64Builder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, BinaryArray, ListArray, MapArray, PrimitiveArray, RecordBatch, StringArray, StructArray};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;

use crate::model::{
    Action, Body, BodyFraming, Completeness, ConnectionId, DropReason, ExchangeId, Failure, Head, Message, Outcome, OutcomeTiming, Part, Redaction, Reply,
    Side, Timestamp,
};

/// The columns, in order.
pub(super) fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let texts = || DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
        let fields = vec![
            Field::new("due", DataType::Timestamp(TimeUnit::Microsecond, None), false),
            Field::new("id", DataType::Utf8, false),
            Field::new("connection", DataType::UInt64, false),
            Field::new("ordinal", DataType::UInt32, false),
            Field::new("copy", DataType::UInt32, false),
            Field::new("session", DataType::UInt64, false),
            Field::new("method", DataType::Utf8, false),
            Field::new("endpoint", DataType::Utf8, false),
            Field::new("phase", DataType::Utf8, false),
            Field::new("tags", tags_type(), false),
            Field::new("status", DataType::UInt16, true),
            Field::new("recorded_status", DataType::UInt16, true),
            Field::new("failure", DataType::Utf8, true),
            Field::new("due_ns", DataType::Int64, false),
            Field::new("ready_ns", DataType::Int64, true),
            Field::new("sendable_ns", DataType::Int64, true),
            Field::new("sent_ns", DataType::Int64, true),
            Field::new("first_byte_ns", DataType::Int64, true),
            Field::new("done_ns", DataType::Int64, true),
            Field::new("response_time_ns", DataType::UInt64, true),
            Field::new("service_time_ns", DataType::UInt64, true),
            Field::new("request_bytes", DataType::UInt64, false),
            Field::new("response_bytes", DataType::UInt64, false),
            Field::new("bound", texts(), false),
            Field::new("produced", texts(), false),
            Field::new("content_type", DataType::Utf8, true),
            Field::new("response_head", DataType::Binary, true),
            Field::new("response_body", DataType::Binary, true),
            Field::new("response_trailers", DataType::Binary, true),
            Field::new("response_body_length", DataType::UInt64, true),
            Field::new("response_completeness", DataType::Utf8, true),
            Field::new("response_framing", DataType::Utf8, true),
            Field::new("response_chunks", DataType::List(Arc::new(Field::new_list_field(DataType::UInt64, true))), true),
            Field::new("redactions", DataType::List(Arc::new(Field::new_list_field(DataType::Struct(redaction_fields()), true))), false),
        ];
        Arc::new(Schema::new(fields))
    });
    Arc::clone(&SCHEMA)
}

/// Columns for queries, derived from others; our reader passes over them.
#[cfg(test)]
pub(super) const PLAIN: &[&str] = &["due", "id", "response_time_ns", "service_time_ns", "content_type"];

fn redaction_fields() -> Fields {
    Fields::from(vec![
        Field::new("side", DataType::Utf8, false),
        Field::new("part", DataType::Utf8, false),
        Field::new("span_start", DataType::UInt64, false),
        Field::new("span_end", DataType::UInt64, false),
        Field::new("rule", DataType::Utf8, false),
        Field::new("domain", DataType::Utf8, false),
        Field::new("action", DataType::Utf8, false),
        Field::new("path", DataType::Utf8, false),
    ])
}

fn tags_type() -> DataType {
    let entry = Fields::from(vec![Field::new("keys", DataType::Utf8, false), Field::new("values", DataType::Utf8, true)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entry), false)), false)
}

/// Rows on their way into a batch.
#[derive(Default)]
pub(super) struct Rows {
    columns: Columns,
    rows: usize,
    bytes: usize,
}

impl Rows {
    pub(super) const fn len(&self) -> usize {
        self.rows
    }

    /// How many bytes of responses and texts stand in them, roughly.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn push(&mut self, outcome: &Outcome) {
        self.rows += 1;
        self.bytes += self.columns.push(outcome);
    }

    /// All of them, leaving none.
    pub(super) fn take(&mut self) -> RecordBatch {
        let arrays = std::mem::take(self).columns.finish();
        RecordBatch::try_new(schema(), arrays).expect("the builders stand in the order of the schema")
    }
}

struct Columns {
    due: TimestampMicrosecondBuilder,
    id: StringBuilder,
    connection: UInt64Builder,
    ordinal: UInt32Builder,
    copy: UInt32Builder,
    session: UInt64Builder,
    method: StringBuilder,
    endpoint: StringBuilder,
    phase: StringBuilder,
    tags: MapBuilder<StringBuilder, StringBuilder>,
    status: UInt16Builder,
    recorded_status: UInt16Builder,
    failure: StringBuilder,
    /// Due, ready, sendable, sent, first byte, done.
    times: [Int64Builder; 6],
    response_time: UInt64Builder,
    service_time: UInt64Builder,
    request_bytes: UInt64Builder,
    response_bytes: UInt64Builder,
    bound: ListBuilder<StringBuilder>,
    produced: ListBuilder<StringBuilder>,
    content_type: StringBuilder,
    head: BinaryBuilder,
    body: BinaryBuilder,
    trailers: BinaryBuilder,
    body_length: UInt64Builder,
    completeness: StringBuilder,
    framing: StringBuilder,
    chunks: ListBuilder<UInt64Builder>,
    redactions: ListBuilder<StructBuilder>,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            due: TimestampMicrosecondBuilder::new(),
            id: StringBuilder::new(),
            connection: UInt64Builder::new(),
            ordinal: UInt32Builder::new(),
            copy: UInt32Builder::new(),
            session: UInt64Builder::new(),
            method: StringBuilder::new(),
            endpoint: StringBuilder::new(),
            phase: StringBuilder::new(),
            tags: MapBuilder::new(None, StringBuilder::new(), StringBuilder::new()),
            status: UInt16Builder::new(),
            recorded_status: UInt16Builder::new(),
            failure: StringBuilder::new(),
            times: Default::default(),
            response_time: UInt64Builder::new(),
            service_time: UInt64Builder::new(),
            request_bytes: UInt64Builder::new(),
            response_bytes: UInt64Builder::new(),
            bound: ListBuilder::new(StringBuilder::new()),
            produced: ListBuilder::new(StringBuilder::new()),
            content_type: StringBuilder::new(),
            head: BinaryBuilder::new(),
            body: BinaryBuilder::new(),
            trailers: BinaryBuilder::new(),
            body_length: UInt64Builder::new(),
            completeness: StringBuilder::new(),
            framing: StringBuilder::new(),
            chunks: ListBuilder::new(UInt64Builder::new()),
            redactions: ListBuilder::new(StructBuilder::from_fields(redaction_fields(), 0)),
        }
    }
}

impl Columns {
    /// Appends one row and says how many bytes it holds, roughly.
    fn push(&mut self, outcome: &Outcome) -> usize {
        let Outcome { exchange, copy, session, method, endpoint, phase, tags, timing, recorded_status, request_bytes, response_bytes, bound, produced, reply } =
            outcome;
        self.due.append_value(timing.due.as_nanos().div_euclid(1000));
        self.id.append_value(exchange.to_string());
        self.connection.append_value(exchange.connection.0);
        self.ordinal.append_value(exchange.index);
        self.copy.append_value(*copy);
        self.session.append_value(*session);
        self.method.append_value(method);
        self.endpoint.append_value(endpoint);
        self.phase.append_value(phase);
        for (name, value) in tags {
            self.tags.keys().append_value(name);
            self.tags.values().append_value(value);
        }
        self.tags.append(true).expect("keys and values were appended in pairs");
        self.recorded_status.append_option(*recorded_status);
        let times = [Some(timing.due), timing.ready, timing.sendable, timing.sent, timing.first_byte, timing.done];
        for (column, time) in self.times.iter_mut().zip(times) {
            column.append_option(time.map(Timestamp::as_nanos));
        }
        let answered = matches!(reply, Reply::Answered { .. });
        let until_done = |from: Option<Timestamp>| Some(nanos(timing.done?.since(from?))).filter(|_| answered);
        self.response_time.append_option(until_done(Some(timing.due)));
        self.service_time.append_option(until_done(timing.sent));
        self.request_bytes.append_value(*request_bytes);
        self.response_bytes.append_value(*response_bytes);
        for (column, texts) in [(&mut self.bound, bound), (&mut self.produced, produced)] {
            texts.iter().for_each(|text| column.values().append_value(text));
            column.append(true);
        }
        let (status, failure, response, redactions): (_, _, _, &[Redaction]) = match reply {
            Reply::Answered { status, response, redactions } => (Some(*status), None, response.as_ref(), redactions),
            Reply::Failed(failure) => (None, Some(failure.word()), None, &[]),
        };
        self.status.append_option(status);
        self.failure.append_option(failure);
        let kept = self.push_response(response);
        self.push_redactions(redactions);
        kept + redactions.len() * 64 + bound.iter().chain(produced).map(String::len).sum::<usize>() + 256
    }

    fn push_response(&mut self, response: Option<&Message>) -> usize {
        self.content_type.append_option(response.and_then(|response| response.head.media_type()));
        let Some(Message { head, body, trailers }) = response else {
            self.head.append_null();
            self.body.append_null();
            self.trailers.append_null();
            self.body_length.append_null();
            self.completeness.append_null();
            self.framing.append_null();
            self.chunks.append(false);
            return 0;
        };
        let bytes = body.contiguous();
        self.head.append_value(head.raw());
        self.body.append_value(&bytes);
        self.trailers.append_option(trailers.as_ref().map(Head::raw));
        self.body_length.append_value(body.wire_length);
        self.completeness.append_value(completeness_text(body.completeness));
        let (word, chunks): (_, &[u64]) = match &body.framing {
            BodyFraming::Empty => ("empty", &[]),
            BodyFraming::Length => ("length", &[]),
            BodyFraming::Chunked(chunks) => ("chunked", chunks),
            BodyFraming::Close => ("close", &[]),
        };
        self.framing.append_value(word);
        self.chunks.values().append_slice(chunks);
        self.chunks.append(word == "chunked");
        head.raw().len() + bytes.len() + chunks.len() * 8
    }

    fn push_redactions(&mut self, redactions: &[Redaction]) {
        for Redaction { side, part, span, rule, domain, action, path } in redactions {
            let row = self.redactions.values();
            let texts = [(0, side.word()), (1, part.word()), (4, rule), (5, domain), (6, action.word()), (7, path)];
            for (position, text) in texts {
                row.field_builder::<StringBuilder>(position).expect("a text column").append_value(text);
            }
            for (position, number) in [(2, span.start), (3, span.end)] {
                row.field_builder::<UInt64Builder>(position).expect("a number column").append_value(number);
            }
            row.append(true);
        }
        self.redactions.append(true);
    }

    fn finish(mut self) -> Vec<ArrayRef> {
        let mut arrays: Vec<ArrayRef> = vec![
            Arc::new(self.due.finish()),
            Arc::new(self.id.finish()),
            Arc::new(self.connection.finish()),
            Arc::new(self.ordinal.finish()),
            Arc::new(self.copy.finish()),
            Arc::new(self.session.finish()),
            Arc::new(self.method.finish()),
            Arc::new(self.endpoint.finish()),
            Arc::new(self.phase.finish()),
            Arc::new(self.tags.finish()),
            Arc::new(self.status.finish()),
            Arc::new(self.recorded_status.finish()),
            Arc::new(self.failure.finish()),
        ];
        arrays.extend(self.times.iter_mut().map(|times| Arc::new(times.finish()) as ArrayRef));
        let rest: Vec<ArrayRef> = vec![
            Arc::new(self.response_time.finish()),
            Arc::new(self.service_time.finish()),
            Arc::new(self.request_bytes.finish()),
            Arc::new(self.response_bytes.finish()),
            Arc::new(self.bound.finish()),
            Arc::new(self.produced.finish()),
            Arc::new(self.content_type.finish()),
            Arc::new(self.head.finish()),
            Arc::new(self.body.finish()),
            Arc::new(self.trailers.finish()),
            Arc::new(self.body_length.finish()),
            Arc::new(self.completeness.finish()),
            Arc::new(self.framing.finish()),
            Arc::new(self.chunks.finish()),
            Arc::new(self.redactions.finish()),
        ];
        arrays.extend(rest);
        arrays
    }
}

/// `whole`, `truncated at 7`, `gap of 7`, `dropped: opaque`, `dropped unseen: incomplete`.
fn completeness_text(completeness: Completeness) -> String {
    match completeness {
        Completeness::Whole => "whole".to_owned(),
        Completeness::TruncatedAt(bytes) => format!("truncated at {bytes}"),
        Completeness::Gap(bytes) => format!("gap of {bytes}"),
        Completeness::Dropped { reason, seen_whole: true } => format!("dropped: {reason}"),
        Completeness::Dropped { reason, seen_whole: false } => format!("dropped unseen: {reason}"),
    }
}

fn completeness_from_text(text: &str) -> Option<Completeness> {
    if text == "whole" {
        return Some(Completeness::Whole);
    }
    if let Some(bytes) = text.strip_prefix("truncated at ") {
        return bytes.parse().ok().map(Completeness::TruncatedAt);
    }
    if let Some(bytes) = text.strip_prefix("gap of ") {
        return bytes.parse().ok().map(Completeness::Gap);
    }
    let (how, word) = text.split_once(": ")?;
    let seen_whole = match how {
        "dropped" => true,
        "dropped unseen" => false,
        _ => return None,
    };
    DropReason::from_word(word).map(|reason| Completeness::Dropped { reason, seen_whole })
}

fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A batch with its columns at hand.
pub(super) struct View {
    rows: usize,
    connection: PrimitiveArray<UInt64Type>,
    ordinal: PrimitiveArray<UInt32Type>,
    copy: PrimitiveArray<UInt32Type>,
    session: PrimitiveArray<UInt64Type>,
    method: StringArray,
    endpoint: StringArray,
    phase: StringArray,
    tags: MapArray,
    status: PrimitiveArray<UInt16Type>,
    recorded_status: PrimitiveArray<UInt16Type>,
    failure: StringArray,
    times: [PrimitiveArray<Int64Type>; 6],
    request_bytes: PrimitiveArray<UInt64Type>,
    response_bytes: PrimitiveArray<UInt64Type>,
    bound: ListArray,
    produced: ListArray,
    head: BinaryArray,
    body: BinaryArray,
    trailers: BinaryArray,
    body_length: PrimitiveArray<UInt64Type>,
    completeness: StringArray,
    framing: StringArray,
    chunks: ListArray,
    redactions: ListArray,
}

/// What is wrong with a value, and in which column; never the value.
pub(super) struct Damage {
    pub(super) column: &'static str,
    pub(super) why: &'static str,
}

impl View {
    /// Finds the columns of `batch`. Columns that this release does not know are passed over.
    pub(super) fn new(batch: &RecordBatch) -> Result<Self, Damage> {
        let schema = schema();
        let column = |name: &'static str| {
            let known = schema.field_with_name(name).expect("a column of the schema above");
            let found = batch.column_by_name(name).ok_or(Damage { column: name, why: "it is missing" })?;
            // Names of inner fields differ among writers; what matters is what can be read.
            if !found.data_type().equals_datatype(known.data_type()) {
                return Err(Damage { column: name, why: "it has another type" });
            }
            if !known.is_nullable() && found.null_count() > 0 {
                return Err(Damage { column: name, why: "a value is missing" });
            }
            Ok(found)
        };
        let time = |name| column(name).map(|array| array.as_primitive::<Int64Type>().clone());
        Ok(Self {
            rows: batch.num_rows(),
            connection: column("connection")?.as_primitive().clone(),
            ordinal: column("ordinal")?.as_primitive().clone(),
            copy: column("copy")?.as_primitive().clone(),
            session: column("session")?.as_primitive().clone(),
            method: column("method")?.as_string().clone(),
            endpoint: column("endpoint")?.as_string().clone(),
            phase: column("phase")?.as_string().clone(),
            tags: column("tags")?.as_map().clone(),
            status: column("status")?.as_primitive().clone(),
            recorded_status: column("recorded_status")?.as_primitive().clone(),
            failure: column("failure")?.as_string().clone(),
            times: [time("due_ns")?, time("ready_ns")?, time("sendable_ns")?, time("sent_ns")?, time("first_byte_ns")?, time("done_ns")?],
            request_bytes: column("request_bytes")?.as_primitive().clone(),
            response_bytes: column("response_bytes")?.as_primitive().clone(),
            bound: column("bound")?.as_list().clone(),
            produced: column("produced")?.as_list().clone(),
            head: column("response_head")?.as_binary().clone(),
            body: column("response_body")?.as_binary().clone(),
            trailers: column("response_trailers")?.as_binary().clone(),
            body_length: column("response_body_length")?.as_primitive().clone(),
            completeness: column("response_completeness")?.as_string().clone(),
            framing: column("response_framing")?.as_string().clone(),
            chunks: column("response_chunks")?.as_list().clone(),
            redactions: column("redactions")?.as_list().clone(),
        })
    }

    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    /// The outcome in `row`.
    pub(super) fn outcome(&self, row: usize) -> Result<Outcome, Damage> {
        let time = |column: usize| self.times[column].is_valid(row).then(|| Timestamp::from_nanos(self.times[column].value(row)));
        let number = |column: &PrimitiveArray<UInt16Type>| column.is_valid(row).then(|| column.value(row));
        let reply = match (number(&self.status), text(&self.failure, row)) {
            (Some(status), None) => Reply::Answered { status, response: self.response(row)?, redactions: self.redactions(row)? },
            (None, Some(word)) => Reply::Failed(Failure::from_word(word).ok_or(Damage { column: "failure", why: "its word is not known" })?),
            _ => return Err(Damage { column: "status", why: "there must be either a status or a failure" }),
        };
        Ok(Outcome {
            exchange: ExchangeId { connection: ConnectionId(self.connection.value(row)), index: self.ordinal.value(row) },
            copy: self.copy.value(row),
            session: self.session.value(row),
            method: self.method.value(row).to_owned(),
            endpoint: self.endpoint.value(row).to_owned(),
            phase: self.phase.value(row).to_owned(),
            tags: tags(&self.tags.value(row)),
            timing: OutcomeTiming { due: time(0).unwrap_or_default(), ready: time(1), sendable: time(2), sent: time(3), first_byte: time(4), done: time(5) },
            recorded_status: number(&self.recorded_status),
            request_bytes: self.request_bytes.value(row),
            response_bytes: self.response_bytes.value(row),
            bound: texts(&self.bound.value(row)),
            produced: texts(&self.produced.value(row)),
            reply,
        })
    }

    fn response(&self, row: usize) -> Result<Option<Message>, Damage> {
        if self.head.is_null(row) {
            return Ok(None);
        }
        let head =
            Head::response(Bytes::copy_from_slice(self.head.value(row))).map_err(|_| Damage { column: "response_head", why: "it is no head of a response" })?;
        let trailers = self.trailers.is_valid(row).then(|| Head::trailers(Bytes::copy_from_slice(self.trailers.value(row))));
        let trailers = trailers.transpose().map_err(|_| Damage { column: "response_trailers", why: "it is no trailer section" })?;
        let framing = match text(&self.framing, row) {
            Some("empty") => BodyFraming::Empty,
            Some("length") => BodyFraming::Length,
            Some("chunked") => BodyFraming::Chunked(self.chunks.value(row).as_primitive::<UInt64Type>().values().to_vec()),
            Some("close") => BodyFraming::Close,
            _ => return Err(Damage { column: "response_framing", why: "its word is not known" }),
        };
        let completeness =
            text(&self.completeness, row).and_then(completeness_from_text).ok_or(Damage { column: "response_completeness", why: "its words are not known" })?;
        let bytes = if self.body.is_valid(row) { self.body.value(row) } else { &[] };
        let slices = if bytes.is_empty() { Vec::new() } else { vec![Bytes::copy_from_slice(bytes)] };
        let wire_length = if self.body_length.is_valid(row) { self.body_length.value(row) } else { bytes.len() as u64 };
        Ok(Some(Message { head, body: Body { slices, wire_length, completeness, framing }, trailers }))
    }

    fn redactions(&self, row: usize) -> Result<Vec<Redaction>, Damage> {
        let rows = self.redactions.value(row);
        let rows: &StructArray = rows.as_struct();
        let unknown = || Damage { column: "redactions", why: "a word in it is not known" };
        let text = |column: usize, row: usize| rows.column(column).as_string::<i32>().value(row);
        let number = |column: usize, row: usize| rows.column(column).as_primitive::<UInt64Type>().value(row);
        (0..rows.len())
            .map(|row| {
                Ok(Redaction {
                    side: Side::from_word(text(0, row)).ok_or_else(unknown)?,
                    part: Part::from_word(text(1, row)).ok_or_else(unknown)?,
                    span: number(2, row)..number(3, row),
                    rule: text(4, row).to_owned(),
                    domain: text(5, row).to_owned(),
                    action: Action::from_word(text(6, row)).ok_or_else(unknown)?,
                    path: text(7, row).to_owned(),
                })
            })
            .collect()
    }
}

fn text(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

fn texts(values: &dyn Array) -> Vec<String> {
    values.as_string::<i32>().iter().flatten().map(str::to_owned).collect()
}

fn tags(entries: &StructArray) -> BTreeMap<String, String> {
    let (names, values) = (entries.column(0).as_string::<i32>(), entries.column(1).as_string::<i32>());
    (0..entries.len()).map(|row| (names.value(row).to_owned(), values.value(row).to_owned())).collect()
}
