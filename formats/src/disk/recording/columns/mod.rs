//! The columns: exchanges to record batches and back.
//!
//! Two kinds stand side by side. *Plain* columns are derived from the message, for whoever queries a part with another tool;
//! our reader passes over them. *Kept* columns hold the exchange, byte for byte. `docs/formats.md` describes each.

mod decode;
mod encode;
mod meant;
mod plain;

pub(super) use decode::Decoder;
pub(super) use encode::Rows;

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use parquet::schema::types::SchemaDescriptor;

use crate::model::{BodyFraming, Exchange, Message, Side};

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
        text("node", true),
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

/// The columns that [`Figures`](super::Figures) are made of.
pub(super) const COUNTED: &[&str] = &[
    "start_ns",
    "ordinal",
    "role",
    "node",
    "response_end_ns",
    "method",
    "endpoint",
    "status",
    "request_content_type",
    "response_content_type",
    "request_bytes",
    "response_bytes",
    "anomalies",
];

/// Where those of `names` that are there stand among the columns of a file.
pub(super) fn places(schema: &SchemaDescriptor, names: &[&str]) -> Vec<usize> {
    let fields = schema.root_schema().get_fields().iter().enumerate();
    fields.filter(|(_, field)| names.contains(&field.name())).map(|(place, _)| place).collect()
}

/// The columns whose bytes are not repeated in statistics, nor worth a dictionary.
pub(super) const BULKY: &[&str] =
    &["request_head", "request_body", "request_trailers", "response_head", "response_body", "response_trailers", "interim.list.item"];

/// The columns of times and of spans of time.
pub(super) const TIMES: &[&str] = &["start", "start_ns", "request_end_ns", "first_byte_ns", "response_end_ns", "duration_ns", "wait_ns"];

/// The columns in which hardly a value comes twice.
pub(super) const UNIQUE: &[&str] = &["id"];

/// The columns of a few words and of small numbers, or of hardly any.
pub(super) const COMPACT: &[&str] = &[
    "ordinal",
    "stream",
    "protocol",
    "role",
    "node",
    "initiator",
    "shape",
    "client_port",
    "server_port",
    "method",
    "status",
    "request_content_type",
    "response_content_type",
    "complete",
    "request_body_cut_after",
    "request_body_gap",
    "request_body_dropped",
    "request_body_seen_whole",
    "request_framing",
    "response_body_cut_after",
    "response_body_gap",
    "response_body_dropped",
    "response_body_seen_whole",
    "response_framing",
];

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
