use bytes::Bytes;
use reenact_formats::model::{Exchange, LossCause};
use reenact_formats::seam::BoxError;

use super::*;
use crate::source::{Batch, Link, Next, Packet};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// A live source: in each batch a request and its response on each of the connections, which began in the first.
struct Busy {
    connections: u16,
    rounds: u32,
    round: u32,
    /// What happens after so many rounds.
    then: (u32, Box<dyn FnMut() + Send>),
}

/// A TCP segment in an IPv4 packet without a link header.
fn packet(client: u16, from_client: bool, sequence: u32, acknowledged: u32, syn: bool, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(40 + payload.len()).expect("short").to_be_bytes();
    let (addresses, ports) = if from_client { ([1, 2], [client, 8080]) } else { ([2, 1], [8080, client]) };
    let ip = [0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, addresses[0], 10, 0, 0, addresses[1]];
    let flags = if syn { 0x02 } else { 0x10 };
    let ports = ports.map(u16::to_be_bytes);
    [&ip[..], &ports[0], &ports[1], &sequence.to_be_bytes(), &acknowledged.to_be_bytes(), &[0x50, flags, 1, 0, 0, 0, 0, 0], payload].concat()
}

impl Busy {
    fn round(&self) -> Vec<Vec<u8>> {
        let offset = |message: &[u8]| 1 + self.round * u32::try_from(message.len()).expect("short");
        let (question, answer) = (offset(REQUEST), offset(RESPONSE));
        let mut packets = Vec::new();
        for client in 40_000..40_000 + self.connections {
            if self.round == 0 {
                packets.push(packet(client, true, 0, 0, true, b""));
            }
            packets.push(packet(client, true, question, answer, false, REQUEST));
            packets.push(packet(client, false, answer, question + u32::try_from(REQUEST.len()).expect("short"), false, RESPONSE));
        }
        packets
    }
}

impl PacketSource for Busy {
    fn next(&mut self, batch: &mut Batch) -> Result<Next, Error> {
        if self.round == self.then.0 {
            self.then.1();
        }
        if self.round == self.rounds {
            return Ok(Next::End);
        }
        let at = Timestamp::from_nanos(i64::from(self.round) * 1_000_000);
        let mut start = 0;
        let packets = self.round();
        batch.packets = packets
            .iter()
            .map(|packet| {
                let end = start + u32::try_from(packet.len()).expect("short");
                let data = start..end;
                start = end;
                Packet { link: Link(101), at, data, wire_length: u32::try_from(packet.len()).expect("short") }
            })
            .collect();
        batch.block = Bytes::from(packets.concat());
        self.round += 1;
        Ok(Next::Packets)
    }

    fn bytes_read(&self) -> u64 {
        0
    }

    fn losses(&mut self) -> LossLedger {
        LossLedger::default()
    }

    fn is_live(&self) -> bool {
        true
    }
}

/// Takes nothing until it is told to.
struct Slow(Option<Receiver<()>>);

impl ExchangeSink for Slow {
    fn exchange(&mut self, exchange: Exchange) -> Result<(), BoxError> {
        if let Some(told) = self.0.take() {
            told.recv()?;
        }
        assert!(exchange.is_complete(), "what is recorded is whole");
        Ok(())
    }
}

fn run(source: Busy, gauge: &Arc<Gauge>, sink: &mut Slow, threads: usize) -> LossLedger {
    let options = CaptureOptions { threads: NonZero::new(threads).expect("some"), ..CaptureOptions::default() };
    let control = Control { gauge: Arc::clone(gauge), ..Control::default() };
    Tap::new(Box::new(source), None, &options, Roles::new(&[], None)).run(sink, &control).expect("nothing fails")
}

fn lost(ledger: &LossLedger, cause: LossCause) -> u64 {
    ledger.lost.get(&cause).copied().unwrap_or_default()
}

/// Every packet and every request is recorded or shed, and counted as that.
fn check(ledger: &LossLedger, connections: u16, rounds: u32) {
    let requests = u64::from(connections) * u64::from(rounds);
    assert!(ledger.is_balanced(), "{ledger:?}");
    assert_eq!((ledger.packets.seen, ledger.complete), (2 * requests + u64::from(connections), ledger.requests), "{ledger:?}");
    assert_eq!(ledger.requests + lost(ledger, LossCause::ShedRequest), requests, "{ledger:?}");
    assert_eq!(ledger.packets.lost, lost(ledger, LossCause::Shed), "{ledger:?}");
}

#[test]
fn connections_that_cannot_be_followed_are_let_go_whole() {
    for threads in [1, 3] {
        for (kept, expected) in [(Gauge::WHOLE, 0..=0), (Gauge::WHOLE / 2, 60..=140), (0, 200..=200)] {
            let gauge = Arc::<Gauge>::default();
            let valve = Arc::clone(&gauge);
            let source = Busy { connections: 200, rounds: 20, round: 0, then: (10, Box::new(move || valve.follow(kept))) };
            let ledger = run(source, &gauge, &mut Slow(None), threads);
            check(&ledger, 200, 20);
            let shed = lost(&ledger, LossCause::ShedConnection);
            assert!(expected.contains(&shed), "{kept}: {ledger:?}");
            // From the eleventh or the twelfth round on: each of a round is one of a connection.
            assert!([9 * shed, 10 * shed].contains(&lost(&ledger, LossCause::ShedRequest)), "{kept}: {ledger:?}");
            assert_eq!(gauge.reading().exchanges, ledger.complete);
        }
    }
}

#[test]
fn a_sink_that_hangs_does_not_hold_up_a_live_source() {
    let gauge = Arc::<Gauge>::default();
    let (tell, told) = mpsc::channel();
    let rounds = 20 * u32::try_from(UNDER_WAY_LIVE).expect("small");
    // Nobody reads on if the sink is waited for: it is told to go on once all has been read.
    let source = Busy { connections: 20, rounds, round: 0, then: (rounds, Box::new(move || tell.send(()).unwrap_or_default())) };
    let ledger = run(source, &gauge, &mut Slow(Some(told)), 2);
    check(&ledger, 20, rounds);
    assert!(gauge.was_strained() && lost(&ledger, LossCause::Shed) > 0, "{ledger:?}");
}
