//! Questions and answers.
//!
//! The messages of both directions flow in, exchanges flow out. As long as nothing is missing, the n-th final response answers
//! the n-th request. After a hole that may have swallowed messages that is no longer known; then the acknowledgment numbers
//! tell: a client that had received exactly the bytes before a response when it sent its request is the one that is answered.
//! What they leave open stays unpaired and is counted: it is never guessed.

use std::collections::{BTreeSet, VecDeque};
use std::mem;

use bytes::Bytes;
use reenact_formats::model::{Anomaly, Exchange, ExchangeId, Head, Initiator, LossCause, Protocol, Role, Shape, Side, Timestamp, Timing};
use reenact_formats::wire::http1::{Decoded, RequestContext};

use crate::flow::{Direction, Output};
use crate::proto::Flow;

pub(crate) struct Pairs {
    /// Begun and not given out, in order of their requests.
    open: VecDeque<Open>,
    /// Informational responses whose final one has not begun.
    interim: Vec<Head>,
    /// Whether the next response is known to answer the first request that has none.
    aligned: bool,
    /// Up to which offset messages may be missing, of requests and of responses.
    lost_until: [u64; 2],
    /// Requests were lost since the last one that was read.
    request_lost: bool,
    /// Since then, responses to lost requests were seen, or were lost themselves.
    loss_answered: bool,
    /// The client has been seen to send a request before the answer to the one before.
    pipelines: bool,
    /// How many exchanges were begun on the connection.
    begun: u32,
    /// The next exchange is the first of a connection that was joined after its beginning.
    midstream: bool,
    /// The direction of requests.
    requests: Direction,
}

struct Open {
    index: u32,
    context: RequestContext,
    /// Where the request begins in its stream.
    start: u64,
    /// How much of the responses' stream the client had received when it sent this.
    acknowledged: Option<u64>,
    began: Timestamp,
    /// Whether there is, or will be, a request.
    has_request: bool,
    request: Option<Decoded>,
    claimed: bool,
    interim: Vec<Head>,
    response: Option<Decoded>,
    early: bool,
    /// Requests that are missing may have been sent together with it, in front of it.
    doubtful: bool,
    settled: bool,
}

impl Open {
    /// A response to nothing that was seen.
    fn orphan(index: u32, interim: Vec<Head>) -> Self {
        Self { has_request: false, claimed: true, interim, ..Self::new(index, RequestContext::default(), 0, None, Timestamp::default()) }
    }

    const fn new(index: u32, context: RequestContext, start: u64, acknowledged: Option<u64>, began: Timestamp) -> Self {
        Self {
            index,
            context,
            start,
            acknowledged,
            began,
            has_request: true,
            request: None,
            claimed: false,
            interim: Vec::new(),
            response: None,
            early: false,
            doubtful: false,
            settled: false,
        }
    }

    fn is_answered(&self) -> bool {
        self.response.is_some() && (self.request.is_some() || !self.has_request)
    }

    fn size(&self) -> u64 {
        [&self.request, &self.response].into_iter().flatten().map(|decoded| decoded.message.body.kept_length() + decoded.message.head.raw().len() as u64).sum()
    }
}

impl Pairs {
    pub(crate) const fn new(requests: Direction, midstream: bool) -> Self {
        Self {
            open: VecDeque::new(),
            interim: Vec::new(),
            aligned: !midstream,
            lost_until: [0; 2],
            request_lost: false,
            loss_answered: false,
            pipelines: false,
            begun: 0,
            midstream,
            requests,
        }
    }

    /// A request's head was read.
    pub(crate) fn begin(&mut self, context: RequestContext, start: u64, acknowledged: Option<u64>, at: Timestamp) {
        let index = self.next_index();
        self.pipelines |= self.open.back().is_some_and(|open| open.has_request && !open.claimed && acknowledged.is_some() && open.acknowledged == acknowledged);
        // A client that pipelines may have sent another request, now lost, in front of this one; so has one that had no answer yet.
        let (lost, answered) = (mem::take(&mut self.request_lost), mem::take(&mut self.loss_answered));
        let doubtful = lost && (self.pipelines || !answered);
        self.open.push_back(Open { doubtful, ..Open::new(index, context, start, acknowledged, at) });
    }

    /// A request was read to its end.
    pub(crate) fn request(&mut self, decoded: Decoded, flow: &Flow, output: &mut Output<'_>) {
        let Some(open) = self.open.iter_mut().rev().find(|open| open.has_request && open.request.is_none()) else { return };
        open.early = open.claimed && !open.context.upgrade;
        open.request = Some(decoded);
        open.settled = false;
        self.give(flow, output);
        // Where no response is ever seen, requests do not wait for ever.
        while self.open.len() > MAX_WAITING && self.open.front().is_some_and(|open| !open.claimed && open.request.is_some()) {
            self.give_first(flow, output);
            self.aligned = false;
        }
    }

    /// A final response has begun at `start`, when the server had received `received` bytes of requests: which one is answered?
    pub(crate) fn claim(&mut self, start: u64, received: Option<u64>, flow: &Flow, output: &mut Output<'_>) -> RequestContext {
        let position = if self.aligned { self.open.iter().position(|open| !open.claimed) } else { self.realign(start, received) };
        let Some(position) = position else {
            let index = self.next_index();
            let interim = mem::take(&mut self.interim);
            self.loss_answered = true;
            self.open.push_front(Open::orphan(index, interim));
            return RequestContext { unseen: true, ..RequestContext::default() };
        };
        // Responses come in order: those before it will not be answered any more.
        for _ in 0..position {
            self.give_first(flow, output);
        }
        let interim = mem::take(&mut self.interim);
        let Some(open) = self.open.front_mut() else { return RequestContext::default() };
        open.claimed = true;
        open.interim.extend(interim);
        open.context
    }

    /// Finds the request that a response answers after messages may have been lost.
    fn realign(&mut self, start: u64, received: Option<u64>) -> Option<usize> {
        let may_answer = |open: &Open| {
            let sent_before = open.acknowledged.is_none_or(|acknowledged| acknowledged <= start);
            let arrived = received.is_none_or(|received| open.start < received);
            !open.claimed && open.has_request && sent_before && arrived
        };
        let candidates: Vec<usize> = (0..self.open.len()).filter(|position| may_answer(&self.open[*position])).collect();
        let is_first = |position: &usize| !self.open[*position].doubtful;
        let acknowledged = |position: &usize| self.open[*position].acknowledged;
        let exact = candidates.iter().copied().find(|position| acknowledged(position) == Some(start));
        let found = if exact.is_some() {
            exact.filter(is_first)
        } else {
            // No response is missing since the client sent the last of them, and what came before it was answered by then.
            let last = acknowledged(candidates.last()?);
            let mut latest = candidates.iter().copied().filter(|position| acknowledged(position) == last);
            let nothing_missing = last.is_none_or(|last| last >= self.lost_until[1]);
            latest.next().filter(|only| latest.next().is_none() && nothing_missing && is_first(only))
        }?;
        self.aligned = self.open[found].start >= self.lost_until[0];
        Some(found)
    }

    /// An informational response.
    pub(crate) fn interim(&mut self, head: Head) {
        self.interim.push(head);
    }

    /// A final response was read to its end.
    pub(crate) fn response(&mut self, decoded: Decoded, flow: &Flow, output: &mut Output<'_>) {
        let Some(open) = self.open.iter_mut().find(|open| open.claimed && open.response.is_none()) else { return };
        open.response = Some(decoded);
        open.settled = false;
        self.give(flow, output);
    }

    /// Any number of messages may be missing from those of `side`, up to the offset `until`.
    pub(crate) const fn lose_place(&mut self, side: Side, until: u64) {
        self.aligned = false;
        match side {
            Side::Request => {
                self.lost_until[0] = until;
                self.request_lost = true;
            }
            _ => {
                self.lost_until[1] = until;
                self.loss_answered = true;
            }
        }
    }

    /// Whether the response that is being read answers the last request so far.
    pub(crate) fn claimed_is_last(&self) -> bool {
        self.open.back().is_some_and(|open| open.claimed)
    }

    /// Whether a response takes the connection out of HTTP.
    pub(crate) fn claimed_upgrades(&self, decoded: &Decoded) -> bool {
        let status = decoded.message.head.status().unwrap_or_default();
        let connect = self.open.iter().find(|open| open.claimed && open.response.is_none()).is_some_and(|open| open.context.connect);
        status == 101 || (connect && (200..300).contains(&status))
    }

    /// Whether the last request so far was a CONNECT.
    pub(crate) fn last_request_is_connect(&self) -> bool {
        self.open.back().is_some_and(|open| open.context.connect)
    }

    /// Bytes in finished messages that wait for others.
    pub(crate) fn held(&self) -> u64 {
        self.open.iter().map(Open::size).sum()
    }

    /// Whether finished messages wait for others.
    pub(crate) fn waits(&self) -> bool {
        !self.open.is_empty()
    }

    /// Copies what waits out of the blocks in which it was received.
    pub(crate) fn settle(&mut self) {
        for open in &mut self.open {
            if !mem::replace(&mut open.settled, true) {
                for decoded in [&mut open.request, &mut open.response].into_iter().flatten() {
                    decoded.message.head.settle();
                    for slice in &mut decoded.message.body.slices {
                        *slice = Bytes::copy_from_slice(slice);
                    }
                }
            }
        }
    }

    /// Nothing more will come.
    pub(crate) fn finish(&mut self, flow: &Flow, output: &mut Output<'_>) {
        let interim = mem::take(&mut self.interim);
        if let Some(open) = self.open.iter_mut().find(|open| !open.claimed) {
            open.interim.extend(interim);
        }
        while !self.open.is_empty() {
            self.give_first(flow, output);
        }
    }

    fn next_index(&mut self) -> u32 {
        self.begun = self.begun.saturating_add(1);
        self.begun
    }

    /// Gives out what is complete, in order.
    fn give(&mut self, flow: &Flow, output: &mut Output<'_>) {
        while self.open.front().is_some_and(Open::is_answered) {
            self.give_first(flow, output);
        }
    }

    /// Gives out the first as it is.
    fn give_first(&mut self, flow: &Flow, output: &mut Output<'_>) {
        let Some(open) = self.open.pop_front() else { return };
        if open.request.is_none() && open.response.is_none() {
            return;
        }
        let exchange = open.into_exchange(flow, self.requests, mem::take(&mut self.midstream));
        let ledger = &mut *output.ledger;
        ledger.requests += u64::from(exchange.request.is_some());
        ledger.responses += u64::from(exchange.response.is_some());
        ledger.interim += exchange.interim.len() as u64;
        ledger.complete += u64::from(exchange.is_complete());
        for anomaly in &exchange.anomalies {
            *ledger.anomalies.entry(*anomaly).or_default() += 1;
        }
        ledger.lose(LossCause::MissingRequest, u64::from(exchange.request.is_none()));
        ledger.lose(LossCause::MissingResponse, u64::from(exchange.response.is_none()));
        output.exchanges.push(exchange);
    }
}

impl Open {
    fn into_exchange(self, flow: &Flow, requests: Direction, midstream: bool) -> Exchange {
        let Self { index, began, request, interim, response, early, .. } = self;
        let mut anomalies: BTreeSet<Anomaly> = [&request, &response].into_iter().flatten().flat_map(|decoded| decoded.anomalies.iter().copied()).collect();
        for (is, anomaly) in [
            (request.is_none(), Anomaly::MissingRequest),
            (response.is_none(), Anomaly::MissingResponse),
            (early, Anomaly::EarlyResponse),
            (midstream, Anomaly::Midstream),
        ] {
            if is {
                anomalies.insert(anomaly);
            }
        }
        let opener = flow.opener.unwrap_or(requests);
        let timing = Timing {
            request_end: request.as_ref().map(|decoded| decoded.end),
            first_byte: response.as_ref().map(|decoded| decoded.start),
            end: response.as_ref().map(|decoded| decoded.end),
        };
        Exchange {
            id: ExchangeId { connection: flow.id, index },
            stream: 0,
            protocol: Protocol::Http1,
            role: Role::Inbound,
            initiator: if opener == requests { Initiator::Client } else { Initiator::Server },
            shape: Shape::Unary,
            client: flow.ends[opener],
            server: flow.ends[1 - opener],
            start: request.as_ref().map(|decoded| decoded.start).or(timing.first_byte).unwrap_or(began),
            timing,
            request: request.map(|decoded| decoded.message),
            interim,
            response: response.map(|decoded| decoded.message),
            anomalies,
            redactions: Vec::new(),
        }
    }
}

/// How many requests may wait for responses that do not come.
const MAX_WAITING: usize = 1024;
