//! Questions and answers.
//!
//! The messages of both directions flow in, exchanges flow out. What is known is used, nothing is guessed:
//!
//! - As long as nothing is missing, the n-th final response answers the n-th request.
//! - A hole may have swallowed any number of messages. It ends a *run* of messages that are known to follow one another, of
//!   requests or of responses; within a run the rule above holds on. So all that is to be found is one number for each two
//!   runs: by how much the ordinals of the responses differ from those of the requests that they answer.
//! - That number has an upper bound: a response cannot answer a request that its server had not received when it sent it, nor
//!   one that was sent after the client had received of the response. And a lower one: a client that sends a request when it
//!   has no other under way has had the answers to all earlier ones, so that whatever it had not received yet answers that
//!   request or a later one. The acknowledgment numbers tell who had received what. Where the bounds meet, the number is known.
//! - A client that is seen to send while it waits for some answers and has had others has no such moments; then only what is in
//!   order from the beginning is paired.
//!
//! Responses wait until the number is known or nothing can tell it any more; what stays open is given out unpaired and counted.

use std::collections::{BTreeSet, VecDeque};
use std::mem;
use std::ops::Range;

use bytes::Bytes;
use reenact_formats::model::{
    Anomaly, Body, BodyFraming, Completeness, Exchange, ExchangeId, Head, Initiator, LossCause, Message, Protocol, Role, Shape, Side, Timestamp, Timing,
};
use reenact_formats::wire::http1::{Decoded, RequestContext};

use crate::flow::{Direction, Output};
use crate::proto::Flow;

pub(crate) struct Pairs {
    /// Requests that were begun and not given out, in order.
    open: VecDeque<Open>,
    /// Responses whose request is not known yet, in order.
    unplaced: VecDeque<Unplaced>,
    /// Informational responses whose final one has not begun.
    interim: Vec<Head>,
    /// Where the next request and the next response will stand.
    next: [Place; 2],
    /// The request that the next response answers, where that is known.
    answers: Option<Place>,
    /// What was known of two runs when the younger of them began.
    known: Option<Known>,
    /// The last message of each side may not have been read to its end.
    cut: [bool; 2],
    /// The request that was begun last.
    last: Option<Sent>,
    /// Where the final response that began last begins.
    last_answer: Option<u64>,
    /// Up to which offset responses may be missing.
    answers_lost_until: u64,
    /// How the client uses the connection.
    manner: Manner,
    /// The requests that were sent last, and together.
    flight: Flight,
    /// The answers that were sent last, without anything received in between.
    silence: Silence,
    /// How many exchanges were begun on the connection.
    begun: u32,
    /// The connection was joined after its beginning.
    joined: bool,
    /// The next exchange is the first of such a connection.
    midstream: bool,
    /// The direction of requests.
    requests: Direction,
    /// Bytes in memory for finished messages that wait for others, and for informational responses.
    held: u64,
    /// Bytes of exchanges that were left out, and that the decoders have accounted for as recorded.
    filtered: u64,
}

/// Where a message stands among those of its side.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// How many holes came before it.
    run: u32,
    /// How many messages since the last of them.
    ordinal: i64,
}

/// The bound on the [shift](Pairs::shift) of two runs that comes from what was paired before the younger of them began.
#[derive(Debug, Clone, Copy)]
struct Known {
    requests: u32,
    responses: u32,
    bound: Bound,
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    Most(i64),
    Least(i64),
}

impl Place {
    const fn after(self) -> Self {
        Self { ordinal: self.ordinal + 1, ..self }
    }

    const fn next_run(self) -> Self {
        Self { run: self.run + 1, ordinal: 0 }
    }
}

/// Whether a client sends requests while it waits for answers, as far as it was seen.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// One after the other.
    #[default]
    Single,
    /// Several together; no one knows whether it waits for all of the answers before it goes on.
    Together,
    /// Several together, and the next when it has had all of the answers.
    Flights,
    /// It goes on when it has had some of the answers.
    Rolling,
}

/// Requests that a client sent without having received anything in between.
#[derive(Debug, Default, Clone, Copy)]
struct Flight {
    requests: u32,
    answers: u32,
    /// There may have been more of either.
    holed: bool,
}

/// Answers that a server sent when it had received the same of the requests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Silence {
    received: u64,
    answers: u32,
}

/// A request's head, as the head of another or of a response is held against it.
#[derive(Clone, Copy)]
pub(crate) struct Sent {
    place: Place,
    /// Where it begins in its stream.
    start: u64,
    /// How much of the responses' stream the client had received when it sent this.
    acknowledged: Option<u64>,
    /// How much of the requests' stream the server had received when it sent the last of that.
    answered_until: Option<u64>,
    at: Timestamp,
}

impl Sent {
    pub(crate) const fn new(start: u64, acknowledged: Option<u64>, answered_until: Option<u64>, at: Timestamp) -> Self {
        Self { place: Place { run: 0, ordinal: 0 }, start, acknowledged, answered_until, at }
    }
}

/// Whether an informational response was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    Yes,
    No,
}

/// Whether the client had no other request under way when it sent one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leads {
    Yes,
    /// As far as anyone can tell: nothing was seen before.
    Perhaps,
    /// It did, or a hole in front of it may have swallowed another.
    Unknown,
}

struct Open {
    index: u32,
    context: RequestContext,
    sent: Sent,
    leads: Leads,
    /// Behind it is a hole.
    holed: bool,
    request: Option<Box<Decoded>>,
    /// Whatever the answer is, the exchange will be left out.
    unwanted: bool,
    /// Where the request ends in its stream.
    end: Option<u64>,
    answer: Option<Answer>,
    settled: bool,
}

/// A final response that has begun.
struct Answer {
    interim: Vec<Head>,
    /// How much of the requests' stream the server had received.
    received: Option<u64>,
    decoded: Option<Box<Decoded>>,
    /// Where it ends in its stream.
    end: Option<u64>,
    /// It began before the request was read to its end.
    early: bool,
}

struct Unplaced {
    place: Place,
    start: u64,
    holed: bool,
    answer: Answer,
    settled: bool,
}

impl Answer {
    const fn new(interim: Vec<Head>) -> Self {
        Self { interim, received: None, decoded: None, end: None, early: false }
    }

    /// Bytes in memory for what was read of it.
    fn size(&self) -> u64 {
        self.interim.iter().map(interim_size).sum::<u64>() + self.decoded.as_deref().map_or(0, size)
    }
}

impl Open {
    fn is_answered(&self) -> bool {
        self.request.is_some() && self.answer.as_ref().is_some_and(|answer| answer.decoded.is_some())
    }

    /// Whether it may be what a response answers that begins at `start` and was sent when `received` had come of the requests.
    fn may_be_answered_by(&self, start: u64, received: Option<u64>) -> bool {
        let arrived = received.is_none_or(|received| self.sent.start < received);
        let sent_before = self.sent.acknowledged.is_none_or(|acknowledged| acknowledged <= start);
        self.answer.is_none() && arrived && sent_before
    }
}

impl Pairs {
    pub(crate) fn new(requests: Direction, midstream: bool) -> Self {
        Self {
            open: VecDeque::new(),
            unplaced: VecDeque::new(),
            interim: Vec::new(),
            next: [Place::default(); 2],
            answers: (!midstream).then(Place::default),
            known: None,
            cut: [false; 2],
            last: None,
            last_answer: None,
            answers_lost_until: 0,
            manner: Manner::default(),
            flight: Flight::default(),
            silence: Silence::default(),
            begun: 0,
            joined: midstream,
            midstream,
            requests,
            held: 0,
            filtered: 0,
        }
    }

    /// A request's head was read; if it is `unwanted`, its exchange will be left out.
    pub(crate) fn begin(&mut self, context: RequestContext, unwanted: bool, mut sent: Sent, flow: &Flow, output: &mut Output<'_>) {
        sent.place = self.next[0];
        self.next[0] = sent.place.after();
        let leads = self.leads(&sent);
        self.watch_for_rolling(&sent);
        self.last = Some(sent);
        let index = self.next_index();
        self.open.push_back(Open { index, context, sent, leads, holed: false, request: None, unwanted, end: None, answer: None, settled: false });
        if !self.unplaced.is_empty() {
            self.resolve(flow, output);
        }
    }

    /// Whether the client had nothing else under way when it sent a request, if it is one that waits for all answers.
    fn leads(&mut self, sent: &Sent) -> Leads {
        let everything_before_arrived = sent.answered_until.is_some_and(|received| received >= sent.start);
        // It had several answers, and had sent nothing since before the first of them.
        if self.manner != Manner::Rolling && self.silence.answers > 1 && self.silence.received == sent.start && everything_before_arrived {
            self.manner = Manner::Flights;
        }
        let Some(before) = self.last.filter(|before| before.place.after() == sent.place) else {
            let first = sent.place == Place::default();
            self.flight = Flight { requests: 1, answers: 0, holed: !first };
            return match () {
                () if everything_before_arrived || (first && !self.joined) => Leads::Yes,
                () if first => Leads::Perhaps,
                () => Leads::Unknown,
            };
        };
        let since = before.acknowledged.unwrap_or_default();
        let answered = self.last_answer.is_some_and(|start| start >= since);
        // A lost answer may have been an informational one, in the middle of the request before.
        let answer_lost = self.answers_lost_until > since && !self.open.back().is_some_and(expects_continue);
        let same_flight = before.acknowledged == sent.acknowledged || !(everything_before_arrived || answered || answer_lost);
        if same_flight {
            self.flight.requests += 1;
            if self.manner == Manner::Single {
                self.manner = Manner::Together;
            }
            return Leads::Unknown;
        }
        let Flight { requests, answers, holed } = mem::replace(&mut self.flight, Flight { requests: 1, answers: 0, holed: false });
        if !holed && answers < requests && requests > 1 {
            self.manner = Manner::Rolling;
        }
        Leads::Yes
    }

    fn watch_for_rolling(&mut self, sent: &Sent) {
        let Some(waiting) = self.open.iter().find(|open| open.answer.is_none()).filter(|_| self.answers.is_some()) else { return };
        let (Some(then), Some(now)) = (waiting.sent.acknowledged, sent.acknowledged) else { return };
        if now > then && self.last_answer.is_some_and(|start| (then..now).contains(&start)) {
            self.manner = Manner::Rolling;
        }
    }

    /// A request was read to its end.
    pub(crate) fn request(&mut self, decoded: Box<Decoded>, end: u64, flow: &Flow, output: &mut Output<'_>) {
        let Some(open) = self.open.back_mut().filter(|open| open.request.is_none()) else { return };
        self.held += size(&decoded);
        self.cut[0] = may_be_cut(&decoded);
        if let Some(answer) = &mut open.answer {
            answer.early = true;
        }
        open.unwanted = open.unwanted || output.consent.refuses(&decoded.message.head, flow.client_and_server(self.requests));
        open.request = Some(decoded);
        open.end = Some(end);
        open.settled = false;
        self.give(flow, output);
        // Where no response is ever seen, requests do not wait for ever.
        self.give_unanswered(MAX_WAITING, flow, output);
    }

    /// A final response has begun at `start`, when the server had received `received` bytes of requests: what does it answer?
    pub(crate) fn claim(&mut self, start: u64, received: Option<u64>, flow: &Flow, output: &mut Output<'_>) -> RequestContext {
        let place = self.next[1];
        self.next[1] = place.after();
        self.last_answer = Some(start);
        self.flight.answers += 1;
        if let Some(received) = received {
            let answers = if self.silence.received == received { self.silence.answers + 1 } else { 1 };
            self.silence = Silence { received, answers };
        }
        let answer = Answer { received, ..Answer::new(mem::take(&mut self.interim)) };
        if let Some(asked) = self.answers {
            if let Some(position) = self.open.iter().position(|open| open.sent.place == asked && open.answer.is_none()) {
                self.answers = Some(asked.after());
                let context = self.open[position].context;
                self.open[position].answer = Some(answer);
                // Answers come in the order of the questions: what is in front will not be paired any more.
                while !self.unplaced.is_empty() {
                    self.give_orphan(flow, output);
                }
                while self.open.front().is_some_and(|open| open.answer.is_none()) {
                    self.give_first(flow, output);
                }
                return context;
            }
            if asked.run == self.next[0].run {
                // Nothing was asked, or it was given out because it had waited for too long.
                self.answers = Some(if asked < self.next[0] { asked.after() } else { asked });
            } else {
                self.answers = None;
            }
        }
        self.unplaced.push_back(Unplaced { place, start, holed: false, answer, settled: false });
        if self.answers.is_none() {
            self.resolve(flow, output);
        }
        if self.unplaced.len() > MAX_UNPLACED {
            self.give_orphan(flow, output);
        }
        let unseen = RequestContext { unseen: true, ..RequestContext::default() };
        self.being_answered().map_or(unseen, |open| open.context)
    }

    /// An informational response; what is too much for one exchange is not kept.
    pub(crate) fn interim(&mut self, mut head: Head) -> Kept {
        if self.interim.len() >= MAX_INTERIM {
            return Kept::No;
        }
        // It is short, and waits for as long as the answer takes.
        head.settle();
        self.held += interim_size(&head);
        self.interim.push(head);
        Kept::Yes
    }

    /// A final response was read to its end.
    pub(crate) fn response(&mut self, decoded: Box<Decoded>, end: u64, flow: &Flow, output: &mut Output<'_>) {
        self.cut[1] = may_be_cut(&decoded);
        let placed = self.open.iter_mut().filter_map(|open| open.answer.as_mut().map(|answer| (&mut open.settled, answer)));
        let unplaced = self.unplaced.iter_mut().map(|unplaced| (&mut unplaced.settled, &mut unplaced.answer));
        if let Some((settled, answer)) = placed.chain(unplaced).find(|(_, answer)| answer.decoded.is_none()) {
            *settled = false;
            self.held += size(&decoded);
            answer.decoded = Some(decoded);
            answer.end = Some(end);
        }
        self.give(flow, output);
        self.give_hopeless(flow, output);
    }

    /// Marks the finished message of `side` that holds the byte at `offset`, if it waits here.
    pub(crate) fn mark_conflict(&mut self, side: Side, offset: u64) -> bool {
        let found = match side {
            Side::Request => {
                self.open.iter_mut().find(|open| open.sent.start <= offset && open.end.is_some_and(|end| offset < end)).and_then(|open| open.request.as_mut())
            }
            _ => {
                let holds = |unplaced: &&mut Unplaced| unplaced.start <= offset && unplaced.answer.end.is_some_and(|end| offset < end);
                self.unplaced.iter_mut().find(holds).and_then(|unplaced| unplaced.answer.decoded.as_mut())
            }
        };
        found.map(|decoded| decoded.anomalies.insert(Anomaly::ConflictingOverlap)).is_some()
    }

    /// Any number of messages may be missing from those of `side`, up to the offset `until`. Behind a hole (not where bytes could
    /// not be read) one is missing for certain, if the message before the hole was whole.
    pub(crate) fn lose_place(&mut self, side: Side, until: u64, hole: bool, output: &mut Output<'_>) {
        let [asked, answer] = self.next;
        let aligned = self.answers.filter(|answers| answers.run == asked.run);
        self.flight.holed = true;
        match side {
            Side::Request => {
                if let Some(open) = self.open.back_mut().filter(|open| open.sent.place.run == asked.run) {
                    open.holed = true;
                }
                self.next[0] = asked.next_run();
                let missing = i64::from(hole && !self.cut[0]);
                // The first request behind the hole is answered after those in front of it, and after those in the hole.
                let bound = aligned.map(|aligned| Bound::Most(-(answer.ordinal + asked.ordinal - aligned.ordinal + missing)));
                self.known = bound.map(|bound| Known { requests: self.next[0].run, responses: answer.run, bound });
            }
            _ => {
                if let Some(unplaced) = self.unplaced.back_mut().filter(|unplaced| unplaced.place.run == answer.run) {
                    unplaced.holed = true;
                }
                self.next[1] = answer.next_run();
                // It may have been an informational response.
                let missing = i64::from(hole && !self.cut[1] && !self.open.iter().any(expects_continue));
                let bound = aligned.map(|aligned| Bound::Least(aligned.ordinal + missing));
                self.known = bound.map(|bound| Known { requests: asked.run, responses: self.next[1].run, bound });
                self.answers = None;
                self.answers_lost_until = until;
                // The answer that they announced is lost, or begins behind the hole: no one knows.
                self.held -= drop_interim(&mut self.interim, output);
            }
        }
    }

    /// Finds the requests of responses that wait for theirs.
    fn resolve(&mut self, flow: &Flow, output: &mut Output<'_>) {
        let mut found = Vec::new();
        let mut ahead: Option<(Place, bool)> = None;
        for requests in runs(&self.open, |open| open.sent.place.run) {
            for responses in runs(&self.unplaced, |unplaced| unplaced.place.run) {
                let Some(shift) = self.shift(requests.clone(), responses.clone()) else { continue };
                let asked_by = |response: Place| Place { run: self.open[requests.start].sent.place.run, ordinal: response.ordinal + shift };
                for position in responses.clone() {
                    let asked = asked_by(self.unplaced[position].place);
                    found.extend(requests.clone().find(|request| self.open[*request].sent.place == asked).map(|request| (request, position)));
                }
                let next = asked_by(self.next[1]);
                let is_here = requests.clone().any(|request| self.open[request].sent.place == next);
                let current = self.unplaced[responses.start].place.run == self.next[1].run;
                if current && ahead.is_none_or(|(_, was_here)| !was_here) {
                    ahead = Some((next, is_here));
                }
            }
        }
        found.sort_unstable();
        let (mut given, mut orphaned) = (0, 0);
        for (request, response) in found {
            // Answers come in the order of the questions.
            if request < given || response < orphaned || self.open[request - given].answer.is_some() {
                continue;
            }
            for _ in given..request {
                self.give_first(flow, output);
            }
            for _ in orphaned..response {
                self.give_orphan(flow, output);
            }
            (given, orphaned) = (request, response + 1);
            let Some(Unplaced { answer, .. }) = self.unplaced.pop_front() else { return };
            self.open[0].answer = Some(answer);
            self.open[0].settled = false;
            if self.open[0].is_answered() {
                self.give_first(flow, output);
                given += 1;
            }
        }
        if let Some((next, _)) = ahead {
            self.answers = Some(next);
        }
        self.give_hopeless(flow, output);
    }

    /// By how much the ordinals of `requests` (one run, positions in `open`) are ahead of those of `responses` (one run, positions
    /// in `unplaced`) that answer them, if that is certain.
    fn shift(&mut self, requests: Range<usize>, responses: Range<usize>) -> Option<i64> {
        let asked = |position: usize| &self.open[position];
        let last_asked = asked(requests.end - 1);
        let most = responses.clone().filter_map(|position| {
            let Unplaced { place, start, answer: Answer { received, .. }, .. } = &self.unplaced[position];
            let is_beyond = |sent: &Sent| sent.acknowledged.is_some_and(|heard| heard > *start) || received.is_some_and(|received| sent.start >= received);
            let beyond = requests.clone().map(|position| asked(position).sent).find(is_beyond).map(|sent| sent.place.ordinal);
            // Where nothing is missing, what would come next is beyond too.
            let hole_free = received.is_some_and(|received| !last_asked.holed || last_asked.end.is_some_and(|end| received <= end));
            Some(beyond.or_else(|| hole_free.then_some(last_asked.sent.place.ordinal + 1))? - 1 - place.ordinal)
        });
        let runs = (asked(requests.start).sent.place.run, self.unplaced[responses.start].place.run);
        let known = self.known.filter(|known| (known.requests, known.responses) == runs).map(|known| known.bound);
        let most = most.chain(known.and_then(|known| if let Bound::Most(most) = known { Some(most) } else { None })).min()?;
        let last_answer = &self.unplaced[responses.end - 1];
        let waits_for_all = matches!(self.manner, Manner::Single | Manner::Flights);
        let least = requests.clone().filter(|position| asked(*position).leads == Leads::Yes && waits_for_all).filter_map(|position| {
            let sent = asked(position).sent;
            let heard = sent.acknowledged?;
            let next =
                responses.clone().map(|position| &self.unplaced[position]).find(|unplaced| unplaced.start >= heard).map(|unplaced| unplaced.place.ordinal);
            let hole_free = !last_answer.holed || last_answer.answer.end.is_some_and(|end| heard <= end);
            Some(sent.place.ordinal - next.or_else(|| hole_free.then_some(last_answer.place.ordinal + 1))?)
        });
        let least = least.chain(known.and_then(|known| if let Bound::Least(least) = known { Some(least) } else { None })).max()?;
        if least > most {
            // It did have others under way.
            self.manner = Manner::Rolling;
        }
        (least == most).then_some(least)
    }

    /// Gives out the responses whose request was lost for certain.
    fn give_hopeless(&mut self, flow: &Flow, output: &mut Output<'_>) {
        while let Some(Unplaced { start, answer, .. }) = self.unplaced.front()
            && answer.decoded.is_some()
            && !self.open.iter().any(|open| open.may_be_answered_by(*start, answer.received))
        {
            self.give_orphan(flow, output);
        }
    }

    /// The request that is answered by the response that is being read.
    fn being_answered(&self) -> Option<&Open> {
        self.open.iter().find(|open| open.answer.as_ref().is_some_and(|answer| answer.decoded.is_none()))
    }

    /// Whether the response that is being read belongs to an exchange that will be left out.
    pub(crate) fn claimed_is_unwanted(&self) -> bool {
        self.being_answered().is_some_and(|open| open.unwanted)
    }

    /// The exchange to which the response belongs that is being read will be left out: the request's body is let go.
    pub(crate) fn forgo_claimed(&mut self) {
        let claimed = self.open.iter_mut().find(|open| open.answer.as_ref().is_some_and(|answer| answer.decoded.is_none()));
        if let Some(request) = claimed.and_then(|open| open.request.as_mut()) {
            let before = size(request);
            request.message.body.slices = Vec::new();
            self.held -= before - size(request);
        }
    }

    /// Whether the response that is being read answers the last request so far, or may.
    pub(crate) fn claimed_is_last(&self) -> bool {
        let last = self.open.back().filter(|open| self.last.is_some_and(|last| last.place == open.sent.place));
        last.is_some_and(|open| open.answer.is_some() || (!open.context.connect && self.being_answered().is_none()))
    }

    /// Whether a response takes the connection out of HTTP.
    pub(crate) fn claimed_upgrades(&self, decoded: &Decoded) -> bool {
        let status = decoded.message.head.status().unwrap_or_default();
        let connect = self.being_answered().is_some_and(|open| open.context.connect);
        status == 101 || (connect && (200..300).contains(&status))
    }

    /// Whether the last request so far was a CONNECT.
    pub(crate) fn last_request_is_connect(&self) -> bool {
        self.open.back().is_some_and(|open| open.context.connect)
    }

    /// Bytes in memory for what waits.
    pub(crate) fn held(&self) -> u64 {
        self.held + ((self.open.len() + self.unplaced.len()) * ENTRY) as u64
    }

    /// How many bytes that the decoders have accounted for as recorded were left out since this was asked last.
    pub(crate) const fn take_filtered(&mut self) -> u64 {
        mem::replace(&mut self.filtered, 0)
    }

    /// Whether finished messages wait for others.
    pub(crate) fn waits(&self) -> bool {
        !self.open.is_empty() || !self.unplaced.is_empty()
    }

    /// Copies what waits out of the blocks in which it was received.
    pub(crate) fn settle(&mut self) {
        let open = self.open.iter_mut().map(|open| (&mut open.settled, &mut open.request, open.answer.as_mut()));
        let unplaced = self.unplaced.iter_mut();
        for (settled, request, answer) in open {
            if !mem::replace(settled, true) {
                let answer = answer.and_then(|answer| answer.decoded.as_mut());
                request.iter_mut().chain(answer).for_each(|decoded| decoded.message.settle());
            }
        }
        for Unplaced { settled, answer, .. } in unplaced {
            if !mem::replace(settled, answer.decoded.is_some()) {
                answer.decoded.iter_mut().for_each(|decoded| decoded.message.settle());
            }
        }
    }

    /// Too much waits: what is finished is given out as it is.
    pub(crate) fn shed(&mut self, flow: &Flow, output: &mut Output<'_>) {
        while self.unplaced.front().is_some_and(|unplaced| unplaced.answer.decoded.is_some()) {
            self.give_orphan(flow, output);
        }
        self.give_unanswered(0, flow, output);
        let answers = self.open.iter_mut().filter_map(|open| open.answer.as_mut()).chain(self.unplaced.iter_mut().map(|unplaced| &mut unplaced.answer));
        for interim in answers.map(|answer| &mut answer.interim).chain([&mut self.interim]) {
            self.held -= drop_interim(interim, output);
        }
    }

    /// Nothing more will come.
    pub(crate) fn finish(&mut self, flow: &Flow, output: &mut Output<'_>) {
        if self.manner == Manner::Single
            && let Some(first) = self.open.front_mut().filter(|open| open.leads == Leads::Perhaps)
        {
            first.leads = Leads::Yes;
            self.resolve(flow, output);
        }
        let interim = mem::take(&mut self.interim);
        if let Some(open) = self.open.iter_mut().find(|open| open.answer.is_none()).filter(|_| !interim.is_empty()) {
            open.answer = Some(Answer::new(interim));
        }
        while !self.unplaced.is_empty() {
            self.give_orphan(flow, output);
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

    /// Gives out requests without their answers, the first ones first, until no more than `most` are open.
    fn give_unanswered(&mut self, most: usize, flow: &Flow, output: &mut Output<'_>) {
        // The first may have an answer that does not end.
        while self.open.len() > most
            && let Some(position) = self.open.iter().position(|open| open.request.is_some() && open.answer.is_none())
        {
            if let Some(before) = position.checked_sub(1) {
                // It is not the next one to be answered any more, as if that had been lost.
                self.open[before].holed = true;
            }
            self.give_one(position, flow, output);
        }
    }

    /// Gives out the first request as it is.
    fn give_first(&mut self, flow: &Flow, output: &mut Output<'_>) {
        self.give_one(0, flow, output);
    }

    fn give_one(&mut self, position: usize, flow: &Flow, output: &mut Output<'_>) {
        let Some(Open { index, context, sent, request, end, answer, .. }) = self.open.remove(position) else { return };
        let answer = answer.unwrap_or_else(|| Answer::new(Vec::new()));
        self.held -= request.as_deref().map_or(0, size) + answer.size();
        let early = !context.upgrade && answer.received.zip(end).map_or(answer.early, |(received, end)| received < end);
        let response = answer.decoded.map(|response| if context.head { answer_to_head(response) } else { response });
        self.record(Told { index, began: sent.at, request, interim: answer.interim, response, early }, flow, output);
    }

    /// Gives out the first response without a request.
    fn give_orphan(&mut self, flow: &Flow, output: &mut Output<'_>) {
        let Some(Unplaced { answer, .. }) = self.unplaced.pop_front() else { return };
        self.held -= answer.size();
        let index = self.next_index();
        self.record(Told { index, began: Timestamp::default(), request: None, interim: answer.interim, response: answer.decoded, early: false }, flow, output);
    }

    fn record(&mut self, told: Told, flow: &Flow, output: &mut Output<'_>) {
        if told.request.is_none() && told.response.is_none() {
            return;
        }
        let bytes = told.recorded();
        let exchange = told.into_exchange(flow, self.requests, mem::take(&mut self.midstream));
        let ledger = &mut *output.ledger;
        if let Some(cause) = output.consent.judge(&exchange) {
            self.filtered += bytes;
            return ledger.filter(cause, u64::from(exchange.request.is_some()), bytes);
        }
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

/// All that is told of an exchange.
struct Told {
    index: u32,
    began: Timestamp,
    request: Option<Box<Decoded>>,
    interim: Vec<Head>,
    response: Option<Box<Decoded>>,
    early: bool,
}

impl Told {
    /// How many of its bytes the decoders have accounted for as recorded.
    fn recorded(&self) -> u64 {
        let messages = [&self.request, &self.response].into_iter().flatten().map(|decoded| decoded.recorded);
        messages.chain(self.interim.iter().map(|head| head.raw().len() as u64)).sum()
    }

    fn into_exchange(self, flow: &Flow, requests: Direction, midstream: bool) -> Exchange {
        let Self { index, began, request, interim, response, early } = self;
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
        let (client, server) = flow.client_and_server(requests);
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
            node: None,
            initiator: if opener == requests { Initiator::Client } else { Initiator::Server },
            shape: Shape::Unary,
            client,
            server,
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

/// A response that was read before it was known that it answers a `HEAD`.
fn answer_to_head(mut response: Box<Decoded>) -> Box<Decoded> {
    let Decoded { message: Message { body, .. }, anomalies, .. } = &mut *response;
    if body.framing == BodyFraming::Empty {
        return response;
    }
    if body.kept_length() == 0 && body.completeness == Completeness::TruncatedAt(0) {
        anomalies.remove(&Anomaly::Truncated);
        *body = Body::empty();
    } else if body.wire_length > 0 {
        // What was taken for its body is something else.
        anomalies.insert(Anomaly::AmbiguousFraming);
    }
    response
}

/// Whether bytes that are missing behind a message may be its own.
fn may_be_cut(decoded: &Decoded) -> bool {
    [Anomaly::Gap, Anomaly::Truncated, Anomaly::MalformedChunk].iter().any(|anomaly| decoded.anomalies.contains(anomaly))
}

fn expects_continue(open: &Open) -> bool {
    open.request.as_ref().is_none_or(|request| request.message.head.header("expect").is_some())
}

/// Where each run of messages begins and ends in a queue.
fn runs<'a, T>(queue: &'a VecDeque<T>, run: impl Fn(&T) -> u32 + Copy + 'a) -> Vec<Range<usize>> {
    let starts: Vec<usize> = (0..queue.len()).filter(|position| *position == 0 || run(&queue[*position - 1]) != run(&queue[*position])).collect();
    let ends = starts.iter().skip(1).copied().chain([queue.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

/// Bytes in memory.
fn size(decoded: &Decoded) -> u64 {
    let Message { head, body, trailers } = &decoded.message;
    let chunks = if let BodyFraming::Chunked(chunks) = &body.framing { chunks.len() } else { 0 };
    let pieces = body.slices.len() * size_of::<Bytes>() + chunks * size_of::<u64>();
    head.memory() + trailers.as_ref().map_or(0, Head::memory) + body.kept_length() + pieces as u64
}

fn interim_size(head: &Head) -> u64 {
    size_of::<Head>() as u64 + head.memory()
}

/// Lets go of informational responses, and tells how much they took in memory. Their final one is recorded without them.
fn drop_interim(interim: &mut Vec<Head>, output: &mut Output<'_>) -> u64 {
    let interim = mem::take(interim);
    output.ledger.lose(LossCause::IncompleteMessage, interim.len() as u64);
    interim.iter().map(interim_size).sum()
}

/// How many requests may wait for responses that do not come.
const MAX_WAITING: usize = 256;
/// How many informational responses are kept for one exchange.
const MAX_INTERIM: usize = 64;
/// How many responses may wait for their request to be known.
const MAX_UNPLACED: usize = 64;
/// What a message that waits costs besides its bytes.
const ENTRY: usize = size_of::<Open>() + size_of::<Decoded>();
