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
    };
}

mod api_keys;
mod registrations;
mod sessions;
mod stores;
mod users;
