//! The smallest use of the library: how many exchanges a capture file holds, and what was lost.
//!
//! ```text
//! cargo run --release -p reenact-capture --example tally -- traffic.pcap
//! ```

use std::process::ExitCode;

use reenact_capture::{CaptureOptions, Control, Source, capture};
use reenact_formats::model::Exchange;
use reenact_formats::seam::{BoxError, ExchangeSink};

#[derive(Default)]
struct Tally {
    exchanges: u64,
    complete: u64,
}

impl ExchangeSink for Tally {
    fn exchange(&mut self, exchange: Exchange) -> Result<(), BoxError> {
        self.exchanges += 1;
        self.complete += u64::from(exchange.is_complete());
        Ok(())
    }
}

fn main() -> ExitCode {
    let Some(file) = std::env::args_os().nth(1) else {
        eprintln!("usage: tally FILE");
        return ExitCode::from(2);
    };
    let mut tally = Tally::default();
    match capture(&Source::File(file.into()), &CaptureOptions::default(), &mut tally, &Control::default()) {
        Ok(ledger) => {
            println!("{} exchanges, {} of them complete, in {} packets", tally.exchanges, tally.complete, ledger.packets.seen);
            for (cause, amount) in &ledger.lost {
                println!("lost: {cause} {amount} {}", cause.unit());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
