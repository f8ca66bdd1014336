//! What will be sent, when, after what, and with which live values.
//!
//! In: the exchanges of a recording in the order of their starts. Out: a [`Plan`]: one step for each of them, with its offset
//! on the schedule, its session, the steps that it follows, and the values that it gives and takes. What never happens here:
//! sending, reading a clock, or leaving an exchange out without counting it.

mod order;
mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reenact_formats::content::endpoint_template;
use reenact_formats::disk;
use reenact_formats::model::{Completeness, Exchange, ExchangeId, Message, Role};

use crate::Error;
use crate::correlate::{Correlator, Give, Take};
use crate::target::recorded_host;

pub use session::SessionBy;

/// What is made of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanOptions {
    /// How much faster than recorded.
    pub speed: f64,
    /// How sessions are told apart.
    pub session: SessionBy,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self { speed: 1.0, session: SessionBy::Connection }
    }
}

/// What will be sent, when, after what, and with which live values.
pub struct Plan {
    pub(crate) steps: Vec<Step>,
    /// How many live values there can be; gives and takes name them by ordinal.
    pub(crate) slots: usize,
    sessions: u64,
    outbound: u64,
}

/// One exchange to send.
pub(crate) struct Step {
    pub(crate) exchange: ExchangeId,
    pub(crate) session: u64,
    pub(crate) offset: Duration,
    pub(crate) method: String,
    pub(crate) endpoint: String,
    /// The recorded host, in lower case, port included if one was named.
    pub(crate) host: String,
    pub(crate) recorded_status: Option<u16>,
    /// What to send; or why it cannot be.
    pub(crate) request: Result<Message, Skip>,
    /// Earlier steps that must be settled before this one goes, ascending.
    pub(crate) follows: Vec<u32>,
    /// What later steps need of its answer.
    pub(crate) gives: Vec<Give>,
    /// What it needs of earlier answers, in the order of their places.
    pub(crate) takes: Vec<Take>,
}

/// Why an exchange cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Skip {
    /// Its request was not seen.
    NoRequest,
    /// Its body was dropped, by a limit or by the policy.
    BodyDropped,
    /// Some of its body was not seen.
    BodyIncomplete,
    /// It opens a tunnel.
    Tunnel,
}

impl Plan {
    /// Plans `exchanges`, which come in the order of their starts and are redacted.
    pub fn build(exchanges: impl IntoIterator<Item = Result<Exchange, disk::Error>>, options: &PlanOptions) -> Result<Self, Error> {
        if !(options.speed.is_finite() && options.speed > 0.0) {
            return Err(Error::Speed { speed: options.speed });
        }
        let mut steps = Vec::new();
        let mut spans = Vec::new();
        let mut sessions = session::Sessions::new(&options.session);
        let mut correlator = Correlator::default();
        let mut outbound = 0;
        let mut first = None;
        for exchange in exchanges {
            let exchange = exchange.map_err(Error::Recording)?;
            if exchange.role == Role::Outbound {
                outbound += 1;
                continue;
            }
            let first = *first.get_or_insert(exchange.start);
            let session = sessions.assign(&exchange);
            let step = Step {
                exchange: exchange.id,
                session,
                offset: exchange.start.since(first).div_f64(options.speed),
                method: exchange.method().unwrap_or("-").to_owned(),
                endpoint: exchange.target().map_or_else(|| "-".to_owned(), endpoint_template),
                host: recorded_host(&exchange),
                recorded_status: exchange.status(),
                request: sendable(&exchange),
                follows: Vec::new(),
                gives: Vec::new(),
                takes: Vec::new(),
            };
            correlator.observe(session, &step.method, &step.endpoint, &exchange);
            spans.push(order::Span { session, start: exchange.start, end: exchange.timing.end.filter(|_| exchange.response.is_some()) });
            steps.push(step);
        }
        if steps.iter().all(|step: &Step| step.request.is_err()) {
            return Err(Error::NothingToSend { outbound });
        }
        let links = correlator.finish();
        let slots = links.slots;
        for ((step, follows), endpoint) in steps.iter_mut().zip(order::follows(&spans)).zip(links.endpoints) {
            step.follows = follows;
            step.endpoint = endpoint;
        }
        for (step, give) in links.gives {
            steps[step as usize].gives.push(give);
        }
        for (step, take) in links.takes {
            let step = &mut steps[step as usize];
            step.follows.push(take.producer);
            step.takes.push(take);
        }
        for step in &mut steps {
            step.follows.sort_unstable();
            step.follows.dedup();
            step.takes.sort_by_key(|take| (take.part, take.span.start));
        }
        Ok(Self { steps, slots, sessions: sessions.count(), outbound })
    }

    /// How many exchanges there are to send, those that cannot be sent included.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there is nothing; never so for a plan that was built.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// How many sessions there are.
    pub const fn sessions(&self) -> u64 {
        self.sessions
    }

    /// How many exchanges are left out because the recorded service was their client.
    pub const fn outbound(&self) -> u64 {
        self.outbound
    }

    /// How many exchanges cannot be sent: their request, or some of it, was not recorded.
    pub fn not_replayable(&self) -> u64 {
        self.steps.iter().filter(|step| step.request.is_err()).count() as u64
    }

    /// From the first due time to the last.
    pub fn schedule(&self) -> Duration {
        self.steps.last().map_or(Duration::ZERO, |step| step.offset)
    }

    /// The recorded hosts.
    pub fn hosts(&self) -> BTreeSet<&str> {
        self.steps.iter().filter(|step| step.request.is_ok()).map(|step| step.host.as_str()).collect()
    }

    /// The bindings that were found, by name, with the number of places that take a live value.
    pub fn bindings(&self) -> BTreeMap<&str, u64> {
        let mut bindings = BTreeMap::new();
        for take in self.steps.iter().flat_map(|step| &step.takes) {
            *bindings.entry(&*take.name).or_default() += 1;
        }
        bindings
    }
}

/// The request if it can be sent as it was.
fn sendable(exchange: &Exchange) -> Result<Message, Skip> {
    let request = exchange.request.clone().ok_or(Skip::NoRequest)?;
    match request.body.completeness {
        Completeness::Whole if request.head.method() == Some(b"CONNECT") => Err(Skip::Tunnel),
        Completeness::Whole => Ok(request),
        Completeness::Dropped { .. } => Err(Skip::BodyDropped),
        Completeness::TruncatedAt(_) | Completeness::Gap(_) => Err(Skip::BodyIncomplete),
    }
}
