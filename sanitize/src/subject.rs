//! A person in a recording, by the pseudonyms that it has of something of theirs.
//!
//! In: a value, the key that the recording was redacted under, exchanges. Out: which of them hold a pseudonym or a hash of the value, of whatever
//! domain, in any encoding; only where a redaction stands, for elsewhere it is a coincidence. What was masked, dropped or generalised names
//! no one. Nothing here keeps the value.

use std::fmt;

use reenact_formats::content::{Leaf, visit_body, visit_head};
use reenact_formats::model::{Exchange, Head, Message, Part, Redaction, Side};

use crate::detect::Hit;
use crate::key::Key;
use crate::known_values::{KnownValues, KnownValuesBuilder};
use crate::plan::{Recorded, Spot};
use crate::pseudonym::{Domain, Pseudonyms};
use crate::recall::recall;
use crate::redactor::{INTERIM, content_of};

/// What a recording calls someone.
pub struct Subject {
    tokens: KnownValues,
}

impl Subject {
    /// The one whose `value` this is, under `key`.
    pub fn new(key: &Key, value: &str) -> Self {
        let (pseudonyms, value) = (Pseudonyms::new(key), value.trim());
        let mut tokens = KnownValuesBuilder::new(Vec::new());
        for domain in Domain::ALL {
            for made in [pseudonyms.of(domain, value.as_bytes()), pseudonyms.hash(domain, value.as_bytes())] {
                tokens.add(0, &String::from_utf8_lossy(&made));
            }
        }
        Self { tokens: tokens.finish() }
    }

    /// Whether an exchange holds something of theirs.
    pub fn is_in(&self, exchange: &Exchange) -> bool {
        let of = |side: Side| exchange.redactions.iter().filter(move |redaction| redaction.side == side && !redaction.path.starts_with(INTERIM));
        let messages = [(Side::Request, &exchange.request), (Side::Response, &exchange.response)];
        messages.into_iter().any(|(side, message)| message.as_ref().is_some_and(|message| self.is_in_message(message, &Recorded::of(of(side)))))
            || exchange.interim.iter().enumerate().any(|(index, head)| {
                let prefix = format!("{INTERIM}{index}:");
                let recorded: Vec<&Redaction> = exchange.redactions.iter().filter(|redaction| redaction.path.starts_with(&prefix)).collect();
                self.is_in_head(head, &Recorded::of(recorded))
            })
            || exchange.redactions.iter().filter(|redaction| redaction.part == Part::Metadata).any(|redaction| {
                let address = if redaction.side == Side::Request { exchange.client } else { exchange.server };
                self.tokens.holds(&address.ip().to_string())
            })
    }

    /// Whether a redacted answer of a replay does.
    pub fn is_in_answer(&self, answer: &Message, redactions: &[Redaction]) -> bool {
        self.is_in_message(answer, &Recorded::of(redactions))
    }

    /// Whether a value of a database does that was redacted: nothing says where in it.
    pub fn is_in_value(&self, value: &str) -> bool {
        !recall(&|text, hits| self.tokens.find(text, hits), value.as_bytes()).is_empty()
    }

    fn is_in_message(&self, message: &Message, recorded: &Recorded) -> bool {
        if self.is_in_head(&message.head, recorded) || message.trailers.as_ref().is_some_and(|trailers| self.is_in_head(trailers, recorded)) {
            return true;
        }
        let Ok(body) = content_of(message) else { return false };
        let mut is_there = false;
        visit_body(&message.head, &body, &mut |leaf| is_there |= self.is_in_leaf(&leaf, &body, recorded));
        is_there
    }

    fn is_in_head(&self, head: &Head, recorded: &Recorded) -> bool {
        let mut is_there = false;
        visit_head(head, &mut |leaf| is_there |= self.is_in_leaf(&leaf, head.raw(), recorded));
        is_there
    }

    fn is_in_leaf(&self, leaf: &Leaf<'_>, raw: &[u8], recorded: &Recorded) -> bool {
        let recorded = recorded.part(leaf.part);
        if !recorded.touch(&leaf.span) {
            return false;
        }
        let spot = Spot::of(leaf);
        let is_on_record = |hit: &Hit| recorded.touch(&spot.placed(raw, &hit.span));
        recall(&|text, hits| self.tokens.find(text, hits), &leaf.value).iter().any(is_on_record)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use reenact_formats::seam::Redact;

    use super::*;
    use crate::key::test_key;
    use crate::redactor::tests::{exchange, json, request, response};
    use crate::{Policy, Redactor};

    #[test]
    fn a_person_is_found_by_any_of_their_pseudonyms() {
        let (head, content) = json(r#"{"customer":{"email":"Ada@planted.example","name":"Ada Lovelace"},"note":"eyJtYWlsIjoiYWRhQHBsYW50ZWQuZXhhbXBsZSJ9"}"#);
        let mut made = exchange(0, request("GET /a?mail=ada%40planted.example HTTP/1.1\r\nHost: a", b""), response(&head, &content));
        Redactor::new(&Policy::default(), &test_key()).exchange(&mut made);
        for (value, is_there) in [
            ("ada@planted.example", true),
            ("  ADA@planted.example\n", true),
            ("Ada Lovelace", true),
            ("93.184.216.34", true),
            ("bob@planted.example", false),
            ("planted.example", false),
            ("", false),
        ] {
            assert_eq!(Subject::new(&test_key(), value).is_in(&made), is_there, "{value}");
        }
        assert!(!Subject::new(&Key::generate().expect("randomness"), "ada@planted.example").is_in(&made));
        // In base64 alone.
        made.request = None;
        let (head, content) = json(r#"{"note":"eyJtYWlsIjoiYWRhQHBsYW50ZWQuZXhhbXBsZSJ9"}"#);
        let mut made = exchange(0, request("GET /a HTTP/1.1\r\nHost: a", b""), response(&head, &content));
        Redactor::new(&Policy::default(), &test_key()).exchange(&mut made);
        assert!(Subject::new(&test_key(), "ada@planted.example").is_in(&made));
    }
}
