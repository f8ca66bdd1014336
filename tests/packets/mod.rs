//! What was said on connections, as a capture file: for tests that record a service of their own.

/// A capture file of raw IPv4 packets, a millisecond apart, written as `tcpdump -w` would.
pub(crate) struct Capture {
    file: Vec<u8>,
    micros: u64,
}

/// An address and a port.
type End = ([u8; 4], u16);

/// A connection between a client and a server, with the sequence numbers of both sides.
pub(crate) struct Connection {
    ends: [End; 2],
    sequence: [u32; 2],
}

impl Default for Capture {
    fn default() -> Self {
        let raw_ip: u32 = 101;
        let header = [0xa1b2_c3d4_u32.to_le_bytes().as_slice(), &[2, 0, 4, 0], &[0; 8], &65_535_u32.to_le_bytes(), &raw_ip.to_le_bytes()].concat();
        Self { file: header, micros: 1_700_000_000_000_000 }
    }
}

impl Capture {
    /// Nothing is said for so many milliseconds.
    pub(crate) fn pass(&mut self, millis: u64) {
        self.micros += millis * 1000;
    }

    /// Opens a connection from `port`.
    pub(crate) fn connect(&mut self, port: u16) -> Connection {
        self.connect_between(([192, 0, 2, 7], port), ([192, 0, 2, 1], 80))
    }

    /// Opens a connection between a client and a server.
    pub(crate) fn connect_between(&mut self, client: End, server: End) -> Connection {
        let mut connection = Connection { ends: [client, server], sequence: [1000, 9000] };
        self.packet(&connection, true, SYN, &[]);
        connection.sequence[0] += 1;
        self.packet(&connection, false, SYN | ACK, &[]);
        connection.sequence[1] += 1;
        self.packet(&connection, true, ACK, &[]);
        connection
    }

    /// One side says something, and the other acknowledges it.
    pub(crate) fn say(&mut self, connection: &mut Connection, from_client: bool, bytes: &[u8]) {
        for segment in bytes.chunks(1400) {
            self.packet(connection, from_client, ACK | PSH, segment);
            connection.sequence[usize::from(!from_client)] += u32::try_from(segment.len()).expect("short");
        }
        self.packet(connection, !from_client, ACK, &[]);
    }

    /// Closes a connection.
    pub(crate) fn close(&mut self, connection: &mut Connection) {
        for from_client in [true, false] {
            self.packet(connection, from_client, FIN | ACK, &[]);
            connection.sequence[usize::from(!from_client)] += 1;
        }
        self.packet(connection, true, ACK, &[]);
    }

    /// The file.
    pub(crate) fn into_file(self) -> Vec<u8> {
        self.file
    }

    fn packet(&mut self, connection: &Connection, from_client: bool, flags: u8, payload: &[u8]) {
        let [client, server] = connection.ends;
        let (from, to) = if from_client { (client, server) } else { (server, client) };
        let (own, other) = if from_client { (0, 1) } else { (1, 0) };
        let acknowledged = if flags & ACK == 0 { 0 } else { connection.sequence[other] };
        let length = u16::try_from(40 + payload.len()).expect("short");
        let ip = [&[0x45, 0][..], &length.to_be_bytes(), &[0, 0, 0x40, 0, 64, 6, 0, 0], &from.0, &to.0].concat();
        let tcp = [
            &from.1.to_be_bytes()[..],
            &to.1.to_be_bytes(),
            &connection.sequence[own].to_be_bytes(),
            &acknowledged.to_be_bytes(),
            &[0x50, flags, 0xff, 0xff, 0, 0, 0, 0],
        ]
        .concat();
        self.micros += 1000;
        let (seconds, micros) = (self.micros / 1_000_000, self.micros % 1_000_000);
        for word in [seconds, micros, u64::from(length), u64::from(length)] {
            self.file.extend(u32::try_from(word).expect("this century").to_le_bytes());
        }
        self.file.extend([ip, tcp, payload.to_vec()].concat());
    }
}

const FIN: u8 = 1;
const SYN: u8 = 2;
const PSH: u8 = 8;
const ACK: u8 = 16;
