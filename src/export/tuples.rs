//! Addresses and ports that tell connections apart where only those do.
//!
//! Connections flow in with the addresses that are known of them; each gets a client address and port of its own for as long as it is in use. What never
//! happens here: two connections that are in use share one, or more are remembered than a bound.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use reenact_formats::model::ConnectionId;

/// The two ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tuple {
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
}

#[derive(Default)]
pub(super) struct Tuples {
    /// Which connection has which, and when it was used last.
    known: BTreeMap<ConnectionId, (Tuple, u64)>,
    taken: BTreeMap<Tuple, ConnectionId>,
    by_use: BTreeMap<u64, ConnectionId>,
    uses: u64,
    made: u32,
}

impl Tuples {
    /// The tuple of a connection; `fit` makes of addresses what the format can say. Also the connection that had to be forgotten for it.
    pub(super) fn of(&mut self, connection: ConnectionId, wanted: Tuple, fit: impl Fn(Tuple) -> Tuple) -> (Tuple, Option<ConnectionId>) {
        self.uses += 1;
        if let Some((tuple, last)) = self.known.get_mut(&connection) {
            self.by_use.remove(last);
            *last = self.uses;
            self.by_use.insert(self.uses, connection);
            return (*tuple, None);
        }
        let forgotten = if self.known.len() == MOST_KNOWN { self.by_use.first_key_value().map(|(_, connection)| *connection) } else { None };
        if let Some(forgotten) = forgotten {
            self.forget(forgotten);
        }
        let mut tuple = fit(wanted);
        while tuple.client.ip().is_unspecified() || tuple.client.port() == 0 || self.taken.contains_key(&tuple) {
            tuple = fit(Tuple { client: self.made_up(), ..wanted });
        }
        self.known.insert(connection, (tuple, self.uses));
        self.taken.insert(tuple, connection);
        self.by_use.insert(self.uses, connection);
        (tuple, forgotten)
    }

    /// A connection is used no longer.
    pub(super) fn forget(&mut self, connection: ConnectionId) {
        if let Some((tuple, last)) = self.known.remove(&connection) {
            self.taken.remove(&tuple);
            self.by_use.remove(&last);
        }
    }

    /// An address of the block that is set aside for measurements (RFC 2544), so that it is no one's.
    fn made_up(&mut self) -> SocketAddr {
        let [.., a, b, c] = (self.made / PORTS).to_be_bytes();
        let port = u16::try_from(FIRST_PORT + self.made % PORTS).expect("they end where ports do");
        self.made = self.made.wrapping_add(1);
        (IpAddr::from(Ipv4Addr::new(198, 18 | (a & 1), b, c)), port).into()
    }
}

const FIRST_PORT: u32 = 1 << 15;
const PORTS: u32 = 1 << 15;
/// As many connections are in use at once.
const MOST_KNOWN: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(client: &str) -> Tuple {
        Tuple { client: client.parse().unwrap(), server: "10.0.0.1:80".parse().unwrap() }
    }

    #[test]
    fn each_connection_has_one_of_its_own() {
        let mut tuples = Tuples::default();
        let mut of = |connection, client| tuples.of(ConnectionId(connection), tuple(client), |tuple| tuple).0.client.to_string();
        let mut seen = vec![of(1, "10.0.0.2:40000"), of(2, "10.0.0.2:40000"), of(3, "0.0.0.0:0"), of(4, "0.0.0.0:0")];
        assert_eq!((seen[0].as_str(), of(1, "10.9.9.9:1")), ("10.0.0.2:40000", seen[0].clone()));
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 4);
        tuples.forget(ConnectionId(1));
        assert_eq!(tuples.of(ConnectionId(9), tuple("10.0.0.2:40000"), |tuple| tuple).0, tuple("10.0.0.2:40000"));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut tuples = Tuples::default();
        let forgotten = (0..100_000).filter_map(|connection| tuples.of(ConnectionId(connection), tuple("0.0.0.0:0"), |tuple| tuple).1).count();
        assert_eq!((forgotten, tuples.known.len(), tuples.taken.len(), tuples.by_use.len()), (100_000 - MOST_KNOWN, MOST_KNOWN, MOST_KNOWN, MOST_KNOWN));
    }
}
