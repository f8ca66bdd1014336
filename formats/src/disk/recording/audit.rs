//! What was done with what stood where: counts by rule, place and action, and never a value.
//!
//! In: redactions. Out: rows that add up over parts. However many places traffic makes up, the rows are bounded: what is beyond is counted
//! together.

use std::collections::BTreeMap;

use crate::model::{Action, Redaction};

/// Counts by place, rule, domain and action.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audit {
    by_path: BTreeMap<String, Vec<AuditRow>>,
    rows: usize,
}

/// What one rule did at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// The rule's id.
    pub rule: String,
    /// Whose pseudonyms the values got; empty where there are none.
    pub domain: String,
    /// How bad it is to find such a value where it should not be; empty where no one has said.
    pub severity: String,
    /// What was done.
    pub action: Action,
    /// How often.
    pub count: u64,
}

impl Audit {
    /// Counts a redaction in.
    pub fn count(&mut self, redaction: &Redaction, severity: &str) {
        let Redaction { rule, domain, action, path, .. } = redaction;
        self.add(path, &[rule, domain, severity], *action, 1);
    }

    /// Adds what another one counts.
    pub fn merge(&mut self, other: &Self) {
        other.rows().for_each(|(path, row)| self.add(path, &[&row.rule, &row.domain, &row.severity], row.action, row.count));
    }

    /// Takes out what another one counts, which was merged into it.
    pub(super) fn remove(&mut self, other: &Self) {
        for (path, gone) in other.rows() {
            let path = if self.by_path.contains_key(path) { path } else { OTHERS };
            let Some(rows) = self.by_path.get_mut(path) else { continue };
            let before = rows.len();
            for row in rows.iter_mut().filter(|row| row.rule == gone.rule && row.domain == gone.domain && row.action == gone.action) {
                row.count = row.count.saturating_sub(gone.count);
            }
            rows.retain(|row| row.count > 0);
            self.rows -= before - rows.len();
            if rows.is_empty() {
                self.by_path.remove(path);
            }
        }
    }

    /// The rows, by the template of the path.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &AuditRow)> {
        self.by_path.iter().flat_map(|(path, rows)| rows.iter().map(move |row| (path.as_str(), row)))
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.by_path.is_empty()
    }

    /// Adds a row that was read.
    pub(super) fn add(&mut self, path: &str, [rule, domain, severity]: &[&str; 3], action: Action, count: u64) {
        let path = if self.rows < MOST_ROWS || self.by_path.contains_key(path) { path } else { OTHERS };
        if !self.by_path.contains_key(path) {
            self.by_path.insert(path.to_owned(), Vec::new());
        }
        let Some(rows) = self.by_path.get_mut(path) else { return };
        match rows.iter_mut().find(|row| row.rule == *rule && row.domain == *domain && row.action == action) {
            Some(row) => row.count = row.count.saturating_add(count),
            None => {
                let row = AuditRow { rule: (*rule).to_owned(), domain: (*domain).to_owned(), severity: (*severity).to_owned(), action, count };
                rows.push(row);
                rows.sort_by(|one, other| (&one.rule, &one.domain, one.action).cmp(&(&other.rule, &other.domain, other.action)));
                self.rows += 1;
            }
        }
    }
}

/// Places beyond so many rows are counted together.
const MOST_ROWS: usize = 10_000;
const OTHERS: &str = "(others)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Part, Side};

    fn redaction(path: &str, rule: &str, action: Action) -> Redaction {
        Redaction { side: Side::Request, part: Part::Body, span: 0..1, rule: rule.to_owned(), domain: "email".to_owned(), action, path: path.to_owned() }
    }

    #[test]
    fn rows_add_up_and_are_bounded() {
        let mut audit = Audit::default();
        for number in 0..MOST_ROWS + 50 {
            audit.count(&redaction(&format!("body:/{number:06}"), "email", Action::Pseudonym), "high");
        }
        audit.count(&redaction("body:/000001", "email", Action::Pseudonym), "high");
        audit.count(&redaction("body:/000001", "email", Action::Keep), "high");
        let mut twice = audit.clone();
        twice.merge(&audit);
        let of = |audit: &Audit, wanted: &str| -> Vec<(Action, u64)> {
            audit.rows().filter(|(path, _)| *path == wanted).map(|(_, row)| (row.action, row.count)).collect()
        };
        assert_eq!(of(&audit, "body:/000001"), [(Action::Pseudonym, 2), (Action::Keep, 1)]);
        assert_eq!(of(&audit, OTHERS), [(Action::Pseudonym, 50)]);
        assert_eq!((of(&twice, OTHERS), of(&twice, "body:/000002")), (vec![(Action::Pseudonym, 100)], vec![(Action::Pseudonym, 2)]));
        assert_eq!(audit.rows().map(|(_, row)| row.count).sum::<u64>() as usize, MOST_ROWS + 52);
    }
}
