//! An answer taken apart into what is compared of it.

use std::collections::BTreeMap;

use reenact_formats::content::{Content, LeafKind, MAX_DECODED, decoded_body, endpoint_template, visit_body};
use reenact_formats::disk::publish::Digest;
use reenact_formats::model::{Completeness, Message};

/// One value of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FlatLeaf {
    pub(super) path: String,
    pub(super) template: String,
    pub(super) kind: LeafKind,
    pub(super) value: Vec<u8>,
}

/// A body as far as it can be taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FlatBody {
    /// Its values, and the names of those members that have none.
    Leaves(Vec<FlatLeaf>),
    /// Bytes of a kind that has no values.
    Opaque { length: u64, digest: Digest },
    /// It came but is not here: dropped by policy or cut.
    Absent,
}

impl FlatLeaf {
    /// The last name of its path: `customer_id` of `body:/orders/0/customer_id`.
    pub(super) fn last_name(&self) -> &str {
        self.template.rsplit(['/', ':']).find(|name| *name != "*").unwrap_or_default()
    }

    /// Its path; of a member's name, that of the member.
    pub(super) fn place(&self) -> &str {
        self.path.strip_suffix(KEY_SUFFIX).unwrap_or(&self.path)
    }

    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.value).ok()
    }

    /// The value, cut for a report.
    pub(super) fn excerpt(&self) -> String {
        let text = String::from_utf8_lossy(&self.value);
        if text.chars().count() > MAX_EXCERPT { text.chars().take(MAX_EXCERPT - 1).chain(['…']).collect() } else { text.into_owned() }
    }
}

impl FlatBody {
    /// What it is, in a few words without a value.
    pub(super) fn shape(&self) -> String {
        match self {
            Self::Leaves(leaves) if leaves.is_empty() => "nothing".to_owned(),
            Self::Leaves(leaves) => format!("{} values", leaves.len()),
            Self::Opaque { length, digest } => format!("{length} bytes, SHA-256 {:.8}…", digest.to_string()),
            Self::Absent => "a body that was not kept".to_owned(),
        }
    }
}

pub(super) fn flatten(message: &Message) -> FlatBody {
    if message.body.completeness != Completeness::Whole {
        return FlatBody::Absent;
    }
    let opaque = |bytes: &[u8]| FlatBody::Opaque { length: bytes.len() as u64, digest: Digest::of(bytes) };
    let Ok(body) = decoded_body(message, MAX_DECODED) else { return opaque(&message.body.contiguous()) };
    let mut leaves = Vec::new();
    let visited = visit_body(&message.head, &body, &mut |leaf| {
        leaves.push(FlatLeaf { path: leaf.path.to_owned(), template: leaf.template(), kind: leaf.kind, value: leaf.value.to_vec() });
    });
    if leaves.is_empty() && visited.content != Content::Empty && visited.content != Content::Json {
        return opaque(&body);
    }
    // A member's name tells something only where no value under it does: of an empty list or object.
    let has_values = |path: &str| {
        leaves.iter().any(|leaf| leaf.kind.is_value() && leaf.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    let redundant: Vec<bool> =
        leaves.iter().map(|leaf| leaf.path.strip_suffix(KEY_SUFFIX).is_some_and(|path| !leaf.kind.is_value() && has_values(path))).collect();
    let mut redundant = redundant.into_iter();
    leaves.retain(|_| !redundant.next().unwrap_or(false));
    FlatBody::Leaves(leaves)
}

/// What is compared of a head: places, each with a value where values are compared.
pub(super) fn head(message: &Message) -> BTreeMap<String, Option<String>> {
    let mut places = BTreeMap::new();
    for header in message.head.headers() {
        let name = String::from_utf8_lossy(header.name).to_ascii_lowercase();
        let value = || String::from_utf8_lossy(header.value).trim().to_owned();
        match name.as_str() {
            _ if UNCOMPARED.contains(&name.as_str()) => {}
            "content-type" => {
                places.insert("header:content-type".to_owned(), Some(value().to_ascii_lowercase()));
            }
            // Where it points, ids aside; the host is that of the target.
            "location" => {
                places.insert("header:location".to_owned(), Some(endpoint_template(header.value)));
            }
            "set-cookie" => {
                let value = value();
                let cookie = value.split('=').next().unwrap_or_default().trim().to_owned();
                places.insert(format!("set-cookie:{cookie}"), None);
            }
            _ => {
                places.insert(format!("header:{name}"), None);
            }
        }
    }
    places
}

/// Places that are not compared; a `*` stands for one component, and what stands below a place goes with it.
pub(super) struct Ignored(Vec<Vec<String>>);

impl Ignored {
    pub(super) fn new(patterns: &[String]) -> Self {
        Self(patterns.iter().map(|pattern| pattern.trim_end_matches('/').split('/').map(str::to_owned).collect()).collect())
    }

    pub(super) fn has(&self, path: &str, template: &str) -> bool {
        let begins = |pattern: &[String], path: &str| {
            let mut components = path.strip_suffix(KEY_SUFFIX).unwrap_or(path).split('/');
            pattern.iter().all(|word| components.next().is_some_and(|component| word == "*" || word == component))
        };
        self.0.iter().any(|pattern| begins(pattern, path) || begins(pattern, template))
    }
}

const KEY_SUFFIX: &str = "~key";

/// Headers that say how an answer travelled, or when.
const UNCOMPARED: &[&str] = &["date", "content-length", "connection", "transfer-encoding", "server", "keep-alive", "age"];
const MAX_EXCERPT: usize = 120;
