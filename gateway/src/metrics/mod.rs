//! What the gateway counts of itself, for an operator's monitoring: in the text format of Prometheus, on a listener of its own.
//!
//! Who counts is handed its counters when it is made, so counting is adding to an atomic number. What is known elsewhere (memory,
//! devices, dead letters) is looked up when it is asked for, see `scraped.rs`. Label values are of fixed sets: routes, statuses,
//! providers and codes of the gateway itself, and apps that the operator has named.

mod census;
mod device_sync;
mod histogram;
mod ingest;
mod logins;
mod process;
mod requests;
mod router;
mod scraped;
mod waiting;

pub use device_sync::{Connected, DeviceSync, Held, Upgrade};
pub use ingest::{Arrived, IngestMetrics};
pub use logins::Logins;
pub use requests::{Requests, Running};
pub use router::router;

use std::fmt;
use std::sync::Arc;

use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::clock;
use census::Censuses;
use ingest::IngestFamilies;

/// See the module. Any thread may use it.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Requests by route and status.
    pub requests: Requests,
    /// Log-ins by provider and result.
    pub logins: Logins,
    /// The web sockets of Realm SDKs.
    pub device_sync: DeviceSync,
    ingest: IngestFamilies,
    censuses: Censuses,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("realm_ingest_build", "Version of the gateway", version);
        let started: Gauge = Gauge::default();
        started.set(clock::unix_seconds());
        registry.register(
            "process_start_time_seconds",
            "When the process started, in seconds since 1970",
            started,
        );
        Self {
            requests: Requests::new(&mut registry),
            logins: Logins::new(&mut registry),
            device_sync: DeviceSync::new(&mut registry),
            ingest: IngestFamilies::new(&mut registry),
            censuses: Censuses::default(),
            registry,
        }
    }
}

impl Metrics {
    /// The counters of one app; the same for the same name.
    #[must_use]
    pub fn of_app(&self, name: &str) -> Arc<IngestMetrics> {
        Arc::new(self.ingest.of(name))
    }

    /// What was counted so far.
    fn write(&self, text: &mut String) -> fmt::Result {
        prometheus_text::encode(text, &self.registry)
    }
}

/// The count of what `is` in the table, or else that of all others.
fn count_of<'c, K, C>(table: &[K], counts: &'c [C], other: &'c C, is: impl FnMut(&K) -> bool) -> &'c C {
    let at = table.iter().position(is);
    at.and_then(|at| counts.get(at)).unwrap_or(other)
}
