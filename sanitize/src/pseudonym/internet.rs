//! E-mail and network addresses: into the names and ranges that are set aside for documentation and for benchmarks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::prf::Prf;

/// An e-mail address at one of the three example domains (RFC 2606, section 3); its local part is about as long as it was.
pub(super) fn email(prf: &Prf, text: &str) -> Option<String> {
    let address = text.trim();
    let (local, host) = address.rsplit_once('@')?;
    if local.is_empty() || host.is_empty() {
        return None;
    }
    let mut stream = prf.stream("email", address.to_lowercase().as_bytes());
    let length = local.chars().count().clamp(MIN_LOCAL, MAX_LOCAL);
    let mut made = String::from("u");
    made.extend((1..length).map(|_| char::from(LOCAL_CHARACTERS[usize::from(stream.below(32))])));
    made.push_str(["@example.com", "@example.net", "@example.org"][usize::from(stream.below(3))]);
    Some(text.replacen(address, &made, 1))
}

/// A public address within the range for benchmarks (198.18.0.0/15, RFC 2544) or for documentation (2001:db8::/32, RFC 3849).
/// Addresses of one network stay together: /24 of IPv4, /48 and /64 of IPv6.
pub(super) fn ip(prf: &Prf, text: &str) -> Option<String> {
    let address: IpAddr = text.trim().parse().ok()?;
    Some(pseudonymous(prf, address).to_string())
}

fn pseudonymous(prf: &Prf, address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let octets = address.octets();
            let network = prf.stream("ip network", &octets[..3]).next_u64();
            let [a, b, c, d] = octets;
            let host = prf.permute_below(&format!("ip host {a}.{b}.{c}"), 256, u128::from(d));
            IpAddr::V4(Ipv4Addr::new(198, 18 + (network >> 8 & 1) as u8, network as u8, host as u8))
        }
        IpAddr::V6(address) => {
            if let Some(mapped) = address.to_ipv4_mapped() {
                let IpAddr::V4(made) = pseudonymous(prf, IpAddr::V4(mapped)) else { return IpAddr::V6(Ipv6Addr::LOCALHOST) };
                return IpAddr::V6(made.to_ipv6_mapped());
            }
            let octets = address.octets();
            let site = prf.stream("ip site", &octets[..6]).next_u64();
            let network = prf.stream("ip network", &octets[..8]).next_u64();
            let host = prf.stream("ip host", &octets).next_u64();
            let [.., g, h, i, j] = host.to_be_bytes().chunks(2).fold([0_u16; 4], |[_, b, c, d], pair| [b, c, d, u16::from(pair[0]) << 8 | u16::from(pair[1])]);
            IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, site as u16, network as u16, g, h, i, j))
        }
    }
}

const LOCAL_CHARACTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Enough room that no two addresses meet.
const MIN_LOCAL: usize = 12;
const MAX_LOCAL: usize = 24;
