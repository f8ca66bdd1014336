//! Captures made by the tests themselves: conversations become segments, segments become packets, packets become files.

use std::io::Cursor;
use std::num::NonZero;
use std::sync::{Arc, Mutex};

use reenact_capture::{CaptureOptions, Control, Error, capture_from};
use reenact_formats::model::{Exchange, LossLedger};
use reenact_formats::seam::{BoxError, ExchangeSink};

pub(crate) const CLIENT: [u8; 4] = [10, 0, 0, 1];
pub(crate) const SERVER: [u8; 4] = [10, 0, 0, 2];

/// One TCP segment.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) from_client: bool,
    pub(crate) sequence: u32,
    pub(crate) acknowledgment: u32,
    pub(crate) flags: u8,
    pub(crate) payload: Vec<u8>,
    pub(crate) client_port: u16,
}

pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;
pub(crate) const RST: u8 = 4;
pub(crate) const ACK: u8 = 16;

/// A connection as its two ends live it: every step is seen by the other end before the next.
pub(crate) struct Connection {
    pub(crate) client_port: u16,
    next: [u32; 2],
    pub(crate) segments: Vec<Segment>,
    pub(crate) largest: usize,
}

impl Connection {
    pub(crate) fn new(client_port: u16, first: [u32; 2], largest: usize) -> Self {
        Self { client_port, next: first, segments: Vec::new(), largest }
    }

    pub(crate) fn open(client_port: u16) -> Self {
        let mut connection = Self::new(client_port, [1000, 9000], 1400);
        connection.handshake();
        connection
    }

    pub(crate) fn handshake(&mut self) -> &mut Self {
        self.push(true, SYN, &[]);
        self.push(false, SYN | ACK, &[]);
        self.push(true, ACK, &[])
    }

    pub(crate) fn push(&mut self, from_client: bool, flags: u8, payload: &[u8]) -> &mut Self {
        let [mine, theirs] = if from_client { [0, 1] } else { [1, 0] };
        let acknowledgment = if flags & ACK == 0 { 0 } else { self.next[theirs] };
        self.segments.push(Segment { from_client, sequence: self.next[mine], acknowledgment, flags, payload: payload.to_vec(), client_port: self.client_port });
        let numbers = payload.len() + usize::from(flags & SYN != 0) + usize::from(flags & FIN != 0);
        self.next[mine] = self.next[mine].wrapping_add(u32::try_from(numbers).expect("small"));
        self
    }

    /// Data in segments of at most `largest`, then the other end's acknowledgment.
    pub(crate) fn send(&mut self, from_client: bool, data: impl AsRef<[u8]>) -> &mut Self {
        for piece in data.as_ref().chunks(self.largest) {
            self.push(from_client, ACK, piece);
        }
        self.push(!from_client, ACK, &[])
    }

    pub(crate) fn ask(&mut self, data: impl AsRef<[u8]>) -> &mut Self {
        self.send(true, data)
    }

    pub(crate) fn answer(&mut self, data: impl AsRef<[u8]>) -> &mut Self {
        self.send(false, data)
    }

    pub(crate) fn close(&mut self) -> &mut Self {
        self.push(true, FIN | ACK, &[]);
        self.push(false, FIN | ACK, &[]);
        self.push(true, ACK, &[])
    }
}

impl Segment {
    /// Without its checksum.
    fn header_and_payload(&self) -> Vec<u8> {
        let ports = if self.from_client { [self.client_port, 80] } else { [80, self.client_port] };
        let mut tcp = Vec::new();
        for port in ports {
            tcp.extend(port.to_be_bytes());
        }
        tcp.extend(self.sequence.to_be_bytes());
        tcp.extend(self.acknowledgment.to_be_bytes());
        tcp.extend([0x50, self.flags, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend(&self.payload);
        tcp
    }

    /// With its checksum for IPv4.
    pub(crate) fn tcp(&self) -> Vec<u8> {
        self.summed(&self.addresses().concat())
    }

    /// With its checksum between these addresses.
    fn summed(&self, addresses: &[u8]) -> Vec<u8> {
        let mut tcp = self.header_and_payload();
        let length = u32::try_from(tcp.len()).expect("small").to_be_bytes();
        let sum = checksum(&[addresses, &length, &[0, 6], &tcp].concat());
        tcp[16..18].copy_from_slice(&sum);
        tcp
    }

    pub(crate) fn addresses(&self) -> [[u8; 4]; 2] {
        if self.from_client { [CLIENT, SERVER] } else { [SERVER, CLIENT] }
    }

    pub(crate) fn ipv4(&self) -> Vec<u8> {
        let [source, destination] = self.addresses();
        ipv4(source, destination, 6, 0, 0, &self.tcp())
    }

    pub(crate) fn ipv6(&self) -> Vec<u8> {
        self.ipv6_with(6, &[])
    }

    /// With extension headers in front of the TCP header; `first` is the number of the first.
    pub(crate) fn ipv6_with(&self, first: u8, extensions: &[u8]) -> Vec<u8> {
        let addresses: Vec<u8> =
            self.addresses().into_iter().flat_map(|address| [&[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0], address.as_slice()].concat()).collect();
        let tcp = self.summed(&addresses);
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend(u16::try_from(tcp.len() + extensions.len()).expect("small").to_be_bytes());
        packet.extend([first, 64]);
        packet.extend(addresses);
        packet.extend(extensions);
        packet.extend(tcp);
        packet
    }

    pub(crate) fn ethernet(&self) -> Vec<u8> {
        ethernet(0x0800, &self.ipv4())
    }
}

pub(crate) fn ipv4(source: [u8; 4], destination: [u8; 4], protocol: u8, identification: u16, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend(u16::try_from(20 + payload.len()).expect("small").to_be_bytes());
    packet.extend(identification.to_be_bytes());
    packet.extend(fragment.to_be_bytes());
    packet.extend([64, protocol, 0, 0]);
    packet.extend(source);
    packet.extend(destination);
    let sum = checksum(&packet);
    packet[10..12].copy_from_slice(&sum);
    packet.extend(payload);
    packet
}

/// RFC 1071, the slow way.
pub(crate) fn checksum(data: &[u8]) -> [u8; 2] {
    let numbers = data.chunks(2).map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low)));
    let sum = numbers.fold(0, |sum, number| ((sum + number) & 0xffff) + ((sum + number) >> 16));
    (!u16::try_from(sum).expect("folded")).to_be_bytes()
}

pub(crate) fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2; 12];
    frame.extend(kind.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A packet of a capture: its time in nanoseconds, what was captured, and how long it was.
#[derive(Clone)]
pub(crate) struct Packet {
    pub(crate) at: u64,
    pub(crate) data: Vec<u8>,
    pub(crate) length: u32,
}

pub(crate) const START: u64 = 1_700_000_000_000_000_000;

/// Packets a millisecond apart.
pub(crate) fn packets(data: impl IntoIterator<Item = Vec<u8>>) -> Vec<Packet> {
    (0..).zip(data).map(|(index, data)| Packet { at: START + index * 1_000_000, length: u32::try_from(data.len()).expect("small"), data }).collect()
}

pub(crate) fn frames(segments: &[Segment]) -> Vec<Packet> {
    packets(segments.iter().map(Segment::ethernet))
}

/// A pcap file in either byte order, with micro- or nanoseconds.
pub(crate) fn pcap_as(link: u32, big_endian: bool, nanos: bool, packets: &[Packet]) -> Vec<u8> {
    let number = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut file = Vec::new();
    file.extend(number(if nanos { 0xa1b2_3c4d } else { 0xa1b2_c3d4 }));
    file.extend(number(if big_endian { 0x0002_0004 } else { 0x0004_0002 }));
    for field in [0, 0, 262_144, link] {
        file.extend(number(field));
    }
    for packet in packets {
        let fraction = packet.at % 1_000_000_000;
        let fields = [packet.at / 1_000_000_000, if nanos { fraction } else { fraction / 1000 }, packet.data.len() as u64, u64::from(packet.length)];
        for field in fields {
            file.extend(number(u32::try_from(field).expect("fits")));
        }
        file.extend(&packet.data);
    }
    file
}

pub(crate) fn pcap(link: u32, packets: &[Packet]) -> Vec<u8> {
    pcap_as(link, false, true, packets)
}

/// What a capture gave.
pub(crate) struct Captured {
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) ledger: LossLedger,
    pub(crate) warnings: Vec<String>,
}

#[derive(Default)]
pub(crate) struct Collect(pub Vec<Exchange>);

impl ExchangeSink for Collect {
    fn exchange(&mut self, exchange: Exchange) -> Result<(), BoxError> {
        self.0.push(exchange);
        Ok(())
    }
}

/// Reads a capture on one thread and on several: what comes out must be the same.
pub(crate) fn try_read(file: Vec<u8>, options: &CaptureOptions) -> Result<Captured, Error> {
    let captured = read_on(1, file.clone(), options)?;
    for threads in [2, 4] {
        let other = read_on(threads, file.clone(), options)?;
        assert_eq!(captured.exchanges, other.exchanges, "on {threads} threads");
        assert_eq!(captured.ledger, other.ledger, "on {threads} threads");
        assert_eq!(captured.warnings, other.warnings, "on {threads} threads");
    }
    Ok(captured)
}

fn read_on(threads: usize, file: Vec<u8>, options: &CaptureOptions) -> Result<Captured, Error> {
    let options = &CaptureOptions { threads: NonZero::new(threads).expect("at least one"), ..options.clone() };
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&warnings);
    let control = Control { warning: Some(Box::new(move |text| heard.lock().expect("unpoisoned").push(text.to_owned()))), ..Control::default() };
    let mut sink = Collect::default();
    let ledger = capture_from("memory", Box::new(Cursor::new(file)), options, &mut sink, &control)?;
    assert!(ledger.is_balanced(), "{ledger:#?}");
    let warnings = warnings.lock().expect("unpoisoned").clone();
    Ok(Captured { exchanges: sink.0, ledger, warnings })
}

pub(crate) fn read(file: Vec<u8>) -> Captured {
    try_read(file, &CaptureOptions::default()).expect("readable")
}

pub(crate) fn read_segments(segments: &[Segment]) -> Captured {
    read(pcap(1, &frames(segments)))
}

/// One line for each exchange: request line, status, bodies, anomalies. Times are left out.
pub(crate) fn tell(exchange: &Exchange) -> String {
    let body = |message: &reenact_formats::model::Message| {
        let text = String::from_utf8_lossy(&message.body.contiguous()).into_owned();
        format!("{text:?} {:?}", message.body.completeness)
    };
    let request = exchange.request.as_ref().map_or("-".to_owned(), |request| {
        let head = &request.head;
        format!("{} {} {}", exchange.method().unwrap_or("?"), String::from_utf8_lossy(head.target().unwrap_or_default()), body(request))
    });
    let response = exchange.response.as_ref().map_or("-".to_owned(), |response| format!("{} {}", exchange.status().unwrap_or_default(), body(response)));
    let interim: String = exchange.interim.iter().map(|head| format!(" ({})", head.status().unwrap_or_default())).collect();
    let anomalies: Vec<&str> = exchange.anomalies.iter().map(|anomaly| anomaly.word()).collect();
    format!("{} {request} ->{interim} {response} [{}]", exchange.id, anomalies.join(","))
}

pub(crate) fn tell_all(captured: &Captured) -> Vec<String> {
    captured.exchanges.iter().map(tell).collect()
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
}

pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}
