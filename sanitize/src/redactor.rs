//! The redactor: one exchange in, the same exchange without people and secrets out.
//!
//! In: an exchange as it was captured, a live answer, or a database value. Out: the same bytes with pseudonyms in place of
//! what was found, and a record of where and by which rule. Two looks are taken at an exchange: the first finds what names
//! and shapes tell, the second also knows again what was found before. What cannot be looked into is dropped; no byte is kept
//! that was not looked at. Nothing here fails: where an edit cannot be made, what it was to be made to is dropped.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use reenact_formats::content::{CodingError, Content, Leaf, LeafKind, MAX_DECODED, Visited, coding, decoded_body, is_fixed_segment, visit_body, visit_head};
use reenact_formats::model::{Action, Completeness, DropReason, Exchange, Head, KeyId, Message, Part, Redaction, Side, StartLine};
use reenact_formats::seam::Redact;

use crate::collisions::Collisions;
use crate::detect::credentials::{header_value, with_scheme};
use crate::detect::{Around, Beside, Detector, Hit, Place, Strength, Verdict, apart, is_public};
use crate::explain::{Evidence, Explained};
use crate::generalise::generalise;
use crate::key::Key;
use crate::known::KnownPseudonyms;
use crate::known_values::KnownValues;
use crate::locations::Location;
use crate::memo;
use crate::owner;
use crate::plan::{Plan, Recorded, Spans, Spot};
use crate::policy::Policy;
use crate::pseudonym::{Answer, Domain, Pseudonyms, is_digest, is_web_token};
use crate::recall::{give_way, join, recall};
use crate::recurrence::{Memories, Recurrences};
use crate::residue::Originals;
use crate::rewritten::Rewritten;
use crate::rules::{RuleId, Rules};
use crate::signatures::{self, Over, Renewal};
use fragments::Fragments;
use look::{Found, Look, Looking};

/// Redacts exchanges under one policy and one key.
///
/// Exchanges of one connection must come in order: what was redacted once is known again later on the same connection. Other
/// connections may go to another [`lane`](Self::lane), on another thread.
pub struct Redactor {
    shared: Arc<Shared>,
    known: Arc<KnownPseudonyms>,
    known_values: Option<Arc<KnownValues>>,
    trusts_recorded: bool,
    memories: Memories,
    originals: Originals,
    audit: BTreeMap<RuleId, u64>,
    /// Of the traffic: who is past 89 then is told as being 90.
    year: i32,
    /// What was found, and why, where someone has asked.
    told: Option<Vec<Explained>>,
    /// Values that have one pseudonym, of this lane.
    collisions: Collisions,
    /// What was found in JSON containers, by all lanes.
    fragments: Arc<Fragments>,
}

/// What all lanes share: nothing in it changes what comes out.
struct Shared {
    policy: Policy,
    policy_digest: String,
    detector: Detector,
    pseudonyms: Pseudonyms,
    key_id: KeyId,
}

impl Redactor {
    /// A redactor that has seen nothing yet.
    pub fn new(policy: &Policy, key: &Key) -> Self {
        let shared = Shared {
            policy: policy.clone(),
            policy_digest: policy.digest(),
            detector: Detector::new(policy.rules()),
            pseudonyms: Pseudonyms::with(key, policy.choices().clone()).told_by(policy.rules()),
            key_id: key.id(),
        };
        let collisions = Collisions::new(shared.pseudonyms.seed());
        Self {
            shared: Arc::new(shared),
            known: Arc::default(),
            known_values: None,
            trusts_recorded: true,
            memories: Memories::default(),
            originals: Originals::default(),
            audit: BTreeMap::new(),
            year: RELEASE_YEAR,
            told: None,
            collisions,
            fragments: Arc::default(),
        }
    }

    /// Another one under the same rules that has seen nothing yet: for other connections, on any thread. It makes of an exchange
    /// what this one would, and what it has replaced can be [merged](Originals::merged).
    pub fn lane(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            known: Arc::clone(&self.known),
            known_values: self.known_values.clone(),
            trusts_recorded: self.trusts_recorded,
            memories: Memories::default(),
            originals: self.originals.none_yet(),
            audit: BTreeMap::new(),
            year: RELEASE_YEAR,
            told: None,
            collisions: self.collisions.none_yet(),
            fragments: Arc::clone(&self.fragments),
        }
    }

    /// Live answers may hold these: they are pseudonyms already and stay.
    pub fn with_known(mut self, known: KnownPseudonyms) -> Self {
        self.known = Arc::new(known);
        self
    }

    /// These are redacted wherever they stand, whatever the rules say.
    pub fn with_known_values(mut self, known: Arc<KnownValues>) -> Self {
        self.known_values = Some(known);
        // What was found without them is not all there is to find.
        self.fragments = Arc::default();
        self
    }

    /// The exchanges to come were redacted before, under this key: what their redactions name stays if it is the same key,
    /// and is redacted anew if not.
    pub fn with_recorded_key(mut self, key: &KeyId) -> Self {
        self.trusts_recorded = *key == self.shared.key_id;
        self
    }

    /// The password of whoever logs in by this name, in traffic that is redacted under this key: what the digest in a sandbox's database is
    /// to be made of.
    pub fn password_for(&self, login: &str) -> String {
        self.shared.pseudonyms.password_for(login)
    }

    /// Redacts an exchange, and says of each value that was found why, and what it becomes. What is said holds the values as they were: it is for
    /// whoever gave them.
    pub fn explain(&mut self, exchange: &mut Exchange) -> Vec<Explained> {
        self.told = Some(Vec::new());
        let addresses = [exchange.client, exchange.server].map(|address| address.ip().to_string());
        self.exchange(exchange);
        let mut told = self.told.take().unwrap_or_default();
        for Redaction { side, part, path, rule, action, .. } in &exchange.redactions {
            let (side, action) = (*side, *action);
            match (part, self.rules().by_word(rule)) {
                (Part::Metadata, Some(rule)) => {
                    let (value, becomes) = if side == Side::Request { (&addresses[0], exchange.client) } else { (&addresses[1], exchange.server) };
                    let evidence = if rule == RuleId::KNOWN_VALUE { Evidence::KnownValue } else { Evidence::Name };
                    let becomes = becomes.ip().to_string();
                    told.push(self.explained(side, path, (rule, Domain::Ip), (evidence, action), (value.as_bytes(), becomes.as_bytes())));
                }
                // What has no value to show.
                (_, Some(rule @ (RuleId::OPAQUE_BODY | RuleId::BODY_DIGEST))) => {
                    told.push(self.explained(side, path, (rule, Domain::Opaque), (Evidence::Content, action), (b"", b"")));
                }
                _ => {}
            }
        }
        told
    }

    fn explained(
        &self,
        side: Side,
        path: &str,
        (rule, domain): (RuleId, Domain),
        (evidence, action): (Evidence, Action),
        (value, becomes): (&[u8], &[u8]),
    ) -> Explained {
        let severity = self.rules().get(rule).severity.word();
        let (path, rule) = (path.to_owned(), self.rules().word(rule).to_owned());
        Explained { side, path, rule, severity, domain: domain.word(), evidence, action, value: value.to_vec(), becomes: becomes.to_vec() }
    }

    /// What a value of a database becomes, by the names of its table and its column, and by itself.
    pub fn cell(&mut self, cell: &Cell<'_>, value: &str) -> String {
        let path = place_of(cell.location);
        let kind = match cell.kind {
            CellKind::Text => LeafKind::JsonString,
            CellKind::Number => LeafKind::JsonNumber,
        };
        let column = path.rsplit_once('/').map_or(path.as_str(), |(_, column)| column);
        let place = Place { kind, name: Some(column), path: &path, beside: None };
        let mut out = value.as_bytes().to_vec();
        let mut hits = self.shared.detector.detect(value.as_bytes(), &place);
        self.add_known(value.as_bytes(), || path.clone(), &mut hits);
        if let Some(place) = self.shared.policy.locations().at(&path).filter(|place| place.action != Action::Keep && !value.is_empty()) {
            take_whole(place, value.as_bytes(), &mut hits);
        }
        for hit in hits.into_iter().rev() {
            let owner = cell.subject.filter(|_| hit.domain == Domain::BirthDate).map(str::as_bytes);
            let told = Told { path: &path, kind, is_live: true, owner, answer: Answer::Open };
            if let Made::New(_, made) = self.made_of(&hit, value.as_bytes(), &told) {
                *self.audit.entry(hit.rule).or_default() += 1;
                out.splice(hit.span, made);
            }
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    /// The policy that it redacts under.
    pub fn policy(&self) -> &Policy {
        &self.shared.policy
    }

    /// How many values each rule has redacted or kept so far.
    pub fn audit(&self) -> BTreeMap<String, u64> {
        self.audit.iter().map(|(rule, count)| (self.rules().word(*rule).to_owned(), *count)).collect()
    }

    /// The originals that were replaced so far, as a set that cannot be read, for the residue check.
    pub fn originals(&self) -> &Originals {
        &self.originals
    }

    /// Those since they were taken last: what has been written under them is looked through, and they are not needed any longer.
    pub fn take_originals(&mut self) -> Originals {
        let none_yet = self.originals.none_yet();
        std::mem::replace(&mut self.originals, none_yet)
    }

    /// The values that this lane has given one pseudonym, where the space is too small for all.
    pub fn collisions(&self) -> &Collisions {
        &self.collisions
    }

    /// Both, when all has been redacted.
    pub fn into_originals(self) -> (Originals, Collisions) {
        (self.originals, self.collisions)
    }

    /// What would be redacted in a text of the given media type, as spans of bytes in order, with the rules that say so.
    /// `http/headers` is a message head. Nothing is remembered. A credential is shown with its scheme (`Bearer …`), which stays.
    pub fn spans(&self, media_type: &str, text: &[u8]) -> Vec<(Range<usize>, &str)> {
        let mut spans = Vec::new();
        let mut placed = None;
        let recorded = Recorded::of(&[]);
        let mut each = |leaf: Leaf<'_>, raw: &[u8], beside: &Beside<'_>| {
            let spot = Spot::of(&leaf);
            for hit in self.first_look(&leaf, raw, beside, &recorded).hits {
                // A tag is no one's: it is replaced because of the body that it may be a digest of, as digests are.
                if let Some(rule) = self.taken_by(&hit, &leaf.value, &leaf.template()).filter(|rule| *rule != RuleId::ENTITY_TAG) {
                    let whole = with_scheme(&leaf.value, hit.span.start)..hit.span.end;
                    let span = spot.placed(raw, &whole);
                    let span = if leaf.kind == LeafKind::Credential { header_value(raw, &span) } else { span };
                    spans.push((span, self.rules().word(rule)));
                }
            }
        };
        if media_type == "http/headers" {
            let raw = Bytes::copy_from_slice(text);
            if let Ok(head) = Head::request(raw.clone()).or_else(|_| Head::response(raw.clone())).or_else(|_| Head::trailers(raw)) {
                let beside = self.shared.detector.beside(Around::Head(&head));
                visit_head(&head, &mut |leaf| each(leaf, text, &beside));
            }
        } else {
            let raw = format!("POST / HTTP/1.1\r\nContent-Type: {media_type}\r\n\r\n");
            if let (Ok(head), Ok(decoded)) = (Head::request(Bytes::from(raw)), coding::decoded_text(media_type.as_bytes(), text)) {
                let text = decoded.text;
                let beside = self.shared.detector.beside(Around::Body(&head, &text));
                visit_body(&head, &text, &mut |leaf| each(leaf, &text, &beside));
                placed = decoded.offsets;
            }
        }
        if let Some(offsets) = placed {
            spans.iter_mut().for_each(|(span, _)| *span = offsets[span.start]..offsets[span.end]);
        }
        spans.sort_by_key(|(span, _)| span.start);
        // What is shown as it is written may reach into what stands beside it.
        spans.dedup_by(|(next, _), (span, _)| {
            let overlaps = next.start < span.end;
            span.end = if overlaps { span.end.max(next.end) } else { span.end };
            overlaps
        });
        spans
    }

    /// The pseudonym of a whole value of a domain, as it stands in traffic.
    pub fn pseudonym(&mut self, domain: Domain, value: &str) -> String {
        let made = memo::pseudonym(&self.shared.pseudonyms, domain, value.as_bytes());
        if self.shared.pseudonyms.may_meet(domain) {
            self.collisions.add(domain, value.as_bytes(), &made);
        }
        String::from_utf8_lossy(&made).into_owned()
    }

    /// The pseudonym of a date that is about `subject`, as the policy names the subjects of dates.
    pub fn date_of(&self, subject: &str, date: &str) -> String {
        String::from_utf8_lossy(&self.shared.pseudonyms.date_of(subject.as_bytes(), date.as_bytes())).into_owned()
    }

    /// Whether the policy names a column, as `table.column`, as what the dates beside it are about.
    pub fn is_subject(&self, location: &str) -> bool {
        self.shared.policy.subjects().contains(&place_of(location))
    }

    /// Whether what stands under `name` is never kept, whatever a policy says: security codes, track data, PIN blocks.
    pub fn is_never_kept(&self, name: &str) -> bool {
        self.shared.detector.names().lookup(name).iter().any(|telling| telling.rule == RuleId::CARD_SECURITY && telling.strength == Strength::Strong)
    }

    /// The domain of whatever stands under `name`, if the name alone tells it.
    pub fn told_by(&self, name: &str) -> Option<Domain> {
        self.shared.detector.names().lookup(name).iter().find(|telling| telling.strength == Strength::Strong).map(|telling| telling.domain)
    }

    fn rules(&self) -> &Rules {
        self.shared.policy.rules()
    }

    /// The first look at a message: what names and shapes tell, and whether its body can be looked into at all.
    fn look(&mut self, message: &Message, recorded: &[Redaction], renewed: &[Redaction], memory: Option<&mut Recurrences>) -> Look {
        let mut originals = std::mem::take(&mut self.originals);
        let recorded = Recorded::of(recorded);
        let mut looking = Looking::new(self, (&recorded, renewed), memory, &mut originals);
        for head in std::iter::once(&message.head).chain(&message.trailers) {
            looking.head(head);
        }
        let look = looking.body(message);
        self.originals = originals;
        look
    }

    fn first_look(&self, leaf: &Leaf<'_>, raw: &[u8], beside: &Beside<'_>, recorded: &Recorded) -> Verdict {
        let Verdict { mut hits, layers } = self.shared.detector.verdict(&leaf.value, &Place::of(leaf, beside));
        if KnownValues::may_stand(leaf) {
            self.add_known(&leaf.value, || leaf.template(), &mut hits);
        }
        let locations = self.shared.policy.locations();
        if !locations.is_empty()
            && let Some(place) = locations.at(&leaf.template()).filter(|place| place.takes(leaf))
        {
            take_whole(place, &leaf.value, &mut hits);
        }
        let recorded = recorded.part(leaf.part);
        if !recorded.is_empty() {
            let spot = Spot::of(leaf);
            hits.retain(|hit| match hit.rule {
                RuleId::LOCATION => !recorded.cover(&leaf.span),
                _ => !recorded.account_for(hit, &spot.placed(raw, &hit.span)),
            });
        }
        Verdict { hits, layers }
    }

    /// Adds where known values stand. What the policy would keep gives way to them.
    fn add_known(&self, value: &[u8], path: impl Fn() -> String, hits: &mut Vec<Hit>) {
        let Some(known) = self.known_values.as_deref() else { return };
        let found = recall(&|text, hits| known.find(text, hits), value);
        if found.is_empty() {
            return;
        }
        let path = path();
        give_way(hits, &found, value, &|hit, value| self.taken_by(hit, value, &path).is_none());
        join(hits, found);
    }

    /// The rule by which a hit, or something in the text that it holds, is redacted; none if the policy keeps it all.
    fn taken_by(&self, hit: &Hit, value: &[u8], path: &str) -> Option<RuleId> {
        match &hit.held {
            Some(held) => held.hits.iter().find_map(|inner| self.taken_by(inner, &held.text, path)),
            None => (self.shared.policy.action(hit.rule, hit.domain, path, &hit.bare(value)) != Action::Keep).then_some(hit.rule),
        }
    }

    /// Makes the plan for a message, and carries it out. Most messages are not looked at a second time: nothing in them can be
    /// anything that is known from before.
    fn act(
        &mut self,
        message: &mut Message,
        (side, answer): (Side, Answer),
        recorded: Vec<Redaction>,
        mut look: Look,
        memory: Option<&Recurrences>,
    ) -> Vec<Redaction> {
        let before = Recorded::of(&recorded);
        let mut plan = Plan::new(side, recorded, memory.is_none(), answer);
        let (logins, subjects) = (look.logins(message), look.subjects(message, self.shared.policy.subjects()));
        let is_dropped = |part: Part| part == Part::Body && look.drop.is_some();
        let raw = |part: Part| match part {
            Part::Head => message.head.raw(),
            Part::Body => &look.body,
            _ => message.trailers.as_ref().map_or(&look.body, Head::raw),
        };
        for found in look.found.iter_mut().filter(|found| !is_dropped(found.part)) {
            let hits = std::mem::take(&mut found.hits);
            let spot = found.saying(&look.values);
            let known = Known { memory: memory.filter(|_| found.recurs), recorded: before.part(spot.part) };
            let at = (spot.part, spot.span.start);
            let owner = logins.get(at).or_else(|| subjects.get(at));
            self.plan(&mut plan, &spot, (&found.path, &found.place()), raw(spot.part), (hits, owner), known);
        }
        if !is_dropped(Part::Body) {
            for (settled, span) in look.settled() {
                let made = Some(settled.replacement.to_vec());
                plan.add(Part::Body, span, made, (settled.rule, Some(settled.domain)), Action::Pseudonym, &settled.path);
            }
        }
        if let Some(memory) = memory {
            look.visit_again(message, memory, &mut |leaf, raw| {
                let place = Place { kind: leaf.kind, name: leaf.name.as_deref(), path: leaf.path, beside: None };
                let known = Known { memory: Some(memory), recorded: before.part(leaf.part) };
                self.plan(&mut plan, &Spot::of(leaf), (&memo::template(leaf), &place), raw, (Vec::new(), None), known);
            });
        }
        match look.drop {
            Some(reason) => self.drop_body(message, &look.body, reason, &mut plan),
            None if carries_more(message) => plan.recode(),
            None => {}
        }
        if plan.changes_body() || look.drop.is_some() {
            match self.shared.policy.action(RuleId::BODY_DIGEST, Domain::Opaque, "", b"") {
                Action::Keep => {}
                Action::Pseudonym if look.drop.is_none() && may_be_digested(message) => plan.renew_digests(),
                _ => plan.remove_digests(message),
            }
        }
        if plan.changes() || look.drop.is_some() {
            let changes_body = plan.changes_body() || look.drop.is_some();
            for signature in std::iter::once(&message.head).chain(&message.trailers).flat_map(signatures::in_head) {
                let holds = signature.over == Over::Body && !changes_body && !plan.replaces(signature.part, &signature.span);
                if !holds && !plan.is_on_record(signature.part, &signature.path, &[TO_SIGN, UNVERIFIABLE]) {
                    plan.note(signature.part, signature.renewal.rule(), Action::Pseudonym, signature.path);
                }
            }
        }
        let Self { shared, audit, .. } = self;
        plan.carry_out(message, &look.body, shared.policy.rules(), &mut |rule| *audit.entry(rule).or_default() += 1)
    }

    /// Plans what becomes of a leaf, with what is known from before and where it is on record already.
    fn plan(
        &mut self,
        plan: &mut Plan,
        spot: &Spot<'_>,
        (path, place): (&Arc<str>, &Place<'_>),
        raw: &[u8],
        (mut hits, owner): (Vec<Hit>, Option<&[u8]>),
        Known { memory, recorded }: Known<'_>,
    ) {
        if spot.kind == LeafKind::MultipartFile {
            let is_kept = self.shared.policy.action(RuleId::OPAQUE_BODY, Domain::Opaque, path, b"") == Action::Keep;
            let (zeros, action) = if is_kept { (None, Action::Keep) } else { (Some(vec![b'0'; spot.span.len()]), Action::Mask) };
            plan.add(spot.part, spot.span.clone(), zeros, (RuleId::OPAQUE_BODY, None), action, path);
            return;
        }
        if let Some(memory) = memory.filter(|memory| !memory.is_empty()) {
            // What is claimed as a whole holds nothing else to be found.
            if !matches!(hits.as_slice(), [hit] if hit.held.is_none() && hit.span == (0..spot.value.len())) {
                let mut again = recall(&|text, hits| memory.find(text, hits), spot.value);
                // What a rule has found there as what it was before is that rule's.
                again.retain(|one| !hits.iter().any(|hit| hit.span == one.span && hit.domain == one.domain && hit.held.is_none() && one.held.is_none()));
                join(&mut hits, again);
            }
            hits.retain(|hit| hit.rule != RuleId::RECURRENCE || !recorded.touch(&spot.placed(raw, &hit.span)));
        }
        let within = OnceCell::new();
        let mut done: Vec<(Hit, Made)> = Vec::with_capacity(hits.len());
        for round in 1.. {
            for hit in hits {
                let is_nested = is_password(&hit) && !hit.wears.is_empty();
                let within = if is_nested { within.get_or_init(|| owner::within(spot.value)).as_deref() } else { None };
                let told = Told { path, kind: spot.kind, is_live: plan.is_live, owner: within.or(owner), answer: plan.answer };
                let made = self.made_of(&hit, spot.value, &told);
                done.push((hit, made));
            }
            done.sort_by_key(|(hit, _)| hit.span.start);
            let Light { beside, over } = self.come_to_light(spot, (path, place), raw, &done, recorded);
            let Some(first) = beside.first().or(over.first()) else { break };
            if round == MAX_LOOKS {
                // What goes on so is taken whole, whatever the policy keeps.
                let whole = Hit::new(0..spot.value.len(), first.rule, Domain::Opaque);
                done = vec![masked_whole(spot, whole)];
                break;
            }
            done.retain(|(old, _)| over_all(&over, &old.span).is_none());
            done.extend(over.into_iter().map(|hit| masked_whole(spot, hit)));
            hits = beside;
        }
        for (hit, made) in done {
            let (span, found) = (spot.placed(raw, &hit.span), (hit.rule, Some(hit.domain)));
            if self.told.is_some() {
                self.tell(plan.side, path, &hit, spot.value, &made);
            }
            match made {
                Made::Kept => plan.add(spot.part, span, None, found, Action::Keep, path),
                Made::Stays(action) => plan.add(spot.part, span, None, found, action, path),
                Made::New(action, made) => {
                    let has_owner = owner.is_some() || !hit.wears.is_empty() && within.get().is_some_and(Option::is_some);
                    let is_alone = !has_owner || spot.kind == LeafKind::JsonNumber;
                    if action == Action::Pseudonym && is_password(&hit) && is_alone && !is_digest(&hit.bare(spot.value)) {
                        plan.note(spot.part, RuleId::PASSWORD_ALONE, action, Arc::clone(path));
                    }
                    if let Some(renewal) = self.renewal(&hit, spot, path).filter(|_| action == Action::Pseudonym) {
                        plan.note(spot.part, renewal.rule(), action, Arc::clone(path));
                    }
                    plan.add(spot.part, span, Some(spot.surface.dress(&made)), found, action, path);
                }
            }
        }
    }

    /// What a look at a leaf as it will be finds in it that is not on record, and that the policy does not keep where it reaches over what is gone.
    fn come_to_light(&self, spot: &Spot<'_>, (path, place): (&str, &Place<'_>), raw: &[u8], done: &[(Hit, Made)], recorded: &Spans) -> Light {
        let changes = done.iter().any(|(_, made)| matches!(made, Made::New(..)));
        if !changes || !is_partial(spot.value, done.iter().map(|(hit, _)| hit)) {
            return Light::default();
        }
        // As it will be read: not all surfaces can say every byte.
        let read = |made: &[u8]| spot.surface.undress(&spot.surface.dress(made)).into_owned();
        let pieces = done.iter().map(|(hit, made)| match made {
            Made::New(_, made) => (hit.span.clone(), Some(read(made))),
            Made::Kept | Made::Stays(_) => (hit.span.clone(), None),
        });
        let rewritten = Rewritten::of(spot.value, pieces);
        let mut found = rewritten.apart(self.shared.detector.detect(rewritten.text(), place));
        found.retain(|hit| !recorded.account_for(hit, &spot.placed(raw, &hit.span)));
        let is_over = |hit: &Hit| {
            let next = done.partition_point(|(old, _)| old.span.start < hit.span.start);
            done.get(next).is_some_and(|(old, _)| old.span.end <= hit.span.end)
        };
        let (mut over, beside): (Vec<Hit>, Vec<Hit>) = found.into_iter().partition(is_over);
        over.retain(|hit| self.taken_by(hit, spot.value, path).is_some());
        Light { beside, over }
    }

    /// What a leaf becomes, if that depends on nothing but its value: not on whose it is, nor on what else is there or is counted.
    fn settled<'f>(&self, found: &'f Found, value: &[u8]) -> Option<(&'f Hit, Vec<u8>)> {
        let [hit] = found.hits.as_slice() else { return None };
        let is_whole = hit.held.is_none() && hit.span == (0..value.len());
        let depends = matches!(hit.domain, Domain::Password | Domain::BirthDate) || self.shared.pseudonyms.may_meet(hit.domain);
        if found.kind != LeafKind::JsonString || !is_whole || depends || is_password(hit) {
            return None;
        }
        let bare = hit.bare(value);
        let is_made = self.shared.policy.action(hit.rule, hit.domain, &found.path, &bare) == Action::Pseudonym;
        let spot = Spot::new(found.part, found.kind, found.span.clone(), found.surface, value);
        let pseudonyms = &self.shared.pseudonyms;
        let is_login = || std::str::from_utf8(&bare).is_ok_and(|bare| pseudonyms.basic(bare, Answer::Refused).is_some());
        if !is_made || self.renewal(hit, &spot, &found.path).is_some() || hit.domain == Domain::Opaque && is_login() {
            return None;
        }
        let made = memo::pseudonym(pseudonyms, hit.domain, &bare);
        Some((hit, found.surface.dress(&hit.dressed(made))))
    }

    /// Whether what a hit is replaced by would have to be signed anew, and how: a token anywhere, a signature in a body. [Those in heads](signatures::in_head)
    /// are told by their places, replaced or not.
    fn renewal(&self, hit: &Hit, spot: &Spot<'_>, path: &str) -> Option<Renewal> {
        let bare = hit.bare(spot.value);
        if is_web_token(&bare) {
            return signatures::of_token(&bare);
        }
        let renewal = signatures::of_value(self.rules().word(hit.rule), path, spot.value, &hit.span);
        renewal.filter(|_| spot.part == Part::Body)
    }

    /// Says why a hit in `value` was found, and what becomes of it.
    fn tell(&mut self, side: Side, path: &str, hit: &Hit, value: &[u8], made: &Made) {
        let found = &value[hit.span.clone()];
        let (action, becomes) = match made {
            Made::Kept => (Action::Keep, found),
            Made::Stays(action) => (*action, found),
            Made::New(action, made) => (*action, made.as_slice()),
        };
        let evidence = Evidence::of(&self.shared.detector, self.rules(), hit, value);
        let one = self.explained(side, path, (hit.rule, hit.domain), (evidence, action), (found, becomes));
        self.told.as_mut().into_iter().for_each(|told| told.push(one.clone()));
    }

    /// What is to stand in place of a hit in `value`, with what it wears there.
    fn made_of(&mut self, hit: &Hit, value: &[u8], told: &Told<'_>) -> Made {
        // In a live answer, what the recording's redactions name is a pseudonym already.
        let is_known = |this: &Self| told.is_live && this.known.contains(hit.domain, &hit.bare(value));
        if let Some(held) = &hit.held {
            if is_known(self) {
                return Made::Stays(Action::Pseudonym);
            }
            let (mut text, mut last) = (held.text.clone(), Made::Kept);
            let within = if held.hits.iter().any(is_password) { owner::within(&held.text) } else { None };
            let told = Told { kind: LeafKind::Text, owner: within.as_deref().or(told.owner), ..*told };
            for inner in held.hits.iter().rev() {
                match (self.made_of(inner, &held.text, &told), &last) {
                    (Made::New(action, made), _) => {
                        text.splice(inner.span.clone(), made);
                        last = Made::New(action, Vec::new());
                    }
                    (Made::Stays(action), Made::Kept) => last = Made::Stays(action),
                    _ => {}
                }
            }
            return match last {
                Made::New(action, _) => Made::New(action, hit.dressed(held.wrapped(&text))),
                last => last,
            };
        }
        let bare = hit.bare(value);
        let action = self.shared.policy.action(hit.rule, hit.domain, told.path, &bare);
        let less = || generalise(self.rules().word(hit.rule), hit.domain, &bare, self.year);
        let (action, made) = match action {
            Action::Keep => return Made::Kept,
            action if action.is_keyed() && is_known(self) => return Made::Stays(action),
            // A truth stays one, and tells none.
            _ if told.kind == LeafKind::JsonBool => (Action::Mask, b"false".to_vec()),
            Action::Pseudonym => {
                let made = self.owned(hit, &bare, told);
                let made = made.unwrap_or_else(|| memo::pseudonym(&self.shared.pseudonyms, hit.domain, &bare));
                // A date that begins with its day may be a number, and another one not.
                let is_number = told.kind != LeafKind::JsonNumber || is_json_number(&made) || !is_json_number(&bare);
                (Action::Pseudonym, if is_number { made } else { self.shared.pseudonyms.plain(hit.domain, &bare) })
            }
            Action::Generalise if let Some(made) = less().filter(|made| told.kind != LeafKind::JsonNumber || is_json_number(made)) => {
                (Action::Generalise, made)
            }
            // A number stays one.
            _ if told.kind == LeafKind::JsonNumber => (Action::Mask, b"0".to_vec()),
            Action::Drop => (Action::Drop, Vec::new()),
            Action::Hash => (Action::Hash, self.shared.pseudonyms.hash(hit.domain, &bare)),
            _ => (Action::Mask, masked(hit.rule, &bare)),
        };
        if action == Action::Pseudonym && self.shared.pseudonyms.may_meet(hit.domain) {
            self.collisions.add(hit.domain, &bare, &made);
        }
        Made::New(action, hit.dressed(made))
    }

    /// What stands in place of a value that is more than its value: of a password whose it is, and whether it was refused; of a date whose.
    fn owned(&self, hit: &Hit, bare: &[u8], told: &Told<'_>) -> Option<Vec<u8>> {
        let all = &self.shared.pseudonyms;
        if is_password(hit) {
            let login = told.owner.filter(|_| told.kind != LeafKind::JsonNumber && !is_digest(bare))?;
            return Some(all.password(login, bare, told.answer).into_bytes());
        }
        if hit.domain == Domain::BirthDate {
            return Some(all.date_of(told.owner?, bare));
        }
        let text = std::str::from_utf8(bare).ok()?;
        let made = match hit.domain {
            Domain::Password if told.kind == LeafKind::UserInfo => all.user_and_password(text, told.answer),
            Domain::Opaque if told.answer == Answer::Refused => all.basic(text, told.answer),
            _ => None,
        };
        made.map(String::into_bytes)
    }

    fn drop_body(&self, message: &mut Message, body: &[u8], reason: DropReason, plan: &mut Plan) {
        let rule = RuleId::OPAQUE_BODY;
        match self.shared.policy.action(rule, Domain::Opaque, BODY, b"") {
            Action::Keep if reason == DropReason::Opaque => {
                plan.note(Part::Body, rule, Action::Keep, BODY);
                return;
            }
            Action::Mask if reason == DropReason::Opaque && !body.is_empty() => {
                plan.add(Part::Body, 0..body.len(), Some(vec![b'0'; body.len()]), (rule, None), Action::Mask, &Arc::from(BODY));
                return;
            }
            _ => {}
        }
        message.body.slices.clear();
        message.body.completeness = Completeness::Dropped { reason, seen_whole: message.body.completeness.was_seen_whole() };
        plan.forget_body();
        plan.note(Part::Body, rule, Action::Drop, BODY);
    }

    /// The heads of informational responses: few, small, and without a coordinate system of their own in a redaction, so that
    /// their place stands in the path: `interim:0:header:link`.
    fn interim(&mut self, heads: &mut [Head], recorded: &[Redaction], renewed: &[Redaction], memory: &mut Recurrences) -> Vec<Redaction> {
        let mut redactions = Vec::new();
        for (index, head) in heads.iter_mut().enumerate() {
            let prefix = format!("{INTERIM}{index}:");
            let in_head = |redactions: &[Redaction]| -> Vec<Redaction> {
                let own = redactions.iter().filter_map(|redaction| Some((redaction.path.strip_prefix(&prefix)?, redaction)));
                own.map(|(path, redaction)| Redaction { path: path.to_owned(), ..redaction.clone() }).collect()
            };
            let earlier = in_head(recorded);
            let mut message = Message { head: head.clone(), body: reenact_formats::model::Body::empty(), trailers: None };
            let look = self.look(&message, &earlier, &in_head(renewed), Some(memory));
            let made = self.act(&mut message, (Side::Response, Answer::Open), earlier, look, Some(memory));
            *head = message.head;
            redactions.extend(made.into_iter().map(|redaction| Redaction { path: format!("{prefix}{}", redaction.path), ..redaction }));
        }
        redactions
    }

    fn address(&mut self, address: &mut SocketAddr, side: Side, path: &str, is_renewed: bool) -> Option<Redaction> {
        let original = address.ip();
        let text = original.to_string();
        let is_known = || self.known_values.as_ref().is_some_and(|known| known.holds(&text));
        let rule = if is_renewed || is_public(original) && self.rules().get(RuleId::IP).is_on {
            RuleId::IP
        } else if is_known() {
            RuleId::KNOWN_VALUE
        } else {
            return None;
        };
        let (action, made) = match self.shared.policy.action(rule, Domain::Ip, path, text.as_bytes()) {
            Action::Keep => (Action::Keep, Some(text.into_bytes())),
            Action::Pseudonym => (Action::Pseudonym, Some(self.shared.pseudonyms.of(Domain::Ip, text.as_bytes()))),
            Action::Generalise => (Action::Generalise, generalise(self.rules().word(rule), Domain::Ip, text.as_bytes(), self.year)),
            // An address there must be.
            _ => (Action::Mask, None),
        };
        // What cannot be written as an address is replaced by one that is no one's.
        let made = made.and_then(|made| std::str::from_utf8(&made).ok()?.parse().ok());
        address.set_ip(made.unwrap_or(IpAddr::from([198, 18, 0, 0])));
        *self.audit.entry(rule).or_default() += 1;
        Some(Redaction {
            side,
            part: Part::Metadata,
            span: 0..0,
            rule: self.rules().word(rule).to_owned(),
            domain: Domain::Ip.word().to_owned(),
            action,
            path: path.to_owned(),
        })
    }
}

impl Redact for Redactor {
    fn exchange(&mut self, exchange: &mut Exchange) {
        let mut recorded = std::mem::take(&mut exchange.redactions);
        let mut renewed = Vec::new();
        if !self.trusts_recorded {
            // Pseudonyms are under the other key, and what was kept is for this policy to decide. What has no key stays, and stays on record.
            (renewed, recorded) = recorded.into_iter().partition(|redaction| redaction.action.is_keyed());
            recorded.retain(|redaction| redaction.part != Part::Metadata && (redaction.action != Action::Keep || redaction.span.is_empty()));
        }
        let (mut metadata, recorded): (Vec<_>, Vec<_>) = recorded.into_iter().partition(|redaction| redaction.part == Part::Metadata);
        let (interim, recorded): (Vec<_>, Vec<_>) = recorded.into_iter().partition(|redaction| redaction.path.starts_with(INTERIM));
        let (asked, answered): (Vec<_>, Vec<_>) = recorded.into_iter().partition(|redaction| redaction.side == Side::Request);

        self.year = exchange.start.year();
        let connection = exchange.id.connection;
        let mut memory = self.memories.take(connection);
        let request_look = exchange.request.as_ref().map(|message| self.look(message, &asked, &renewed_in(&renewed, Side::Request), Some(&mut memory)));
        let response_look = exchange.response.as_ref().map(|message| self.look(message, &answered, &renewed_in(&renewed, Side::Response), Some(&mut memory)));
        let mut redactions = Vec::new();
        let answer = match exchange.response.as_ref().map(|message| message.head.start_line()) {
            Some(StartLine::Response { status: 401 | 403, .. }) => Answer::Refused,
            _ => Answer::Open,
        };
        if let Some((message, look)) = exchange.request.as_mut().zip(request_look) {
            redactions.extend(self.act(message, (Side::Request, answer), asked, look, Some(&memory)));
        }
        redactions.extend(self.interim(&mut exchange.interim, &interim, &renewed, &mut memory));
        if let Some((message, look)) = exchange.response.as_mut().zip(response_look) {
            redactions.extend(self.act(message, (Side::Response, Answer::Open), answered, look, Some(&memory)));
        }
        for (address, side, path) in [(&mut exchange.client, Side::Request, "metadata:client"), (&mut exchange.server, Side::Response, "metadata:server")] {
            if !metadata.iter().any(|redaction| redaction.path == path) {
                let is_renewed = renewed.iter().any(|redaction| redaction.path == path);
                metadata.extend(self.address(address, side, path, is_renewed));
            }
        }
        redactions.extend(metadata);
        exchange.redactions = redactions;

        self.memories.keep(connection, memory);
    }

    fn response(&mut self, _request: Option<&Message>, response: &mut Message) -> Vec<Redaction> {
        // What an answer holds must not depend on what other answers held: two runs could not be compared.
        let look = self.look(response, &[], &[], None);
        self.act(response, (Side::Response, Answer::Open), Vec::new(), look, None)
    }

    fn value(&mut self, location: &str, value: &str) -> String {
        self.cell(&Cell { location, kind: CellKind::Text, subject: None }, value)
    }

    fn key_id(&self) -> KeyId {
        self.shared.key_id.clone()
    }

    fn policy_digest(&self) -> String {
        self.shared.policy_digest.clone()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("key_id", &self.shared.key_id).field("policy_digest", &self.shared.policy_digest).finish_non_exhaustive()
    }
}

/// A value of a database, by where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    /// `table.column`
    pub location: &'a str,
    /// What it is there, and has to stay.
    pub kind: CellKind,
    /// What the dates of its row are about, if the policy says in which column that stands.
    pub subject: Option<&'a str>,
}

/// What a value of a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// Anything that can be read as text.
    Text,
    /// A number: looked at as one in JSON is.
    Number,
}

/// The place that policies know a column by.
fn place_of(location: &str) -> String {
    let (table, column) = location.rsplit_once('.').unwrap_or(("", location));
    format!("{table}/{column}")
}

/// Those of one side, save for the heads of informational responses.
fn renewed_in(renewed: &[Redaction], side: Side) -> Vec<Redaction> {
    renewed.iter().filter(|redaction| redaction.side == side && !redaction.path.starts_with(INTERIM)).cloned().collect()
}

/// Adds the pseudonyms of another key that a leaf holds, whatever they look like, save where a hit has all of one already.
fn add_renewed(rules: &Rules, leaf: &Spot<'_>, raw: &[u8], renewed: &[Redaction], hits: &mut Vec<Hit>) {
    let placed: Vec<Range<usize>> = hits.iter().map(|hit| leaf.placed(raw, &hit.span)).collect();
    let before = hits.len();
    for redaction in renewed.iter().filter(|redaction| redaction.part == leaf.part) {
        let (Ok(start), Ok(end)) = (usize::try_from(redaction.span.start), usize::try_from(redaction.span.end)) else { continue };
        let is_inside = start < end && leaf.span.start <= start && end <= leaf.span.end;
        if !is_inside || placed.iter().any(|hit| hit.start <= start && end <= hit.end) {
            continue;
        }
        let said = leaf.surface.offsets(&raw[leaf.span.clone()]);
        let at = |place: usize| said.partition_point(|offset| *offset < place - leaf.span.start).min(leaf.value.len());
        // A rule of another release or of another's own packs is as good as any: its pseudonym must not stay.
        let rule = rules.by_word(&redaction.rule).unwrap_or(RuleId::RECURRENCE);
        let domain = Domain::from_word(&redaction.domain).unwrap_or(Domain::Opaque);
        hits.push(Hit::new(at(start)..at(end), rule, domain));
    }
    if hits.len() > before {
        *hits = apart(std::mem::take(hits));
    }
}

/// What the policy names by its place is taken whole, whatever was found in it; as what was found, if that is all of it.
fn take_whole(place: &Location, value: &[u8], hits: &mut Vec<Hit>) {
    let whole = 0..value.len();
    let mut is_card_security = false;
    hits.iter().for_each(|hit| hit.each_bare(value, &mut |hit, _| is_card_security |= hit.rule == RuleId::CARD_SECURITY));
    if is_card_security {
        *hits = vec![Hit::new(whole, RuleId::CARD_SECURITY, Domain::Password)];
    } else if !matches!(hits.as_slice(), [hit] if hit.held.is_none() && hit.span == whole) {
        *hits = vec![Hit::new(whole, RuleId::LOCATION, place.domain.unwrap_or(Domain::Opaque))];
    }
}

/// Whether a hit is a password by itself, rather than one within a URL.
fn is_password(hit: &Hit) -> bool {
    hit.domain == Domain::Password && matches!(hit.rule, RuleId::PASSWORD | RuleId::RECURRENCE | RuleId::KNOWN_VALUE)
}

/// What is told of a hit by where it stands.
struct Told<'a> {
    path: &'a str,
    kind: LeafKind,
    /// It stands in a live answer or in a database: pseudonyms that are known stay.
    is_live: bool,
    /// The login name that a password there belongs to, the subject that a date is about.
    owner: Option<&'a [u8]>,
    answer: Answer,
}

/// What is known of a leaf from before.
struct Known<'a> {
    memory: Option<&'a Recurrences>,
    recorded: &'a Spans,
}

/// Whether something may be found in a value beside these hits.
fn is_partial<'h>(value: &[u8], hits: impl Iterator<Item = &'h Hit>) -> bool {
    value.len() - hits.map(|hit| hit.span.len()).sum::<usize>() >= MIN_REST
}

/// What is found in a value once pieces of it have become something else, in order and apart.
#[derive(Default)]
struct Light {
    beside: Vec<Hit>,
    /// What reaches over a piece that is gone: it says more in the value as it was than in the value as it will be, and may be made into nothing that shows
    /// that.
    over: Vec<Hit>,
}

/// The first of the hits that reaches over all of `span`.
fn over_all<'h>(hits: &'h [Hit], span: &Range<usize>) -> Option<&'h Hit> {
    let next = hits.partition_point(|hit| hit.span.end < span.end);
    hits.get(next).filter(|hit| hit.span.start <= span.start)
}

/// What becomes of a hit.
enum Made {
    /// The policy keeps it.
    Kept,
    /// It was made by the key already.
    Stays(Action),
    /// This, with what it wears, takes its place.
    New(Action, Vec<u8>),
}

/// Whether the digests in a message are those of the body that is there: of all of it, and of no part of another one.
fn may_be_digested(message: &Message) -> bool {
    let is_partial = matches!(message.head.start_line(), StartLine::Response { status: 206, .. });
    message.body.completeness == Completeness::Whole && !is_partial
}

/// Whether the coding of a message's body carries more than the body.
fn carries_more(message: &Message) -> bool {
    message.head.header("content-encoding").is_some_and(|encoding| coding::carries_more(encoding, &message.body.contiguous()))
}

/// The body without its content codings, not copied if it came in one piece and has none.
pub(crate) fn content_of(message: &Message) -> Result<Bytes, CodingError> {
    let decoded = decoded_body(message, MAX_DECODED)?;
    Ok(match (decoded, message.body.slices.as_slice()) {
        (std::borrow::Cow::Borrowed(_), [one]) => one.clone(),
        (decoded, _) => Bytes::from(decoded.into_owned()),
    })
}

fn reason_for(error: CodingError, message: &Message) -> DropReason {
    match error {
        CodingError::OverLimit { .. } => DropReason::OverLimit,
        _ if !message.body.completeness.was_seen_whole() => DropReason::Incomplete,
        _ => DropReason::Undecodable,
    }
}

pub(crate) fn reason_to_drop(visited: Visited, message: &Message) -> Option<DropReason> {
    match visited.content {
        Content::Opaque if visited.fault.is_some() => Some(DropReason::Undecodable),
        Content::Opaque if !message.body.completeness.was_seen_whole() => Some(DropReason::Incomplete),
        Content::Opaque => Some(DropReason::Opaque),
        _ => None,
    }
}

/// Whether what was redacted before may be redacted in this place: never in a fixed path segment, in a name, or in a header
/// that says how a message is to be read.
pub(crate) fn may_recur(leaf: &Leaf<'_>) -> bool {
    match leaf.kind {
        LeafKind::PathSegment => !is_fixed_segment(&leaf.value),
        LeafKind::JsonKey | LeafKind::MultipartParameter | LeafKind::CookieAttribute | LeafKind::JsonBool | LeafKind::JsonNull => false,
        LeafKind::Header => !leaf.name.as_deref().is_some_and(is_protocol_header),
        _ => true,
    }
}

fn is_protocol_header(name: &str) -> bool {
    ["content-", "accept", "access-control-", "sec-"].iter().any(|prefix| name.starts_with(prefix))
        || matches!(
            name,
            "connection"
                | "keep-alive"
                | "transfer-encoding"
                | "te"
                | "trailer"
                | "upgrade"
                | "vary"
                | "cache-control"
                | "pragma"
                | "date"
                | "expires"
                | "allow"
                | "expect"
                | "age"
        )
}

/// Whether digits are a number in JSON: no zero leads them (RFC 8259, section 6).
fn is_json_number(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_digit) && (digits.len() == 1 || digits.first().is_some_and(|first| *first != b'0'))
}

/// The constant that stands for a value: zeros for card security codes, else stars, as long as it was.
fn masked(rule: RuleId, bare: &[u8]) -> Vec<u8> {
    vec![if rule == RuleId::CARD_SECURITY { b'0' } else { b'*' }; bare.len()]
}

/// A hit in a leaf, and the constant that stands for all of it: a number stays one.
fn masked_whole(spot: &Spot<'_>, hit: Hit) -> (Hit, Made) {
    let made = if spot.kind == LeafKind::JsonNumber { b"0".to_vec() } else { masked(hit.rule, &spot.value[hit.span.clone()]) };
    (Hit { wears: Vec::new(), held: None, ..hit }, Made::New(Action::Mask, made))
}

/// A head with nothing in it but what kind of message it is.
pub(crate) fn bare_head(head: &Head) -> Head {
    let read = match head.start_line() {
        StartLine::Request { .. } => Head::request(Bytes::from_static(b"GET / HTTP/1.1\r\n\r\n")),
        StartLine::Response { status, .. } => Head::response(Bytes::from(format!("HTTP/1.1 {status:03} \r\n\r\n"))),
        StartLine::Absent => Head::trailers(Bytes::from_static(b"\r\n")),
    };
    read.expect("these are heads")
}

/// How often a value is looked at until nothing more comes to light.
const MAX_LOOKS: usize = 4;
/// No shorter text has anything in it that is found without a name.
const MIN_REST: usize = 4;
/// Until an exchange says when it was.
const RELEASE_YEAR: i32 = 2026;
/// What signatures are on record as.
const TO_SIGN: &str = "to_sign";
const UNVERIFIABLE: &str = "unverifiable";
/// The path of a whole body.
const BODY: &str = "body:";
/// What begins the paths of redactions in the heads of informational responses.
pub(crate) const INTERIM: &str = "interim:";

mod fragments;
mod look;

#[cfg(test)]
mod policies;
#[cfg(test)]
pub(crate) mod tests;
