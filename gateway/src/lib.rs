//! The server that stands where App Services stood: it lets users in, takes their documents and answers once they are
//! stored.
//!
//! ```text
//! request -> http (routes; decode) -> ingest: checks -> sink (embedded: SQLite)
//!              |
//!              +-> auth -> state (users, sessions, keys, schemas)
//! ```
//!
//! [`http`] is the door: the one routing table, and the one place where errors become HTTP. [`ingest`] is the core that
//! every door feeds. [`server`] brings connections to the door.

mod app;
pub mod app_directory;
mod apps;
mod arriving;
pub mod auth;
pub mod backend;
pub mod backup;
pub mod clock;
pub mod cluster;
pub mod collection_schema;
pub mod commands;
pub mod comparison;
pub mod config;
pub mod copy;
pub mod custom_user_data;
pub mod definition;
pub mod device_sync;
pub mod ejson;
mod gateway;
pub mod http;
pub mod ids;
pub mod ingest;
pub mod integrity;
pub mod json_path;
pub mod logging;
pub mod mail;
pub mod memory;
pub mod metrics;
mod proxies;
mod public_url;
mod readiness;
mod renewed;
pub mod rules;
pub mod server;
pub mod sink;
pub mod sqlite;
pub mod state;
mod stopping;
pub mod terminal;
pub mod toml_file;
pub mod turns;
pub mod work;

pub use app::App;
pub use apps::Apps;
pub use gateway::{Gateway, SetUpError, Settings};
pub use http::{ClientAddress, app};
pub use proxies::{Network, TrustedProxies};
pub use public_url::PublicUrl;
pub use stopping::{Stop, Stopping};
