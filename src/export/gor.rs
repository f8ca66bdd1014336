//! What GoReplay reads: for each exchange a request record and, if there is an answer, a response record.
//!
//! Ids are made of the connection's addresses and a number, as GoReplay makes them of what it captures. Bodies of responses that were not
//! kept are cut. The format has no escapes: what holds the mark that ends a record is left out, as whatever follows the mark would be read as a record of its own.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use memchr::memmem;
use reenact_formats::model::{Exchange, Timestamp};
use reenact_formats::wire::http1::{encode_body, encode_head};

use super::tuples::{Tuple, Tuples};
use super::{Exporter, LeftOut, whole_request};

#[derive(Default)]
pub(super) struct Gor {
    tuples: Tuples,
    written: u32,
    records: Vec<u8>,
}

impl Exporter for Gor {
    fn exchange(&mut self, exchange: &Exchange, out: &mut dyn Write) -> io::Result<Option<LeftOut>> {
        let request = match whole_request(exchange) {
            Ok(request) => request,
            Err(why) => return Ok(Some(why)),
        };
        self.written = self.written.wrapping_add(1);
        let wanted = Tuple { client: exchange.client, server: exchange.server };
        let (Tuple { client, server }, _) = self.tuples.of(exchange.id.connection, wanted, fit);
        let id = format!("{:04x}{:04x}{:08x}{:08x}", client.port(), server.port(), u32::from(ipv4(client.ip())), self.written);

        self.records.clear();
        let mut is_clean = record(1, &id, [Some(exchange.start), exchange.timing.request_end], &mut self.records, |out| {
            encode_head(request, out);
            encode_body(request, out);
        });
        if let Some(response) = &exchange.response {
            let first = exchange.timing.first_byte.or(exchange.timing.request_end).or(Some(exchange.start));
            is_clean &= record(2, &id, [first, exchange.timing.end], &mut self.records, |out| {
                exchange.interim.iter().for_each(|head| out.extend_from_slice(head.raw()));
                encode_head(response, out);
                encode_body(response, out);
            });
        }
        if !is_clean {
            return Ok(Some(LeftOut::HoldsMark));
        }
        out.write_all(&self.records)?;
        Ok(None)
    }
}

/// Adds a record to `out`. Whether its end is the only one in it.
fn record(kind: u8, id: &str, [start, end]: [Option<Timestamp>; 2], out: &mut Vec<u8>, payload: impl FnOnce(&mut Vec<u8>)) -> bool {
    let begin = out.len();
    let start = start.unwrap_or_default();
    let latency = end.map_or(0, |end| end.since(start).as_nanos());
    out.extend(format!("{kind} {id} {} {latency}\n", start.as_nanos()).bytes());
    payload(out);
    out.extend_from_slice(END);
    memmem::find(&out[begin..], END).is_some_and(|at| begin + at + END.len() == out.len())
}

const END: &[u8] = "\n🐵🙈🙉\n".as_bytes();

/// What an id can say: of a server its port, of an address four bytes.
fn fit(tuple: Tuple) -> Tuple {
    let port = if tuple.server.port() == 0 { 80 } else { tuple.server.port() };
    Tuple { client: SocketAddr::new(ipv4(tuple.client.ip()).into(), tuple.client.port()), server: SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port) }
}

/// The last four bytes of an address.
fn ipv4(ip: IpAddr) -> Ipv4Addr {
    match ip {
        IpAddr::V4(ip) => ip,
        IpAddr::V6(ip) => {
            let [.., a, b, c, d] = ip.octets();
            Ipv4Addr::new(a, b, c, d)
        }
    }
}
