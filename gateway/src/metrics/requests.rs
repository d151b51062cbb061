//! Requests by route and status.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::count_of;

/// Routes that are told apart; more than the routing table has.
const ROUTES: usize = 64;

/// What has no route, or no status of these.
const OTHER: &str = "other";

/// Every status that the gateway answers with.
const STATUSES: [(u16, &str); 18] = [
    (101, "101"),
    (200, "200"),
    (201, "201"),
    (204, "204"),
    (307, "307"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (408, "408"),
    (409, "409"),
    (413, "413"),
    (415, "415"),
    (421, "421"),
    (429, "429"),
    (500, "500"),
    (503, "503"),
];

/// See the module. Clones are the same.
#[derive(Clone, Debug)]
pub struct Requests(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Filled from the front as routes are first asked for, so finding one is reading.
    routes: [OnceLock<Route>; ROUTES],
    other: Route,
    in_flight: AtomicU64,
}

#[derive(Debug)]
struct Route {
    template: Box<str>,
    by_status: [AtomicU64; STATUSES.len()],
    other: AtomicU64,
    /// The client went before.
    unanswered: AtomicU64,
}

/// A request until it is answered.
#[derive(Debug)]
pub struct Running<'r> {
    requests: &'r Inner,
    route: &'r Route,
    answered: bool,
}

impl Route {
    fn new(template: &str) -> Self {
        Self {
            template: template.into(),
            by_status: std::array::from_fn(|_| AtomicU64::new(0)),
            other: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
        }
    }

    fn of(&self, status: u16) -> &AtomicU64 {
        count_of(&STATUSES, &self.by_status, &self.other, |(known, _)| {
            *known == status
        })
    }

    fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let known = STATUSES.iter().map(|(_, name)| *name).zip(&self.by_status);
        let rest = [(OTHER, &self.other), ("none", &self.unanswered)];
        let all = known.chain(rest);
        all.map(|(status, count)| (status, count.load(Ordering::Relaxed)))
            .filter(|(_, count)| *count > 0)
    }
}

impl Inner {
    fn route(&self, template: Option<&str>) -> &Route {
        let Some(template) = template else {
            return &self.other;
        };
        let mut routes = self.routes.iter();
        let found = routes.find_map(|slot| {
            let route = slot.get_or_init(|| Route::new(template));
            (*route.template == *template).then_some(route)
        });
        found.unwrap_or(&self.other)
    }
}

impl Requests {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let requests = Self(Arc::new(Inner {
            routes: [const { OnceLock::new() }; ROUTES],
            other: Route::new(OTHER),
            in_flight: AtomicU64::new(0),
        }));
        registry.register(
            "realm_ingest_requests",
            "Requests by route and status; 'none' is one whose client went before the answer",
            requests.clone(),
        );
        registry.register(
            "realm_ingest_requests_in_flight",
            "Requests that are being answered",
            InFlight(requests.clone()),
        );
        requests
    }

    /// One begins, on the route of this template.
    #[must_use]
    pub fn begin(&self, template: Option<&str>) -> Running<'_> {
        self.0.in_flight.fetch_add(1, Ordering::Relaxed);
        Running {
            requests: &self.0,
            route: self.0.route(template),
            answered: false,
        }
    }
}

impl Running<'_> {
    /// It is answered with this status.
    pub fn answered(mut self, status: u16) {
        self.answered = true;
        self.route.of(status).fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.requests.in_flight.fetch_sub(1, Ordering::Relaxed);
        if !self.answered {
            self.route.unanswered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl EncodeMetric for Requests {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let known = self.0.routes.iter().map_while(OnceLock::get);
        for route in known.chain([&self.0.other]) {
            for (status, count) in route.counts() {
                let labels = [("route", &*route.template), ("status", status)];
                let mut one = encoder.encode_family(&labels)?;
                one.encode_counter::<NoLabelSet, u64, u64>(&count, None)?;
            }
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}

#[derive(Debug)]
struct InFlight(Requests);

impl EncodeMetric for InFlight {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let now = self.0.0.in_flight.load(Ordering::Relaxed);
        encoder.encode_gauge(&now)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_more_routes_than_places_for_them() {
        let requests = Requests::new(&mut Registry::default());
        for number in 0..1_000 {
            requests.begin(Some(&format!("/{number}"))).answered(200);
        }
        let Inner { routes, other, .. } = &*requests.0;
        let of = |route: &Route| route.of(200).load(Ordering::Relaxed);
        assert_eq!(routes.iter().filter_map(OnceLock::get).map(of).sum::<u64>(), 64);
        assert_eq!(of(other), 1_000 - 64);
    }

    #[test]
    fn a_status_that_the_gateway_does_not_have_is_other() {
        let requests = Requests::new(&mut Registry::default());
        for status in 0..=999 {
            requests.begin(Some("/")).answered(status);
        }
        drop(requests.begin(Some("/")));
        let counts: Vec<_> = requests.0.route(Some("/")).counts().collect();
        assert_eq!(counts.len(), STATUSES.len() + 2);
        let rest = 1_000 - STATUSES.len() as u64;
        assert!(counts.contains(&(OTHER, rest)) && counts.contains(&("none", 1)));
        assert_eq!(requests.0.in_flight.load(Ordering::Relaxed), 0);
    }
}
