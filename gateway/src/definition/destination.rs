//! Where the documents of a class go in MongoDB.

use super::collections::{DEFAULT_NAME, TimeSeries};
use super::{Definition, Sync};

/// The database of classes that devices bring to an app that names none.
pub const DEFAULT_DATABASE: &str = "realm_ingest_data";

/// A collection of a database of a data source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination<'a> {
    /// Name of the data source.
    pub data_source: &'a str,
    /// The database.
    pub database: &'a str,
    /// The collection.
    pub collection: &'a str,
    /// Set where it is a time-series collection.
    pub time_series: Option<&'a TimeSeries>,
}

impl Destination<'_> {
    /// Whether the database lets no two documents have one `_id`. A time-series collection does.
    #[must_use]
    pub const fn has_unique_ids(&self) -> bool {
        self.time_series.is_none()
    }
}

impl Definition {
    /// Every database that has documents of the app.
    pub fn databases(&self) -> impl Iterator<Item = &str> {
        let described = self.data_sources.values().flat_map(|source| &source.collections);
        let users = self.custom_user_data.iter().map(|users| users.database.as_str());
        let brought = self.sync.database.as_deref().unwrap_or(DEFAULT_DATABASE);
        described
            .map(|one| one.database.as_str())
            .chain(users)
            .chain([brought])
    }

    /// Where documents of a class go: to the collection that is described with this title, or else to one with the class's name
    /// in the database of classes that devices bring.
    #[must_use]
    pub fn destination<'a>(&'a self, class: &'a str) -> Destination<'a> {
        let Sync {
            data_source,
            database,
            ..
        } = &self.sync;
        let described = self.collection_of(class);
        Destination {
            data_source: data_source.as_deref().unwrap_or(DEFAULT_NAME),
            database: described.map_or_else(
                || database.as_deref().unwrap_or(DEFAULT_DATABASE),
                |one| &one.database,
            ),
            collection: described.map_or(class, |one| &one.name),
            time_series: described.and_then(|one| one.time_series.as_ref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_that_a_device_brings_goes_to_a_collection_of_its_name() {
        let mut definition = Definition::development(None);
        let default = definition.destination("Reading");
        assert_eq!(
            (default.data_source, default.database, default.collection),
            ("mongodb-atlas", DEFAULT_DATABASE, "Reading")
        );
        assert!(default.has_unique_ids());
        definition.sync.database = Some("weather".to_owned());
        assert_eq!(definition.destination("Reading").database, "weather");
    }
}
