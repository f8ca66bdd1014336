//! What a packet is that has no TCP in it, or none that is reached.

use std::fmt;

/// A name for the account, cheap to count by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Known(&'static str),
    /// A link type without a reader.
    Link(u32),
    EtherType(u16),
    Ppp(u16),
    /// A protocol number of IP.
    Ip(u8),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(name) => f.write_str(name),
            Self::Link(link) => match link_name(*link) {
                Some(name) => write!(f, "link {name}"),
                None => write!(f, "link type {link}"),
            },
            Self::EtherType(kind) => match ether_type_name(*kind) {
                Some(name) => f.write_str(name),
                None => write!(f, "ethertype {kind:#06x}"),
            },
            Self::Ppp(protocol) => write!(f, "ppp {protocol:#06x}"),
            Self::Ip(protocol) => match ip_name(*protocol) {
                Some(name) => f.write_str(name),
                None => write!(f, "ip protocol {protocol}"),
            },
        }
    }
}

const fn link_name(link: u32) -> Option<&'static str> {
    Some(match link {
        6 => "token ring",
        10 => "fddi",
        117 => "pflog",
        119 => "802.11 prism",
        122 => "ip over fibre channel",
        147..=162 => "user-defined",
        189 | 220 => "usb",
        195 | 215 | 230 => "802.15.4",
        201 => "bluetooth",
        227 => "can",
        253 => "netlink",
        u32::MAX => "of an interface that is not described",
        _ => return None,
    })
}

const fn ether_type_name(kind: u16) -> Option<&'static str> {
    Some(match kind {
        0x0806 => "arp",
        0x8035 => "rarp",
        0x8863 => "pppoe discovery",
        0x888e => "eapol",
        0x88cc => "lldp",
        0x88e5 => "macsec",
        0x88f7 => "ptp",
        _ => return None,
    })
}

const fn ip_name(protocol: u8) -> Option<&'static str> {
    Some(match protocol {
        1 => "icmp",
        2 => "igmp",
        17 => "udp",
        47 => "gre",
        50 => "esp",
        58 => "icmpv6",
        89 => "ospf",
        103 => "pim",
        112 => "vrrp",
        132 => "sctp",
        _ => return None,
    })
}
