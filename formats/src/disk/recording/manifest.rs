//! The manifest, and what stands of it in each part's footer.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::audit::Audit;
use super::figures::Figures;
use super::retention::Retired;
use super::wire::{self, WireAudit, WireCounts, WireLedger, WireManifest, WireOrigin, WireRetired};
use super::{Extent, KeyScope, MANIFEST, RECORDING, State};
use crate::disk::Error;
use crate::disk::publish::{Digest, Publish, Published};
use crate::disk::table::{Footer, Table};
use crate::disk::version::{FormatVersion, RELEASE};
use crate::model::{Action, Exchange, KeyId, LossLedger, Origin, Timestamp};

/// What a recording is, in figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The version of the format that it was written in.
    pub version: FormatVersion,
    /// The release that wrote it.
    pub written_by: String,
    /// What has been done for the people in it.
    pub state: State,
    /// The key of its pseudonyms; none if it is raw.
    pub key_id: Option<KeyId>,
    /// Who has that key.
    pub key_scope: KeyScope,
    /// SHA-256 of the policy that it was redacted under; none if it is raw.
    pub policy_digest: Option<String>,
    /// When it may be read no longer, if there is such a time.
    pub expires: Option<Timestamp>,
    /// Where its traffic came from, in words.
    pub source: String,
    /// What it was made of, and what that could not tell.
    pub origin: Origin,
    /// Whether its writer came to an end. If not, its parts are whole, and what would have followed them is not here.
    pub finished: bool,
    /// Its parts, in the order in which they were published.
    pub parts: Vec<Part>,
    /// Names of parts that should be here and are not; only where the manifest was rebuilt from footers.
    pub missing: Vec<String>,
    /// The account of the capture, up to the last part.
    pub ledger: LossLedger,
    /// How many values each rule took out.
    pub redactions: BTreeMap<String, u64>,
    /// How many values of each rule the policy kept on purpose.
    pub kept: BTreeMap<String, u64>,
    /// The same by place and action.
    pub audit: Audit,
    /// What is in the account, and no longer here.
    pub gone: Gone,
    /// What has gone because it was old: in the account, and no longer here.
    pub retired: Retired,
    /// How much of a capture it is.
    pub extent: Extent,
    /// The earliest start of an exchange.
    pub from: Option<Timestamp>,
    /// The latest start of an exchange.
    pub to: Option<Timestamp>,
    /// Rows.
    pub exchanges: u64,
    /// Rows with a request.
    pub requests: u64,
    /// Rows with a final response.
    pub responses: u64,
    /// Informational responses before final ones.
    pub interim: u64,
    /// Rows with both sides whole.
    pub complete: u64,
    /// Connections seen, also those that brought no exchange.
    pub connections: u64,
}

/// One part of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its file name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its digest; none where no manifest vouches for it.
    pub sha256: Option<Digest>,
    /// What stands in it.
    pub counts: Counts,
}

/// What rows hold, by count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows.
    pub exchanges: u64,
    /// Rows with a request.
    pub requests: u64,
    /// Rows with a final response.
    pub responses: u64,
    /// Informational responses before final ones.
    pub interim: u64,
    /// Rows with both sides whole.
    pub complete: u64,
    /// The earliest start.
    pub from: Option<Timestamp>,
    /// The latest start.
    pub to: Option<Timestamp>,
}

impl Counts {
    /// Counts an exchange in.
    pub fn count(&mut self, exchange: &Exchange) {
        self.exchanges += 1;
        self.requests += u64::from(exchange.request.is_some());
        self.responses += u64::from(exchange.response.is_some());
        self.interim += exchange.interim.len() as u64;
        self.complete += u64::from(exchange.is_complete());
        self.from = Some(self.from.map_or(exchange.start, |from| from.min(exchange.start)));
        self.to = self.to.max(Some(exchange.start));
    }

    /// Adds what others count.
    pub fn add(&mut self, other: &Self) {
        // What a file says of itself may be anything.
        self.exchanges = self.exchanges.saturating_add(other.exchanges);
        self.requests = self.requests.saturating_add(other.requests);
        self.responses = self.responses.saturating_add(other.responses);
        self.interim = self.interim.saturating_add(other.interim);
        self.complete = self.complete.saturating_add(other.complete);
        self.from = self.from.into_iter().chain(other.from).min();
        self.to = self.to.max(other.to);
    }
}

/// Exchanges that the account of a capture counts, and that its recording does not hold any more, by count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gone {
    /// Taken out at someone's request.
    pub erased: Counts,
    /// Seen by two machines: the recording of both holds each once.
    pub joined: Counts,
    /// Left out when this was cut out of a longer recording.
    pub cut: Counts,
    /// Never stored: the disk had no room for them.
    pub unstored: Counts,
}

impl Gone {
    /// Adds what others count.
    pub fn add(&mut self, other: &Self) {
        self.erased.add(&other.erased);
        self.joined.add(&other.joined);
        self.cut.add(&other.cut);
        self.unstored.add(&other.unstored);
    }

    /// All of them.
    pub fn all(&self) -> Counts {
        let mut all = self.erased.clone();
        all.add(&self.joined);
        all.add(&self.cut);
        all.add(&self.unstored);
        all
    }
}

/// What a part says of itself and of its recording; the whole manifest is the sum of these.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Share {
    pub state: State,
    pub key_id: Option<KeyId>,
    pub key_scope: KeyScope,
    pub policy_digest: Option<String>,
    pub expires: Option<Timestamp>,
    pub source: String,
    pub origin: Origin,
    /// Whether the writer came to its end with this part.
    pub last: bool,
    pub counts: Counts,
    pub ledger: LossLedger,
    pub redactions: BTreeMap<String, u64>,
    pub kept: BTreeMap<String, u64>,
    pub audit: Audit,
    pub gone: Gone,
    /// What had gone because it was old when the part was cut.
    pub retired: Retired,
    pub extent: Extent,
    /// What its rows hold, in figures; known once all of them are there, and not of a part of an older release.
    pub figures: Option<Figures>,
    /// How bad it is to find each rule's values; told of in the audit.
    pub severities: Arc<BTreeMap<String, String>>,
}

impl Share {
    /// A share of the recording that `manifest` begins, with nothing in it.
    pub(super) fn of(manifest: &Manifest, severities: Arc<BTreeMap<String, String>>) -> Self {
        Self {
            state: manifest.state,
            key_id: manifest.key_id.clone(),
            key_scope: manifest.key_scope,
            policy_digest: manifest.policy_digest.clone(),
            expires: manifest.expires,
            source: manifest.source.clone(),
            origin: manifest.origin.clone(),
            last: false,
            counts: Counts::default(),
            ledger: LossLedger::default(),
            redactions: BTreeMap::new(),
            kept: BTreeMap::new(),
            audit: Audit::default(),
            gone: Gone::default(),
            retired: manifest.retired.clone(),
            extent: manifest.extent,
            figures: None,
            severities,
        }
    }

    /// The same share of the account, with no row in it yet.
    pub(super) fn emptied(&self, severities: Arc<BTreeMap<String, String>>) -> Self {
        Self {
            counts: Counts::default(),
            redactions: BTreeMap::new(),
            kept: BTreeMap::new(),
            audit: Audit::default(),
            figures: None,
            severities,
            ..self.clone()
        }
    }

    /// Something was seen so often, in no one exchange.
    pub(super) fn tally(&mut self, rule: &str, count: u64) {
        let severity = self.severities.get(rule).map_or("", String::as_str).to_owned();
        self.audit.add("", &[rule, "", &severity], Action::Pseudonym, count);
        *self.redactions.entry(rule.to_owned()).or_default() += count;
    }

    pub(super) fn count(&mut self, exchange: &Exchange) {
        self.counts.count(exchange);
        for redaction in &exchange.redactions {
            self.audit.count(redaction, self.severities.get(&redaction.rule).map_or("", String::as_str));
            let counts = if redaction.action == Action::Keep { &mut self.kept } else { &mut self.redactions };
            match counts.get_mut(&redaction.rule) {
                Some(count) => *count += 1,
                None => {
                    counts.insert(redaction.rule.clone(), 1);
                }
            }
        }
    }

    pub(super) fn to_footer(&self) -> Footer {
        let mut footer = Footer::from([
            (STATE.to_owned(), self.state.word().to_owned()),
            (SOURCE.to_owned(), self.source.clone()),
            (ORIGIN.to_owned(), wire::text(&WireOrigin::from(&self.origin))),
            (LAST.to_owned(), self.last.to_string()),
            (COUNTS.to_owned(), wire::text(&WireCounts::from(&self.counts))),
            (LEDGER.to_owned(), wire::text(&WireLedger::from(&self.ledger))),
            (REDACTIONS.to_owned(), wire::text(&self.redactions)),
            (KEPT.to_owned(), wire::text(&self.kept)),
            (AUDIT.to_owned(), wire::text(&WireAudit::from(&self.audit))),
            (KEY_SCOPE.to_owned(), self.key_scope.word().to_owned()),
        ]);
        footer.extend(self.figures.as_ref().map(|figures| (FIGURES.to_owned(), figures.to_text())));
        footer.extend(self.gone_by_key().map(|(key, counts)| (key.to_owned(), wire::text(&WireCounts::from(counts)))));
        if self.retired != Retired::default() {
            footer.insert(RETIRED.to_owned(), wire::text(&WireRetired::from(&self.retired)));
        }
        if self.extent != Extent::default() {
            footer.insert(EXTENT.to_owned(), self.extent.word().to_owned());
        }
        footer.extend(self.expires.map(|time| (EXPIRES.to_owned(), time.to_string())));
        footer.extend(self.key_id.as_ref().map(|id| (KEY_ID.to_owned(), id.to_string())));
        footer.extend(self.policy_digest.clone().map(|digest| (POLICY_DIGEST.to_owned(), digest)));
        footer
    }

    /// Only what there is: of most recordings nothing is gone.
    fn gone_by_key(&self) -> impl Iterator<Item = (&'static str, &Counts)> {
        let Gone { erased, joined, cut, unstored } = &self.gone;
        [(ERASED, erased), (JOINED, joined), (CUT, cut), (UNSTORED, unstored)].into_iter().filter(|(_, counts)| **counts != Counts::default())
    }

    pub(super) fn from_table(table: &Table) -> Result<Self, Error> {
        let footer = table.footer();
        let damaged = |key: &str, why: String| Error::Damaged { path: table.path().to_owned(), place: format!("footer key {key}"), why };
        // Of what is not there nothing is gone, or its writer is older than such things.
        let counts = |key: &'static str| {
            let counts = footer.get(key).map(|counts| wire::parse::<WireCounts>(counts).and_then(Counts::try_from).map_err(|why| damaged(key, why)));
            counts.transpose().map(Option::unwrap_or_default)
        };
        let text = |key: &str| footer.get(key).ok_or_else(|| damaged(key, "it is missing".to_owned()));
        Ok(Self {
            state: State::from_word(text(STATE)?).ok_or_else(|| damaged(STATE, "it is none of raw, redacted, checked".to_owned()))?,
            key_id: footer.get(KEY_ID).map(|id| id.parse().map_err(|why| damaged(KEY_ID, why))).transpose()?,
            // Parts of version 1.0 do not say these.
            key_scope: footer.get(KEY_SCOPE).map_or(Ok(KeyScope::Shared), |word| {
                KeyScope::from_word(word).ok_or_else(|| damaged(KEY_SCOPE, "it is none of shared, recording".to_owned()))
            })?,
            expires: footer.get(EXPIRES).map(|time| time.parse::<Timestamp>().map_err(|error| damaged(EXPIRES, error.to_string()))).transpose()?,
            audit: footer
                .get(AUDIT)
                .map_or(Ok(Audit::default()), |rows| wire::parse::<WireAudit>(rows).and_then(Audit::try_from).map_err(|why| damaged(AUDIT, why)))?,
            origin: footer
                .get(ORIGIN)
                .map_or(Ok(Origin::default()), |origin| wire::parse::<WireOrigin>(origin).map(Origin::from).map_err(|why| damaged(ORIGIN, why)))?,
            gone: Gone { erased: counts(ERASED)?, joined: counts(JOINED)?, cut: counts(CUT)?, unstored: counts(UNSTORED)? },
            retired: footer.get(RETIRED).map_or(Ok(Retired::default()), |retired| {
                wire::parse::<WireRetired>(retired).and_then(TryInto::try_into).map_err(|why| damaged(RETIRED, why))
            })?,
            extent: footer
                .get(EXTENT)
                .map_or(Ok(Extent::Whole), |word| Extent::from_word(word).ok_or_else(|| damaged(EXTENT, "it is none of whole, piece".to_owned())))?,
            figures: footer.get(FIGURES).map(|figures| Figures::from_text(figures).map_err(|why| damaged(FIGURES, why))).transpose()?,
            severities: Arc::default(),
            policy_digest: footer.get(POLICY_DIGEST).cloned(),
            source: text(SOURCE)?.clone(),
            last: text(LAST)? == "true",
            counts: wire::parse::<WireCounts>(text(COUNTS)?).and_then(TryInto::try_into).map_err(|why| damaged(COUNTS, why))?,
            ledger: wire::parse::<WireLedger>(text(LEDGER)?).map_err(|why| damaged(LEDGER, why))?.into(),
            redactions: wire::parse(text(REDACTIONS)?).map_err(|why| damaged(REDACTIONS, why))?,
            kept: wire::parse(text(KEPT)?).map_err(|why| damaged(KEPT, why))?,
        })
    }

    /// How this share speaks of another recording than `manifest` does, if so.
    pub(super) fn disagreement(&self, manifest: &Manifest) -> Option<&'static str> {
        // Checked stands in the manifest alone: the parts were written before they could be checked.
        if (self.state == State::Raw) != (manifest.state == State::Raw) {
            Some("its state is not that of the recording")
        } else if self.key_id != manifest.key_id {
            Some("its key id is not that of the recording")
        } else if self.policy_digest != manifest.policy_digest {
            Some("its policy digest is not that of the recording")
        } else {
            None
        }
    }
}

impl Manifest {
    /// Of a recording with nothing in it.
    pub(super) fn new(source: String, begun: Begun) -> Self {
        let Begun { state, key_id, key_scope, policy_digest, expires, origin } = begun;
        Self {
            version: RECORDING.version,
            written_by: RELEASE.to_owned(),
            state,
            key_id,
            key_scope,
            policy_digest,
            expires,
            source,
            origin,
            finished: false,
            parts: Vec::new(),
            missing: Vec::new(),
            ledger: LossLedger::default(),
            redactions: BTreeMap::new(),
            kept: BTreeMap::new(),
            audit: Audit::default(),
            gone: Gone::default(),
            retired: Retired::default(),
            extent: Extent::default(),
            from: None,
            to: None,
            exchanges: 0,
            requests: 0,
            responses: 0,
            interim: 0,
            complete: 0,
            connections: 0,
        }
    }

    /// What its account counts and it does not hold: so it is for any recording made of it, whose parts are numbered anew.
    pub fn absent(&self) -> Gone {
        let mut absent = self.gone.clone();
        absent.cut.add(&self.retired.counts);
        absent
    }

    /// The same recording, before its first part.
    pub(super) fn emptied(&self) -> Self {
        let Self { state, ref key_id, key_scope, ref policy_digest, expires, ref origin, .. } = *self;
        let begun = Begun { state, key_id: key_id.clone(), key_scope, policy_digest: policy_digest.clone(), expires, origin: origin.clone() };
        let (missing, retired, extent) = (self.missing.clone(), self.retired.clone(), self.extent);
        // Their shares of the account are no longer with any part.
        let ledger = retired.ledger.clone();
        Self { missing, retired, extent, ledger, ..Self::new(self.source.clone(), begun) }
    }

    /// Adds a part and its share.
    pub(super) fn add(&mut self, name: String, bytes: u64, sha256: Option<Digest>, share: Share) {
        let Share { last, counts, ledger, redactions, kept, audit, gone, .. } = share;
        self.finished |= last;
        self.audit.merge(&audit);
        self.gone.add(&gone);
        self.ledger.add(&ledger);
        self.connections = self.ledger.connections;
        for (mine, theirs) in [(&mut self.redactions, redactions), (&mut self.kept, kept)] {
            for (rule, count) in theirs {
                let sum = mine.entry(rule).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        self.from = self.from.into_iter().chain(counts.from).min();
        self.to = self.to.max(counts.to);
        // What a file says of itself may be anything.
        self.exchanges = self.exchanges.saturating_add(counts.exchanges);
        self.requests = self.requests.saturating_add(counts.requests);
        self.responses = self.responses.saturating_add(counts.responses);
        self.interim = self.interim.saturating_add(counts.interim);
        self.complete = self.complete.saturating_add(counts.complete);
        self.parts.push(Part { name, bytes, sha256, counts });
    }

    /// A part has gone that was listed; without its share what it did not share with others stays.
    pub(super) fn retire(&mut self, part: &Part, share: Option<Share>) {
        let Part { counts, bytes, .. } = part;
        self.retired.parts += 1;
        self.retired.bytes += bytes;
        self.retired.counts.add(counts);
        for (mine, gone) in [
            (&mut self.exchanges, counts.exchanges),
            (&mut self.requests, counts.requests),
            (&mut self.responses, counts.responses),
            (&mut self.interim, counts.interim),
            (&mut self.complete, counts.complete),
        ] {
            *mine = mine.saturating_sub(gone);
        }
        self.from = self.parts.iter().filter_map(|part| part.counts.from).min();
        self.to = self.parts.iter().filter_map(|part| part.counts.to).max();
        let Some(Share { ledger, redactions, kept, audit, .. }) = share else { return };
        self.retired.ledger.add(&ledger);
        self.audit.remove(&audit);
        for (mine, gone) in [(&mut self.redactions, redactions), (&mut self.kept, kept)] {
            for (rule, count) in gone {
                if let Some(sum) = mine.get_mut(&rule) {
                    *sum = sum.saturating_sub(count);
                }
            }
            mine.retain(|_, count| *count > 0);
        }
    }

    pub(super) fn publish(&self, place: &dyn Publish) -> Result<Published, Error> {
        place.publish(MANIFEST, &RECORDING.document(&WireManifest::from(self)))
    }

    /// What the manifest at `path` says, whatever has become of the parts.
    pub fn read(path: &Path) -> Result<Self, Error> {
        RECORDING.read_document::<WireManifest>(path)?.into_manifest().map_err(|(place, why)| Error::Damaged { path: path.to_owned(), place, why })
    }
}

/// What is known of a recording before its first exchange.
#[derive(Debug, Clone)]
pub(super) struct Begun {
    pub state: State,
    pub key_id: Option<KeyId>,
    pub key_scope: KeyScope,
    pub policy_digest: Option<String>,
    pub expires: Option<Timestamp>,
    pub origin: Origin,
}

const STATE: &str = "reenact.state";
const KEY_ID: &str = "reenact.key_id";
const POLICY_DIGEST: &str = "reenact.policy_digest";
const SOURCE: &str = "reenact.source";
const ORIGIN: &str = "reenact.origin";
const LAST: &str = "reenact.last";
const COUNTS: &str = "reenact.counts";
const LEDGER: &str = "reenact.ledger";
const REDACTIONS: &str = "reenact.redactions";
const KEPT: &str = "reenact.kept";
const AUDIT: &str = "reenact.audit";
const FIGURES: &str = "reenact.figures";
const ERASED: &str = "reenact.erased";
const JOINED: &str = "reenact.joined";
const CUT: &str = "reenact.cut";
const UNSTORED: &str = "reenact.unstored";
const KEY_SCOPE: &str = "reenact.key_scope";
const RETIRED: &str = "reenact.retired";
const EXTENT: &str = "reenact.extent";
const EXPIRES: &str = "reenact.expires";
