//! What is done with each column: what the policy says of it, else what detection makes of each value.
//!
//! In: the catalogue, the policy, and what names alone tell. Out: a [`Plan`], the same whatever stands in the rows, so that whoever goes on
//! where another was killed does the same. Columns that a foreign key joins are treated as one, under one name: what is equal stays equal.
//! What never happens here: a row is read.

use reenact_formats::config::Word;
use reenact_formats::config::database::{ColumnAction, ColumnConfig, DatabaseConfig};
use reenact_formats::config::policy::KIND;
use reenact_sanitize::{Domain, Redactor, login_rank};

use super::Error;
use super::catalogue::{Catalogue, Holds, Key, Table};
use super::passwords::Scheme;

/// What is done with a column's values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Treatment {
    /// They stay.
    Keep,
    /// They become NULL, or an empty text.
    Drop,
    /// They become a constant of the same length.
    Mask,
    /// Each, whole, gets its pseudonym.
    Domain(Domain),
    /// Each is looked at, as if it stood at this place.
    Detect {
        /// `table.column`
        location: String,
    },
    /// Each that is the hash of a password becomes that of the pseudonymous password of the account.
    Password {
        /// The column whose value people log in with.
        login: usize,
        /// How the policy wants it hashed; without this, as the hash that stands there.
        scheme: Option<Scheme>,
        /// At what cost, if the policy says so.
        cost: Option<u32>,
        /// What is done with a value that is no hash.
        location: String,
    },
}

impl Treatment {
    /// The words for it.
    pub(super) fn words(&self, table: &Table) -> String {
        match self {
            Self::Keep => "keep".to_owned(),
            Self::Drop => "drop".to_owned(),
            Self::Mask => "mask".to_owned(),
            Self::Domain(domain) => format!("domain {}", domain.word()),
            Self::Detect { location } => format!("look at each value, as {location}"),
            Self::Password { login, scheme, .. } => {
                let scheme = scheme.as_ref().map_or("as it is", Scheme::word);
                format!("hash of a password ({scheme}), login name in {}", table.columns[*login].name)
            }
        }
    }
}

/// For each table, what is done with each column.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) treatments: Vec<Vec<Treatment>>,
    /// For each table, the column that its dates are about, if the policy names one.
    pub(super) subjects: Vec<Option<usize>>,
    /// Whether the policy says it of the column itself.
    configured: Vec<Vec<bool>>,
}

impl Plan {
    /// What the policy's files, each by its name, and the names of columns make of a database.
    pub(super) fn make(catalogue: &Catalogue, files: &[(String, DatabaseConfig)], redactor: &Redactor) -> Result<Self, Error> {
        let subject = |table: &Table| table.columns.iter().position(|column| redactor.is_subject(&format!("{}.{}", table.shown(), column.name)));
        let mut plan = Self {
            subjects: catalogue.tables.iter().map(subject).collect(),
            treatments: catalogue.tables.iter().map(|table| by_name(table, redactor)).collect(),
            configured: catalogue.tables.iter().map(|table| vec![false; table.columns.len()]).collect(),
        };
        for (name, word, columns) in files.iter().flat_map(|(name, config)| config.tables.iter().map(move |(word, columns)| (name, word, columns))) {
            let known = || catalogue.tables.iter().map(Table::shown);
            let table = known().position(|table| table == word.text()).ok_or_else(|| word.unknown(KIND, name, "table", known()))?;
            for (word, config) in columns {
                let column = place_of(&catalogue.tables[table], word, name)?;
                plan.treatments[table][column] = configured(&catalogue.tables[table], column, word, config, (name, redactor))?;
                plan.configured[table][column] = true;
            }
        }
        plan.join(catalogue, redactor)?;
        plan.refuse_bytes(catalogue)?;
        Ok(plan)
    }

    /// The columns of a table that are read and may be written.
    pub(super) fn touched(&self, table: usize) -> impl Iterator<Item = usize> {
        self.treatments[table].iter().enumerate().filter(|(_, treatment)| **treatment != Treatment::Keep).map(|(column, _)| column)
    }

    /// Whether a row's key may be another one after it was written.
    pub(super) fn moves(&self, table: usize, key: &Key) -> bool {
        match key {
            Key::Columns(columns) => columns.iter().any(|column| self.treatments[table][*column] != Treatment::Keep),
            Key::MovingPlace(_) => true,
            Key::Place(_) | Key::None => false,
        }
    }

    /// The foreign keys of which a column may be written.
    pub(super) fn touched_references<'a>(&'a self, catalogue: &'a Catalogue) -> impl Iterator<Item = &'a super::catalogue::Reference> {
        let is_touched = |table: usize, column: usize| self.treatments[table][column] != Treatment::Keep;
        catalogue.references.iter().filter(move |reference| {
            reference.columns.iter().any(|(child, parent)| is_touched(reference.child, *child) || is_touched(reference.parent, *parent))
        })
    }

    /// Gives all columns that foreign keys join one treatment.
    fn join(&mut self, catalogue: &Catalogue, redactor: &Redactor) -> Result<(), Error> {
        let mut classes: Vec<Vec<(usize, usize)>> = Vec::new();
        for reference in &catalogue.references {
            for (child, parent) in &reference.columns {
                let (child, parent) = ((reference.child, *child), (reference.parent, *parent));
                let class_of = |classes: &Vec<Vec<_>>, column| classes.iter().position(|class| class.contains(&column));
                match (class_of(&classes, parent), class_of(&classes, child)) {
                    (Some(one), Some(other)) if one != other => {
                        let joined = classes.swap_remove(one.max(other));
                        classes[one.min(other)].extend(joined);
                    }
                    (Some(_), Some(_)) => {}
                    (Some(one), None) => classes[one].push(child),
                    (None, Some(other)) => classes[other].push(parent),
                    (None, None) => classes.push(vec![parent, child]),
                }
            }
        }
        for mut class in classes {
            // In the order of the catalogue, so that it does not depend on the order of the constraints.
            class.sort_unstable();
            let shown = |(table, column): (usize, usize)| format!("{}.{}", catalogue.tables[table].shown(), catalogue.tables[table].columns[column].name);
            let mut configured = class.iter().copied().filter(|(table, column)| self.configured[*table][*column]);
            let treatment = match configured.next() {
                Some(first) => {
                    let treatment = self.treatments[first.0][first.1].clone();
                    if let Some(other) = configured.find(|(table, column)| self.treatments[*table][*column] != treatment) {
                        return Err(Error::Joined { one: shown(first), other: shown(other) });
                    }
                    treatment
                }
                None => {
                    let looked_at = |(table, column): &(usize, usize)| self.treatments[*table][*column] != Treatment::Keep;
                    let is_told = |(table, column): &(usize, usize)| redactor.told_by(&catalogue.tables[*table].columns[*column].name).is_some();
                    if class.iter().all(looked_at) {
                        let told = class.iter().copied().find(is_told).or(class.first().copied());
                        told.map_or(Treatment::Keep, |told| Treatment::Detect { location: shown(told) })
                    } else {
                        Treatment::Keep
                    }
                }
            };
            for (table, column) in class {
                self.treatments[table][column] = treatment.clone();
                self.configured[table][column] = true;
            }
        }
        Ok(())
    }

    /// What cannot be looked into needs a word of the policy; ids in bytes do not.
    fn refuse_bytes(&self, catalogue: &Catalogue) -> Result<(), Error> {
        let mut columns = Vec::new();
        for (place, table) in catalogue.tables.iter().enumerate() {
            let is_key = |column: usize| matches!(&table.key, Key::Columns(columns) if columns.contains(&column));
            let unknown = (0..table.columns.len()).filter(|column| table.columns[*column].holds == Holds::Bytes && !table.columns[*column].is_made);
            let unknown = unknown.filter(|column| !self.configured[place][*column] && !is_key(*column));
            columns.extend(unknown.map(|column| format!("{}.{}", table.shown(), table.columns[column].name)));
        }
        if columns.is_empty() { Ok(()) } else { Err(Error::Bytes { columns }) }
    }
}

/// What the names of a table's columns make of them.
fn by_name(table: &Table, redactor: &Redactor) -> Vec<Treatment> {
    // As in traffic; an address under any other name counts last.
    let login = || {
        let rank = |name: &str| login_rank(name).or_else(|| (redactor.told_by(name) == Some(Domain::Email)).then_some(usize::MAX));
        let texts = table.columns.iter().enumerate().filter(|(_, column)| matches!(column.holds, Holds::Text | Holds::Number));
        texts.filter_map(|(place, column)| Some((rank(&column.name)?, place))).min().map(|(_, place)| place)
    };
    table
        .columns
        .iter()
        .map(|column| {
            let location = format!("{}.{}", table.shown(), column.name);
            if !matches!(column.holds, Holds::Text | Holds::Number) || column.is_made {
                Treatment::Keep
            } else if let Some(login) = login().filter(|_| column.holds == Holds::Text && is_password(&column.name, redactor)) {
                Treatment::Password { login, scheme: None, cost: None, location }
            } else {
                Treatment::Detect { location }
            }
        })
        .collect()
}

/// `password`, `password_hash`, `encryptedPassword`, `passwd_digest`.
fn is_password(name: &str, redactor: &Redactor) -> bool {
    let lower = name.to_ascii_lowercase();
    let bare = HASHES.iter().find_map(|word| lower.strip_suffix(word)).unwrap_or(&lower);
    [name, bare.trim_end_matches('_')].iter().any(|name| redactor.told_by(name) == Some(Domain::Password))
}

/// What the policy says of one column.
fn configured(table: &Table, column: usize, word: &Word, config: &ColumnConfig, (name, redactor): (&str, &Redactor)) -> Result<Treatment, Error> {
    let wrong = |problem: &str| Error::from(word.wrong(KIND, name, format!("{}.{}: {problem}", table.shown(), word.text())));
    let treatment = match (&config.domain, config.action, config.hash) {
        (Some(domain), ..) => {
            let known = Domain::from_word(domain.text());
            Treatment::Domain(known.ok_or_else(|| domain.unknown(KIND, name, "domain", Domain::ALL.iter().map(|domain| domain.word())))?)
        }
        (_, Some(ColumnAction::Keep), _) => Treatment::Keep,
        (_, Some(ColumnAction::Drop), _) => Treatment::Drop,
        (_, Some(ColumnAction::Mask), _) => Treatment::Mask,
        (_, _, Some(hash)) => {
            let login = config.login.as_ref().ok_or_else(|| wrong("a hash needs `login`"))?;
            let scheme = Scheme::configured(hash, config.cost);
            if scheme.is_none() && hash != reenact_formats::config::database::HashConfig::Same {
                return Err(wrong("there is no such cost"));
            }
            let location = format!("{}.{}", table.shown(), word.text());
            Treatment::Password { login: place_of(table, login, name)?, scheme, cost: config.cost, location }
        }
        (None, None, None) => return Err(wrong("nothing is said of it")),
    };
    if treatment == Treatment::Keep && redactor.is_never_kept(word.text()) {
        return Err(wrong("card security codes, track data and PIN blocks are never kept: mask or drop them"));
    }
    let written = &table.columns[column];
    if written.is_made && treatment != Treatment::Keep {
        return Err(wrong("the database makes its values, and they cannot be written; rewrite what it makes them of"));
    }
    if written.holds == Holds::Bytes && !matches!(treatment, Treatment::Keep | Treatment::Drop) {
        return Err(wrong("it holds bytes, which can be kept or dropped"));
    }
    Ok(treatment)
}

fn place_of(table: &Table, word: &Word, name: &str) -> Result<usize, Error> {
    let known = || table.columns.iter().map(|column| column.name.clone());
    Ok(table.column(word.text()).ok_or_else(|| word.unknown(KIND, name, "column", known()))?)
}

/// What follows `password` in the name of a column of hashes.
const HASHES: [&str; 5] = ["hash", "digest", "hashed", "bcrypt", "crypt"];
