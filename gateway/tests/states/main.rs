//! What every state promises: one suite, run over each state there is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

/// Runs these promises over each state.
macro_rules! suite {
    ($($promise:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise::<crate::stores::Embedded>().await;
            })+
        }

        mod mongodb {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise::<crate::stores::Mongo>().await;
            })+
        }
    };
}

mod api_keys;
mod beside;
mod client_files;
mod cut_off;
mod failures;
mod imports;
mod operator;
mod overtaken;
mod registrations;
mod schemas;
#[path = "../common/mongodb.rs"]
mod server;
mod sessions;
mod stores;
mod the_database;
mod users;
