//! Memory is bounded by flags, whatever comes in: traffic made to exhaust it is piped into `reenact capture`, which must stay within its
//! bound, end with success, and name what it let go in an account that balances.
//!
//! The process has a limit on its address space too, so that a leak fails instead of swapping.

#[path = "../capture/tests/synthetic/support.rs"]
#[expect(dead_code, reason = "packets are built by it; what reads them in memory is not needed here")]
mod support;

use std::io::{BufWriter, ErrorKind, Write};
use std::ops::Range;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};

use reenact_capture::Limits;
use serde_json::Value;
use support::{ACK, SYN, Segment, pcap};

const MIB: u64 = 1 << 20;

/// What the documentation promises for the default flags.
const DEFAULT_BOUND: u64 = 256 * MIB;

/// Flags for a small machine, and what is promised with them.
const SMALL: &[&str] = &["--max-buffered", "16MiB", "--max-flows", "10000", "--max-body", "1MiB"];
const SMALL_BOUND: u64 = 96 * MIB;

/// Beyond the bound, room for stacks, allocator arenas and mapped files, none of which need be resident.
const MAPPED: u64 = 2048 * MIB;

#[test]
fn half_open_connections() {
    let flood = |connections: u32| {
        move |feed: &mut Feed| {
            for host in 0..connections {
                feed.say(End::Client, Peer { host, port: 40_000 }, 1000, 0, SYN, b"");
            }
        }
    };
    let told = within(DEFAULT_BOUND, &["--discard"], flood(400_000));
    assert_let_go(&told, 400_000, Limits::default().max_flows);
    let told = within(SMALL_BOUND, &with(SMALL, &["--discard"]), flood(100_000));
    assert_let_go(&told, 100_000, 10_000);
}

#[test]
fn idle_connections() {
    let visits = |connections: u32| {
        move |feed: &mut Feed| {
            for host in 0..connections {
                feed.exchange(Peer { host, port: 40_000 }, 1000, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            }
        }
    };
    let told = within(DEFAULT_BOUND, &["--discard"], visits(1_000_000));
    assert_eq!(number(&told["complete"]), 1_000_000);
    assert_let_go(&told, 1_000_000, Limits::default().max_flows);
    let told = within(SMALL_BOUND, &with(SMALL, &["--discard"]), visits(50_000));
    assert_eq!(number(&told["complete"]), 50_000);
    assert_let_go(&told, 50_000, 10_000);
}

#[test]
fn holes_that_nobody_acknowledges() {
    let told = within(SMALL_BOUND, &with(SMALL, &["--discard"]), |feed| {
        let begun = feed.begin_on(0..3000, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n");
        for number in 0..40 {
            for host in 0..3000 {
                feed.say(End::Client, Peer { host, port: 40_000 }, begun + 100 + number * 1400, 9001, ACK, &[b'x'; 1400]);
            }
        }
    });
    assert!(lost(&told, "buffer_cap") > 0, "{told:#}");
    assert_eq!(number(&told["anomalies"]["truncated"]), 3000, "{told:#}");
}

#[test]
fn heads_that_never_end() {
    let told = within(SMALL_BOUND, &with(SMALL, &["--discard"]), |feed| {
        let line = [b"X-Header: ".as_slice(), &[b'a'; 1388], b"\r\n"].concat();
        let begun = feed.begin_on(0..100, b"GET / HTTP/1.1\r\n");
        for number in 0..600 {
            for host in 0..100 {
                feed.say(End::Client, Peer { host, port: 40_000 }, begun + number * 1400, 9001, ACK, &line);
            }
        }
    });
    assert!(lost(&told, "unparsable") + lost(&told, "resync") + lost(&told, "buffer_cap") > 50 * MIB, "{told:#}");
    assert_eq!(number(&told["requests"]), 0);
}

#[test]
fn a_slow_flow_that_pins_what_passes() {
    let traffic = |feed: &mut Feed| {
        let begun = feed.begin_on(0..20, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
        let answer = [b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n".as_slice(), &[b'x'; 50_000]].concat();
        for round in 0..300_u32 {
            for host in 0..20 {
                feed.say(End::Client, Peer { host, port: 40_000 }, begun + round, 9001, ACK, b"y");
            }
            for host in 0..20 {
                feed.exchange(Peer { host: 1000 + host * 1000 + round, port: 40_000 }, 1000, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
            }
        }
    };
    let told = within(SMALL_BOUND, &with(SMALL, &["--discard"]), traffic);
    assert_eq!((number(&told["complete"]), number(&told["anomalies"]["truncated"])), (6000, 20), "{told:#}");
    let told = within(SMALL_BOUND + 32 * MIB, &with(SMALL, &["--danger-raw", "--part-size", "4MiB"]), traffic);
    assert_eq!(number(&told["complete"]), 6000, "{told:#}");
}

#[test]
fn requests_that_nobody_answers() {
    let traffic = |feed: &mut Feed| {
        let requests = b"GET / HTTP/1.1\r\n\r\n".repeat(70);
        let length = u32::try_from(requests.len()).expect("short");
        for host in 0..300 {
            feed.open(Peer { host, port: 40_000 }, 1000);
        }
        for number in 0..20 {
            for host in 0..300 {
                feed.say(End::Client, Peer { host, port: 40_000 }, 1001 + number * length, 9001, ACK, &requests);
            }
        }
    };
    // No smaller with small flags: what comes out of one block of packets is in memory at once, fifty times as large as these requests.
    for flags in [&["--discard"][..], &with(SMALL, &["--discard"])] {
        let told = within(DEFAULT_BOUND, flags, traffic);
        assert_eq!((number(&told["requests"]), lost(&told, "missing_response")), (300 * 20 * 70, 300 * 20 * 70), "{told:#}");
    }
}

#[test]
fn single_bytes_out_of_order() {
    let told = within(SMALL_BOUND, &with(SMALL, &["--discard"]), |feed| {
        let begun = feed.begin_on(1..2, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n");
        for number in 0..600_000 {
            feed.say(End::Client, Peer { host: 1, port: 40_000 }, begun + 100 + number * 2, 9001, ACK, b"x");
        }
    });
    assert!(lost(&told, "buffer_cap") > 0, "{told:#}");
}

#[test]
fn chunks_of_one_byte() {
    let told = within(SMALL_BOUND, &with(SMALL, &["--discard"]), |feed| {
        let chunks = b"1\r\nx\r\n".repeat(230);
        let length = u32::try_from(chunks.len()).expect("short");
        let begun = feed.begin_on(0..10, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        for number in 0..1000 {
            for host in 0..10 {
                feed.say(End::Client, Peer { host, port: 40_000 }, begun + number * length, 9001, ACK, &chunks);
            }
        }
    });
    assert!(lost(&told, "body_over_limit") + lost(&told, "buffer_cap") > 0, "{told:#}");
}

#[test]
fn bodies_that_never_end() {
    let told = within(SMALL_BOUND, &with(SMALL, &["--discard"]), |feed| {
        let begun = feed.begin_on(0..2000, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n");
        for number in 0..5 {
            for host in 0..2000 {
                feed.say(End::Client, Peer { host, port: 40_000 }, begun + number * 14_000, 9001, ACK, &[b'x'; 14_000]);
            }
        }
    });
    assert!(lost(&told, "buffer_cap") + lost(&told, "body_over_limit") > 0, "{told:#}");
}

/// One end of a connection to the server.
#[derive(Clone, Copy)]
struct Peer {
    host: u32,
    port: u16,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Client,
    Server,
}

/// Packets on their way into a capture, ten microseconds apart.
struct Feed {
    pipe: BufWriter<ChildStdin>,
    micros: u64,
}

impl Feed {
    fn new(pipe: ChildStdin) -> Self {
        let mut feed = Self { pipe: BufWriter::with_capacity(1 << 16, pipe), micros: 1_700_000_000_000_000 };
        feed.write(&pcap(1, &[]));
        feed
    }

    fn write(&mut self, bytes: &[u8]) {
        match self.pipe.write_all(bytes) {
            // What ended before its input did says why in its exit code.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            other => other.expect("the pipe takes it"),
        }
    }

    fn say(&mut self, end: End, peer: Peer, sequence: u32, acknowledgment: u32, flags: u8, payload: &[u8]) {
        let from_client = end == End::Client;
        let segment = Segment { from_client, sequence, acknowledgment, flags, payload: payload.to_vec(), client_port: peer.port };
        let mut frame = segment.ethernet();
        // Behind the Ethernet header: the client's own address in place of the one that all clients share.
        let address = if from_client { 26..30 } else { 30..34 };
        frame[address].copy_from_slice(&(0x0b00_0000 + peer.host).to_be_bytes());
        self.micros += 10;
        let length = frame.len() as u64;
        // The file's unit is the nanosecond.
        for word in [self.micros / 1_000_000, self.micros % 1_000_000 * 1000, length, length] {
            self.write(&u32::try_from(word).expect("this century").to_le_bytes());
        }
        self.write(&frame);
    }

    /// The three packets that open a connection; the server's first byte is 9001, the client's the one behind `first`.
    fn open(&mut self, peer: Peer, first: u32) {
        self.say(End::Client, peer, first, 0, SYN, b"");
        self.say(End::Server, peer, 9000, first + 1, SYN | ACK, b"");
    }

    /// A connection of each of these hosts, on which the client has said `start`; gives the sequence number of its next byte.
    fn begin_on(&mut self, hosts: Range<u32>, start: &[u8]) -> u32 {
        for host in hosts {
            self.open(Peer { host, port: 40_000 }, 1000);
            self.say(End::Client, Peer { host, port: 40_000 }, 1001, 9001, ACK, start);
        }
        1001 + u32::try_from(start.len()).expect("short")
    }

    /// A connection on which one request is answered. It stays open.
    fn exchange(&mut self, peer: Peer, first: u32, request: &[u8], response: &[u8]) {
        self.open(peer, first);
        self.say(End::Client, peer, first + 1, 9001, ACK, request);
        self.say(End::Server, peer, 9001, first + 1 + u32::try_from(request.len()).expect("short"), ACK, response);
    }
}

/// Captures what `traffic` writes. It must take no more than `bound` bytes of memory and end with success and a balanced account, which is
/// the answer.
#[track_caller]
fn within(bound: u64, flags: &[&str], traffic: impl FnOnce(&mut Feed)) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = folder.path().join("report.json");
    let mut command = Command::new("python3");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/measured.py"));
    command.arg("--address-space").arg((bound + MAPPED).to_string()).arg("--report").arg(&report).arg("--");
    command.arg(env!("CARGO_BIN_EXE_reenact")).args(["capture", "-r", "-", "--json"]).args(flags);
    if !flags.contains(&"--discard") {
        command.arg("-o").arg(folder.path().join("recording"));
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("python3 starts");
    let mut feed = Feed::new(child.stdin.take().expect("piped"));
    traffic(&mut feed);
    drop(feed);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{flags:?}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).expect("an account in JSON");
    let measured: Value = serde_json::from_slice(&std::fs::read(&report).expect("a report")).expect("a report in JSON");
    let peak = number(&measured["peak_bytes"]);
    println!("{flags:?}: {} MiB of {} at most, {} s: {told}", peak / MIB, bound / MIB, measured["seconds"]);
    assert!(peak <= bound, "{flags:?}: {} MiB, over {}: {told:#}", peak / MIB, bound / MIB);
    told
}

/// Of so many connections that never ended, all but the cap were let go. Each of 64 shards has its share of it.
#[track_caller]
fn assert_let_go(told: &Value, connections: u64, cap: u64) {
    assert_eq!(number(&told["connections"]), connections);
    let let_go = lost(told, "flow_cap");
    assert!(let_go.abs_diff(connections - cap) <= 64, "{let_go} of {connections} connections were let go, with a cap of {cap}");
}

fn with<'a>(flags: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [flags, more].concat()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is a number"))
}

fn lost(told: &Value, cause: &str) -> u64 {
    told["lost"][cause].as_u64().unwrap_or_default()
}
