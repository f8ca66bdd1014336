//! The rows of a batch, rewritten in memory, on all cores.
//!
//! In: rows as they were read, and what is done with each column. Out: for each row that changes, its key and its new values. What never
//! happens here: a value in an error.

use rayon::prelude::*;
use reenact_sanitize::{Cell, CellKind, Domain, Redactor};

use super::catalogue::{Column, Holds, Table};
use super::columns::Treatment;
use super::connection::Value;
use super::passwords::Scheme;
use super::{Error, PlannedColumn};

/// What is read of a table, and what is done with it.
pub(super) struct Reader<'a> {
    pub(super) table: &'a Table,
    pub(super) treatments: &'a [Treatment],
    /// How many values of a row are its key's; the others are those of `columns`, in order.
    pub(super) key_length: usize,
    /// The columns that are read.
    pub(super) columns: Vec<usize>,
    /// The column that the dates of a row are about, if the policy names it.
    pub(super) subject: Option<usize>,
}

/// A row that changes.
pub(super) struct Change {
    pub(super) key: Vec<Value>,
    /// Its new values, by the places of the columns, in their order.
    pub(super) cells: Vec<(usize, Value)>,
}

/// What becomes of a value.
enum Made {
    Stays,
    New(Value),
    /// The hash of this password, to be made yet.
    Hash(Scheme, String),
}

impl Reader<'_> {
    /// Rewrites `rows`. Each of `lanes` takes a share; what they make does not depend on which.
    pub(super) fn rewrite(&self, rows: &[Vec<Value>], lanes: &mut [Redactor]) -> Result<Vec<Change>, Error> {
        let share = rows.len().div_ceil(lanes.len()).max(1);
        let changes: Vec<Vec<Change>> = rows
            .par_chunks(share)
            .zip(lanes.par_iter_mut())
            .map(|(rows, lane)| rows.iter().filter_map(|row| self.rewrite_row(row, lane).transpose()).collect())
            .collect::<Result<_, Error>>()?;
        Ok(changes.into_iter().flatten().collect())
    }

    /// What would become of `rows`, column by column. No password is hashed for it.
    pub(super) fn look(&self, rows: &[Vec<Value>], redactor: &Redactor) -> Vec<PlannedColumn> {
        let look = |(column, treatment): (&Column, &Treatment)| {
            let place = self.table.columns.iter().position(|other| other.name == column.name);
            let read = self.columns.iter().position(|read| Some(*read) == place);
            let mut lane = redactor.lane();
            let (mut sampled, mut replaced) = (0, 0);
            for row in rows.iter().filter(|_| read.is_some()) {
                let values = &row[self.key_length..];
                let value = &values[read.unwrap_or_default()];
                sampled += u64::from(*value != Value::Null);
                replaced += u64::from(match self.made_of(treatment, column, value, values, &mut lane) {
                    Made::Stays => false,
                    Made::New(made) => made != *value,
                    Made::Hash(..) => true,
                });
            }
            PlannedColumn { name: column.name.clone(), treatment: treatment.words(self.table), sampled, replaced, rules: lane.audit() }
        };
        self.table.columns.iter().zip(self.treatments).map(look).collect()
    }

    fn rewrite_row(&self, row: &[Value], redactor: &mut Redactor) -> Result<Option<Change>, Error> {
        let (key, values) = row.split_at(self.key_length);
        let mut cells = Vec::new();
        for (place, value) in self.columns.iter().zip(values) {
            let column = &self.table.columns[*place];
            let made = match self.made_of(&self.treatments[*place], column, value, values, redactor) {
                Made::Stays => continue,
                Made::New(made) => made,
                Made::Hash(scheme, password) => {
                    let hash = scheme.hash(&password).ok_or_else(|| Error::Hash { column: self.shown(column), kind: scheme.word() })?;
                    Value::Text(hash)
                }
            };
            if let (Some(room), Some(text)) = (column.room, made.text())
                && text.chars().count() > room
            {
                return Err(Error::TooLong { column: self.shown(column), room, needed: text.chars().count() });
            }
            if made != *value {
                cells.push((*place, made));
            }
        }
        Ok((!cells.is_empty()).then(|| Change { key: key.to_vec(), cells }))
    }

    fn made_of(&self, treatment: &Treatment, column: &Column, value: &Value, row: &[Value], redactor: &mut Redactor) -> Made {
        if *value == Value::Null {
            return Made::Stays;
        }
        let subject = self.subject.and_then(|subject| said(&row[self.columns.iter().position(|column| *column == subject)?]));
        let subject = subject.as_deref();
        // SQLite's values bring their type with them, whatever their column is.
        let is_number = column.holds == Holds::Number || matches!(value, Value::Integer(_) | Value::Real(_));
        let kind = if is_number { CellKind::Number } else { CellKind::Text };
        match treatment {
            Treatment::Keep => Made::Stays,
            Treatment::Drop if column.may_be_null => Made::New(Value::Null),
            Treatment::Drop => Made::New(Value::Text(String::new())),
            Treatment::Mask => replaced(value, |text| "*".repeat(text.chars().count())),
            Treatment::Domain(domain) => replaced(value, |text| match (domain, subject) {
                _ if text.is_empty() => String::new(),
                (Domain::BirthDate, Some(subject)) => redactor.date_of(subject, text),
                _ => redactor.pseudonym(*domain, text),
            }),
            Treatment::Detect { location } => replaced(value, |text| redactor.cell(&Cell { location, kind, subject }, text)),
            Treatment::Password { login, scheme, cost, location } => {
                let login = self.columns.iter().position(|column| column == login).map_or(&Value::Null, |place| &row[place]);
                // What the policy calls a hash is one, also of a kind that is not known here.
                let wanted = match value.text().filter(|text| !text.is_empty()).map(Scheme::of) {
                    Some(Some(found)) => Some(wanted(found, scheme.as_ref(), *cost)),
                    Some(None) => scheme.clone(),
                    None => None,
                };
                match (wanted, said(login)) {
                    (Some(wanted), Some(login)) => Made::Hash(wanted, redactor.password_for(&login)),
                    // Nobody logs in with it: no hash, or no name.
                    _ => replaced(value, |text| redactor.cell(&Cell { location, kind, subject }, text)),
                }
            }
        }
    }

    fn shown(&self, column: &Column) -> String {
        format!("{}.{}", self.table.shown(), column.name)
    }
}

/// How a password is to be hashed: as the policy says; at the cost of the hash that stands there, if the policy names none and it is of that kind.
fn wanted(found: Scheme, configured: Option<&Scheme>, cost: Option<u32>) -> Scheme {
    match (configured, cost) {
        (None, None) => found,
        (None, Some(cost)) => found.clone().with_cost(cost).unwrap_or(found),
        (Some(configured), None) if configured.is_like(&found) => found,
        (Some(configured), _) => configured.clone(),
    }
}

/// What a value says, if it says anything.
fn said(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) if !text.is_empty() => Some(text.clone()),
        Value::Integer(integer) => Some(integer.to_string()),
        _ => None,
    }
}

/// What `f` makes of a value's text, as a value of the same type.
fn replaced(value: &Value, f: impl FnOnce(&str) -> String) -> Made {
    match value {
        Value::Null => Made::Stays,
        // What is no number any more is none.
        Value::Real(real) => {
            let text = real.to_string();
            let made = f(&text);
            if made == text { Made::Stays } else { Made::New(Value::Real(made.parse().unwrap_or(0.0))) }
        }
        Value::Text(text) => Made::New(Value::Text(f(text))),
        Value::Integer(integer) => {
            let made = f(&integer.to_string());
            Made::New(made.parse().map_or(Value::Text(made), Value::Integer))
        }
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Made::New(Value::Bytes(f(text).into_bytes())),
            Err(_) => Made::Stays,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_rewritten_stays_a_number() {
        let made = |value: Value, f: fn(&str) -> String| match replaced(&value, f) {
            Made::New(Value::Real(real)) => Some(real),
            Made::Stays => None,
            _ => panic!("another type"),
        };
        assert_eq!(made(Value::Real(52.5), |_| "13.25".to_owned()), Some(13.25));
        assert_eq!(made(Value::Real(52.5), |text| "*".repeat(text.len())), Some(0.0));
        assert_eq!(made(Value::Real(52.5), str::to_owned), None);
    }
}
