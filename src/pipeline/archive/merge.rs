//! The recordings of several machines as one.
//!
//! In: recordings under one key and policy, each with the name of its machine. Out: one recording, in the time of the first machine's clock: each row
//! with its node, what two of them saw once. What never happens here: a recording is taken whose key is another, or more of one is held than what is at
//! hand of its parts.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reenact_formats::disk::recording::{Counts, Exchanges, Extent, Gone, Manifest, Recording, RecordingWriter, State, Window, WriterOptions, mark_checked};
use reenact_formats::model::{ConnectionId, Exchange, ExchangeId, LossLedger, Origin, Timestamp, Timing};
use reenact_sanitize::{Policy, ResidueCheck};

use super::clocks::{Lead, Sample, leads};
use super::join::Joiner;
use super::{Error, refuse_half_erased, refuse_within, taken_over, whole_or_none};
use crate::pipeline;
use crate::pipeline::record::Pools;

/// From several recordings to one.
#[derive(Debug)]
pub struct MergeJob {
    /// The recordings, each with the name of the machine that it is of.
    pub recordings: Vec<(String, PathBuf)>,
    /// How far the clocks of machines are ahead, in nanoseconds, where that is known.
    pub offsets: BTreeMap<String, i64>,
    /// How far apart two machines may have seen the same request, once their clocks agree.
    pub tolerance: Duration,
    /// The folder of the one.
    pub output: PathBuf,
    /// How many threads encode.
    pub threads: NonZero<usize>,
}

/// What became one.
#[derive(Debug)]
pub struct Merged {
    /// The recording.
    pub manifest: Manifest,
    /// How many exchanges came from two machines and are one now.
    pub joined: u64,
    /// Each of those that it is made of.
    pub nodes: Vec<Node>,
}

/// One of several recordings.
#[derive(Debug)]
pub struct Node {
    /// The machine.
    pub name: String,
    /// How many exchanges it saw.
    pub exchanges: u64,
    /// How many parts of its recording are not there: that has no manifest any more, and they are between others.
    pub parts_missing: u64,
    /// How far its clock was ahead of the first one's.
    pub lead: Lead,
}

/// Writes the recordings of `job` as one.
pub fn merge(job: &MergeJob, progress: &mut dyn FnMut(u64)) -> Result<Merged, pipeline::Error> {
    let inputs = open(job)?;
    let given: Vec<Option<i64>> = job.recordings.iter().map(|(name, _)| job.offsets.get(name).copied()).collect();
    let is_known = given.iter().skip(1).all(Option::is_some);
    let samples = inputs.iter().map(|input| if is_known { Ok(Sample::default()) } else { Sample::of(input.exchanges(&Window::ALL)?) });
    let leads = leads(&samples.collect::<Result<Vec<_>, _>>()?, &given);
    let named = || job.recordings.iter().map(|(name, _)| name.as_str());

    let options = WriterOptions { pool: Pools::of(job.threads)?.writers, ..options(named().zip(&inputs)) };
    let streams = inputs.iter().zip(named()).zip(&leads).enumerate().map(|(place, ((input, name), lead))| {
        let exchanges = input.exchanges(&Window::ALL)?;
        Ok(Stream { place, of: inputs.len(), node: name.into(), lead: lead.nanos, exchanges, path: input.path().to_owned() })
    });
    let in_order = InOrder::new(streams.collect::<Result<_, pipeline::Error>>()?)?;
    let (manifest, joined) = whole_or_none(&job.output, options, |mut writer| {
        let mut joiner = Joiner::new(job.tolerance);
        let mut done = 0;
        for next in in_order {
            let (exchange, place) = next?;
            joiner.take(exchange, place, &mut |exchange| Ok(writer.write(exchange)?))?;
            done += 1;
            progress(done);
        }
        let joined = joiner.finish(&mut |exchange| Ok(writer.write(exchange)?))?;
        let exchanges = joined.exchanges;
        Ok((finish(writer, job, &inputs, joined)?, exchanges))
    })?;
    let nodes = named().zip(&inputs).zip(leads).map(|((name, input), lead)| {
        let Manifest { exchanges, missing, .. } = input.manifest();
        Node { name: name.to_owned(), exchanges: *exchanges, parts_missing: missing.len() as u64, lead }
    });
    Ok(Merged { manifest, joined, nodes: nodes.collect() })
}

/// Opens the recordings, if they go together.
fn open(job: &MergeJob) -> Result<Vec<Recording>, pipeline::Error> {
    let mut names = BTreeMap::new();
    let mut places = BTreeMap::new();
    let mut inputs: Vec<Recording> = Vec::new();
    let policy = Policy::default();
    let residue = ResidueCheck::new(&policy, None);
    for (name, path) in &job.recordings {
        refuse_within(&job.output, path)?;
        // It is written into each row as it is.
        if let Some(rule) = residue.text(name) {
            return Err(Error::TellingName { recording: path.clone(), rule: rule.to_owned() }.into());
        }
        if let Some(other) = names.insert(name, path) {
            return Err(Error::SameName { name: name.clone(), one: other.clone(), other: path.clone() }.into());
        }
        let input = Recording::open(path)?;
        if let Ok(place) = std::fs::canonicalize(path)
            && let Some(other) = places.insert(place, path)
        {
            return Err(Error::Twice { one: other.clone(), other: path.clone() }.into());
        }
        refuse_half_erased(path)?;
        if let Some(first) = inputs.first() {
            agree(first, &input)?;
        }
        inputs.push(input);
    }
    match job.offsets.keys().find(|name| !names.contains_key(name)) {
        Some(name) => Err(Error::NoSuchNode { name: name.clone(), names: names.into_keys().cloned().collect() }.into()),
        None => Ok(inputs),
    }
}

/// Whether two recordings can be one: redacted alike, under one key.
fn agree(first: &Recording, other: &Recording) -> Result<(), Error> {
    let (one, two) = (first.manifest(), other.manifest());
    let differ =
        |what, of_one: String, of_other: String| Error::Differ { what, one: first.path().to_owned(), of_one, other: other.path().to_owned(), of_other };
    let text = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
    if (one.state == State::Raw) != (two.state == State::Raw) {
        return Err(Error::RawAndRedacted {
            raw: if one.state == State::Raw { first } else { other }.path().to_owned(),
            redacted: if one.state == State::Raw { other } else { first }.path().to_owned(),
        });
    }
    let key = |manifest: &Manifest| text(manifest.key_id.as_ref().map(ToString::to_string));
    if one.key_id != two.key_id {
        return Err(differ("keys", key(one), key(two)));
    }
    if one.policy_digest != two.policy_digest {
        let short = |digest: &Option<String>| text(digest.as_ref().map(|digest| digest.chars().take(16).collect()));
        return Err(differ("policies", short(&one.policy_digest), short(&two.policy_digest)));
    }
    Ok(())
}

/// How the one is written: what is true of all of them stays true.
fn options<'a>(mut inputs: impl Iterator<Item = (&'a str, &'a Recording)>) -> WriterOptions {
    let Some((name, first)) = inputs.next() else { return WriterOptions::default() };
    let mut options = taken_over(first.manifest());
    options.source = format!("{name}: {}", options.source);
    for (name, input) in inputs {
        let other = taken_over(input.manifest());
        options.source = format!("{}; {name}: {}", options.source, other.source);
        options.expires = options.expires.into_iter().chain(other.expires).min();
        if other.extent == Extent::Piece {
            options.extent = Extent::Piece;
        }
        if options.origin.kind != other.origin.kind {
            options.origin.kind = MIXED.to_owned();
        }
        options.origin = Origin { unknown: options.origin.unknown.union(&other.origin.unknown).copied().collect(), ..options.origin };
        if let (Some(mine), Some(theirs)) = (&mut options.sanitized, other.sanitized) {
            mine.severities.extend(theirs.severities);
        }
    }
    options
}

fn finish(mut writer: RecordingWriter, job: &MergeJob, inputs: &[Recording], joined: Counts) -> Result<Manifest, pipeline::Error> {
    let mut ledger = LossLedger::default();
    let mut gone = Gone { joined, ..Gone::default() };
    for input in inputs {
        ledger.add(&input.manifest().ledger);
        gone.add(&input.manifest().absent());
    }
    writer.miss(&gone);
    let of_all = |is: fn(&Manifest) -> bool| inputs.iter().all(|input| is(input.manifest()));
    let written = if of_all(|manifest| manifest.finished) { writer.finish(&ledger)? } else { writer.finish_unfinished(&ledger)? };
    if of_all(|manifest| manifest.state == State::Checked) {
        mark_checked(&job.output)?;
        return Ok(Recording::open(&job.output)?.into_manifest());
    }
    Ok(written)
}

/// The exchanges of one recording, in the time of the first machine's clock.
struct Stream {
    place: usize,
    /// How many recordings there are.
    of: usize,
    node: Arc<str>,
    lead: i64,
    exchanges: Exchanges,
    path: PathBuf,
}

impl Stream {
    fn next(&mut self) -> Result<Option<Exchange>, pipeline::Error> {
        let Some(exchange) = self.exchanges.next().transpose()? else { return Ok(None) };
        let set = |time: Timestamp| Timestamp::from_nanos(time.as_nanos().saturating_sub(self.lead));
        let Timing { request_end, first_byte, end } = exchange.timing;
        let [place, of] = [self.place, self.of].map(|number| number as u64);
        // Numbers of connections stay apart, and those of one recording in their order.
        let connection = exchange.id.connection.0.checked_mul(of).and_then(|number| number.checked_add(place));
        let connection = connection.ok_or_else(|| Error::TooManyConnections { recording: self.path.clone() })?;
        Ok(Some(Exchange {
            id: ExchangeId { connection: ConnectionId(connection), index: exchange.id.index },
            node: Some(exchange.node.unwrap_or_else(|| Arc::clone(&self.node))),
            start: set(exchange.start),
            timing: Timing { request_end: request_end.map(set), first_byte: first_byte.map(set), end: end.map(set) },
            ..exchange
        }))
    }
}

/// The exchanges of several recordings in the order of their starts, each with the place of its recording.
struct InOrder {
    streams: Vec<Stream>,
    /// What is at hand of each: when it starts, and whose it is.
    heads: BinaryHeap<Reverse<(Timestamp, usize)>>,
    at_hand: Vec<Option<Exchange>>,
}

impl InOrder {
    fn new(streams: Vec<Stream>) -> Result<Self, pipeline::Error> {
        let mut order = Self { heads: BinaryHeap::new(), at_hand: streams.iter().map(|_| None).collect(), streams };
        (0..order.streams.len()).try_for_each(|place| order.refill(place))?;
        Ok(order)
    }

    fn refill(&mut self, place: usize) -> Result<(), pipeline::Error> {
        self.at_hand[place] = self.streams[place].next()?;
        self.heads.extend(self.at_hand[place].as_ref().map(|exchange| Reverse((exchange.start, place))));
        Ok(())
    }
}

impl Iterator for InOrder {
    type Item = Result<(Exchange, usize), pipeline::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((_, place)) = self.heads.pop()?;
        let exchange = self.at_hand[place].take()?;
        Some(self.refill(place).map(|()| (exchange, place)))
    }
}

/// What a recording is made of whose sources are not of one kind.
const MIXED: &str = "mixed";
