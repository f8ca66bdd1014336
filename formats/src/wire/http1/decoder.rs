//! The decoder of one direction.
//!
//! ```text
//!            ┌────────────────────────────── message ended ◄───────────────────────────┐
//!            ▼                                                                         │
//!   ──► Head ┬─ empty body ───────────────────────────────────────────────────────────►┤
//!            ├─ Doubtful (the request was not seen) ── a status line follows ──────────┤
//!            ├─ Counted ───────────────────────────────────────────────────────────────┤
//!            ├─ ChunkSize ⇄ ChunkData → ChunkEnd;  ChunkSize(0) → Trailers ────────────┤
//!            ├─ UntilClose ─────────────────────────────────────────────── close() ────┘
//!            └─ Upgraded (for ever)
//!   Doubtful ── anything else follows ──► Counted, ChunkSize or UntilClose
//!   a hole anywhere but in a body, or bytes that begin no message:  ──► Seeking ── start found ──► Head
//! ```

use std::collections::{BTreeSet, VecDeque};
use std::{fmt, mem};

use bytes::{Buf as _, Bytes, BytesMut};

use super::few::Few;
use super::framing::{self, Framing, Length};
use super::start::{self, Opening};
use super::{Accounting, Decoded, Event, Limits, RequestContext};
use crate::model::{Anomaly, Body, BodyFraming, Completeness, DropReason, Head, Message, Side, Timestamp};

/// Decodes one direction of an HTTP/1 connection. See the [module](super).
pub struct Decoder {
    side: Side,
    limits: Limits,
    /// Fed and not looked at yet: events are found only as they are asked for.
    input: Few<Piece>,
    /// Bytes in `input`.
    queued: u64,
    state: State,
    hold: Hold,
    /// The beginning of a head, a chunk line, a trailer section, or of what is searched: bytes already taken from `input`, in a
    /// buffer of their own.
    partial: BytesMut,
    /// What is looked at now was put together in that buffer.
    gathered: bool,
    /// How far `partial` is known not to hold the end that is sought.
    scanned: usize,
    /// Whether the start line of the head in `partial` was found good.
    opened: bool,
    /// Offset and time of the first byte of the head that is being read.
    began: (u64, Timestamp),
    /// The message whose head was read and whose body is being read.
    current: Option<Open>,
    /// Offset of the next byte of `input`: bytes in `partial` lie before it.
    offset: u64,
    expected: VecDeque<RequestContext>,
    headless: bool,
    /// Nothing is sought until the peer has answered: see [`Decoder::refuse_chunk`].
    sealed: bool,
    ready: Few<Event>,
    accounting: Accounting,
}

enum Piece {
    Data(Bytes, Timestamp),
    Gap(u64, Timestamp),
    Close(Timestamp, Ending),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Orderly,
    Cut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Doubtful(Length),
    Counted { left: u64 },
    ChunkSize,
    ChunkData { left: u64 },
    ChunkEnd,
    Trailers,
    UntilClose,
    Seeking(Cause),
    Upgraded,
}

/// Why a start is sought, and so how the bytes in between are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Hole,
    Garbage,
}

/// What the decoder waits for before it goes on.
#[derive(Debug)]
enum Hold {
    Nothing,
    /// The head of a final response was read; its request is unknown.
    Claim(Head, Timestamp),
    /// What looks like the answer to an HTTP/0.9 request has begun.
    HeadlessClaim,
    /// A request asked for another protocol; the answer decides.
    Upgrade,
}

struct Open {
    /// What is given out once it has ended; until then the end that stands there is that of its head.
    decoded: Box<Decoded>,
    /// The head was copied out of the block in which it was received.
    owns_head: bool,
    /// Slices before this index are known not to pin a larger block.
    settled: usize,
    kept: u64,
    dropped: u64,
    missing: u64,
    /// No one wants the body.
    forgone: bool,
    /// How many bytes were let go because of that.
    passed: u64,
    /// What to do once it has ended.
    then: Then,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    AwaitUpgrade,
    Tunnel,
}

impl Open {
    fn shed(&mut self) {
        self.dropped += self.empty();
        self.decoded.anomalies.insert(Anomaly::BodyOverLimit);
    }

    /// Lets go of what was kept of the body; says how much it was.
    fn empty(&mut self) -> u64 {
        let body = &mut self.decoded.message.body;
        body.slices = Vec::new();
        if let BodyFraming::Chunked(chunks) = &mut body.framing {
            *chunks = Vec::new();
        }
        self.settled = 0;
        mem::take(&mut self.kept)
    }

    /// Bytes in memory for it: small pieces cost more than what stands in them.
    fn memory(&self) -> u64 {
        let Message { head, body, .. } = &self.decoded.message;
        let chunks = if let BodyFraming::Chunked(chunks) = &body.framing { chunks.len() } else { 0 };
        head.memory() + self.kept + (body.slices.len() * size_of::<Bytes>() + chunks * size_of::<u64>()) as u64
    }

    /// Copies what came since the last time out of its blocks, into one piece.
    fn settle(&mut self) {
        let Message { head, body, .. } = &mut self.decoded.message;
        if !mem::replace(&mut self.owns_head, true) {
            head.settle();
        }
        if self.settled < body.slices.len() {
            let fresh = body.slices[self.settled..].concat();
            body.slices.truncate(self.settled);
            body.slices.push(Bytes::from(fresh));
            self.settled = body.slices.len();
        }
    }
}

impl Decoder {
    /// A decoder of requests or of responses.
    pub fn new(side: Side, limits: Limits) -> Self {
        Self {
            side,
            limits,
            input: Few::new(),
            queued: 0,
            state: State::Head,
            hold: Hold::Nothing,
            partial: BytesMut::new(),
            gathered: false,
            scanned: 0,
            opened: false,
            began: (0, Timestamp::default()),
            current: None,
            offset: 0,
            expected: VecDeque::new(),
            headless: false,
            sealed: false,
            ready: Few::new(),
            accounting: Accounting::default(),
        }
    }

    /// A decoder that joins in the middle of a stream: it first looks for the start of a message.
    pub fn midstream(side: Side, limits: Limits) -> Self {
        Self { state: State::Seeking(Cause::Hole), ..Self::new(side, limits) }
    }

    /// Takes the next bytes, seen at `at`.
    pub fn feed(&mut self, data: Bytes, at: Timestamp) {
        let length = data.len() as u64;
        if length == 0 {
            return;
        }
        let nothing_waits = self.is_quiet() && matches!(self.hold, Hold::Nothing);
        // What is nothing but body, and ends nothing, is most of all traffic.
        match &mut self.state {
            State::Counted { left } | State::ChunkData { left } if nothing_waits && length < *left => *left -= length,
            State::UntilClose if nothing_waits => {}
            _ => {
                self.queued += length;
                return self.input.push_back(Piece::Data(data, at));
            }
        }
        self.offset += length;
        self.keep(data);
    }

    /// `missing` bytes will never come.
    pub fn gap(&mut self, missing: u64, at: Timestamp) {
        if missing > 0 {
            self.input.push_back(Piece::Gap(missing, at));
        }
    }

    /// The stream has ended in order: what is delimited by the end is whole.
    pub fn close(&mut self, at: Timestamp) {
        self.input.push_back(Piece::Close(at, Ending::Orderly));
    }

    /// The stream was reset, or nothing more of it will be seen: what is not whole now is cut.
    pub fn cut(&mut self, at: Timestamp) {
        self.input.push_back(Piece::Close(at, Ending::Cut));
    }

    /// Responses only: announces the request that the next unannounced response answers.
    ///
    /// A driver that sends requests calls this once for each, in order. Who only listens calls it for each [`Event::Unclaimed`].
    pub fn expect(&mut self, request: RequestContext) {
        self.headless |= request.http09;
        match mem::replace(&mut self.hold, Hold::Nothing) {
            Hold::Claim(head, at) => self.begin_response(head, request, at),
            Hold::HeadlessClaim => self.begin_headless(),
            other => {
                self.hold = other;
                self.expected.push_back(request);
            }
        }
    }

    /// Responses only: the next one may be of HTTP/0.9, all body and no head.
    pub fn allow_headless(&mut self) {
        self.headless = true;
    }

    /// Whether a request that asked for another protocol waits for [`Decoder::resume`] or [`Decoder::upgrade`].
    pub const fn awaits_upgrade(&self) -> bool {
        matches!(self.hold, Hold::Upgrade)
    }

    /// Requests only: the peer has answered the last request, and the connection goes on as HTTP.
    pub fn resume(&mut self) {
        self.sealed = false;
        if self.awaits_upgrade() {
            self.hold = Hold::Nothing;
        }
    }

    /// The connection has left HTTP: what follows is counted by length only. A body that is being read ends here.
    pub fn upgrade(&mut self) {
        self.cut_short();
        self.hold = Hold::Nothing;
        self.state = State::Upgraded;
        self.accounting.upgraded += mem::take(&mut self.partial).len() as u64;
    }

    /// Whether it stands between two messages with nothing held.
    pub fn is_idle(&self) -> bool {
        self.state == State::Head && self.partial.is_empty() && self.input.is_empty() && matches!(self.hold, Hold::Nothing)
    }

    /// Whether it has taken all that it was fed, and [`Decoder::next`] has nothing to give.
    pub fn is_quiet(&self) -> bool {
        self.input.is_empty() && self.ready.is_empty()
    }

    /// How many bytes it holds in memory.
    pub fn held(&self) -> u64 {
        let claimed = if let Hold::Claim(head, _) = &self.hold { head.memory() } else { 0 };
        self.queued + self.partial.len() as u64 + self.current.as_ref().map_or(0, Open::memory) + claimed
    }

    /// Gives up what is long and not whole, as if it were over its limit: the body that is being read, a head, or trailers.
    pub fn shed(&mut self) {
        if let Some(open) = &mut self.current
            && open.kept > 0
        {
            open.shed();
        }
        if self.partial.len() > SPARED && matches!(self.state, State::Head | State::Trailers) {
            self.accounting.incomplete_messages += u64::from(self.state == State::Head && self.opened);
            self.cut_short();
            let length = mem::take(&mut self.partial).len() as u64;
            self.scanned = 0;
            self.count_lost(length, Cause::Garbage);
            self.lose_place(Cause::Garbage);
        }
    }

    /// The head of the message whose body is being read.
    pub fn head(&self) -> Option<&Head> {
        self.current.as_ref().map(|open| &open.decoded.message.head)
    }

    /// No one wants the body that is being read: what has come of it is let go, and what comes is not kept. All of it is accounted
    /// for as if it were.
    pub fn forgo_body(&mut self) {
        if let Some(open) = &mut self.current {
            open.forgone = true;
            open.passed += open.empty();
        }
    }

    /// What became of the bytes so far.
    pub const fn accounting(&self) -> Accounting {
        self.accounting
    }

    /// Copies what is held out of the blocks in which it was received, so that it no longer pins them.
    pub fn settle(&mut self) {
        for piece in self.input.iter_mut() {
            if let Piece::Data(data, _) = piece {
                *data = Bytes::copy_from_slice(data);
            }
        }
        if let Hold::Claim(head, _) = &mut self.hold {
            head.settle();
        }
        if let Some(open) = &mut self.current {
            open.settle();
        }
    }

    /// The next thing that was found, if the bytes so far hold one.
    #[expect(clippy::should_implement_trait, reason = "no iterator: after None it goes on once more was fed")]
    pub fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if !matches!(self.hold, Hold::Nothing) {
                return None;
            }
            match self.input.pop_front()? {
                Piece::Data(mut data, at) => {
                    self.queued -= data.len() as u64;
                    while !data.is_empty() && self.ready.is_empty() && matches!(self.hold, Hold::Nothing) {
                        self.take(&mut data, at);
                    }
                    self.put_back(data, at);
                }
                piece @ Piece::Close(at, _) if matches!(self.state, State::Doubtful(_)) => {
                    // No other response has begun here: what has come is the beginning of a body.
                    self.input.push_front(piece);
                    let mut body = Bytes::new();
                    self.gather(&mut body);
                    self.put_back(body, at);
                    self.believe();
                }
                Piece::Gap(missing, at) => self.take_gap(missing, at),
                Piece::Close(at, ending) => self.take_close(at, ending),
            }
        }
    }

    /// Puts `data` in front of what is to be looked at next.
    fn put_back(&mut self, data: Bytes, at: Timestamp) {
        if !data.is_empty() {
            self.queued += data.len() as u64;
            self.input.push_front(Piece::Data(data, at));
        }
    }

    /// Takes some of `data`; what is left of it belongs to the next state.
    fn take(&mut self, data: &mut Bytes, at: Timestamp) {
        match self.state {
            State::Head => self.take_head(data, at),
            State::Doubtful(_) => self.doubt(data),
            State::Counted { left } => {
                let taken = shorter(left, data.len());
                self.state = State::Counted { left: left - taken as u64 };
                self.take_body(data, taken);
                if left == taken as u64 {
                    self.finish(at, false);
                }
            }
            State::ChunkSize => self.take_chunk_size(data, at),
            State::ChunkData { left } => {
                let taken = shorter(left, data.len());
                self.state = if left == taken as u64 { State::ChunkEnd } else { State::ChunkData { left: left - taken as u64 } };
                self.take_body(data, taken);
            }
            State::ChunkEnd => self.take_chunk_end(data, at),
            State::Trailers => self.take_trailers(data, at),
            State::UntilClose => self.take_body(data, data.len()),
            State::Seeking(cause) => self.seek(data, cause),
            State::Upgraded => {
                self.accounting.upgraded += data.len() as u64;
                self.pass(data, data.len());
            }
        }
    }

    fn take_head(&mut self, data: &mut Bytes, at: Timestamp) {
        if self.partial.is_empty() {
            // Empty lines before a start line are to be ignored (RFC 9112, section 2.2).
            let blank = data.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.accounting.recorded += blank as u64;
            self.pass(data, blank);
            self.began = (self.offset, at);
            self.opened = false;
            if data.is_empty() {
                return;
            }
        }
        self.gather(data);
        if !self.opened {
            // A start line that ends beyond the limit is as good as one that does not end, however much of it is here.
            match start::opening(self.side, &data[..data.len().min(self.limits.max_head)]) {
                Opening::Message => self.opened = true,
                Opening::Http09 => {
                    let line = memchr::memchr(b'\n', data).map_or(data.len(), |newline| newline + 1);
                    let raw = self.advance(data, line);
                    return self.end_of_head(raw, at);
                }
                Opening::Undecided => {}
                Opening::Other => return self.reject(data),
            }
        }
        // In nearly all traffic a head comes in one piece, and one look at each of its bytes is enough.
        if self.opened
            && self.scanned == 0
            && let Some(head) = Head::take(self.side, data, self.limits.max_head)
        {
            self.offset += head.raw().len() as u64;
            return self.take_message(head, at);
        }
        match self.opened.then(|| section_end(data, self.scanned)).flatten() {
            Some(end) if end <= self.limits.max_head => {
                let raw = self.advance(data, end);
                self.end_of_head(raw, at);
            }
            _ if data.len() > self.limits.max_head => self.reject(data),
            _ => self.put_aside(data),
        }
    }

    /// What stands here begins no message. An answer to HTTP/0.9 does not look like one either.
    fn reject(&mut self, data: &mut Bytes) {
        if self.side == Side::Response && self.headless && !self.opened {
            self.headless = false;
            if self.expected.pop_front().is_some() {
                self.begin_headless();
            } else {
                self.hold = Hold::HeadlessClaim;
                self.ready.push_back(Event::Unclaimed { start: self.began.0 });
            }
            return;
        }
        // One byte is passed over, so that the search does not find again what was refused for its length.
        self.accounting.unparsable += 1;
        self.accounting.incomplete_messages += u64::from(self.opened);
        self.pass(data, 1);
        self.lose_place(Cause::Garbage);
    }

    fn end_of_head(&mut self, raw: Bytes, at: Timestamp) {
        let length = raw.len() as u64;
        let head = match self.side {
            Side::Request => Head::request(raw),
            Side::Response => Head::response(raw),
        };
        match head {
            Ok(head) => self.take_message(head, at),
            Err(_) => {
                self.accounting.unparsable += length;
                self.accounting.incomplete_messages += 1;
                self.lose_place(Cause::Garbage);
            }
        }
    }

    /// A head was read; a body may follow.
    fn take_message(&mut self, head: Head, at: Timestamp) {
        match self.side {
            Side::Request => {
                let context = RequestContext::of(&head);
                self.ready.push_back(Event::Begun { context, start: self.began.0, at: self.began.1 });
                let framing = framing::of_request(&head);
                let then = if context.connect || context.upgrade { Then::AwaitUpgrade } else { Then::GoOn };
                self.begin(head, framing, then, context.http09, at);
            }
            Side::Response if head.status().is_some_and(|status| (100..200).contains(&status) && status != 101) => {
                self.accounting.recorded += head.raw().len() as u64;
                self.ready.push_back(Event::Interim { head: Box::new(head), start: self.began.0 });
            }
            Side::Response => match self.expected.pop_front() {
                Some(request) => self.begin_response(head, request, at),
                None => {
                    self.hold = Hold::Claim(head, at);
                    self.ready.push_back(Event::Unclaimed { start: self.began.0 });
                }
            },
        }
    }

    fn begin_response(&mut self, head: Head, request: RequestContext, at: Timestamp) {
        self.headless = false;
        let framing = framing::of_response(&head, request);
        let then = if framing.length == Length::Tunnel { Then::Tunnel } else { Then::GoOn };
        self.begin(head, framing, then, false, at);
        if request.unseen && self.current.is_some() {
            self.state = State::Doubtful(framing.length);
        }
    }

    fn begin_headless(&mut self) {
        self.headless = false;
        let head = Head::trailers(Bytes::new()).expect("no bytes are no malformed field");
        let at = self.began.1;
        self.begin(head, Framing { length: Length::UntilClose, ambiguous: false }, Then::GoOn, true, at);
        let held = mem::take(&mut self.partial).freeze();
        if !held.is_empty() {
            self.keep(held);
        }
    }

    fn begin(&mut self, head: Head, framing: Framing, then: Then, http09: bool, at: Timestamp) {
        let mut anomalies = BTreeSet::new();
        for (is, anomaly) in [(head.is_malformed(), Anomaly::MalformedHead), (framing.ambiguous, Anomaly::AmbiguousFraming), (http09, Anomaly::Http09)] {
            if is {
                anomalies.insert(anomaly);
            }
        }
        let (state, framing) = beginning(framing.length);
        let body = Body { framing, ..Body::empty() };
        let message = Message { head, body, trailers: None };
        let (offset, start) = self.began;
        let decoded = Box::new(Decoded { message, start, end: at, span: offset..offset, recorded: 0, anomalies });
        self.current = Some(Open { decoded, owns_head: false, settled: 0, kept: 0, dropped: 0, missing: 0, forgone: false, passed: 0, then });
        self.state = state;
        if state == State::Head {
            self.finish(at, false);
        }
    }

    /// The request was not seen. If it was HEAD, the next response follows at once, whatever the head announces.
    fn doubt(&mut self, data: &mut Bytes) {
        self.gather(data);
        match start::is_status_line(data) {
            Some(true) => {
                let end = self.current.as_ref().map_or(self.began.1, |open| open.decoded.end);
                self.finish(end, false);
            }
            Some(false) => self.believe(),
            None => self.put_aside(data),
        }
    }

    /// A body follows, as the head announces.
    fn believe(&mut self) {
        if let State::Doubtful(length) = self.state {
            self.state = beginning(length).0;
        }
    }

    /// Takes `length` bytes of body, which are in `data`.
    fn take_body(&mut self, data: &mut Bytes, length: usize) {
        let body = self.advance(data, length);
        self.keep(body);
    }

    /// Bytes of the body, at least one.
    fn keep(&mut self, body: Bytes) {
        let open = self.current.as_mut().expect("a body is read within a message");
        let length = body.len() as u64;
        if open.forgone {
            open.passed += length;
            return;
        }
        if open.dropped > 0 || open.kept + length > self.limits.max_body {
            open.shed();
            open.dropped += length;
            return;
        }
        let slices = &mut open.decoded.message.body.slices;
        if slices.capacity() == 0
            && let State::Counted { left } = self.state
        {
            // The rest comes in pieces like this one, or larger ones.
            let rest = usize::try_from(left.div_ceil(length.max(SMALL_PIECE))).unwrap_or(MOST_FORESEEN);
            slices.reserve_exact(1 + rest.min(MOST_FORESEEN));
        }
        open.kept += length;
        slices.push(body);
    }

    fn take_chunk_size(&mut self, data: &mut Bytes, at: Timestamp) {
        self.gather(data);
        let Some(newline) = memchr::memchr(b'\n', &data[..data.len().min(MAX_CHUNK_LINE)]) else {
            if data.len() >= MAX_CHUNK_LINE {
                self.refuse_chunk(at);
            } else {
                self.put_aside(data);
            }
            return;
        };
        let line = framing::chunk_line(&data[..newline]);
        if line.ambiguous {
            self.mark(Anomaly::AmbiguousFraming);
        }
        let Some(size) = line.size else { return self.refuse_chunk(at) };
        self.pass(data, newline + 1);
        if size == 0 {
            self.state = State::Trailers;
            return;
        }
        self.state = State::ChunkData { left: size };
        if let Some(open) = &mut self.current
            && open.dropped == 0
            && !open.forgone
            && let BodyFraming::Chunked(chunks) = &mut open.decoded.message.body.framing
        {
            chunks.push(size);
        }
    }

    fn take_chunk_end(&mut self, data: &mut Bytes, at: Timestamp) {
        self.gather(data);
        match data.as_ref() {
            [b'\r'] => return self.put_aside(data),
            [b'\r', b'\n', ..] => self.pass(data, 2),
            [b'\n', ..] => self.pass(data, 1),
            _ => return self.refuse_chunk(at),
        };
        self.state = State::ChunkSize;
    }

    /// What stands where a chunk header should stand is none: the body ends before it, and a start is sought from here.
    ///
    /// A server closes after a request like this (RFC 9112, section 8), and what stands behind it in the same flight is how requests
    /// are smuggled: it becomes one only if the server answers and the client goes on.
    fn refuse_chunk(&mut self, at: Timestamp) {
        self.sealed = self.side == Side::Request;
        self.mark(Anomaly::MalformedChunk);
        self.finish(at, true);
        self.lose_place(Cause::Garbage);
    }

    fn take_trailers(&mut self, data: &mut Bytes, at: Timestamp) {
        self.gather(data);
        let end = match data.as_ref() {
            [b'\r', b'\n', ..] => Some(2),
            [b'\n', ..] => Some(1),
            _ => section_end(data, self.scanned),
        };
        match end {
            Some(end) if end <= self.limits.max_head => {
                let raw = self.advance(data, end);
                if end > 2
                    && let Some(open) = &mut self.current
                {
                    let decoded = &mut open.decoded;
                    decoded.message.trailers = Head::trailers(raw).ok();
                    if decoded.message.trailers.as_ref().is_none_or(Head::is_malformed) {
                        decoded.anomalies.insert(Anomaly::MalformedHead);
                    }
                    if decoded.message.trailers.as_ref().is_some_and(|trailers| trailers.oddities().stray) {
                        decoded.anomalies.insert(Anomaly::AmbiguousFraming);
                    }
                }
                self.finish(at, false);
            }
            _ if data.len() > self.limits.max_head => self.refuse_chunk(at),
            _ => self.put_aside(data),
        }
    }

    /// Looks for the next start of a message and counts what lies before it.
    fn seek(&mut self, data: &mut Bytes, cause: Cause) {
        self.gather(data);
        if self.sealed {
            self.count_lost(data.len() as u64, cause);
            self.pass(data, data.len());
            return;
        }
        match start::seek(self.side, data) {
            Some(found) => {
                self.count_lost(found as u64, cause);
                self.pass(data, found);
                self.state = State::Head;
            }
            None => {
                let past = data.len() - start::undecided_tail(self.side, data);
                self.count_lost(past as u64, cause);
                self.pass(data, past);
                self.put_aside(data);
            }
        }
    }

    fn take_gap(&mut self, missing: u64, at: Timestamp) {
        self.accounting.missing += missing;
        let inside = match self.state {
            State::Upgraded => missing,
            State::UntilClose => self.skip(missing),
            State::Counted { left } => {
                let inside = self.skip(missing.min(left));
                self.state = State::Counted { left: left - inside };
                if inside == left {
                    self.finish(at, false);
                }
                inside
            }
            State::ChunkData { left } => {
                let inside = self.skip(missing.min(left));
                self.state = if inside == left { State::ChunkEnd } else { State::ChunkData { left: left - inside } };
                if missing > left {
                    self.finish(at, true);
                }
                inside
            }
            // Doubtful: what is missing may be the beginning of the body, or other messages.
            State::Doubtful(_) | State::ChunkSize | State::ChunkEnd | State::Trailers => {
                self.mark(Anomaly::Gap);
                self.offset -= self.partial.len() as u64;
                self.finish(at, true);
                self.offset += self.partial.len() as u64;
                0
            }
            State::Head => {
                self.accounting.incomplete_messages += u64::from(!self.partial.is_empty());
                0
            }
            State::Seeking(_) => 0,
        };
        let outside = missing - inside;
        if self.state == State::Upgraded {
            self.offset += missing;
        } else if outside > 0 {
            let cause = if let State::Seeking(cause) = self.state { cause } else { Cause::Hole };
            let held = mem::take(&mut self.partial).len() as u64;
            self.count_lost(held, cause);
            self.scanned = 0;
            self.offset += outside;
            self.lose_place(Cause::Hole);
        }
    }

    /// Passes over `missing` bytes of the body.
    fn skip(&mut self, missing: u64) -> u64 {
        self.offset += missing;
        let open = self.current.as_mut().expect("a body is read within a message");
        open.missing += missing;
        if missing > 0 {
            open.decoded.anomalies.insert(Anomaly::Gap);
        }
        missing
    }

    fn take_close(&mut self, at: Timestamp, ending: Ending) {
        match self.state {
            State::Head => {
                self.accounting.incomplete_messages += u64::from(!self.partial.is_empty());
                self.accounting.unparsable += self.partial.len() as u64;
            }
            State::Seeking(cause) => self.count_lost(self.partial.len() as u64, cause),
            State::UntilClose if ending == Ending::Orderly => self.finish(at, false),
            State::Doubtful(_) | State::Counted { .. } | State::ChunkSize | State::ChunkData { .. } | State::ChunkEnd | State::Trailers | State::UntilClose => {
                self.mark(Anomaly::Truncated);
                self.finish(at, true);
            }
            State::Upgraded => return,
        }
        self.partial.clear();
        self.scanned = 0;
        self.state = State::Head;
    }

    /// Gives out the message that ends just before `offset`. `cut`: there was more of its body, no one knows how much.
    fn finish(&mut self, at: Timestamp, cut: bool) {
        let Some(open) = self.current.take() else { return };
        let Open { mut decoded, kept, dropped, missing, passed, then, .. } = open;
        decoded.span.end = self.offset;
        decoded.end = at;
        decoded.recorded = self.offset - decoded.span.start - missing - dropped;
        self.accounting.recorded += decoded.recorded;
        self.accounting.over_limit += dropped;
        decoded.message.body.wire_length = kept + dropped + passed + missing;
        decoded.message.body.completeness = match (dropped + passed > 0, missing > 0, cut) {
            (true, ..) => Completeness::Dropped { reason: DropReason::OverLimit, seen_whole: missing == 0 && !cut },
            (false, true, _) => Completeness::Gap(missing),
            (false, false, true) => Completeness::TruncatedAt(kept),
            (false, false, false) => Completeness::Whole,
        };
        self.state = State::Head;
        self.ready.push_back(Event::Message(decoded));
        match then {
            Then::GoOn => {}
            Then::AwaitUpgrade => self.hold = Hold::Upgrade,
            Then::Tunnel => {
                self.state = State::Upgraded;
                self.ready.push_back(Event::Upgraded);
            }
        }
    }

    /// Gives out the message whose body is being read, as far as it has come; what is put aside is no part of it.
    fn cut_short(&mut self) {
        if let Some(open) = &self.current {
            let end = open.decoded.end;
            let aside = self.partial.len() as u64;
            self.mark(Anomaly::Truncated);
            self.offset -= aside;
            self.finish(end, true);
            self.offset += aside;
        }
    }

    fn lose_place(&mut self, cause: Cause) {
        // Also while a start is sought already: it is another place at which messages may be missing.
        self.ready.push_back(Event::Lost);
        self.state = State::Seeking(cause);
    }

    fn mark(&mut self, anomaly: Anomaly) {
        if let Some(open) = &mut self.current {
            open.decoded.anomalies.insert(anomaly);
        }
    }

    fn count_lost(&mut self, bytes: u64, cause: Cause) {
        match cause {
            Cause::Hole => self.accounting.resync += bytes,
            Cause::Garbage => self.accounting.unparsable += bytes,
        }
    }

    /// Takes the first `length` of `data`.
    fn advance(&mut self, data: &mut Bytes, length: usize) -> Bytes {
        if length > 0 {
            self.scanned = 0;
        }
        self.offset += length as u64;
        data.split_to(length)
    }

    /// The same where no one wants them: no reference to the block is counted for what is passed over.
    fn pass(&mut self, data: &mut Bytes, length: usize) {
        if length > 0 {
            self.scanned = 0;
        }
        self.offset += length as u64;
        data.advance(length);
    }

    /// Puts what was put aside back in front of `data`.
    fn gather(&mut self, data: &mut Bytes) {
        self.gathered = !self.partial.is_empty();
        if self.gathered {
            self.offset -= self.partial.len() as u64;
            self.partial.extend_from_slice(data);
            *data = mem::take(&mut self.partial).freeze();
        }
    }

    /// Takes all of `data`, to be looked at again once more has come.
    fn put_aside(&mut self, data: &mut Bytes) {
        self.scanned = data.len();
        self.offset += data.len() as u64;
        let data = mem::take(data);
        // What was gathered stands in a buffer of its own, and is alone in it: it is taken back without a copy.
        self.partial = if self.gathered { data.try_into_mut().unwrap_or_else(|shared| BytesMut::from(shared.as_ref())) } else { BytesMut::from(data.as_ref()) };
    }
}

impl fmt::Debug for Decoder {
    /// States and counts only: a payload never reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("side", &self.side).field("state", &self.state).field("offset", &self.offset).finish_non_exhaustive()
    }
}

/// The smaller of two lengths, of which one is in memory.
fn shorter(announced: u64, here: usize) -> usize {
    usize::try_from(announced).map_or(here, |announced| announced.min(here))
}

/// Where the reading of a body begins, and how it is told of.
const fn beginning(length: Length) -> (State, BodyFraming) {
    match length {
        Length::Empty | Length::Tunnel => (State::Head, BodyFraming::Empty),
        Length::Counted(left) => (State::Counted { left }, BodyFraming::Length),
        Length::Chunked => (State::ChunkSize, BodyFraming::Chunked(Vec::new())),
        Length::UntilClose => (State::UntilClose, BodyFraming::Close),
    }
}

/// Where the empty line that ends a section ends, if it stands in `bytes`; `scanned` bytes are known not to hold all of it.
fn section_end(bytes: &[u8], scanned: usize) -> Option<usize> {
    let from = scanned.saturating_sub(2).min(bytes.len());
    memchr::memchr_iter(b'\n', &bytes[from..]).find_map(|offset| {
        let newline = from + offset;
        match &bytes[newline + 1..] {
            [b'\n', ..] => Some(newline + 2),
            [b'\r', b'\n', ..] => Some(newline + 3),
            _ => None,
        }
    })
}

/// A chunk header with its extensions that is longer than this is none.
const MAX_CHUNK_LINE: usize = 16 << 10;
/// So much of a head is not worth giving up.
const SPARED: usize = 4 << 10;
/// Room is made for no more pieces of a body at once, whatever its head announces.
const MOST_FORESEEN: usize = 64;
/// What a packet holds at least, if there is more to come.
const SMALL_PIECE: u64 = 1024;

#[cfg(test)]
mod tests;
