//! Which exchanges wrote a row that differs: a best guess by the values of its key.
//!
//! In: the differing rows, and the recorded exchanges. Out: for each row, the writing requests that carry most of its values,
//! on a connection that carried all of its key. What never happens here: a guess changes a judgement.

use std::collections::{BTreeMap, BTreeSet};

use reenact_formats::content::{MAX_DECODED, decoded_body, visit_body, visit_head};
use reenact_formats::disk::verdict::State;
use reenact_formats::model::{ConnectionId, Exchange, ExchangeId, Message};

/// Watches the exchanges of a recording go by for the keys of the rows that differ.
pub(crate) struct Attribution {
    /// Value → the rows (by ordinal) in which it stands, and its place there; those of the key come first.
    values: BTreeMap<String, Vec<(usize, usize)>>,
    /// For each row, how many values its key has.
    lengths: Vec<usize>,
    /// What was seen: row and connection → places of the key seen on it, and the writing requests that carried any.
    seen: BTreeMap<(usize, ConnectionId), Sighting>,
}

#[derive(Default)]
struct Sighting {
    /// Places of the key.
    places: BTreeSet<usize>,
    /// How many values of the row a writing request carried.
    writes: Vec<(usize, ExchangeId)>,
}

impl Attribution {
    /// Begins to watch for the rows of `state`.
    pub(crate) fn begin(state: &State) -> Self {
        let mut attribution = Self { values: BTreeMap::new(), lengths: Vec::new(), seen: BTreeMap::new() };
        for (ordinal, row) in state.entities.iter().flat_map(|entity| &entity.rows).enumerate() {
            let values: Vec<_> = row.key.iter().flatten().filter(|value| !value.is_empty()).collect();
            attribution.lengths.push(values.len());
            let others = row.columns.iter().flat_map(|column| [&column.baseline, &column.run]).flatten().filter(|value| value.len() > 1);
            for (place, value) in values.into_iter().chain(others).enumerate() {
                attribution.values.entry(value.clone()).or_default().push((ordinal, place));
            }
        }
        attribution
    }

    /// Looks at one exchange.
    pub(crate) fn watch(&mut self, exchange: &Exchange) {
        if self.values.is_empty() {
            return;
        }
        let mut found: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for message in [&exchange.request, &exchange.response].into_iter().flatten() {
            self.find(message, &mut found);
        }
        let mut carried: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        let writes = !matches!(exchange.method(), None | Some("GET" | "HEAD" | "OPTIONS" | "TRACE"));
        if let Some(request) = exchange.request.as_ref().filter(|_| writes) {
            self.find(request, &mut carried);
        }
        for (row, places) in found {
            let sighting = self.seen.entry((row, exchange.id.connection)).or_default();
            sighting.places.extend(places.into_iter().filter(|place| *place < self.lengths[row]));
            if let Some(carried) = carried.get(&row) {
                sighting.writes.push((carried.len(), exchange.id));
            }
        }
    }

    /// Writes the guesses into `state`, the same that was begun with.
    pub(crate) fn tell(self, state: &mut State) {
        for (ordinal, row) in state.entities.iter_mut().flat_map(|entity| &mut entity.rows).enumerate() {
            let sightings = self.seen.range((ordinal, ConnectionId(0))..(ordinal + 1, ConnectionId(0)));
            let mut writes: Vec<_> = sightings
                .filter(|(_, sighting)| sighting.places.len() == self.lengths[ordinal])
                .flat_map(|(_, sighting)| sighting.writes.iter().copied())
                .collect();
            let most = writes.iter().map(|(values, _)| *values).max().unwrap_or(0);
            writes.retain(|(values, _)| *values == most);
            row.exchanges = writes.into_iter().take(MAX_EXCHANGES).map(|(_, id)| id.to_string()).collect();
        }
    }

    fn find(&self, message: &Message, found: &mut BTreeMap<usize, BTreeSet<usize>>) {
        let mut look = |value: &[u8]| {
            let Some(rows) = std::str::from_utf8(value).ok().and_then(|text| self.values.get(text)) else { return };
            rows.iter().for_each(|(row, place)| {
                found.entry(*row).or_default().insert(*place);
            });
        };
        visit_head(&message.head, &mut |leaf| look(&leaf.value));
        if let Ok(body) = decoded_body(message, MAX_DECODED) {
            visit_body(&message.head, &body, &mut |leaf| look(&leaf.value));
        }
    }
}

/// How many exchanges a row names.
const MAX_EXCHANGES: usize = 5;

#[cfg(test)]
mod tests {
    use reenact_formats::disk::verdict::{ColumnDifference, EntityComparison, RowDifference, RowDifferenceKind};

    use super::*;
    use crate::test_data::exchange;

    #[test]
    fn the_writer_on_the_right_connection_is_named() {
        let row = |key: &[&str]| RowDifference {
            kind: RowDifferenceKind::Missing,
            key: key.iter().map(|value| Some((*value).to_owned())).collect(),
            columns: vec![],
            exchanges: vec![],
        };
        let rows = vec![row(&["ann@example.org", "work"]), row(&["bob@example.org", "work"]), row(&["eve@example.org", "home"])];
        let mut state = State { entities: vec![EntityComparison { rows, ..EntityComparison::default() }], ..State::default() };
        let mut attribution = Attribution::begin(&state);
        for (id, line, body) in [
            ("1.1", "POST /login", r#"{"email":"ann@example.org"}"#),
            ("1.2", "POST /addresses", r#"{"label":"home"}"#),
            ("1.3", "POST /addresses", r#"{"label":"work"}"#),
            ("1.4", "GET /addresses?label=work", ""),
            ("2.1", "POST /login", r#"{"email":"bob@example.org"}"#),
            ("2.2", "PUT /customers/bob%40example.org/addresses/work", "{}"),
            ("2.3", "POST /addresses", r#"{"label":"work"}"#),
        ] {
            attribution.watch(&exchange(id, line, body, 200, ""));
        }
        attribution.tell(&mut state);
        let named: Vec<_> = state.entities[0].rows.iter().map(|row| row.exchanges.join(" ")).collect();
        // Two values in one request tell more than one; a row whose key was never seen whole has no writer.
        assert_eq!(named, ["1.1 1.3", "2.2", ""]);

        // Values beside the key tell more still.
        let columns = vec![ColumnDifference { column: "street".into(), baseline: Some("Mill Lane 1".into()), run: None }];
        let rows = vec![RowDifference { columns, ..row(&["ann@example.org", "work"]) }];
        let mut state = State { entities: vec![EntityComparison { rows, ..EntityComparison::default() }], ..State::default() };
        let mut attribution = Attribution::begin(&state);
        attribution.watch(&exchange("1.1", "POST /login", r#"{"email":"ann@example.org"}"#, 200, ""));
        attribution.watch(&exchange("1.2", "POST /addresses", r#"{"label":"work","street":"Mill Lane 1"}"#, 201, ""));
        attribution.watch(&exchange("2.1", "POST /addresses", r#"{"label":"work","street":"Mill Lane 1"}"#, 201, ""));
        attribution.tell(&mut state);
        assert_eq!(state.entities[0].rows[0].exchanges, ["1.2"]);
    }
}
