//! The columns: exchanges to record batches and back.
//!
//! Two kinds stand side by side. *Plain* columns are derived from the message, for whoever queries a part with another tool;
//! our reader passes over them. *Kept* columns hold the exchange, byte for byte. `docs/formats.md` describes each.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, Int64Array, ListArray, PrimitiveArray, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray, UInt16Array, UInt32Array, UInt64Array,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;

use crate::disk::Error;
use crate::model::{
    Action, Anomaly, Body, BodyFraming, Completeness, ConnectionId, DropReason, Exchange, ExchangeId, Head, Initiator, Message, Part, Protocol, Redaction,
    Role, Shape, Side, Timestamp, Timing,
};

/// The columns of a part.
pub(super) fn schema() -> SchemaRef {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    let number = |name: &str, nullable| Field::new(name, DataType::UInt64, nullable);
    let binary = |name: &str| Field::new(name, DataType::Binary, true);
    let nanos = |name: &str, nullable| Field::new(name, DataType::Int64, nullable);

    let mut fields = vec![
        // Without a zone mark, in UTC, to the microsecond: the one kind of time that all tools compute with.
        Field::new("start", DataType::Timestamp(TimeUnit::Microsecond, None), false),
        nanos("start_ns", false),
        text("id", false),
        number("connection", false),
        Field::new("ordinal", DataType::UInt32, false),
        number("stream", false),
        text("protocol", false),
        text("role", false),
        text("initiator", false),
        text("shape", false),
        text("client_ip", false),
        Field::new("client_port", DataType::UInt16, false),
        text("server_ip", false),
        Field::new("server_port", DataType::UInt16, false),
        nanos("request_end_ns", true),
        nanos("first_byte_ns", true),
        nanos("response_end_ns", true),
        nanos("duration_ns", true),
        nanos("wait_ns", true),
        text("method", true),
        text("host", true),
        text("path", true),
        text("endpoint", true),
        Field::new("status", DataType::UInt16, true),
        text("request_content_type", true),
        text("response_content_type", true),
        number("request_bytes", true),
        number("response_bytes", true),
        Field::new("complete", DataType::Boolean, false),
        Field::new("anomalies", DataType::List(item(DataType::Utf8)), false),
        Field::new("interim", DataType::List(item(DataType::Binary)), false),
        Field::new("redactions", DataType::List(item(DataType::Struct(redaction_fields()))), false),
    ];
    for side in SIDES {
        let name = |column: &str| format!("{side}_{column}");
        fields.extend([
            binary(&name("head")),
            binary(&name("body")),
            number(&name("body_length"), true),
            number(&name("body_cut_after"), true),
            number(&name("body_gap"), true),
            text(&name("body_dropped"), true),
            Field::new(name("body_seen_whole"), DataType::Boolean, true),
            text(&name("framing"), true),
            Field::new(name("chunks"), DataType::List(item(DataType::UInt64)), true),
            binary(&name("trailers")),
        ]);
    }
    Arc::new(Schema::new(fields))
}

/// The columns that our reader does not need.
pub(super) const PLAIN: &[&str] = &[
    "start",
    "id",
    "duration_ns",
    "wait_ns",
    "method",
    "host",
    "path",
    "endpoint",
    "status",
    "request_content_type",
    "response_content_type",
    "request_bytes",
    "response_bytes",
    "complete",
];

/// The columns of a [`Glance`].
pub(super) const GLANCED: &[&str] = &[
    "start_ns",
    "connection",
    "ordinal",
    "response_end_ns",
    "method",
    "endpoint",
    "status",
    "request_content_type",
    "response_content_type",
    "request_bytes",
    "response_bytes",
    "complete",
    "anomalies",
];

/// What the plain columns say of an exchange, to count by: no head and no body has to be read for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// Its id.
    pub id: ExchangeId,
    /// When it began.
    pub start: Timestamp,
    /// The last byte of its response.
    pub end: Option<Timestamp>,
    /// The request method.
    pub method: Option<String>,
    /// The templated path.
    pub endpoint: Option<String>,
    /// The final status code.
    pub status: Option<u16>,
    /// The media types of request and response.
    pub content_types: [Option<String>; 2],
    /// Bytes of the request, head and body, if there was one.
    pub request_bytes: Option<u64>,
    /// Bytes of the response, head and body, if there was one.
    pub response_bytes: Option<u64>,
    /// Whether both sides were seen and are whole.
    pub complete: bool,
    /// What was odd.
    pub anomalies: BTreeSet<Anomaly>,
}

/// The columns whose bytes are not repeated in statistics, nor worth a dictionary.
pub(super) const BULKY: &[&str] =
    &["request_head", "request_body", "request_trailers", "response_head", "response_body", "response_trailers", "interim.list.item"];

/// About how many bytes an exchange takes in a part before compression.
pub(super) fn size(exchange: &Exchange) -> u64 {
    let message = |message: &Option<Message>| {
        message.as_ref().map_or(0, |message| {
            let chunks = if let BodyFraming::Chunked(chunks) = &message.body.framing { chunks.len() * size_of::<u64>() } else { 0 };
            let trailers = message.trailers.as_ref().map_or(0, |trailers| trailers.raw().len());
            (message.head.raw().len() + trailers + chunks) as u64 + message.body.kept_length()
        })
    };
    let interim: usize = exchange.interim.iter().map(|head| head.raw().len()).sum();
    let redactions: usize =
        exchange.redactions.iter().map(|redaction| REDACTION_BYTES + redaction.rule.len() + redaction.domain.len() + redaction.path.len()).sum();
    ROW_BYTES + (interim + redactions) as u64 + message(&exchange.request) + message(&exchange.response)
}

/// What a row takes beside heads and bodies.
const ROW_BYTES: u64 = 512;
/// What a redaction takes beside its words.
const REDACTION_BYTES: usize = 64;

const SIDES: [Side; 2] = [Side::Request, Side::Response];

fn item(kind: DataType) -> Arc<Field> {
    Arc::new(Field::new("item", kind, false))
}

fn redaction_fields() -> Fields {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let number = |name: &str| Field::new(name, DataType::UInt64, false);
    [text("side"), text("part"), number("span_start"), number("span_end"), text("rule"), text("domain"), text("action"), text("path")].into_iter().collect()
}

/// Exchanges as a batch, in their order.
pub(super) fn encode(rows: &[Exchange]) -> RecordBatch {
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

fn parse_address(ip: &str, port: u16) -> Option<SocketAddr> {
    match ip.parse::<IpAddr>() {
        Ok(ip) => Some(SocketAddr::new(ip, port)),
        Err(_) => format!("[{ip}]:{port}").parse().ok(),
    }
}

/// What the plain columns show of a message. Bytes that are no text are shown as replacement characters.
mod plain {
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
}

/// Reads the rows of a batch of `path`, of which `first_row` is the number of the first.
pub(super) struct Decoder<'a> {
    batch: &'a RecordBatch,
    path: &'a Path,
    first_row: u64,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(batch: &'a RecordBatch, path: &'a Path, first_row: u64) -> Self {
        Self { batch, path, first_row }
    }

    /// When each row starts.
    pub(super) fn starts(&self) -> Result<Vec<Timestamp>, Error> {
        let column = self.primitive::<Int64Type>("start_ns")?;
        Ok(column.values().iter().map(|nanos| Timestamp::from_nanos(*nanos)).collect())
    }

    /// The id of each row.
    pub(super) fn ids(&self) -> Result<Vec<ExchangeId>, Error> {
        let connection = self.primitive::<UInt64Type>("connection")?;
        let ordinal = self.primitive::<UInt32Type>("ordinal")?;
        let id = |(connection, index): (&u64, &u32)| ExchangeId { connection: ConnectionId(*connection), index: *index };
        Ok(connection.values().iter().zip(ordinal.values()).map(id).collect())
    }

    /// A glance at each row.
    pub(super) fn glances(&self) -> Result<Vec<Glance>, Error> {
        let ids = self.ids()?;
        let starts = self.starts()?;
        let end = self.primitive::<Int64Type>("response_end_ns")?;
        let (method, endpoint) = (self.string("method")?, self.string("endpoint")?);
        let status = self.primitive::<UInt16Type>("status")?;
        let content_types = [self.string("request_content_type")?, self.string("response_content_type")?];
        let (request_bytes, response_bytes) = (self.primitive::<UInt64Type>("request_bytes")?, self.primitive::<UInt64Type>("response_bytes")?);
        let complete = self.column("complete", |column| column.as_boolean_opt())?;
        let anomalies = self.list("anomalies")?;
        let text = |column: &StringArray, row| column.is_valid(row).then(|| column.value(row).to_owned());
        let number = |column: &UInt64Array, row| column.is_valid(row).then(|| column.value(row));
        (0..self.batch.num_rows())
            .map(|row| {
                Ok(Glance {
                    id: ids[row],
                    start: starts[row],
                    end: time(end, row),
                    method: text(method, row),
                    endpoint: text(endpoint, row),
                    status: status.is_valid(row).then(|| status.value(row)),
                    content_types: content_types.map(|column| text(column, row)),
                    request_bytes: number(request_bytes, row),
                    response_bytes: number(response_bytes, row),
                    complete: complete.value(row),
                    anomalies: self.anomalies(&anomalies.value(row), row)?,
                })
            })
            .collect()
    }

    /// The exchanges of the rows that `wanted` names.
    pub(super) fn decode(&self, wanted: impl Iterator<Item = usize>) -> Result<Vec<Exchange>, Error> {
        let connection = self.primitive::<UInt64Type>("connection")?;
        let ordinal = self.primitive::<UInt32Type>("ordinal")?;
        let stream = self.primitive::<UInt64Type>("stream")?;
        let start = self.primitive::<Int64Type>("start_ns")?;
        let request_end = self.primitive::<Int64Type>("request_end_ns")?;
        let first_byte = self.primitive::<Int64Type>("first_byte_ns")?;
        let response_end = self.primitive::<Int64Type>("response_end_ns")?;
        let anomalies = self.list("anomalies")?;
        let interim = self.list("interim")?;
        let redactions = self.list("redactions")?;
        let addresses = [self.address("client")?, self.address("server")?];
        let request = self.side(Side::Request)?;
        let response = self.side(Side::Response)?;

        wanted
            .map(|row| {
                let [client, server] = &addresses;
                Ok(Exchange {
                    id: ExchangeId { connection: ConnectionId(connection.value(row)), index: ordinal.value(row) },
                    stream: stream.value(row),
                    protocol: self.word(row, "protocol", Protocol::from_word)?,
                    role: self.word(row, "role", Role::from_word)?,
                    initiator: self.word(row, "initiator", Initiator::from_word)?,
                    shape: self.word(row, "shape", Shape::from_word)?,
                    client: client.at(row).ok_or_else(|| self.damaged(row, "client_ip", "it is no address"))?,
                    server: server.at(row).ok_or_else(|| self.damaged(row, "server_ip", "it is no address"))?,
                    start: Timestamp::from_nanos(start.value(row)),
                    timing: Timing { request_end: time(request_end, row), first_byte: time(first_byte, row), end: time(response_end, row) },
                    request: self.message(&request, row, Head::request)?,
                    interim: self.interim(&interim.value(row), row)?,
                    response: self.message(&response, row, Head::response)?,
                    anomalies: self.anomalies(&anomalies.value(row), row)?,
                    redactions: self.redactions(&redactions.value(row), row)?,
                })
            })
            .collect()
    }

    fn message<E>(&self, side: &SideColumns<'_>, row: usize, parse: impl Fn(Bytes) -> Result<Head, E>) -> Result<Option<Message>, Error> {
        if side.head.is_null(row) {
            return Ok(None);
        }
        let column = |name: &str| format!("{}_{name}", side.side);
        let bytes = |array: &BinaryArray| Bytes::copy_from_slice(array.value(row));
        let trailers = || Head::trailers(bytes(side.trailers)).map_err(|why| self.damaged(row, &column("trailers"), &why.to_string()));
        // A message without a start line (HTTP/0.9) has an empty head or none that can be read.
        let raw = bytes(side.head);
        let head = match parse(raw.clone()) {
            Ok(head) => head,
            Err(_) => Head::trailers(raw).map_err(|why| self.damaged(row, &column("head"), &why.to_string()))?,
        };
        let body = bytes(side.body);
        let completeness = if !side.cut_after.is_null(row) {
            Completeness::TruncatedAt(side.cut_after.value(row))
        } else if !side.gap.is_null(row) {
            Completeness::Gap(side.gap.value(row))
        } else if !side.dropped.is_null(row) {
            let reason = self.word(row, &column("body_dropped"), DropReason::from_word)?;
            Completeness::Dropped { reason, seen_whole: !side.seen_whole.is_null(row) && side.seen_whole.value(row) }
        } else {
            Completeness::Whole
        };
        let framing = match side.framing.value(row) {
            "empty" => BodyFraming::Empty,
            "length" => BodyFraming::Length,
            "close" => BodyFraming::Close,
            "chunked" => {
                let chunks = side.chunks.value(row);
                let chunks = chunks.as_primitive_opt::<UInt64Type>().ok_or_else(|| self.damaged(row, &column("chunks"), "its items are no numbers"))?;
                BodyFraming::Chunked(chunks.values().to_vec())
            }
            _ => return Err(self.unknown_word(row, &column("framing"))),
        };
        Ok(Some(Message {
            head,
            body: Body {
                slices: if body.is_empty() { Vec::new() } else { vec![body] },
                wire_length: if side.body_length.is_null(row) { 0 } else { side.body_length.value(row) },
                completeness,
                framing,
            },
            trailers: if side.trailers.is_null(row) { None } else { Some(trailers()?) },
        }))
    }

    fn interim(&self, heads: &ArrayRef, row: usize) -> Result<Vec<Head>, Error> {
        let heads = heads.as_binary_opt::<i32>().ok_or_else(|| self.damaged(row, "interim", "its items are no bytes"))?;
        heads.iter().flatten().map(|raw| Head::response(Bytes::copy_from_slice(raw)).map_err(|why| self.damaged(row, "interim", &why.to_string()))).collect()
    }

    fn anomalies(&self, words: &ArrayRef, row: usize) -> Result<BTreeSet<Anomaly>, Error> {
        let words = words.as_string_opt::<i32>().ok_or_else(|| self.damaged(row, "anomalies", "its items are no texts"))?;
        // A newer minor version may know more of them.
        Ok(words.iter().flatten().filter_map(Anomaly::from_word).collect())
    }

    fn redactions(&self, items: &ArrayRef, row: usize) -> Result<Vec<Redaction>, Error> {
        let damaged = |why: &str| self.damaged(row, "redactions", why);
        let items = items.as_struct_opt().ok_or_else(|| damaged("its items are no structs"))?;
        let text = |name: &str| items.column_by_name(name).and_then(|column| column.as_string_opt::<i32>()).ok_or_else(|| damaged("a field is missing"));
        let number =
            |name: &str| items.column_by_name(name).and_then(|column| column.as_primitive_opt::<UInt64Type>()).ok_or_else(|| damaged("a field is missing"));
        let (side, part, action) = (text("side")?, text("part")?, text("action")?);
        let (rule, domain, path) = (text("rule")?, text("domain")?, text("path")?);
        let (span_start, span_end) = (number("span_start")?, number("span_end")?);
        (0..items.len())
            .map(|item| {
                Ok(Redaction {
                    side: Side::from_word(side.value(item)).ok_or_else(|| damaged("unknown side"))?,
                    part: Part::from_word(part.value(item)).ok_or_else(|| damaged("unknown part"))?,
                    span: span_start.value(item)..span_end.value(item),
                    rule: rule.value(item).to_owned(),
                    domain: domain.value(item).to_owned(),
                    action: Action::from_word(action.value(item)).ok_or_else(|| damaged("unknown action"))?,
                    path: path.value(item).to_owned(),
                })
            })
            .collect()
    }

    fn side(&self, side: Side) -> Result<SideColumns<'a>, Error> {
        let name = |column: &str| format!("{side}_{column}");
        Ok(SideColumns {
            side,
            head: self.binary(&name("head"))?,
            body: self.binary(&name("body"))?,
            body_length: self.primitive::<UInt64Type>(&name("body_length"))?,
            cut_after: self.primitive::<UInt64Type>(&name("body_cut_after"))?,
            gap: self.primitive::<UInt64Type>(&name("body_gap"))?,
            dropped: self.string(&name("body_dropped"))?,
            seen_whole: self.column(&name("body_seen_whole"), |column| column.as_boolean_opt())?,
            framing: self.string(&name("framing"))?,
            chunks: self.list(&name("chunks"))?,
            trailers: self.binary(&name("trailers"))?,
        })
    }

    fn address(&self, name: &str) -> Result<AddressColumns<'a>, Error> {
        Ok(AddressColumns { ip: self.string(&format!("{name}_ip"))?, port: self.primitive::<UInt16Type>(&format!("{name}_port"))? })
    }

    fn word<T>(&self, row: usize, name: &str, from_word: impl Fn(&str) -> Option<T>) -> Result<T, Error> {
        from_word(self.string(name)?.value(row)).ok_or_else(|| self.unknown_word(row, name))
    }

    fn string(&self, name: &str) -> Result<&'a StringArray, Error> {
        self.column(name, |column| column.as_string_opt())
    }

    fn binary(&self, name: &str) -> Result<&'a BinaryArray, Error> {
        self.column(name, |column| column.as_binary_opt())
    }

    fn list(&self, name: &str) -> Result<&'a ListArray, Error> {
        self.column(name, |column| column.as_list_opt())
    }

    fn primitive<T: ArrowPrimitiveType>(&self, name: &str) -> Result<&'a PrimitiveArray<T>, Error> {
        self.column(name, |column| column.as_primitive_opt())
    }

    fn column<T>(&self, name: &str, typed: impl Fn(&'a dyn Array) -> Option<&'a T>) -> Result<&'a T, Error> {
        let place = || format!("column {name}");
        let column =
            self.batch.column_by_name(name).ok_or_else(|| Error::Damaged { path: self.path.to_owned(), place: place(), why: "it is missing".to_owned() })?;
        typed(column.as_ref()).ok_or_else(|| Error::Damaged { path: self.path.to_owned(), place: place(), why: format!("its type is {}", column.data_type()) })
    }

    fn unknown_word(&self, row: usize, name: &str) -> Error {
        self.damaged(row, name, "this release does not know its word")
    }

    fn damaged(&self, row: usize, column: &str, why: &str) -> Error {
        Error::Damaged { path: self.path.to_owned(), place: format!("row {}, column {column}", self.first_row + row as u64 + 1), why: why.to_owned() }
    }
}

struct SideColumns<'a> {
    side: Side,
    head: &'a BinaryArray,
    body: &'a BinaryArray,
    body_length: &'a UInt64Array,
    cut_after: &'a UInt64Array,
    gap: &'a UInt64Array,
    dropped: &'a StringArray,
    seen_whole: &'a BooleanArray,
    framing: &'a StringArray,
    chunks: &'a ListArray,
    trailers: &'a BinaryArray,
}

struct AddressColumns<'a> {
    ip: &'a StringArray,
    port: &'a UInt16Array,
}

impl AddressColumns<'_> {
    fn at(&self, row: usize) -> Option<SocketAddr> {
        parse_address(self.ip.value(row), self.port.value(row))
    }
}

fn time(column: &Int64Array, row: usize) -> Option<Timestamp> {
    column.is_valid(row).then(|| Timestamp::from_nanos(column.value(row)))
}
