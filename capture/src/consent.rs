//! Which exchanges may be kept.
//!
//! A finished exchange flows in, as it was on the wire; why it is to be left out flows out, if it is. Heads are looked at as soon
//! as they are there, so that bodies of what will be left out are not gathered. What never happens here: anything is changed, or
//! an exchange that could not be judged is kept.

use std::net::SocketAddr;
use std::str::FromStr;

use percent_encoding::percent_decode;
use reenact_formats::content::split_absolute;
use reenact_formats::model::{Exchange, FilterCause, Head, is_token};
use sha2::{Digest as _, Sha256};

use crate::Error;

/// What may be kept. The default is everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consent {
    /// What is kept, where there are any: of each kind of place that they name, one must hold.
    pub include: Vec<Condition>,
    /// What is left out, whatever is included: one that holds is enough.
    pub exclude: Vec<Condition>,
    /// Fields with which a client or a service says no, on a request or on a response.
    pub opt_out: Vec<Condition>,
    /// Which sessions are kept; all where there is none.
    pub sample: Option<Sample>,
}

/// A place in a request, and what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    place: Place,
    glob: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Host,
    Path,
    Method,
    /// A header, by its name.
    Header(String),
}

/// A share of all sessions: the same ones at each tap, in each run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Sessions whose hash is below it are kept.
    below: u64,
    by: SampleBy,
}

/// What makes a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SampleBy {
    /// A connection does.
    #[default]
    Connection,
    /// The address of the client.
    Client,
    /// The value of this cookie; until there is one, the connection.
    Cookie(String),
    /// The value of this header; without it, the connection.
    Header(String),
}

impl Consent {
    const fn is_everything(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty() && self.opt_out.is_empty() && self.sample.is_none()
    }

    /// Why `exchange` is left out, if it is.
    pub(crate) fn judge(&self, exchange: &Exchange) -> Option<FilterCause> {
        if self.is_everything() {
            return None;
        }
        let messages = [&exchange.request, &exchange.response].into_iter().flatten();
        let mut heads = messages.flat_map(|message| [Some(&message.head), message.trailers.as_ref()]).flatten().chain(&exchange.interim);
        if heads.any(|head| self.is_opted_out(head)) {
            return Some(FilterCause::OptedOut);
        }
        match &exchange.request {
            Some(request) => {
                if let Some(cause) = self.by_rules(&request.head) {
                    return Some(cause);
                }
            }
            None if self.opt_out.is_empty() && self.include.is_empty() && self.exclude.is_empty() => {}
            None => return Some(FilterCause::Unjudged),
        }
        let sample = self.sample.as_ref()?;
        let [request, response] = [&exchange.request, &exchange.response].map(|message| message.as_ref().map(|message| &message.head));
        let is_kept = match sample.named(request, response) {
            Some(name) => sample.takes(Kind::Name, &[&name]),
            None => sample.takes_unnamed((exchange.client, exchange.server)),
        };
        (!is_kept).then_some(FilterCause::NotSampled)
    }

    /// Whether an exchange with this request is left out, whatever the answer is.
    pub(crate) fn refuses(&self, request: &Head, ends: (SocketAddr, SocketAddr)) -> bool {
        if self.is_everything() {
            return false;
        }
        let is_out_of_sample = |sample: &Sample| match (sample.named(Some(request), None), &sample.by) {
            (Some(name), _) => !sample.takes(Kind::Name, &[&name]),
            // The answer may name a session.
            (None, SampleBy::Cookie(_)) => false,
            (None, _) => !sample.takes_unnamed(ends),
        };
        self.is_opted_out(request) || self.by_rules(request).is_some() || self.sample.as_ref().is_some_and(is_out_of_sample)
    }

    /// Whether a message with this head, of either side, is one of an exchange that is left out.
    pub(crate) fn is_opted_out(&self, head: &Head) -> bool {
        self.opt_out.iter().any(|condition| condition.holds(head))
    }

    fn by_rules(&self, request: &Head) -> Option<FilterCause> {
        if self.exclude.iter().any(|condition| condition.holds(request)) {
            return Some(FilterCause::Excluded);
        }
        let is_included = |place: &Place| self.include.iter().any(|other| other.place == *place && other.holds(request));
        let is_wanted = self.include.iter().all(|condition| is_included(&condition.place));
        (!is_wanted).then_some(FilterCause::NotIncluded)
    }
}

impl Condition {
    /// The field `name`, with any value or with one like that behind a `=`, as `--opt-out-header` takes it.
    pub fn header(text: &str) -> Result<Self, Error> {
        format!("header:{text}").parse().map_err(|error| match error {
            Error::Rule { reason, .. } => Error::Rule { text: text.to_owned(), reason },
            error => error,
        })
    }

    fn holds(&self, head: &Head) -> bool {
        match &self.place {
            Place::Host => hosts(head).any(|host| self.is_like(host) || self.is_like(without_port(host))),
            Place::Path => {
                let path: Vec<u8> = percent_decode(path(head.target().unwrap_or_default())).collect();
                matches(&self.glob, &path, Case::Told)
            }
            Place::Method => self.is_like(head.method().unwrap_or_default()),
            Place::Header(name) => head.headers_named(name).any(|header| matches(&self.glob, header.value, Case::Told)),
        }
    }

    fn is_like(&self, text: &[u8]) -> bool {
        matches(&self.glob, text, Case::Same)
    }
}

impl FromStr for Condition {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |reason| Error::Rule { text: text.to_owned(), reason };
        let (place, glob) = match text.split_once('=') {
            Some((place, glob)) => (place, Some(glob)),
            None => (text, None),
        };
        let place = match place.split_once(':') {
            Some(("header", name)) if is_token(name.as_bytes()) => Place::Header(name.to_owned()),
            Some(("header", _)) => return Err(wrong("it names no header")),
            None if place == "host" => Place::Host,
            None if place == "path" => Place::Path,
            None if place == "method" => Place::Method,
            _ => return Err(wrong("it begins with none of host=, path=, method= and header:NAME")),
        };
        match (glob, &place) {
            (Some(""), Place::Host | Place::Path | Place::Method) => Err(wrong("nothing stands behind the =")),
            (Some(glob), _) => Ok(Self { place, glob: glob.as_bytes().to_owned() }),
            (None, Place::Header(_)) => Ok(Self { place, glob: b"*".to_vec() }),
            (None, _) => Err(wrong("there is no = in it")),
        }
    }
}

impl Sample {
    /// So large a share, from 0 to 1.
    pub fn new(share: f64, by: SampleBy) -> Option<Self> {
        // As far as the numbers reach: 1 is all of them.
        (0.0..=1.0).contains(&share).then(|| Self { below: (share * 2_f64.powi(64)) as u64, by })
    }

    /// What the session of these is called, if it has a name.
    fn named(&self, request: Option<&Head>, response: Option<&Head>) -> Option<Vec<u8>> {
        match &self.by {
            SampleBy::Connection | SampleBy::Client => None,
            SampleBy::Header(name) => request?.header(name).map(<[u8]>::to_vec),
            SampleBy::Cookie(name) => {
                let carried = request.and_then(|head| head.headers_named("cookie").find_map(|header| cookie(header.value, name)));
                // The login belongs to the session that it opens.
                let opened = || response?.headers_named("set-cookie").find_map(|header| cookie(header.value.split(|byte| *byte == b';').next()?, name));
                carried.or_else(opened)
            }
        }
    }

    fn takes_unnamed(&self, (client, server): (SocketAddr, SocketAddr)) -> bool {
        if self.by == SampleBy::Client {
            return self.takes(Kind::Client, &[client.ip().to_string().as_bytes()]);
        }
        // Who opened it is not known at every tap.
        let mut ends = [client.to_string(), server.to_string()];
        ends.sort();
        self.takes(Kind::Connection, &ends.each_ref().map(String::as_bytes))
    }

    fn takes(&self, kind: Kind, name: &[&[u8]]) -> bool {
        let mut hasher = Sha256::new_with_prefix(b"reenact sample 1");
        hasher.update([kind as u8]);
        for part in name {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        let digest = hasher.finalize();
        let hash = digest.iter().take(8).fold(0, |hash: u64, byte| hash << 8 | u64::from(*byte));
        hash < self.below || self.below == u64::MAX
    }
}

/// What a session is called by.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Connection = 0,
    Client = 1,
    Name = 2,
}

impl FromStr for SampleBy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once(':') {
            None if text == "connection" => Ok(Self::Connection),
            None if text == "client" => Ok(Self::Client),
            Some(("cookie", name)) if is_token(name.as_bytes()) => Ok(Self::Cookie(name.to_owned())),
            Some(("header", name)) if is_token(name.as_bytes()) => Ok(Self::Header(name.to_owned())),
            _ => Err(Error::Session { text: text.to_owned() }),
        }
    }
}

/// The value of the cookie `name` in a list of pairs.
fn cookie(pairs: &[u8], name: &str) -> Option<Vec<u8>> {
    let pairs = pairs.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let mut values = pairs.filter_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    values.find(|value| !value.is_empty()).map(<[u8]>::to_vec)
}

/// What a request says of its host: the authority in its target, which outranks the field (RFC 9112, section 3.2.2), and the field.
fn hosts(head: &Head) -> impl Iterator<Item = &[u8]> {
    let target = head.target().unwrap_or_default();
    let authority = if head.method() == Some(b"CONNECT") { Some(target) } else { split_absolute(target).map(|absolute| absolute.host()) };
    let named = authority.is_none().then(|| head.headers_named("host").map(|header| header.value));
    // A request without any is for the host that is called nothing.
    let none = authority.is_none() && head.header("host").is_none();
    authority.into_iter().chain(named.into_iter().flatten()).chain(none.then_some(&b""[..]))
}

fn path(target: &[u8]) -> &[u8] {
    let path = split_absolute(target).map_or(target, |absolute| absolute.rest);
    let end = path.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(path.len());
    if path.is_empty() || end == 0 { b"/" } else { &path[..end] }
}

fn without_port(host: &[u8]) -> &[u8] {
    match host.iter().rposition(|byte| *byte == b':') {
        Some(colon) if host[colon + 1..].iter().all(u8::is_ascii_digit) => &host[..colon],
        _ => host,
    }
}

/// Whether letters that differ in case only are the same.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Same,
    Told,
}

/// Whether `text` is what `glob` describes: `*` stands for anything, `?` for one byte, and behind a `\` both for themselves.
fn matches(glob: &[u8], text: &[u8], case: Case) -> bool {
    let is_same = |one: u8, other: u8| one == other || case == Case::Same && one.eq_ignore_ascii_case(&other);
    let (mut at, mut seen) = (0, 0);
    // Where the last star stands, and up to where it reaches so far.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match glob[at..] {
            [b'*', ..] => {
                star = Some((at + 1, seen));
                at += 1;
                continue;
            }
            [] if seen == text.len() => return true,
            [] => None,
            [b'?', ..] if seen < text.len() => Some(1),
            [b'\\', literal, ..] => (text.get(seen).is_some_and(|byte| is_same(*byte, literal))).then_some(2),
            [literal, ..] => (literal != b'?' && text.get(seen).is_some_and(|byte| is_same(*byte, literal))).then_some(1),
        };
        match (step, star) {
            (Some(step), _) => (at, seen) = (at + step, seen + 1),
            (None, Some((behind, reach))) if reach < text.len() => {
                star = Some((behind, reach + 1));
                (at, seen) = (behind, reach + 1);
            }
            (None, _) => return false,
        }
    }
}

#[cfg(test)]
mod tests;
