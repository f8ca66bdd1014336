//! One request on its way, from its slot to its outcome.

use std::net::SocketAddr;
use std::sync::Arc;

use reenact_formats::model::{Failure, Message, Outcome, OutcomeTiming, Reply, Timestamp};
use reenact_formats::wire::http1::RequestContext;
use tokio::sync::watch;

use super::RunOptions;
use super::compose::{Composed, Slot};
use crate::Plan;
use crate::clock::Clock;
use crate::correlate::harvest::{Harvest, harvest};
use crate::driver::http1::{Answer, Connection, Times};
use crate::plan::Step;

/// A step that is settled: what follows it may go.
pub(super) struct Settled {
    pub(super) step: u32,
    /// What is left over for the next request.
    pub(super) connection: Option<Connection>,
    /// The live values that it gives.
    pub(super) values: Vec<(u32, Slot)>,
    pub(super) status: Result<u16, Failure>,
}

/// One request, on its way.
pub(super) struct Task {
    pub(super) step: u32,
    pub(super) plan: Arc<Plan>,
    pub(super) options: Arc<RunOptions>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) connection: Option<Connection>,
    pub(super) timing: OutcomeTiming,
    pub(super) phase: String,
    pub(super) give_up: watch::Receiver<bool>,
}

impl Task {
    fn step(&self) -> &Step {
        &self.plan.steps[self.step as usize]
    }

    /// It is not sent.
    pub(super) fn never(self, failure: Failure) -> (Outcome, Settled) {
        let timing = OutcomeTiming { done: Some(self.clock.now()), ..self.timing };
        let values = self.step().gives.iter().map(|give| (give.slot, Slot::Failed)).collect();
        let outcome = outcome(self.step(), &self.options, self.phase.clone(), timing, Reply::Failed(failure));
        (outcome, Settled { step: self.step, connection: self.connection, values, status: Err(failure) })
    }

    pub(super) async fn send(mut self, composed: Composed, address: SocketAddr) -> (Outcome, Settled) {
        let Composed { wire, context, bound } = composed;
        let mut way = Way { connection: self.connection.take(), sendable: None, times: Times::default() };
        let is_safe_to_repeat = matches!(self.step().method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE");
        let answer = {
            let sending = tokio::time::timeout(self.options.timeout, way.go(&wire, context, address, is_safe_to_repeat, &*self.clock));
            tokio::select! {
                biased;
                answer = sending => answer.unwrap_or(Err(Failure::Timeout)),
                _ = self.give_up.wait_for(|give_up| *give_up) => Err(Failure::Stopped),
            }
        };
        let Way { connection, sendable, times } = way;
        let timing = OutcomeTiming { sendable, sent: times.sent, first_byte: times.first_byte, done: Some(self.clock.now()), ..self.timing };
        let (mut values, mut produced, mut keeps) = (Vec::new(), Vec::new(), false);
        let (reply, status) = match answer {
            Ok(answer) => {
                keeps = answer.keeps_alive;
                let status = answer.message.head.status().unwrap_or_default();
                let (message, harvest) = self.harvest(answer.message).await;
                values = harvest.values.into_iter().map(|(slot, value)| (slot, value.map_or(Slot::Recorded, Slot::Live))).collect();
                produced = harvest.produced;
                let response = self.options.keep_responses.then_some(message);
                (Reply::Answered { status, response, redactions: Vec::new() }, Ok(status))
            }
            Err(failure) => {
                values.extend(self.step().gives.iter().map(|give| (give.slot, Slot::Failed)));
                (Reply::Failed(failure), Err(failure))
            }
        };
        let mut outcome = outcome(self.step(), &self.options, self.phase.clone(), timing, reply);
        outcome.request_bytes = if timing.sent.is_some() { wire.len() as u64 } else { 0 };
        outcome.response_bytes = times.received;
        outcome.bound = bound;
        outcome.produced = produced;
        (outcome, Settled { step: self.step, connection: connection.filter(|_| keeps), values, status })
    }

    /// Takes what later steps need out of the answer; off this thread if that is much work.
    async fn harvest(&self, message: Message) -> (Message, Harvest) {
        if self.step().gives.is_empty() {
            return (message, Harvest::default());
        }
        if message.body.kept_length() <= SMALL {
            let harvest = harvest(&self.step().gives, &message);
            return (message, harvest);
        }
        let (plan, step) = (Arc::clone(&self.plan), self.step);
        let (returned, kept) = (message.clone(), message);
        let work = tokio::task::spawn_blocking(move || harvest(&plan.steps[step as usize].gives, &returned));
        (kept, work.await.unwrap_or_default())
    }
}

/// How far one request has come.
struct Way {
    connection: Option<Connection>,
    sendable: Option<Timestamp>,
    times: Times,
}

impl Way {
    async fn go(&mut self, wire: &[u8], context: RequestContext, address: SocketAddr, is_safe_to_repeat: bool, clock: &dyn Clock) -> Result<Answer, Failure> {
        loop {
            let idle = self.connection.take().filter(|connection| !connection.is_stale());
            let was_idle = idle.is_some();
            let connection = match idle {
                Some(connection) => connection,
                None => Connection::open(address).await.map_err(|_| Failure::Connect)?,
            };
            let connection = self.connection.insert(connection);
            self.sendable = Some(clock.now());
            let answer = connection.exchange(wire, context, clock, &mut self.times).await;
            // The target may close an idle connection at any time (RFC 9112, section 9.3.1).
            if was_idle && is_safe_to_repeat && self.times.received == 0 && matches!(answer, Err(Failure::Closed)) {
                self.connection = None;
                continue;
            }
            return answer;
        }
    }
}

/// The outcome of `step`, nothing sent yet.
pub(super) fn outcome(step: &Step, options: &RunOptions, phase: String, timing: OutcomeTiming, reply: Reply) -> Outcome {
    Outcome {
        exchange: step.exchange,
        copy: 0,
        session: step.session,
        method: step.method.clone(),
        endpoint: step.endpoint.clone(),
        phase,
        tags: options.tags.clone(),
        timing,
        recorded_status: step.recorded_status,
        request_bytes: 0,
        response_bytes: 0,
        bound: Vec::new(),
        produced: Vec::new(),
        reply,
    }
}

/// Answers up to this many bytes are read on the thread that sends.
const SMALL: u64 = 64 << 10;
