//! `database:` in `policy.yaml`: what stands in the columns of a sandbox copy, where their names do not tell.
//!
//! The section as people write it. Only the database itself can tell whether its tables and columns are there.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Error, Word};

/// What is done with the columns of a sandbox copy. A column that is not named here is looked at value by value, as traffic is.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// Columns by table; a table of another schema than the user's own is `schema.table`.
    #[serde(default)]
    pub tables: BTreeMap<Word, BTreeMap<Word, ColumnConfig>>,
}

/// What is done with one column: `domain`, `action`, or `hash` with `login`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnConfig {
    /// Each value, whole, gets its pseudonym in this domain: `email`, `person`, `opaque` and so on.
    pub domain: Option<Word>,
    /// What is done with each value, whole.
    pub action: Option<ColumnAction>,
    /// Each value is a hash of a password, and becomes such a hash of the pseudonymous one.
    pub hash: Option<HashConfig>,
    /// The column of the same table by whose value people log in.
    pub login: Option<Word>,
    /// The cost of the new hashes: rounds as a power of two for bcrypt, passes for argon2id, rounds for PBKDF2. Without it that of the hash
    /// which is replaced.
    pub cost: Option<u32>,
}

/// What is done with a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnAction {
    /// They stay.
    Keep,
    /// They become a constant of the same length.
    Mask,
    /// They become NULL, or an empty text where there must be one.
    Drop,
}

/// How passwords are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HashConfig {
    /// As the hash that is replaced.
    Same,
    /// `$2b$…`
    Bcrypt,
    /// `$argon2id$…`, in the PHC string format.
    Argon2id,
    /// `$pbkdf2-sha256$…`, in the PHC string format.
    Pbkdf2Sha256,
    /// `pbkdf2_sha256$…`, as Django writes it.
    Pbkdf2Django,
}

impl DatabaseConfig {
    /// Refuses what makes no sense in the policy file `name`.
    pub(super) fn checked(&self, kind: &str, name: &str) -> Result<(), Error> {
        for (table, columns) in &self.tables {
            for (column, config) in columns {
                let given = [config.domain.is_some(), config.action.is_some(), config.hash.is_some()].iter().filter(|given| **given).count();
                let problem = match (given, config.hash, &config.login) {
                    (0, ..) => "nothing is said of it: give a domain, an action or a hash",
                    (2.., ..) => "it has more than one of domain, action and hash",
                    (_, Some(_), None) => "a hash needs `login`: the column by whose value people log in",
                    (_, None, Some(_)) => "`login` goes with a hash",
                    (_, None, _) if config.cost.is_some() => "`cost` goes with a hash",
                    _ => continue,
                };
                return Err(column.wrong(kind, name, format!("{}.{}: {problem}", table.text(), column.text())));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::policy::parse;

    #[test]
    fn a_column_has_one_treatment() {
        let text = |column: &str| format!("version: 1\ndatabase:\n  tables:\n    customer:\n      {column}\n");
        let policy = parse("p.yaml", &text("pass: { hash: bcrypt, login: email, cost: 10 }")).expect("reads");
        assert_eq!(policy.database.tables["customer"]["pass"].cost, Some(10));
        for (column, expected) in [
            ("mail: {}", "line 5, column 7: customer.mail: nothing is said of it"),
            ("mail: { domain: email, action: keep }", "more than one"),
            ("pass: { hash: bcrypt }", "needs `login`"),
            ("mail: { domain: email, login: mail }", "goes with a hash"),
            ("mail: { action: keep, cost: 3 }", "goes with a hash"),
            ("mail: { acton: keep }", "line 5"),
            ("pass: { hash: scrypt, login: mail }", "line 5"),
        ] {
            let shown = parse("p.yaml", &text(column)).expect_err(column).to_string();
            assert!(shown.contains(expected), "{shown}");
        }
    }
}
