//! Data Ingest for devices: a durable outbox and an uploader behind the C++ API that Realm's users know.
//!
//! ```text
//! C++ struct --> BSON bytes --> bridge --> outbox row --> batch --> HTTP --> gateway --> sink
//! macros.hpp     bson_writer    src/ffi    src/outbox     src/uploader      gateway/src
//! ```
//!
//! Data goes one way, and each stage knows only the one it feeds. [`realm::Realm`] joins an outbox and its session;
//! [`app::App`] holds the users whose data it is.

mod calls;
#[cfg(not(any(test, feature = "testing")))]
mod clock;
mod decimal;
mod ejson;
mod ffi;
mod process;
mod transaction;
mod waited_for;
mod watch;

pub mod app;
#[cfg(any(test, feature = "testing"))]
pub mod clock;
pub mod error;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod logging;
pub mod outbox;
pub mod realm;
pub mod transport;
pub mod uploader;

pub use error::{Code, CompensatingWrite, Error, Result, SyncError};
pub use process::shutdown;
