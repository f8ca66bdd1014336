//! Live values, out of live answers.

use std::collections::BTreeSet;

use bytes::Bytes;
use reenact_formats::model::Message;

use super::{Give, Stays, visit};

/// What a live answer gives.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Harvest {
    /// For each slot that is wanted, the live value; none if the recorded one is to be sent: the answer lacks the leaf, or
    /// holds the recorded value still.
    pub(crate) values: Vec<(u32, Option<Bytes>)>,
    /// The paths of the leaves that it was taken from.
    pub(crate) produced: Vec<String>,
}

/// Takes what is wanted out of `answer`. An answer that cannot be read gives nothing: the recorded values are sent.
pub(crate) fn harvest(gives: &[Give], answer: &Message) -> Harvest {
    let mut found: Vec<(Option<Bytes>, bool)> = vec![(None, false); gives.len()];
    visit(answer, &mut |leaf, _| {
        for (give, (value, stays)) in gives.iter().zip(&mut found) {
            let is_there = give.path == leaf.path;
            if !is_there && (*stays || give.stays == Stays::Never) {
                continue;
            }
            let Some(picked) = give.pick.of(&leaf.value) else { continue };
            *stays |= picked == give.recorded
                && match &give.stays {
                    Stays::Never => false,
                    Stays::Anywhere => true,
                    Stays::Template(template) => leaf.template() == *template,
                };
            if is_there {
                *value = Some(Bytes::copy_from_slice(picked));
            }
        }
    });
    let mut produced = BTreeSet::new();
    let mut values = Vec::with_capacity(gives.len());
    for (give, (value, stays)) in gives.iter().zip(found) {
        if !stays && value.is_some() {
            produced.insert(give.path.clone());
        }
        values.push((give.slot, value.filter(|_| !stays)));
    }
    Harvest { values, produced: produced.into_iter().collect() }
}
