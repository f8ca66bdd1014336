//! From what the shards have found to the sink.
//!
//! What each thread has found in a batch flows in, batch by batch; exchanges flow out to the sink in the order of the capture, and
//! with them, each second of packet time, the account so far.

use reenact_formats::model::{Exchange, LossCause, LossLedger};
use reenact_formats::seam::ExchangeSink;

use super::reader::{Milestone, Token};
use super::{Control, Progress};
use crate::Error;
use crate::flow::Found;
use crate::roles::Roles;

pub(super) struct Collector<'a> {
    sink: &'a mut dyn ExchangeSink,
    roles: Roles,
    control: &'a Control,
    exchanges: u64,
    /// As of the last tick.
    ledger: LossLedger,
}

impl<'a> Collector<'a> {
    pub(super) fn new(sink: &'a mut dyn ExchangeSink, roles: Roles, control: &'a Control) -> Self {
        Self { sink, roles, control, exchanges: 0, ledger: LossLedger::default() }
    }

    /// The account, once all has been taken.
    pub(super) fn ledger(self) -> LossLedger {
        self.ledger
    }

    /// Takes what all threads have found in a batch.
    pub(super) fn take(&mut self, milestone: Milestone, mut found: Vec<Found>) -> Result<Token, Error> {
        let Milestone { tick, warning, is_last: _ } = milestone;
        let token = Token { held: found.iter().map(|found| found.held).sum(), spent: found.iter_mut().map(|found| std::mem::take(&mut found.spent)).collect() };
        let ledgers: Vec<LossLedger> = found.iter_mut().filter_map(|found| found.ledger.take()).collect();
        let open = found.iter().map(|found| found.open).sum();
        let mut exchanges = in_order(found);
        self.exchanges += exchanges.len() as u64;
        self.control.gauge.found(self.exchanges, open);
        if !exchanges.is_empty() {
            self.roles.tell(&mut exchanges);
            self.sink.exchanges(exchanges).map_err(Error::Sink)?;
        }
        if let Some(text) = warning {
            match &self.control.warning {
                Some(warn) => warn(&text),
                None => tracing::warn!("{text}"),
            }
        }
        if let Some((mut ledger, progress)) = tick {
            ledgers.iter().for_each(|share| ledger.add(share));
            self.control.gauge.accounted(ledger.lost.get(&LossCause::ShedConnection).copied().unwrap_or_default());
            self.ledger = ledger;
            if let Some(tell) = &self.control.progress {
                tell(&Progress { exchanges: self.exchanges, ..progress });
            }
            self.sink.tick(progress.now, &self.ledger).map_err(Error::Sink)?;
        }
        Ok(token)
    }
}

/// The exchanges of all threads in the order of the capture.
fn in_order(mut found: Vec<Found>) -> Vec<Exchange> {
    if found.len() == 1 {
        return found.pop().map(|found| found.exchanges).unwrap_or_default();
    }
    let mut placed: Vec<_> = found.into_iter().flat_map(|found| found.places.into_iter().zip(found.exchanges)).collect();
    // Exchanges of one place are one shard's: they stay in the order in which it found them.
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, exchange)| exchange).collect()
}
