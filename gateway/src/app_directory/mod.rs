//! Reads the directory of an App Services app, in the layouts 20230101 and 20210101, into a [`Definition`].
//!
//! ```text
//! files -> JSON -> template expansion -> one module for each part -> Definition
//!    \________________\_____________________\______________________-> Report
//! ```
//!
//! All that is wrong is told at once, each with its file and place. Nothing outside the directory is read.

mod custom_user_data;
mod data_sources;
mod environments;
mod external;
mod files;
mod functions;
mod json;
mod other;
mod password;
mod providers;
mod reading;
mod relationships;
mod report;
mod root;
mod rules;
mod schemas;
mod secrets;
mod sync;
mod time_series;
mod unique;
mod values;

use std::path::Path;

use serde_json::Value;

use crate::definition::Definition;
use crate::rules::Facts;

use reading::Reading;
pub use report::{Entry, Level, Report};
pub use secrets::Secrets;

/// What became of a directory.
#[derive(Debug)]
pub struct Loaded {
    /// What is to be served; none where something was refused.
    pub definition: Option<Definition>,
    /// What is said about the directory.
    pub report: Report,
}

/// Where documents go: some of a directory holds in a database alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Store {
    /// Into a file of the gateway's own.
    #[default]
    Embedded,
    /// Into the databases and collections that the directory names.
    MongoDb,
}

/// Reads the directory, or its folder `backend` where that has the app, for the embedded store. `app_id` is the client app id if
/// the directory names none.
#[must_use]
pub fn load(directory: &Path, secrets: &Secrets, app_id: Option<&str>) -> Loaded {
    load_for(Store::default(), directory, secrets, app_id)
}

/// The same for a store of this kind.
#[must_use]
pub fn load_for(store: Store, directory: &Path, secrets: &Secrets, app_id: Option<&str>) -> Loaded {
    let mut reading = Reading::start(directory, secrets, store);
    let read = read(&mut reading, app_id);
    let mut report = reading.finish();
    report.sort();
    let definition = read.filter(|_| report.is_good());
    Loaded { definition, report }
}

/// In the order in which one part needs another.
fn read(reading: &mut Reading<'_>, app_id: Option<&str>) -> Option<Definition> {
    let layout = root::layout(reading)?;
    let environment = environments::read(reading, root::environment(reading, layout));
    reading.expand_with(environment.clone());
    let root = root::read(reading, layout, app_id);
    secrets::read_legacy(reading);
    let values = values::read(reading);
    let functions = functions::read(reading);
    let providers = providers::read(reading, &functions);
    let sources = data_sources::read(reading);
    let custom_user_data = custom_user_data::read(reading, &sources, &functions);
    let sync = sync::read(reading, &sources);
    let facts = Facts {
        user: &Value::Null,
        values: &values,
        tag: &environment.tag,
        environment: &environment.values,
    };
    let data_sources = data_sources::build(reading, &sources, &sync, &facts);
    other::read(reading);
    Some(Definition {
        client_app_id: root.client_app_id,
        name: root.name,
        deployment: root.deployment,
        allowed_origins: root.allowed_origins,
        providers,
        custom_user_data,
        sync,
        data_sources,
        values,
        environment,
        functions,
    })
}
