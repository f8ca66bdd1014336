//! A record batch into exchanges.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, Int64Array, ListArray, PrimitiveArray, RecordBatch, StringArray, UInt16Array, UInt64Array,
};
use arrow_schema::DataType;
use bytes::Bytes;

use crate::disk::Error;
use crate::model::{
    Action, Anomaly, Body, BodyFraming, Completeness, ConnectionId, DropReason, Exchange, ExchangeId, Head, Initiator, Message, Part, Protocol, Redaction,
    Role, Shape, Side, Timestamp, Timing,
};

/// Reads the rows of a batch of `path`.
pub(crate) struct Decoder<'a> {
    pub(super) batch: &'a RecordBatch,
    path: &'a Path,
    numbers: Numbers<'a>,
}

/// Which rows of the file they are, from 0.
#[derive(Clone, Copy)]
enum Numbers<'a> {
    From(u64),
    These(&'a [u64]),
}

impl<'a> Decoder<'a> {
    /// Of rows one after the other, of which `first_row` is the number of the first.
    pub(crate) fn new(batch: &'a RecordBatch, path: &'a Path, first_row: u64) -> Self {
        Self { batch, path, numbers: Numbers::From(first_row) }
    }

    /// Of rows here and there, whose numbers begin with `numbers`.
    pub(crate) fn of_rows(batch: &'a RecordBatch, path: &'a Path, numbers: &'a [u64]) -> Self {
        Self { batch, path, numbers: Numbers::These(numbers) }
    }

    /// When each row starts.
    pub(crate) fn starts(&self) -> Result<Vec<Timestamp>, Error> {
        let column = self.primitive::<Int64Type>("start_ns")?;
        Ok(column.values().iter().map(|nanos| Timestamp::from_nanos(*nanos)).collect())
    }

    /// The id of each row.
    pub(crate) fn ids(&self) -> Result<Vec<ExchangeId>, Error> {
        let connection = self.primitive::<UInt64Type>("connection")?;
        let ordinal = self.primitive::<UInt32Type>("ordinal")?;
        let id = |(connection, index): (&u64, &u32)| ExchangeId { connection: ConnectionId(*connection), index: *index };
        Ok(connection.values().iter().zip(ordinal.values()).map(id).collect())
    }

    /// The times in a column.
    pub(crate) fn times(&self, name: &str) -> Result<Vec<Option<Timestamp>>, Error> {
        let column = self.primitive::<Int64Type>(name)?;
        Ok((0..column.len()).map(|row| time(column, row)).collect())
    }

    /// The exchanges of the rows that `wanted` names.
    pub(crate) fn decode(&self, wanted: impl Iterator<Item = usize>) -> Result<Vec<Exchange>, Error> {
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
        let nodes = self.nodes()?;
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
                    node: nodes.as_ref().and_then(|nodes| nodes[row].clone()),
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

    /// The node of each row; nothing where the file is older than nodes. Rows of one node share its name.
    fn nodes(&self) -> Result<Option<Vec<Option<Arc<str>>>>, Error> {
        if self.batch.column_by_name("node").is_none() {
            return Ok(None);
        }
        let mut last: Option<Arc<str>> = None;
        let shared = |name: Option<&str>| {
            let name = name?;
            if last.as_deref() != Some(name) {
                last = Some(name.into());
            }
            last.clone()
        };
        Ok(Some(self.string("node")?.iter().map(shared).collect()))
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

    pub(crate) fn column<T>(&self, name: &str, typed: impl Fn(&'a dyn Array) -> Option<&'a T>) -> Result<&'a T, Error> {
        let missing = || Error::Damaged { path: self.path.to_owned(), place: format!("column {name}"), why: "it is missing".to_owned() };
        let column = self.batch.column_by_name(name).ok_or_else(missing)?;
        typed(column.as_ref()).ok_or_else(|| self.wrong_type(name, column.data_type()))
    }

    pub(super) fn wrong_type(&self, name: &str, found: &DataType) -> Error {
        Error::Damaged { path: self.path.to_owned(), place: format!("column {name}"), why: format!("its type is {found}") }
    }

    fn unknown_word(&self, row: usize, name: &str) -> Error {
        self.damaged(row, name, "this release does not know its word")
    }

    fn damaged(&self, row: usize, column: &str, why: &str) -> Error {
        let number = match self.numbers {
            Numbers::From(first) => first + row as u64,
            Numbers::These(numbers) => numbers.get(row).copied().unwrap_or_default(),
        };
        Error::Damaged { path: self.path.to_owned(), place: format!("row {}, column {column}", number + 1), why: why.to_owned() }
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

fn parse_address(ip: &str, port: u16) -> Option<SocketAddr> {
    match ip.parse::<IpAddr>() {
        Ok(ip) => Some(SocketAddr::new(ip, port)),
        Err(_) => format!("[{ip}]:{port}").parse().ok(),
    }
}
