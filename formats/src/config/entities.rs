//! `entities.yaml`: which rows make up the state of a service, as SQL projections.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

/// The entities that a snapshot reads.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntitiesFile {
    /// The version of this file's layout: 1.
    pub version: u32,
    /// The entities by name.
    pub entities: BTreeMap<String, EntityConfig>,
}

/// One entity: rows under a key that clients know, whatever the schema version stores them in.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntityConfig {
    /// The columns that name a row: what clients sent, never what the database made.
    pub key: Vec<String>,
    /// The projection, where one serves every schema version.
    pub sql: Option<String>,
    /// The projection for each schema version.
    #[serde(default)]
    pub schemas: BTreeMap<String, ProjectionConfig>,
    /// Columns of the projection that are not compared and not kept.
    #[serde(default)]
    pub ignore: Vec<String>,
}

/// One projection.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectionConfig {
    /// A query; its columns are the entity's.
    pub sql: String,
}

impl EntitiesFile {
    /// Reads and checks the file at `path`.
    pub fn load(path: &Path) -> Result<Self, super::Error> {
        let file: Self = super::load(KIND, path)?;
        file.check(&path.display().to_string())?;
        Ok(file)
    }

    /// Reads and checks `text`, which stands in the file `name`.
    pub fn parse(name: &str, text: &str) -> Result<Self, super::Error> {
        let file: Self = super::parse(KIND, name, text)?;
        file.check(name)?;
        Ok(file)
    }

    fn check(&self, name: &str) -> Result<(), super::Error> {
        let invalid = |place: String, problem: &str| super::Error::invalid(KIND, name, place, problem);
        if self.version != 1 {
            return Err(invalid(format!("version {}", self.version), "this release reads version 1"));
        }
        for (entity, config) in &self.entities {
            let place = format!("entity `{entity}`");
            if entity.is_empty() || !entity.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.')) {
                return Err(invalid(place, "a name holds letters, digits, `_`, `-` and `.` only"));
            }
            if config.key.is_empty() {
                return Err(invalid(place, "its key is empty; name the columns that tell its rows apart"));
            }
            if config.sql.is_none() && config.schemas.is_empty() {
                return Err(invalid(place, "it has no `sql`, neither of its own nor under `schemas`"));
            }
            if config.sql.is_some() && !config.schemas.is_empty() {
                return Err(invalid(place, "it has both `sql` and `schemas`; one of them would be ignored"));
            }
            if let Some(column) = config.key.iter().find(|column| config.ignore.contains(column)) {
                return Err(invalid(place, &format!("the key column `{column}` is also ignored")));
            }
        }
        Ok(())
    }
}

const KIND: &str = "entities";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seam::Explain;

    #[test]
    fn reads_and_refuses() {
        let cases = [
            ("version: 1\nentities: {a: {key: [id], sql: select 1 as id}}", Ok(())),
            ("version: 1\nentities: {a: {key: [id], schemas: {v1: {sql: select 1 as id}}, ignore: [x]}}", Ok(())),
            ("version: 2\nentities: {}", Err("this release reads version 1")),
            ("version: 1\nentities: {a: {key: [], sql: x}}", Err("its key is empty")),
            ("version: 1\nentities: {a: {key: [id]}}", Err("it has no `sql`")),
            ("version: 1\nentities: {a: {key: [id], sql: x, schemas: {v1: {sql: y}}}}", Err("both `sql` and `schemas`")),
            ("version: 1\nentities: {a: {key: [id], sql: x, ignore: [id]}}", Err("also ignored")),
            ("version: 1\nentities: {../a: {key: [id], sql: x}}", Err("a name holds")),
        ];
        for (text, expected) in cases {
            match (EntitiesFile::parse("e.yaml", text), expected) {
                (Ok(_), Ok(())) => {}
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (result, _) => panic!("{text}: {:?}", result.map(|_| ())),
            }
        }
    }

    #[test]
    fn an_unknown_key_names_its_line_and_neighbour() {
        let error = EntitiesFile::parse("e.yaml", "version: 1\nentities:\n  a:\n    key: [id]\n    sq: select 1\n").expect_err("unknown key");
        assert!(error.to_string().contains("line 5"), "{error}");
        assert!(error.hint().expect("a hint").contains("did you mean `sql`?"));
    }
}
