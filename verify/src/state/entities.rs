//! The entities that a snapshot reads, checked.

use std::path::Path;

use reenact_formats::config::entities::EntitiesFile;

use crate::Error;

/// Which rows make up the state: those of an entities file, or of every table.
#[derive(Debug, Clone, Default)]
pub struct Entities {
    file: Option<EntitiesFile>,
}

/// How the rows of one entity are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Projection {
    pub(super) entity: String,
    pub(super) key: Vec<String>,
    pub(super) ignore: Vec<String>,
    pub(super) sql: String,
}

impl Entities {
    /// Every table with its primary key; a table without one is keyed by all its columns.
    pub const fn every_table() -> Self {
        Self { file: None }
    }

    /// Those of the file at `path`.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Ok(Self { file: Some(EntitiesFile::load(path)?) })
    }

    /// Those of `text`, which stands in the file `name`.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        Ok(Self { file: Some(EntitiesFile::parse(name, text)?) })
    }

    /// The projections for the schema version `schema`; none if every table is to be read.
    pub(super) fn projections(&self, schema: &str) -> Result<Option<Vec<Projection>>, Error> {
        let Some(file) = &self.file else { return Ok(None) };
        let projection = |(entity, config): (&String, &reenact_formats::config::entities::EntityConfig)| {
            let of_schema = || config.schemas.get(schema).map(|projection| &projection.sql);
            let sql = config.sql.as_ref().or_else(of_schema).ok_or_else(|| Error::NoProjection {
                entity: entity.clone(),
                schema: schema.to_owned(),
                known: config.schemas.keys().cloned().collect(),
            })?;
            Ok(Projection { entity: entity.clone(), key: config.key.clone(), ignore: config.ignore.clone(), sql: sql.clone() })
        };
        file.entities.iter().map(projection).collect::<Result<_, _>>().map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_chooses_the_projection() {
        let entities =
            Entities::parse("e.yaml", "version: 1\nentities:\n  a: {key: [k], sql: one}\n  b: {key: [k], schemas: {v1: {sql: old}, v2: {sql: new}}}\n")
                .unwrap();
        for (schema, expected) in [("v1", Some("old")), ("v2", Some("new")), ("v3", None)] {
            match (entities.projections(schema), expected) {
                (Ok(projections), Some(expected)) => {
                    let projections = projections.expect("a file was given");
                    assert_eq!([&projections[0].sql, &projections[1].sql], ["one", expected]);
                }
                (Err(Error::NoProjection { entity, known, .. }), None) => assert_eq!((entity.as_str(), known.len()), ("b", 2)),
                (other, _) => panic!("{schema}: {other:?}"),
            }
        }
        assert_eq!(Entities::every_table().projections("v1").unwrap(), None);
    }
}
