//! Exchanges into parts.
//!
//! In: exchanges in the order in which they were completed, and the account so far with each tick. Out: parts, each sorted
//! by start, each with its share of the account in its footer. With a pool, a part is made durable while the next is encoded, and
//! that while the one after it is gathered. What never happens here: the rows of more than two are held, an exchange keeps alive
//! the larger buffer that it was cut from, or a part becomes visible before the one before it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rayon::ThreadPool;

use super::manifest::{Begun, Gone, Manifest, Share};
use super::part::Gathered;
use super::retention::Retention;
use super::standing::{Attempt, Kept, Standing, Unstored, WhenFull, give_back};
use super::{Extent, KeyScope, State, columns, part_name};
use crate::disk::Error;
use crate::disk::publish::{Folder, Publish};
use crate::model::{Exchange, KeyId, LossLedger, Origin, Timestamp};
use crate::seam::{BoxError, ExchangeSink};

/// How many bytes a part holds before compression, unless it is told otherwise.
pub const PART_BYTES: u64 = 64 << 20;

/// What redacted exchanges were redacted with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sanitized {
    /// The key of the pseudonyms.
    pub key_id: KeyId,
    /// Who has that key.
    pub key_scope: KeyScope,
    /// SHA-256 over the canonical policy, hexadecimal.
    pub policy_digest: String,
    /// How bad it is to find each rule's values where they should not be, by the rule's id.
    pub severities: BTreeMap<String, String>,
}

/// How a recording is written.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// What the exchanges were redacted with; none for a raw recording.
    pub sanitized: Option<Sanitized>,
    /// How many bytes a part holds before compression.
    pub part_bytes: u64,
    /// How long a part waits for more, in packet time; none where it may wait for ever, as with a file.
    pub part_age: Option<Duration>,
    /// How much stays while more comes.
    pub retention: Retention,
    /// What is done where the disk is full.
    pub when_full: WhenFull,
    /// Whether it is all of a capture.
    pub extent: Extent,
    /// Where the traffic comes from, in words, e.g. `file checkout.pcap`.
    pub source: String,
    /// What the exchanges were found in.
    pub origin: Origin,
    /// When the recording may be read no longer.
    pub expires: Option<Timestamp>,
    /// Who encodes and writes parts while others are gathered, a row group for each thread; none where the caller's thread does it
    /// in between. What is written is the same, byte for byte.
    pub pool: Option<Arc<ThreadPool>>,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            sanitized: None,
            part_bytes: PART_BYTES,
            part_age: None,
            retention: Retention::default(),
            when_full: WhenFull::default(),
            extent: Extent::default(),
            source: String::new(),
            origin: Origin::default(),
            expires: None,
            pool: None,
        }
    }
}

/// Writes a recording.
///
/// Memory: the part that is being gathered, `part_bytes` and at most one exchange more; with a pool, no more than a quarter as much
/// again for that part and what is not encoded yet of the one before it; and while a part is written, a row group beside it for each
/// thread, as it is and encoded. Dropped without [`finish`](Self::finish), it loses what was being gathered and nothing else.
pub struct RecordingWriter {
    place: Arc<dyn Publish>,
    options: WriterOptions,
    /// What has been published, as far as is known.
    standing: Standing,
    /// The part before the one that is being gathered, on its way.
    under_way: Option<UnderWay>,
    /// How many parts were sent on their way.
    cut: u64,
    /// The account up to the last of them.
    accounted: LossLedger,
    gathered: Gathered,
    /// What all parts and what is gathered take before compression.
    bytes: u64,
    severities: Arc<BTreeMap<String, String>>,
    /// Packet time when the oldest of what is gathered was taken in.
    gathered_since: Timestamp,
    /// Packet time: the latest that a tick or an exchange has told.
    now: Timestamp,
    /// The time as the last tick told it: an exchange's own may have strayed.
    told: Timestamp,
    /// The account as the last tick told it.
    ledger: LossLedger,
}

impl RecordingWriter {
    /// Begins a recording in a folder that does not exist yet or is empty.
    pub fn create(dir: &Path, options: WriterOptions) -> Result<Self, Error> {
        Self::create_in(Arc::new(Folder::create(dir)?), options)
    }

    /// Begins a recording in another place.
    pub fn create_in(place: Arc<dyn Publish>, options: WriterOptions) -> Result<Self, Error> {
        let (expires, origin) = (options.expires, options.origin.clone());
        let (begun, severities) = match &options.sanitized {
            None => (Begun { state: State::Raw, key_id: None, key_scope: KeyScope::Shared, policy_digest: None, expires, origin }, Arc::default()),
            Some(Sanitized { key_id, key_scope, policy_digest, severities }) => {
                let (key_id, policy_digest) = (Some(key_id.clone()), Some(policy_digest.clone()));
                (Begun { state: State::Redacted, key_id, key_scope: *key_scope, policy_digest, expires, origin }, Arc::new(severities.clone()))
            }
        };
        let mut manifest = Manifest::new(options.source.clone(), begun);
        manifest.extent = options.extent;
        let gathered = Gathered::new(Share::of(&manifest, Arc::clone(&severities)));
        let (gathered_since, now) = (Timestamp::default(), Timestamp::from_nanos(i64::MIN));
        let [accounted, ledger] = [LossLedger::default(), LossLedger::default()];
        // At once, so that a place that cannot be written to is known before any work is done.
        let standing = Standing::begin(manifest, place.as_ref(), options.when_full)?;
        Ok(Self { place, options, standing, under_way: None, cut: 0, accounted, gathered, bytes: 0, severities, gathered_since, now, told: now, ledger })
    }

    /// Takes an exchange; publishes a part when there is enough for one.
    pub fn write(&mut self, exchange: &Exchange) -> Result<(), Error> {
        let bytes = columns::size(exchange);
        if bytes > LARGEST_ROW {
            return Err(Error::RowTooLarge { exchange: exchange.id, bytes, limit: LARGEST_ROW });
        }
        self.now = self.now.max(exchange.timing.end.unwrap_or(exchange.start));
        if self.gathered.is_empty() {
            self.gathered_since = self.now;
        }
        self.gathered.push(exchange, bytes);
        self.bytes += bytes;
        if self.gathered.bytes() >= self.options.part_bytes {
            self.publish_part(false)?;
        } else if let Some(under_way) = &self.under_way {
            // Two whole parts are never held: what is encoded makes room for what is gathered.
            let most = (self.options.part_bytes + self.options.part_bytes / 4).saturating_sub(self.gathered.bytes());
            under_way.left.wait_while(|left| left.is_some_and(|left| left > most));
        }
        Ok(())
    }

    /// Packet time has reached `now`, and the account so far is `ledger`; publishes a part that has waited long enough.
    pub fn tick(&mut self, now: Timestamp, ledger: &LossLedger) -> Result<(), Error> {
        self.now = self.now.max(now);
        self.told = self.told.max(now);
        self.ledger.clone_from(ledger);
        self.look()?;
        let is_due = self.options.part_age.is_some_and(|age| self.now.since(self.gathered_since) >= age);
        if is_due && !self.gathered.is_empty() {
            return self.publish_part(false);
        }
        // On a link that is silent parts grow old, too. The last one is not looked at before the next is there.
        if self.under_way.is_none() {
            self.standing.retire(self.place.as_ref(), (self.options.retention, self.told), self.options.when_full)?;
        }
        Ok(())
    }

    /// The account will count what is not here: it is that of the recordings that this one is made of.
    pub fn miss(&mut self, gone: &Gone) {
        self.gathered.share.gone.add(gone);
    }

    /// Publishes what is left, with the rest of the account.
    pub fn finish(self, ledger: &LossLedger) -> Result<Manifest, Error> {
        self.end(ledger, true)
    }

    /// The same of a recording made of one whose own writer did not come to its end: what would have followed is here as little.
    pub fn finish_unfinished(self, ledger: &LossLedger) -> Result<Manifest, Error> {
        self.end(ledger, false)
    }

    fn end(mut self, ledger: &LossLedger, last: bool) -> Result<Manifest, Error> {
        self.ledger.clone_from(ledger);
        // Even without a row left: the last part says that the writer came to its end.
        self.publish_part(last)?;
        self.wait()?;
        if self.standing.is_owing() {
            // One without a row fits into the room that was kept. It is written into that: what is given back first, another takes.
            self.place = Arc::new(Kept(Arc::clone(&self.place)));
            self.options.when_full = WhenFull::Fail;
            self.publish_part(last)?;
            self.wait()?;
        }
        Ok(self.standing.manifest.clone())
    }

    /// How many bytes it has taken, before compression.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether nothing was written to it, and nothing is being gathered.
    pub const fn is_empty(&self) -> bool {
        self.cut == 0 && self.gathered.is_empty()
    }

    /// Puts on record, with the part that is published next, that a rule has something to say of so many values of many exchanges together.
    pub fn tally(&mut self, rule: &str, count: u64) {
        if count > 0 {
            self.gathered.share.tally(rule, count);
        }
    }

    /// What has been published, as far as the writer has looked: it does at each tick, and before it publishes more.
    pub const fn manifest(&self) -> &Manifest {
        &self.standing.manifest
    }

    /// How many exchanges could not be stored, as far as the writer has looked.
    pub const fn unstored(&self) -> u64 {
        self.standing.unstored()
    }

    fn publish_part(&mut self, last: bool) -> Result<(), Error> {
        self.look()?;
        let mut gathered = std::mem::replace(&mut self.gathered, Gathered::new(Share::of(&self.standing.manifest, Arc::clone(&self.severities))));
        gathered.share.last = last;
        gathered.share.ledger = self.ledger.since(&self.accounted);
        self.accounted.add(&gathered.share.ledger);
        self.cut += 1;
        let (name, needed) = (part_name(self.cut), gathered.bytes());
        let (place, standing) = (Arc::clone(&self.place), self.standing.clone());
        let (kept, when_full) = ((self.options.retention, self.told), self.options.when_full);
        let unstored = Unstored::of(&gathered.share);
        let Some(pool) = self.options.pool.clone() else {
            let written = gathered.write(place.as_ref(), &name, None, &Left::default());
            self.standing = standing.publish(Attempt { written, name, needed, unstored }, place.as_ref(), kept, when_full)?;
            return Ok(());
        };
        let before = self.under_way.take().map(UnderWay::encoded);
        let path = place.path(&name);
        let left = Arc::new(Left::new(needed));
        let encoding = Encoding(Arc::clone(&left));
        let work = move || {
            let written = gathered.write(place.as_ref(), &name, Some(&pool), &encoding.0);
            // Also where this one has failed: of two failures the older is told.
            let standing = before.map_or(Ok(standing), joined)?;
            // While this part is made durable, the next may be encoded, and no other.
            drop(encoding);
            standing.publish(Attempt { written, name, needed, unstored }, place.as_ref(), kept, when_full)
        };
        let writer = thread::Builder::new().name("writer".to_owned()).spawn(work).map_err(Error::write(&path))?;
        self.under_way = Some(UnderWay { writer, left });
        Ok(())
    }

    /// Looks whether what is under way has come to its end.
    fn look(&mut self) -> Result<(), Error> {
        if self.under_way.as_ref().is_some_and(|under_way| under_way.writer.is_finished()) { self.wait() } else { Ok(()) }
    }

    /// Waits for what is under way, if there is anything.
    fn wait(&mut self) -> Result<(), Error> {
        if let Some(under_way) = self.under_way.take() {
            self.standing = joined(under_way.writer)?;
        }
        Ok(())
    }
}

impl Drop for RecordingWriter {
    fn drop(&mut self) {
        // Whoever drops it instead of finishing it has another error to tell.
        if let Some(under_way) = self.under_way.take() {
            let _ = under_way.writer.join();
        }
        give_back(self.place.as_ref());
    }
}

/// A part that is being written, perhaps behind one that is being made durable.
struct UnderWay {
    writer: JoinHandle<Result<Standing, Error>>,
    left: Arc<Left>,
}

impl UnderWay {
    /// Waits until it is encoded, and the one before it is published.
    fn encoded(self) -> JoinHandle<Result<Standing, Error>> {
        self.left.wait_while(|left| left.is_some());
        self.writer
    }
}

fn joined(writer: JoinHandle<Result<Standing, Error>>) -> Result<Standing, Error> {
    writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The writer's end of it: whichever way it goes, it comes to an end.
struct Encoding(Arc<Left>);

impl Drop for Encoding {
    fn drop(&mut self) {
        self.0.change(|left| *left = None);
    }
}

/// How many bytes of the rows of a part are still held while it is written; none once the next one may be.
#[derive(Default)]
pub(super) struct Left {
    bytes: Mutex<Option<u64>>,
    changed: Condvar,
}

impl Left {
    fn new(bytes: u64) -> Self {
        Self { bytes: Mutex::new(Some(bytes)), changed: Condvar::new() }
    }

    /// So many bytes are held no longer.
    pub(super) fn freed(&self, bytes: u64) {
        self.change(|left| *left = left.map(|left| left.saturating_sub(bytes)));
    }

    fn change(&self, how: impl FnOnce(&mut Option<u64>)) {
        // A lock that is poisoned guards a number that is still one.
        how(&mut self.bytes.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    fn wait_while(&self, held: impl Fn(Option<u64>) -> bool) {
        let left = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(left, |left| held(*left)));
    }
}

impl ExchangeSink for RecordingWriter {
    fn exchange(&mut self, exchange: Exchange) -> Result<(), BoxError> {
        Ok(self.write(&exchange)?)
    }

    fn tick(&mut self, now: Timestamp, ledger: &LossLedger) -> Result<(), BoxError> {
        Ok(Self::tick(self, now, ledger)?)
    }
}

/// Beyond this a batch's offsets would not reach.
const LARGEST_ROW: u64 = 1 << 30;
