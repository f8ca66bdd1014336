//! Which way a connection goes, seen from the recorded service.
//!
//! Exchanges flow in, in the order of the capture; each is told whether it was asked of the recorded service or by it. Where the
//! service is named, by that; else by the listening side: what the recording machine accepted is inbound, and what it opened is
//! outbound. Which machine that is, an interface says; of a file, it is the one that stands at an end of every connection. What cannot
//! be told so is inbound, and so is what stays within one machine. What never happens here: a machine that was never seen to accept a
//! connection is taken for a service.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use reenact_formats::model::{Exchange, Role};

use crate::Error;

/// A service that is recorded: an address and a port, or one of the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its addresses; none where it may have any.
    addresses: Vec<IpAddr>,
    /// Its port; none where it may have any.
    port: Option<u16>,
}

impl Service {
    /// The service that `text` names: `HOST:PORT`, `HOST`, or `:PORT`. A host that is no address is looked up, once.
    pub fn resolve(text: &str) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Service { text: text.to_owned(), reason };
        let (host, port) = match text.parse::<IpAddr>() {
            Ok(_) => (text, None),
            Err(_) => text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map(str::parse::<u16>).transpose().map_err(|_| wrong("its port is no number up to 65535".to_owned()))?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let addresses = match host.parse::<IpAddr>() {
            _ if host.is_empty() && port.is_none() => return Err(wrong("it names neither a host nor a port".to_owned())),
            _ if host.is_empty() => Vec::new(),
            Ok(address) => vec![address.to_canonical()],
            Err(_) => (host, 0).to_socket_addrs().map_err(|error| wrong(error.to_string()))?.map(|address| address.ip().to_canonical()).collect(),
        };
        Ok(Self { addresses, port })
    }

    fn is_at(&self, address: SocketAddr) -> bool {
        self.port.is_none_or(|port| port == address.port()) && (self.addresses.is_empty() || self.addresses.contains(&address.ip().to_canonical()))
    }
}

/// Tells roles, as connections are seen.
pub(crate) enum Roles {
    /// By the service's name.
    Named(Vec<Service>),
    /// By the listening side.
    Listening(Node),
}

/// The machine at which packets were captured.
#[derive(Default)]
pub(crate) struct Node {
    /// Its addresses; of a file, those that may be.
    addresses: Option<Vec<IpAddr>>,
    /// Those of them that have accepted a connection.
    accepting: Vec<IpAddr>,
    /// The addresses are known, not inferred.
    is_known: bool,
}

impl Roles {
    /// By `services` if there are any, else by the addresses of the capturing machine if they are known.
    pub(crate) fn new(services: &[Service], own: Option<Vec<IpAddr>>) -> Self {
        if !services.is_empty() {
            return Self::Named(services.to_vec());
        }
        let is_known = own.is_some();
        let addresses = own.map(|own| own.iter().map(IpAddr::to_canonical).collect());
        Self::Listening(Node { addresses, accepting: Vec::new(), is_known })
    }

    /// Tells the roles of exchanges that came together: what the later ones show holds for the earlier ones too, for a service asks its
    /// dependencies before it answers.
    pub(crate) fn tell(&mut self, exchanges: &mut [Exchange]) {
        match self {
            Self::Named(services) => {
                for exchange in exchanges {
                    exchange.role = if services.iter().any(|service| service.is_at(exchange.server)) { Role::Inbound } else { Role::Outbound };
                }
            }
            Self::Listening(node) => {
                exchanges.iter().for_each(|exchange| node.see(exchange));
                for exchange in exchanges {
                    exchange.role = node.role(exchange);
                }
            }
        }
    }
}

impl Node {
    fn see(&mut self, exchange: &Exchange) {
        let Some([client, server]) = ends(exchange) else { return };
        let addresses = self.addresses.get_or_insert_with(|| vec![client, server]);
        if !self.is_known {
            addresses.retain(|address| [client, server].contains(address));
            self.accepting.retain(|address| addresses.contains(address));
        }
        if addresses.contains(&server) && !self.accepting.contains(&server) {
            self.accepting.push(server);
        }
    }

    fn role(&self, exchange: &Exchange) -> Role {
        let Some([client, server]) = ends(exchange) else { return Role::Inbound };
        let is_own = |address: &IpAddr| self.addresses.as_ref().is_some_and(|own| own.contains(address));
        // Of an inferred machine only the side that accepts counts: one client and one server stand at an end of everything alike.
        let (asks, answers) = if self.is_known {
            (is_own(&client) && !self.accepting.is_empty(), is_own(&server))
        } else {
            (self.accepting.contains(&client), self.accepting.contains(&server))
        };
        if asks && !answers { Role::Outbound } else { Role::Inbound }
    }
}

/// The machines at both ends, client first; nothing if they are one.
fn ends(exchange: &Exchange) -> Option<[IpAddr; 2]> {
    let [client, server] = [exchange.client, exchange.server].map(|address| address.ip().to_canonical());
    let is_within = client == server || client.is_loopback() && server.is_loopback();
    (!is_within).then_some([client, server])
}

/// The addresses of this machine's interfaces, if the system tells them.
pub(crate) fn own_addresses() -> Option<Vec<IpAddr>> {
    let devices = pcap::Device::list().ok()?;
    let addresses: Vec<IpAddr> = devices.into_iter().flat_map(|device| device.addresses).map(|address| address.addr).collect();
    (!addresses.is_empty()).then_some(addresses)
}

#[cfg(test)]
mod tests {

    use super::*;

    fn exchange(client: &str, server: &str) -> Exchange {
        let address = |text: &str| text.parse().expect("an address");
        Exchange { ..Exchange::between(address(client), address(server)) }
    }

    /// Roles of connections, one letter each: those between bars came together.
    fn check(services: &[&str], own: Option<&[&str]>, batches: &[&[(&str, &str)]], expected: &str) {
        let services: Vec<Service> = services.iter().map(|text| Service::resolve(text).expect("a service")).collect();
        let own = own.map(|own| own.iter().map(|text| text.parse().expect("an address")).collect());
        let mut roles = Roles::new(&services, own);
        let told: Vec<String> = batches
            .iter()
            .map(|batch| {
                let mut exchanges: Vec<Exchange> = batch.iter().map(|(client, server)| exchange(client, server)).collect();
                roles.tell(&mut exchanges);
                exchanges.iter().map(|exchange| if exchange.role == Role::Inbound { 'i' } else { 'o' }).collect()
            })
            .collect();
        assert_eq!(told.join("|"), expected, "{services:?} {batches:?}");
    }

    const S: &str = "10.0.0.5:8080";
    const D: &str = "10.0.0.9:80";
    const ONE: (&str, &str) = ("10.0.1.1:40000", S);
    const TWO: (&str, &str) = ("10.0.1.2:40001", S);
    const CALL: (&str, &str) = ("10.0.0.5:50000", D);

    #[test]
    fn a_service_that_is_named_is_inbound_and_all_else_outbound() {
        let within = ("127.0.0.1:1", "127.0.0.1:3000");
        let mapped = ("[::ffff:10.0.1.1]:1", "[::ffff:10.0.0.5]:8080");
        for (service, expected) in
            [(S, "ioioi"), ("10.0.0.5", "ioioi"), (":8080", "ioioi"), (":80", "oiooo"), (D, "oiooo"), ("[::1]:80", "ooooo"), (":3000", "oooio")]
        {
            check(&[service], None, &[&[ONE, CALL, TWO, within, mapped]], expected);
        }
        check(&[S, D], Some(&["10.0.0.5"]), &[&[ONE, CALL]], "ii");
    }

    #[test]
    fn without_a_name_the_listening_side_tells() {
        let known = Some(&["10.0.0.5", "127.0.0.1", "fe80::1"][..]);
        // Of an interface.
        check(&[], known, &[&[ONE, CALL]], "io");
        check(&[], known, &[&[CALL], &[ONE], &[CALL]], "i|i|o");
        check(&[], known, &[&[("127.0.0.1:1", "127.0.0.1:80"), ONE, ("10.0.1.1:1", D)]], "iii");
        // A machine that never accepts is a client, not a service.
        check(&[], known, &[&[CALL, CALL]], "ii");
        // Of a file: a service asks before it answers.
        check(&[], None, &[&[CALL, ONE, TWO, CALL]], "oiio");
        check(&[], None, &[&[ONE], &[TWO, CALL], &[CALL]], "i|io|o");
        check(&[], None, &[&[ONE], &[ONE], &[TWO]], "i|i|i");
        // A client that asks two services is no service.
        check(&[], None, &[&[CALL, ("10.0.0.5:1", "10.0.0.7:80")]], "ii");
        // Two that ask one another; a mirror of many machines.
        check(&[], None, &[&[ONE, ("10.0.0.5:1", "10.0.1.1:80"), ONE]], "iii");
        check(&[], None, &[&[ONE, ("10.0.7.1:1", "10.0.7.2:80"), CALL]], "iii");
        check(&[], None, &[&[("127.0.0.1:1", "127.0.0.1:80"), ONE, CALL]], "iio");
    }

    #[test]
    fn what_names_no_service_is_refused() {
        for text in ["", ":", ":99999", "10.0.0.5:http", "[::1", "no such host:80", "a b"] {
            let error = Service::resolve(text).expect_err(text);
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
        assert_eq!(Service::resolve("::1").expect("an address"), Service { addresses: vec!["::1".parse().expect("one")], port: None });
    }
}
