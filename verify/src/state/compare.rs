//! Two states side by side, down to the row and the column.
//!
//! In: two snapshots. Out: for each entity how many rows are equal, missing, extra and changed, and the first of those that
//! differ. Entities whose roots are equal are not read again. What never happens here: a difference is left uncounted.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use reenact_formats::disk::snapshot::{Entity, Row, StateSnapshot};
use reenact_formats::disk::verdict::{ColumnCount, ColumnDifference, EntityComparison, RowDifference, RowDifferenceKind, State};

/// How the state of a run differs from that of its baseline.
pub fn compare(run: &StateSnapshot, baseline: &StateSnapshot) -> State {
    let by_name = |snapshot: &'_ StateSnapshot| snapshot.entities.iter().map(|entity| entity.name().to_owned()).collect::<Vec<_>>();
    let mut names = by_name(run);
    names.extend(by_name(baseline));
    names.sort();
    names.dedup();
    let find = |snapshot: &'_ StateSnapshot, name: &str| snapshot.entities.iter().position(|entity| entity.name() == name);
    let entities = names.iter().map(|name| match (find(run, name), find(baseline, name)) {
        (Some(run_at), Some(baseline_at)) => compare_entity(&run.entities[run_at], &baseline.entities[baseline_at]),
        (Some(run_at), None) => only_one(&run.entities[run_at], RowDifferenceKind::Extra),
        (None, Some(baseline_at)) => only_one(&baseline.entities[baseline_at], RowDifferenceKind::Missing),
        (None, None) => unreachable!("every name is one of the two's"),
    });
    State {
        database: run.database.clone(),
        schema: run.schema.clone(),
        baseline_database: baseline.database.clone(),
        baseline_schema: baseline.schema.clone(),
        entities: entities.collect(),
    }
}

fn compare_entity(run: &Entity, baseline: &Entity) -> EntityComparison {
    let mut comparison = EntityComparison {
        name: run.name().to_owned(),
        key: run.key_columns().to_vec(),
        columns_apart: columns_apart(run, baseline),
        run_rows: run.rows().len() as u64,
        baseline_rows: baseline.rows().len() as u64,
        run_root: run.root().to_string(),
        baseline_root: baseline.root().to_string(),
        ..EntityComparison::default()
    };
    if !comparison.columns_apart.is_empty() {
        return comparison;
    }
    if run.root() == baseline.root() {
        comparison.equal = comparison.run_rows;
        return comparison;
    }
    let mut merge = Merge { columns: run.columns(), key_length: run.key_columns().len(), comparison, changed: BTreeMap::new() };
    merge.all(run.rows(), baseline.rows());
    let Merge { mut comparison, changed, .. } = merge;
    comparison.changed_columns = changed.into_iter().map(|(column, count)| ColumnCount { column, count }).collect();
    comparison
}

/// An entity that only one of the two has: every row of it differs.
fn only_one(entity: &Entity, kind: RowDifferenceKind) -> EntityComparison {
    let none = Entity::new(entity.name(), entity.columns().to_vec(), entity.key_columns().len(), Vec::new()).expect("no rows, no duplicates");
    match kind {
        RowDifferenceKind::Missing => compare_entity(&none, entity),
        _ => compare_entity(entity, &none),
    }
}

fn columns_apart(run: &Entity, baseline: &Entity) -> Vec<String> {
    if run.columns() == baseline.columns() && run.key_columns() == baseline.key_columns() {
        return Vec::new();
    }
    let lacking = |one: &[String], other: &[String], side: &str| -> Vec<String> {
        one.iter().filter(|column| !other.contains(column)).map(|column| format!("{column} ({side} only)")).collect()
    };
    let mut apart = lacking(run.columns(), baseline.columns(), "run");
    apart.extend(lacking(baseline.columns(), run.columns(), "baseline"));
    if apart.is_empty() {
        apart.push("the key".to_owned());
    }
    apart
}

struct Merge<'a> {
    columns: &'a [String],
    key_length: usize,
    comparison: EntityComparison,
    changed: BTreeMap<String, u64>,
}

impl Merge<'_> {
    /// Both sides stand in the order of their keys: whichever key is smaller has no counterpart.
    fn all(&mut self, run: &[Row], baseline: &[Row]) {
        let (mut run, mut baseline) = (run.iter().peekable(), baseline.iter().peekable());
        loop {
            let order = match (run.peek(), baseline.peek()) {
                (Some(run), Some(baseline)) => run.cells()[..self.key_length].cmp(&baseline.cells()[..self.key_length]),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return,
            };
            let run = if order.is_le() { run.next() } else { None };
            let baseline = if order.is_ge() { baseline.next() } else { None };
            if run == baseline { self.comparison.equal += 1 } else { self.differ(run, baseline) }
        }
    }

    fn differ(&mut self, run: Option<&Row>, baseline: Option<&Row>) {
        let (kind, count) = match (run, baseline) {
            (None, _) => (RowDifferenceKind::Missing, &mut self.comparison.missing),
            (_, None) => (RowDifferenceKind::Extra, &mut self.comparison.extra),
            _ => (RowDifferenceKind::Changed, &mut self.comparison.changed),
        };
        *count += 1;
        let cell = |row: Option<&Row>, place: usize| row.and_then(|row| row.cells()[place].as_deref().map(str::to_owned));
        let columns: Vec<_> = (self.key_length..self.columns.len())
            .map(|place| ColumnDifference { column: self.columns[place].clone(), baseline: cell(baseline, place), run: cell(run, place) })
            .filter(|column| kind != RowDifferenceKind::Changed || column.run != column.baseline)
            .collect();
        if kind == RowDifferenceKind::Changed {
            columns.iter().for_each(|column| *self.changed.entry(column.column.clone()).or_default() += 1);
        }
        if self.comparison.rows.len() < MAX_ROWS {
            let key = (0..self.key_length).map(|place| cell(run.or(baseline), place)).collect();
            self.comparison.rows.push(RowDifference { kind, key, columns, exchanges: Vec::new() });
        }
    }
}

/// How many differing rows of an entity a verdict lists; all are counted.
const MAX_ROWS: usize = 100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reenact_formats::model::KeyId;

    use super::*;

    fn entity(rows: &[(u8, Option<String>, String)]) -> Entity {
        let unique: BTreeMap<_, _> = rows.iter().map(|row| (row.0, row)).collect();
        let rows =
            unique.values().map(|(key, one, two)| Row::new(vec![Some(key.to_string().into()), one.as_deref().map(Into::into), Some(two.as_str().into())]));
        Entity::new("e", ["id", "one", "two"].map(str::to_owned).to_vec(), 1, rows.collect()).expect("unique")
    }

    fn snapshot(entities: Vec<Entity>) -> StateSnapshot {
        StateSnapshot {
            key_id: KeyId::from_digest([0; 8]),
            policy_digest: String::new(),
            database: "sqlite".into(),
            schema: "v1".into(),
            expires: None,
            entities,
        }
    }

    fn differences(run: Vec<Entity>, baseline: Vec<Entity>) -> [u64; 4] {
        let state = compare(&snapshot(run), &snapshot(baseline));
        state.entities.iter().fold([0; 4], |sum, entity| {
            let counts = [entity.equal, entity.missing, entity.extra, entity.changed];
            std::array::from_fn(|place| sum[place] + counts[place])
        })
    }

    proptest! {
        #[test]
        fn a_state_equals_itself_and_any_single_change_is_found(
            rows in prop::collection::vec((any::<u8>(), prop::option::of("[a-c]{0,2}"), "[a-c]{0,2}"), 1..40),
            at in any::<prop::sample::Index>(),
            kind in 0..4,
        ) {
            let whole = entity(&rows);
            let length = whole.rows().len() as u64;
            prop_assert_eq!(differences(vec![whole.clone()], vec![whole.clone()]), [length, 0, 0, 0]);

            let at = at.index(whole.rows().len());
            let mut changed = whole.rows().to_vec();
            let mut cells = changed[at].cells().to_vec();
            let expected = match kind {
                0 => { changed.remove(at); [length - 1, 1, 0, 0] }
                1 => { changed.push(Row::new(vec![Some("new".into()), None, Some("".into())])); [length, 0, 1, 0] }
                2 => { cells[1] = match &cells[1] { None => Some("".into()), Some(_) => None }; changed[at] = Row::new(cells); [length - 1, 0, 0, 1] }
                _ => { cells[2] = Some("other".into()); changed[at] = Row::new(cells); [length - 1, 0, 0, 1] }
            };
            let changed = Entity::new("e", whole.columns().to_vec(), 1, changed).expect("unique");
            prop_assert_eq!(differences(vec![changed.clone()], vec![whole.clone()]), expected);
            // The other way round, what is missing is extra.
            let [equal, missing, extra, changed_rows] = expected;
            prop_assert_eq!(differences(vec![whole], vec![changed]), [equal, extra, missing, changed_rows]);
        }
    }

    #[test]
    fn a_changed_row_names_its_columns() {
        let row = |one: &str, two: &str| (1, Some(one.to_owned()), two.to_owned());
        let state = compare(&snapshot(vec![entity(&[row("a", "b")])]), &snapshot(vec![entity(&[row("a", "c")])]));
        let entity = &state.entities[0];
        assert_eq!(entity.changed_columns, [ColumnCount { column: "two".into(), count: 1 }]);
        let expected = RowDifference {
            kind: RowDifferenceKind::Changed,
            key: vec![Some("1".into())],
            columns: vec![ColumnDifference { column: "two".into(), baseline: Some("c".into()), run: Some("b".into()) }],
            exchanges: vec![],
        };
        assert_eq!(entity.rows, [expected]);
    }

    #[test]
    fn entities_and_columns_may_be_apart() {
        let one = entity(&[(1, None, "x".into())]);
        assert_eq!(differences(vec![one.clone()], vec![]), [0, 0, 1, 0]);
        assert_eq!(differences(vec![], vec![one.clone()]), [0, 1, 0, 0]);
        let other = Entity::new("e", ["id", "one", "three"].map(str::to_owned).to_vec(), 1, vec![]).unwrap();
        let state = compare(&snapshot(vec![one]), &snapshot(vec![other]));
        assert_eq!(state.entities[0].columns_apart, ["two (run only)", "three (baseline only)"]);
    }

    #[test]
    fn the_list_is_bounded_and_the_count_is_not() {
        let rows: Vec<_> = (0..=255).map(|key| (key, None, String::new())).collect();
        let state = compare(&snapshot(vec![]), &snapshot(vec![entity(&rows)]));
        assert_eq!((state.entities[0].missing, state.entities[0].rows.len()), (256, MAX_ROWS));
    }
}
