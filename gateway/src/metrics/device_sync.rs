//! The door for existing Realm SDKs: who is connected by which versions, what waits, and whether clients are let in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Combinations of versions that are told apart at one time: what a client calls itself is its own choice.
const CLIENTS: usize = 100;

/// What is said of versions that are too many, or that a client does not tell.
const OTHER: &str = "other";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfResult {
    result: &'static str,
}

/// What became of a request to leave HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// The client is connected.
    Connected,
    /// Its token is not good.
    Denied,
    /// It asks for what is not served: another app, another protocol.
    Unsupported,
    /// The app is paused.
    Paused,
    /// It could not be looked at.
    Failed,
}

const UPGRADES: [&str; 5] = ["connected", "denied", "unsupported", "paused", "failed"];

/// See the module. Any thread may count.
#[derive(Debug)]
pub struct DeviceSync {
    connections: Gauge,
    sessions: Gauge,
    queued: Gauge,
    upgrades: [Counter; UPGRADES.len()],
    clients: Clients,
}

/// Something that is counted as long as this is there.
#[derive(Debug)]
pub struct Held {
    gauge: Gauge,
    amount: i64,
}

/// A connection, as long as it is open.
#[derive(Debug)]
pub struct Connected {
    _connection: Held,
    clients: Clients,
    versions: Versions,
}

/// What a client says it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Versions {
    core: String,
    sdk: String,
    protocol: u8,
}

/// Clones are the same.
#[derive(Clone, Debug, Default)]
struct Clients(Arc<Mutex<HashMap<Versions, u64>>>);

impl DeviceSync {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let connections = gauge(
            "realm_ingest_device_sync_connections",
            "Web sockets of Realm SDKs that are open",
        );
        let sessions = gauge(
            "realm_ingest_device_sync_sessions",
            "Files of devices that are bound on them",
        );
        let queued = gauge(
            "realm_ingest_device_sync_queued_bytes",
            "Bytes of uploads that have come by them and wait",
        );
        let family = Family::<OfResult, Counter>::default();
        let upgrades = UPGRADES.map(|result| family.get_or_create_owned(&OfResult { result }));
        registry.register(
            "realm_ingest_device_sync_upgrades",
            "Requests for such a web socket by what became of them",
            family,
        );
        let clients = Clients::default();
        registry.register(
            "realm_ingest_device_sync_clients",
            "Web sockets that are open, by the versions of realm-core, of the SDK and of the protocol",
            clients.clone(),
        );
        Self {
            connections,
            sessions,
            queued,
            upgrades,
            clients,
        }
    }

    /// A client has asked for a web socket.
    pub fn asked(&self, upgrade: Upgrade) {
        let [connected, denied, unsupported, paused, failed] = &self.upgrades;
        let counter = match upgrade {
            Upgrade::Connected => connected,
            Upgrade::Denied => denied,
            Upgrade::Unsupported => unsupported,
            Upgrade::Paused => paused,
            Upgrade::Failed => failed,
        };
        counter.inc();
    }

    /// One is open, of a client with these versions, as far as it tells.
    #[must_use]
    pub fn connected(&self, core: Option<&str>, sdk: Option<&str>, protocol: u8) -> Connected {
        let text = |text: Option<&str>| text.unwrap_or(OTHER).to_owned();
        let versions = Versions {
            core: text(core),
            sdk: text(sdk),
            protocol,
        };
        Connected {
            _connection: Held::of(&self.connections, 1),
            versions: self.clients.add(versions),
            clients: self.clients.clone(),
        }
    }

    /// A file is bound.
    #[must_use]
    pub fn session(&self) -> Held {
        Held::of(&self.sessions, 1)
    }

    /// So many bytes wait.
    #[must_use]
    pub fn queued(&self, bytes: usize) -> Held {
        Held::of(&self.queued, i64::try_from(bytes).unwrap_or(i64::MAX))
    }
}

impl Held {
    fn of(gauge: &Gauge, amount: i64) -> Self {
        gauge.inc_by(amount);
        Self {
            gauge: gauge.clone(),
            amount,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.gauge.dec_by(self.amount);
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.clients.remove(&self.versions);
    }
}

impl Clients {
    fn lock(&self) -> MutexGuard<'_, HashMap<Versions, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more. The answer is what it counts as.
    fn add(&self, versions: Versions) -> Versions {
        let mut counts = self.lock();
        let is_known = counts.len() < CLIENTS || counts.contains_key(&versions);
        let counted = if is_known {
            versions
        } else {
            Versions {
                core: OTHER.to_owned(),
                sdk: OTHER.to_owned(),
                ..versions
            }
        };
        *counts.entry(counted.clone()).or_default() += 1;
        counted
    }

    fn remove(&self, versions: &Versions) {
        let mut counts = self.lock();
        let left = counts.get_mut(versions).map(|count| {
            *count = count.saturating_sub(1);
            *count
        });
        if left == Some(0) {
            counts.remove(versions);
        }
    }
}

impl EncodeMetric for Clients {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut encode = |core: &str, sdk: &str, protocol: &str, count: u64| {
            let labels = [("core", core), ("sdk", sdk), ("protocol", protocol)];
            encoder.encode_family(&labels)?.encode_gauge(&count)
        };
        // The metric is there before the first client is.
        encode("none", "none", "none", 0)?;
        for (versions, count) in &*self.lock() {
            let protocol = versions.protocol.to_string();
            encode(&versions.core, &versions.sdk, &protocol, *count)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use prometheus_client::encoding::prometheus_text;

    use super::*;

    fn text(registry: &Registry) -> String {
        let mut text = String::new();
        prometheus_text::encode(&mut text, registry).unwrap();
        text
    }

    #[test]
    fn what_is_open_counts_until_it_is_closed() {
        let mut registry = Registry::default();
        let metrics = DeviceSync::new(&mut registry);
        let one = metrics.connected(Some("14.12.0"), Some("RealmKotlin/2.3.0"), 14);
        let other = metrics.connected(Some("14.12.0"), Some("RealmKotlin/2.3.0"), 14);
        let (session, queued) = (metrics.session(), metrics.queued(100));
        let of_kotlin =
            r#"realm_ingest_device_sync_clients{core="14.12.0",sdk="RealmKotlin/2.3.0",protocol="14"}"#;
        for line in [
            "realm_ingest_device_sync_connections 2",
            "realm_ingest_device_sync_sessions 1",
            "realm_ingest_device_sync_queued_bytes 100",
            &format!("{of_kotlin} 2"),
        ] {
            assert!(text(&registry).contains(&format!("{line}\n")), "{line}");
        }
        drop((one, session, queued));
        assert!(text(&registry).contains(&format!("{of_kotlin} 1\n")));
        drop(other);
        assert!(!text(&registry).contains(of_kotlin));
        assert!(text(&registry).contains("realm_ingest_device_sync_connections 0\n"));
        assert!(text(&registry).contains("realm_ingest_device_sync_queued_bytes 0\n"));
    }

    #[test]
    fn there_are_no_more_series_however_many_versions_clients_make_up() {
        let mut registry = Registry::default();
        let metrics = DeviceSync::new(&mut registry);
        let connect = |number: usize| metrics.connected(Some(&number.to_string()), None, 14);
        let all: Vec<_> = (0..10 * CLIENTS).map(connect).collect();
        let series = |text: String| text.matches("realm_ingest_device_sync_clients{").count();
        assert_eq!(series(text(&registry)), CLIENTS + 2);
        let others = format!(
            "{{core=\"other\",sdk=\"other\",protocol=\"14\"}} {}\n",
            9 * CLIENTS
        );
        assert!(text(&registry).contains(&others));
        drop(all);
        assert_eq!(series(text(&registry)), 1);
    }
}
