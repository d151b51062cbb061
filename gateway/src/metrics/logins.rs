//! Log-ins by provider and result.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::count_of;
use crate::state::Provider;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    provider: &'static str,
    result: &'static str,
}

/// What became of a log-in: whoever it was is let in; is not; came too often; is not understood or not served; could not be
/// looked at.
const RESULTS: [&str; 5] = ["ok", "denied", "limited", "invalid", "failed"];

/// See the module.
#[derive(Debug)]
pub struct Logins {
    by_provider: [[Counter; RESULTS.len()]; Provider::ALL.len()],
    other: [Counter; RESULTS.len()],
}

impl Logins {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let family = Family::<Labels, Counter>::default();
        let of = |provider| RESULTS.map(|result| family.get_or_create_owned(&Labels { provider, result }));
        let by_provider = Provider::ALL.map(|provider| of(provider.as_str()));
        let other = of("other");
        registry.register(
            "realm_ingest_logins",
            "Log-ins and links by provider and result",
            family,
        );
        Self { by_provider, other }
    }

    /// One with this provider, or none that is known, was answered with this status.
    pub fn answered(&self, provider: Option<Provider>, status: u16) {
        let [ok, denied, limited, invalid, failed] =
            count_of(&Provider::ALL, &self.by_provider, &self.other, |known| {
                Some(*known) == provider
            });
        let result = match status {
            0..400 => ok,
            401 | 403 => denied,
            429 => limited,
            400..500 => invalid,
            _ => failed,
        };
        result.inc();
    }
}
