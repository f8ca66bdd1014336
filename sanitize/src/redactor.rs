//! The redactor: one exchange in, the same exchange without people and secrets out.
//!
//! In: an exchange as it was captured, a live answer, or a database value. Out: the same bytes with pseudonyms in place of
//! what was found, and a record of where and by which rule. Two looks are taken at an exchange: the first finds what names
//! and shapes tell, the second also knows again what was found before. What cannot be looked into is dropped; no byte is kept
//! that was not looked at. Nothing here fails: where an edit cannot be made, what it was to be made to is dropped.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;

use crate::rules::RuleId;
use bytes::Bytes;
use reenact_formats::content::{CodingError, Content, Leaf, LeafKind, MAX_DECODED, Visited, coding, decoded_body, is_fixed_segment, visit_body, visit_head};
use reenact_formats::model::{Action, Completeness, DropReason, Exchange, Head, KeyId, Message, Part, Redaction, Side, StartLine};
use reenact_formats::seam::Redact;

use crate::detect::{Beside, Detector, Hit, MAX_COATS, Place, apart, is_public, look_within};
use crate::key::Key;
use crate::known::KnownPseudonyms;
use crate::plan::{Plan, Spans, placed_in};
use crate::policy::Policy;
use crate::pseudonym::{Domain, Pseudonyms};
use crate::recurrence::{Memories, Recurrences};
use crate::residue::Originals;

/// Redacts exchanges under one policy and one key.
///
/// Exchanges of one connection must come in order: what was redacted once is known again later on the same connection. Other
/// connections may go to another [`lane`](Self::lane), on another thread.
pub struct Redactor {
    rules: Arc<Rules>,
    known: Arc<KnownPseudonyms>,
    trusts_recorded: bool,
    memories: Memories,
    originals: Originals,
    audit: BTreeMap<String, u64>,
}

/// What all lanes share: nothing in it changes what comes out.
struct Rules {
    policy: Policy,
    policy_digest: String,
    detector: Detector,
    pseudonyms: Pseudonyms,
    key_id: KeyId,
}

impl Redactor {
    /// A redactor that has seen nothing yet.
    pub fn new(policy: &Policy, key: &Key) -> Self {
        let rules = Rules {
            policy: policy.clone(),
            policy_digest: policy.digest(),
            detector: Detector::new(policy.rules()),
            pseudonyms: Pseudonyms::new(key),
            key_id: key.id(),
        };
        Self {
            rules: Arc::new(rules),
            known: Arc::default(),
            trusts_recorded: true,
            memories: Memories::default(),
            originals: Originals::default(),
            audit: BTreeMap::new(),
        }
    }

    /// Another one under the same rules that has seen nothing yet: for other connections, on any thread. It makes of an exchange
    /// what this one would, and what it has replaced can be [merged](Originals::merged).
    pub fn lane(&self) -> Self {
        Self {
            rules: Arc::clone(&self.rules),
            known: Arc::clone(&self.known),
            trusts_recorded: self.trusts_recorded,
            memories: Memories::default(),
            originals: self.originals.none_yet(),
            audit: BTreeMap::new(),
        }
    }

    /// Live answers may hold these: they are pseudonyms already and stay.
    pub fn with_known(mut self, known: KnownPseudonyms) -> Self {
        self.known = Arc::new(known);
        self
    }

    /// The exchanges to come were redacted before, under this key: what their redactions name stays if it is the same key,
    /// and is redacted anew if not.
    pub fn with_recorded_key(mut self, key: &KeyId) -> Self {
        self.trusts_recorded = *key == self.rules.key_id;
        self
    }

    /// How many values each rule has redacted or kept so far.
    pub fn audit(&self) -> &BTreeMap<String, u64> {
        &self.audit
    }

    /// The originals that were replaced so far, as a set that cannot be read, for the residue check.
    pub fn originals(&self) -> &Originals {
        &self.originals
    }

    /// The same, when all has been redacted.
    pub fn into_originals(self) -> Originals {
        self.originals
    }

    /// What would be redacted in a text of the given media type, as spans of bytes in order, with the rules that say so.
    /// `http/headers` is a message head. Nothing is remembered.
    pub fn spans(&self, media_type: &str, text: &[u8]) -> Vec<(Range<usize>, &str)> {
        let mut spans = Vec::new();
        let mut each = |leaf: Leaf<'_>, raw: &[u8], beside: &Beside| {
            for hit in self.first_look(&leaf, raw, beside, &[]) {
                if self.rules.policy.action(hit.rule, &leaf.template(), &hit.bare(&leaf.value)) != Action::Keep {
                    spans.push((placed_in(&leaf, raw, &hit.span), self.word(hit.rule)));
                }
            }
        };
        if media_type == "http/headers" {
            let raw = Bytes::copy_from_slice(text);
            if let Ok(head) = Head::request(raw.clone()).or_else(|_| Head::response(raw.clone())).or_else(|_| Head::trailers(raw)) {
                let beside = beside_in_head(&self.rules.detector, &head);
                visit_head(&head, &mut |leaf| each(leaf, text, &beside));
            }
        } else {
            let raw = format!("POST / HTTP/1.1\r\nContent-Type: {media_type}\r\n\r\n");
            if let Ok(head) = Head::request(Bytes::from(raw)) {
                let beside = beside_in_body(&self.rules.detector, &head, text);
                visit_body(&head, text, &mut |leaf| each(leaf, text, &beside));
            }
        }
        spans.sort_by_key(|(span, _)| span.start);
        spans
    }

    fn word(&self, rule: RuleId) -> &str {
        self.rules.policy.rules().word(rule)
    }

    /// The first look at a message: what names and shapes tell, and whether its body can be looked into at all.
    fn look(&mut self, message: &Message, recorded: &[Redaction], renewed: &[Redaction], mut memory: Option<&mut Recurrences>) -> Look {
        let mut found = Found::new();
        let mut has_files = false;
        let mut originals = std::mem::take(&mut self.originals);
        let this = &*self;
        let mut each = |leaf: Leaf<'_>, raw: &[u8], beside: &Beside| {
            has_files |= leaf.kind == LeafKind::MultipartFile;
            let mut hits = this.first_look(&leaf, raw, beside, recorded);
            add_renewed(this.rules.policy.rules(), &leaf, raw, renewed, &mut hits);
            if hits.is_empty() {
                return;
            }
            for hit in &hits {
                hit.each_bare(&leaf.value, &mut |hit, bare| {
                    // Only what a recording replaced must not be in it again; a live answer's values are no originals of it.
                    if let Some(memory) = memory.as_deref_mut().filter(|_| this.rules.policy.action(hit.rule, &leaf.template(), bare) != Action::Keep) {
                        memory.learn(bare, hit.rule, hit.domain);
                        originals.learn(bare, hit.rule, hit.domain);
                    }
                });
            }
            found.insert(key_of(&leaf), hits);
        };
        for head in std::iter::once(&message.head).chain(&message.trailers) {
            let beside = beside_in_head(&this.rules.detector, head);
            visit_head(head, &mut |leaf| each(leaf, head.raw(), &beside));
        }
        let (body, drop) = match content_of(message) {
            Ok(body) => {
                let beside = beside_in_body(&this.rules.detector, &message.head, &body);
                let visited = visit_body(&message.head, &body, &mut |leaf| each(leaf, &body, &beside));
                (body, reason_to_drop(visited, message))
            }
            Err(error) => (Bytes::new(), Some(reason_for(error, message))),
        };
        self.originals = originals;
        Look { body, found, drop, has_files }
    }

    fn first_look(&self, leaf: &Leaf<'_>, raw: &[u8], beside: &Beside, recorded: &[Redaction]) -> Vec<Hit> {
        let mut hits = self.rules.detector.detect(&leaf.value, &Place::of(leaf, beside));
        if !hits.is_empty() && !recorded.is_empty() {
            let recorded = Spans::of(recorded, leaf.part);
            hits.retain(|hit| !recorded.account_for(hit, &placed_in(leaf, raw, &hit.span)));
        }
        hits
    }

    /// The second look: makes the plan for a message, and carries it out.
    fn act(&mut self, message: &mut Message, side: Side, recorded: Vec<Redaction>, mut look: Look, memory: Option<&Recurrences>) -> Vec<Redaction> {
        let mut plan = Plan::new(self.rules.policy.rules(), side, recorded);
        // Most messages have nothing in them; they are not looked at twice.
        let is_clean = look.found.is_empty() && look.drop.is_none() && !look.has_files && memory.is_none_or(Recurrences::is_empty);
        if !is_clean {
            self.plan_all(&mut plan, message, &mut look, memory);
        }
        match look.drop {
            Some(reason) => self.drop_body(message, reason, &mut plan),
            None if coding::carries_more(message.head.header("content-encoding").unwrap_or_default(), &message.body.contiguous()) => plan.recode(),
            None => {}
        }
        if (plan.changes_body() || look.drop.is_some()) && self.rules.policy.action(RuleId::BODY_DIGEST, "", b"") != Action::Keep {
            plan.remove_digests(message);
        }
        let redactions = plan.carry_out(message, &look.body);
        for redaction in &redactions.made {
            *self.audit.entry(redaction.rule.clone()).or_default() += 1;
        }
        redactions.all()
    }

    fn plan_all(&self, plan: &mut Plan, message: &Message, look: &mut Look, memory: Option<&Recurrences>) {
        let mut each = |leaf: Leaf<'_>, raw: &[u8]| {
            let hits = look.found.remove(&key_of(&leaf)).unwrap_or_default();
            self.plan(plan, &leaf, raw, hits, memory);
        };
        for head in std::iter::once(&message.head).chain(&message.trailers) {
            visit_head(head, &mut |leaf| each(leaf, head.raw()));
        }
        if look.drop.is_none() {
            visit_body(&message.head, &look.body, &mut |leaf| each(leaf, &look.body));
        }
    }

    fn plan(&self, plan: &mut Plan, leaf: &Leaf<'_>, raw: &[u8], mut hits: Vec<Hit>, memory: Option<&Recurrences>) {
        if leaf.kind == LeafKind::MultipartFile {
            let rule = RuleId::OPAQUE_BODY;
            if self.rules.policy.action(rule, &leaf.template(), b"") == Action::Keep {
                plan.keep(leaf, leaf.span.clone(), rule, "");
            } else {
                plan.replace(leaf, leaf.span.clone(), vec![b'0'; leaf.span.len()], rule, "", Action::Mask);
            }
            return;
        }
        if let Some(memory) = memory.filter(|memory| !memory.is_empty() && may_recur(leaf)) {
            let recorded = plan.recorded_in(leaf.part);
            recall(memory, &leaf.value, &mut hits, MAX_COATS);
            hits.retain(|hit| hit.rule != RuleId::RECURRENCE || !recorded.touch(&placed_in(leaf, raw, &hit.span)));
        }
        if hits.is_empty() {
            return;
        }
        let path = leaf.template();
        for hit in hits {
            let span = placed_in(leaf, raw, &hit.span);
            let (rule, domain) = (hit.rule, hit.domain.word());
            match self.made_of(&hit, &leaf.value, &path, leaf.kind, memory.is_none()) {
                Made::Kept => plan.keep(leaf, span, rule, domain),
                Made::Stays => plan.stays(leaf, span, rule, domain),
                Made::New(action, made) => plan.replace(leaf, span, leaf.surface.dress(&made), rule, domain, action),
            }
        }
    }

    /// What is to stand in place of a hit in `value`, with what it wears there.
    fn made_of(&self, hit: &Hit, value: &[u8], path: &str, kind: LeafKind, is_live: bool) -> Made {
        let bare = hit.bare(value);
        // In a live answer, what the recording's redactions name is a pseudonym already.
        let is_known = || is_live && self.known.contains(hit.domain, &bare);
        if let Some(held) = &hit.held {
            if is_known() {
                return Made::Stays;
            }
            let (mut text, mut last) = (held.text.clone(), Made::Kept);
            for inner in held.hits.iter().rev() {
                match (self.made_of(inner, &held.text, path, LeafKind::Text, is_live), &last) {
                    (Made::New(action, made), _) => {
                        text.splice(inner.span.clone(), made);
                        last = Made::New(action, Vec::new());
                    }
                    (Made::Stays, Made::Kept) => last = Made::Stays,
                    _ => {}
                }
            }
            return match last {
                Made::New(action, _) => Made::New(action, hit.dressed(&held.wrapped(&text))),
                last => last,
            };
        }
        let (action, made) = match self.rules.policy.action(hit.rule, path, &bare) {
            Action::Keep => return Made::Kept,
            Action::Pseudonym if is_known() => return Made::Stays,
            Action::Pseudonym => (Action::Pseudonym, self.rules.pseudonyms.of(hit.domain, &bare)),
            // A number stays one.
            _ if kind == LeafKind::JsonNumber => (Action::Mask, b"0".to_vec()),
            Action::Drop => (Action::Drop, Vec::new()),
            _ => (Action::Mask, masked(hit.rule, &bare)),
        };
        Made::New(action, hit.dressed(&made))
    }

    fn drop_body(&self, message: &mut Message, reason: DropReason, plan: &mut Plan) {
        let rule = RuleId::OPAQUE_BODY;
        if reason == DropReason::Opaque && self.rules.policy.action(rule, "body:", b"") == Action::Keep {
            plan.note(Part::Body, rule, Action::Keep, "body:");
            return;
        }
        message.body.slices.clear();
        message.body.completeness = Completeness::Dropped { reason, seen_whole: message.body.completeness.was_seen_whole() };
        plan.forget_body();
        plan.note(Part::Body, rule, Action::Drop, "body:");
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
            let made = self.act(&mut message, Side::Response, earlier, look, Some(memory));
            *head = message.head;
            redactions.extend(made.into_iter().map(|redaction| Redaction { path: format!("{prefix}{}", redaction.path), ..redaction }));
        }
        redactions
    }

    fn address(&mut self, address: &mut SocketAddr, side: Side, path: &str, is_renewed: bool) -> Option<Redaction> {
        let original = address.ip();
        if !is_renewed && !is_public(original) {
            return None;
        }
        let rule = RuleId::IP;
        let text = original.to_string();
        let action = self.rules.policy.action(rule, path, text.as_bytes());
        if action != Action::Keep {
            let made = self.rules.pseudonyms.of(Domain::Ip, text.as_bytes());
            // An address that cannot be written as one is replaced by one that is no one's.
            address.set_ip(std::str::from_utf8(&made).ok().and_then(|made| made.parse().ok()).unwrap_or(IpAddr::from([198, 18, 0, 0])));
        }
        *self.audit.entry(self.rules.policy.rules().word(rule).to_owned()).or_default() += 1;
        let action = if action == Action::Keep { action } else { Action::Pseudonym };
        Some(Redaction {
            side,
            part: Part::Metadata,
            span: 0..0,
            rule: self.word(rule).to_owned(),
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
            (renewed, recorded) = recorded.into_iter().partition(|redaction| redaction.action == Action::Pseudonym);
            recorded.retain(|redaction| redaction.part != Part::Metadata && (redaction.action != Action::Keep || redaction.span.is_empty()));
        }
        let (mut metadata, recorded): (Vec<_>, Vec<_>) = recorded.into_iter().partition(|redaction| redaction.part == Part::Metadata);
        let (interim, recorded): (Vec<_>, Vec<_>) = recorded.into_iter().partition(|redaction| redaction.path.starts_with(INTERIM));
        let (asked, answered): (Vec<_>, Vec<_>) = recorded.into_iter().partition(|redaction| redaction.side == Side::Request);

        let connection = exchange.id.connection;
        let mut memory = self.memories.take(connection);
        let request_look = exchange.request.as_ref().map(|message| self.look(message, &asked, &renewed_in(&renewed, Side::Request), Some(&mut memory)));
        let response_look = exchange.response.as_ref().map(|message| self.look(message, &answered, &renewed_in(&renewed, Side::Response), Some(&mut memory)));
        let mut redactions = Vec::new();
        if let Some((message, look)) = exchange.request.as_mut().zip(request_look) {
            redactions.extend(self.act(message, Side::Request, asked, look, Some(&memory)));
        }
        redactions.extend(self.interim(&mut exchange.interim, &interim, &renewed, &mut memory));
        if let Some((message, look)) = exchange.response.as_mut().zip(response_look) {
            redactions.extend(self.act(message, Side::Response, answered, look, Some(&memory)));
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
        self.act(response, Side::Response, Vec::new(), look, None)
    }

    fn value(&mut self, location: &str, value: &str) -> String {
        let (entity, column) = location.rsplit_once('.').unwrap_or(("", location));
        let path = format!("{entity}/{column}");
        let place = Place { kind: LeafKind::JsonString, name: Some(column), path: &path, beside: None };
        let mut out = value.as_bytes().to_vec();
        for hit in self.rules.detector.detect(value.as_bytes(), &place).into_iter().rev() {
            if let Made::New(_, made) = self.made_of(&hit, value.as_bytes(), &path, place.kind, true) {
                *self.audit.entry(self.rules.policy.rules().word(hit.rule).to_owned()).or_default() += 1;
                out.splice(hit.span, made);
            }
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    fn key_id(&self) -> KeyId {
        self.rules.key_id.clone()
    }

    fn policy_digest(&self) -> String {
        self.rules.policy_digest.clone()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("key_id", &self.rules.key_id).field("policy_digest", &self.rules.policy_digest).finish_non_exhaustive()
    }
}

/// Those of one side, save for the heads of informational responses.
fn renewed_in(renewed: &[Redaction], side: Side) -> Vec<Redaction> {
    renewed.iter().filter(|redaction| redaction.side == side && !redaction.path.starts_with(INTERIM)).cloned().collect()
}

/// Adds the pseudonyms of another key that a leaf holds, whatever they look like, save where a hit has all of one already.
fn add_renewed(rules: &crate::rules::Rules, leaf: &Leaf<'_>, raw: &[u8], renewed: &[Redaction], hits: &mut Vec<Hit>) {
    let placed: Vec<Range<usize>> = hits.iter().map(|hit| placed_in(leaf, raw, &hit.span)).collect();
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

/// What becomes of a hit.
enum Made {
    /// The policy keeps it.
    Kept,
    /// It is a pseudonym already.
    Stays,
    /// This, with what it wears, takes its place.
    New(Action, Vec<u8>),
}

/// Adds to the hits in a value what is known from before, also under what the value wears.
fn recall(memory: &Recurrences, value: &[u8], hits: &mut Vec<Hit>, depth: usize) {
    if let [hit] = hits.as_mut_slice()
        && hit.span == (0..value.len())
    {
        if let Some(held) = &mut hit.held {
            recall(memory, &held.text, &mut held.hits, depth.saturating_sub(1));
        }
        return;
    }
    let before = hits.len();
    memory.find(value, hits);
    if depth > 0 {
        look_within(value, hits, |text| {
            let mut found = Vec::new();
            recall(memory, text, &mut found, depth - 1);
            found
        });
    }
    if hits.len() > before {
        *hits = apart(std::mem::take(hits));
    }
}

/// What the first look at a message has found.
struct Look {
    /// The body without its content codings; empty if it is to be dropped.
    body: Bytes,
    found: Found,
    drop: Option<DropReason>,
    /// Files in a form are opaque: no detector speaks of them.
    has_files: bool,
}

/// Hits by the leaf that they stand in.
type Found = BTreeMap<(Part, usize, usize), Vec<Hit>>;

fn key_of(leaf: &Leaf<'_>) -> (Part, usize, usize) {
    (leaf.part, leaf.span.start, leaf.span.end)
}

/// What stands beside what in a head.
pub(crate) fn beside_in_head(detector: &Detector, head: &Head) -> Beside {
    detector.beside(head.raw(), |f| visit_head(head, f))
}

/// What stands beside what in a body.
pub(crate) fn beside_in_body(detector: &Detector, head: &Head, body: &[u8]) -> Beside {
    detector.beside(body, |f| {
        visit_body(head, body, f);
    })
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

/// The constant that stands for a value: zeros for card security codes, else stars, as long as it was.
fn masked(rule: RuleId, bare: &[u8]) -> Vec<u8> {
    vec![if rule == RuleId::CARD_SECURITY { b'0' } else { b'*' }; bare.len()]
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

/// What begins the paths of redactions in the heads of informational responses.
pub(crate) const INTERIM: &str = "interim:";

#[cfg(test)]
mod tests;
