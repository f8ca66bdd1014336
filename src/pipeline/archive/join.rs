//! What two machines saw becomes one.
//!
//! In: exchanges of several recordings in one order of time, each with the number of its recording. Out: the same, but those that a second machine saw
//! of the same request, between the same two ends, at about the same time, are one with the first: of the two sides that were recorded, the more
//! complete. What never happens here: two that one machine saw are joined, or more is held than a stretch of time and a number of bytes.
//!
//! ```text
//!  ──► waiting, by start ─────────────────────────► given out, when no one within the tolerance can come any more,
//!        │ marks                                     or when too much is held; its marks wait on
//!        └─ a newcomer from elsewhere with the same mark joins
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::time::Duration;

use reenact_formats::disk::recording::Counts;
use reenact_formats::model::{Exchange, Role, Side, Timestamp};

use super::seen::{Mark, body_mark, mark};
use crate::pipeline::sink::bytes_of;

/// Joins exchanges that come in the order of their starts.
pub(super) struct Joiner {
    tolerance: Duration,
    waiting: VecDeque<Waiting>,
    /// The number of the first that waits: they are numbered as they come.
    first: u64,
    /// Who waits with a mark, the earliest first.
    marked: BTreeMap<Mark, VecDeque<u64>>,
    held_bytes: u64,
    limits: Limits,
    /// What came a second time.
    joined: Counts,
}

/// How much waits at most.
#[derive(Clone, Copy)]
struct Limits {
    bytes: u64,
    marks: usize,
}

struct Waiting {
    start: Timestamp,
    mark: Option<Mark>,
    body: Option<Mark>,
    index: u32,
    /// The recordings that have it.
    seen_by: Vec<usize>,
    /// Given out already if there is none.
    exchange: Option<Exchange>,
    bytes: u64,
}

impl Joiner {
    /// Joins what starts no further apart than `tolerance`.
    pub(super) fn new(tolerance: Duration) -> Self {
        let limits = Limits { bytes: MOST_BYTES, marks: MOST_MARKS };
        Self { tolerance, waiting: VecDeque::new(), first: 0, marked: BTreeMap::new(), held_bytes: 0, limits, joined: Counts::default() }
    }

    /// Takes the next exchange, of the recording `from`; gives out what no one can join any more.
    pub(super) fn take(
        &mut self,
        exchange: Exchange,
        from: usize,
        give: &mut dyn FnMut(&Exchange) -> Result<(), crate::pipeline::Error>,
    ) -> Result<(), crate::pipeline::Error> {
        while self.waiting.front().is_some_and(|first| exchange.start.since(first.start) > self.tolerance) {
            self.let_go(give)?;
        }
        let mark = mark(&exchange);
        let body = exchange.request.as_ref().and_then(|request| body_mark(&request.body));
        if let Some(place) = mark.and_then(|mark| self.place(&mark, body, exchange.id.index, from)) {
            self.join(place, exchange, from);
            return Ok(());
        }
        let number = self.first + self.waiting.len() as u64;
        if let Some(mark) = mark {
            self.marked.entry(mark).or_default().push_back(number);
        }
        let bytes = bytes_of(&exchange);
        self.held_bytes += bytes;
        let (start, index) = (exchange.start, exchange.id.index);
        self.waiting.push_back(Waiting { start, mark, body, index, seen_by: vec![from], exchange: Some(exchange), bytes });
        while self.waiting.len() > self.limits.marks {
            self.let_go(give)?;
        }
        // The oldest first, so that the order stays; what is given out is recognised still.
        let mut oldest = 0;
        while self.held_bytes > self.limits.bytes && oldest < self.waiting.len() {
            let waiting = &mut self.waiting[oldest];
            if let Some(exchange) = waiting.exchange.take() {
                self.held_bytes -= mem::take(&mut waiting.bytes);
                give(&exchange)?;
            }
            oldest += 1;
        }
        Ok(())
    }

    /// Gives out all that is left; says what came a second time.
    pub(super) fn finish(mut self, give: &mut dyn FnMut(&Exchange) -> Result<(), crate::pipeline::Error>) -> Result<Counts, crate::pipeline::Error> {
        while !self.waiting.is_empty() {
            self.let_go(give)?;
        }
        Ok(self.joined)
    }

    /// The first that waits no longer does.
    fn let_go(&mut self, give: &mut dyn FnMut(&Exchange) -> Result<(), crate::pipeline::Error>) -> Result<(), crate::pipeline::Error> {
        let Some(gone) = self.waiting.pop_front() else { return Ok(()) };
        self.first += 1;
        self.held_bytes -= gone.bytes;
        if let Some(mark) = gone.mark
            && let Some(numbers) = self.marked.get_mut(&mark)
        {
            // It was the earliest of them.
            numbers.pop_front();
            if numbers.is_empty() {
                self.marked.remove(&mark);
            }
        }
        gone.exchange.map_or(Ok(()), |exchange| give(&exchange))
    }

    /// Where the one waits that is the same as a newcomer, if there is one. A body that was not seen whole says nothing: then the place on the
    /// connection must.
    fn place(&self, mark: &Mark, body: Option<Mark>, index: u32, from: usize) -> Option<usize> {
        let places = self.marked.get(mark)?.iter().map(|number| usize::try_from(number - self.first).unwrap_or(usize::MAX));
        let is_same = |waiting: &Waiting| {
            !waiting.seen_by.contains(&from) && if let (Some(one), Some(other)) = (waiting.body, body) { one == other } else { waiting.index == index }
        };
        places.take(MOST_ALIKE).find(|place| self.waiting.get(*place).is_some_and(is_same))
    }

    fn join(&mut self, place: usize, newcomer: Exchange, from: usize) {
        let waiting = &mut self.waiting[place];
        waiting.seen_by.push(from);
        let Some(held) = &mut waiting.exchange else {
            self.joined.count(&newcomer);
            return;
        };
        // One that the recorded machines ask of one another is asked again when what made them ask it is.
        let role = if [held.role, newcomer.role].contains(&Role::Outbound) { Role::Outbound } else { Role::Inbound };
        // Of which recording the connection and the node are does not depend on who saw more of one exchange: a connection stays together.
        let (is_earlier, newcomer_bytes) = (waiting.seen_by.iter().all(|seen| from <= *seen), bytes_of(&newcomer));
        let (id, node) = if is_earlier { (newcomer.id, newcomer.node.clone()) } else { (held.id, held.node.clone()) };
        if worth(&newcomer) > worth(held) {
            self.joined.count(held);
            *held = newcomer;
            self.held_bytes = self.held_bytes - waiting.bytes + newcomer_bytes;
            waiting.bytes = newcomer_bytes;
        } else {
            self.joined.count(&newcomer);
        }
        (held.id, held.node, held.role) = (id, node, role);
    }
}

/// How much of an exchange was recorded, to be compared.
fn worth(exchange: &Exchange) -> (bool, bool, u64) {
    (exchange.is_complete(), exchange.response.is_some(), kept(exchange))
}

fn kept(exchange: &Exchange) -> u64 {
    [Side::Request, Side::Response].into_iter().filter_map(|side| exchange.message(side)).map(|message| message.body.kept_length()).sum()
}

/// What waits in memory at most, about.
const MOST_BYTES: u64 = 64 << 20;
/// How many may be recognised at most.
const MOST_MARKS: usize = 1 << 18;
/// How many that are alike are looked at for one.
const MOST_ALIKE: usize = 1024;

#[cfg(test)]
mod tests {
    use reenact_formats::model::{Completeness, ConnectionId, ExchangeId};

    use super::super::seen::tests::exchange;
    use super::*;

    /// What is given out of `events`: `a` saw at 5 ms on the port 4000 as the first there a request to /x: `a 5 4000.1 /x`. With `!` its answer was not
    /// seen, with `~` not all of its body.
    fn joined(limits: Limits, events: &[&str]) -> (Vec<String>, u64) {
        let mut joiner = Joiner { limits, ..Joiner::new(Duration::from_millis(100)) };
        let mut out = Vec::new();
        let mut give = |exchange: &Exchange| {
            let answered = if exchange.response.is_some() { "" } else { "!" };
            let target = String::from_utf8_lossy(exchange.target().unwrap_or_default()).into_owned();
            out.push(format!("{} {target}{answered}", exchange.id));
            Ok(())
        };
        for event in events {
            let words: Vec<&str> = event.split(' ').collect();
            let from = usize::from(words[0].as_bytes()[0] - b'a');
            let (port, index) = words[2].split_once('.').expect("a port and an ordinal");
            let path = words[3].trim_end_matches(['!', '~']);
            let mut exchange = exchange(words[1].parse().expect("milliseconds"), port.parse().expect("a port"), path);
            exchange.id = ExchangeId { connection: ConnectionId(from as u64 + 1), index: index.parse().expect("an ordinal") };
            if words[3].contains('!') {
                exchange.response = None;
            }
            if words[3].contains('~') {
                exchange.request.as_mut().expect("one").body.completeness = Completeness::Gap(3);
            }
            joiner.take(exchange, from, &mut give).expect("it is kept");
        }
        let joined = joiner.finish(&mut give).expect("it is kept");
        (out, joined.exchanges)
    }

    const WIDE: Limits = Limits { bytes: 1 << 20, marks: 100 };

    #[test]
    fn what_two_machines_saw_is_one() {
        for (events, expected, times) in [
            (&["a 0 1.1 /x", "b 3 1.1 /x"][..], &["1.1 /x"][..], 1),
            (&["b 0 1.1 /x", "a 3 1.1 /x", "c 4 1.1 /x"], &["1.1 /x"], 2),
            // The more complete side, as the first machine's.
            (&["a 0 1.1 /x!", "b 3 1.1 /x"], &["1.1 /x"], 1),
            (&["b 0 1.1 /x", "a 3 1.1 /x!"], &["1.1 /x"], 1),
            // Not: too late, other ends, another request, the same machine.
            (&["a 0 1.1 /x", "b 101 1.1 /x"], &["1.1 /x", "2.1 /x"], 0),
            (&["a 0 1.1 /x", "b 3 2.1 /x"], &["1.1 /x", "2.1 /x"], 0),
            (&["a 0 1.1 /x", "b 3 1.1 /y"], &["1.1 /x", "2.1 /y"], 0),
            (&["a 0 1.1 /x", "a 3 1.2 /x"], &["1.1 /x", "1.2 /x"], 0),
            // The same again and again: each once.
            (&["a 0 1.1 /x", "b 1 1.1 /x", "a 2 1.2 /x", "b 3 1.2 /x"], &["1.1 /x", "1.2 /x"], 2),
            (&["a 0 1.1 /x", "a 1 1.2 /x", "b 2 1.1 /x", "b 3 1.2 /x", "b 4 1.3 /x"], &["1.1 /x", "1.2 /x", "2.3 /x"], 2),
            // A body that was not seen whole is told by its place.
            (&["a 0 1.1 /x~", "b 1 1.1 /x"], &["1.1 /x"], 1),
            (&["a 0 1.2 /x~", "b 1 1.1 /x"], &["1.2 /x", "2.1 /x"], 0),
        ] {
            assert_eq!(joined(WIDE, events), (expected.iter().map(|text| (*text).to_owned()).collect(), times), "{events:?}");
        }
    }

    #[test]
    fn what_was_given_out_for_want_of_room_is_recognised() {
        let events = ["a 0 1.1 /x", "a 1 1.2 /y", "a 2 1.3 /z", "b 3 1.1 /x", "b 4 1.3 /z", "b 5 1.4 /w"];
        let expected: Vec<String> = ["1.1 /x", "1.2 /y", "1.3 /z", "2.4 /w"].map(str::to_owned).into();
        assert_eq!(joined(Limits { bytes: 0, ..WIDE }, &events), (expected, 2));
        // What is forgotten is here twice, and nothing is lost.
        let (out, times) = joined(Limits { marks: 1, ..WIDE }, &events);
        assert_eq!((out.len(), times), (6, 0));
    }

    #[test]
    fn heads_count_as_what_is_held() {
        let mut joiner = Joiner::new(Duration::from_millis(100));
        let path = format!("/{}", "x".repeat(1 << 16));
        joiner.take(exchange(0, 1, &path), 0, &mut |_| Ok(())).expect("it is kept");
        assert!(joiner.held_bytes > 1 << 16, "{}", joiner.held_bytes);
    }

    #[test]
    fn what_machines_ask_of_one_another_is_outbound() {
        let mut joiner = Joiner::new(Duration::from_millis(100));
        let mut roles = Vec::new();
        let mut give = |exchange: &Exchange| {
            roles.push(exchange.role);
            Ok(())
        };
        joiner.take(Exchange { role: Role::Outbound, ..exchange(0, 1, "/x") }, 0, &mut give).expect("it is kept");
        joiner.take(exchange(1, 1, "/x"), 1, &mut give).expect("it is kept");
        joiner.finish(&mut give).expect("it is kept");
        assert_eq!(roles, [Role::Outbound]);
    }
}
