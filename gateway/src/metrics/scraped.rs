//! What is looked up when it is asked for.

use std::fmt;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::process;
use crate::gateway::Gateway;
use crate::memory::Memory;
use crate::sink::Census;

type Number = Gauge<u64, AtomicU64>;
type Seconds = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfApp {
    app: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Heard {
    app: String,
    heard: &'static str,
}

/// Everything, in the text format of Prometheus.
pub(super) async fn text(gateway: &Gateway) -> Result<String, fmt::Error> {
    let apps = gateway.apps.iter().cloned().collect();
    let counted = gateway.metrics.censuses.of(apps).await;
    let mut text = String::new();
    gateway.metrics.write(&mut text)?;
    let mut registry = Registry::default();
    memory(gateway, &mut registry);
    batches(gateway, &mut registry);
    devices(&counted, &mut registry);
    prometheus_text::encode(&mut text, &registry)?;
    Ok(text)
}

fn memory(gateway: &Gateway, registry: &mut Registry) {
    let mut number = |name: &str, help: &str, value: u64| {
        let gauge = Number::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    let used = gateway.memory.used() as u64;
    number(
        "realm_ingest_memory_used_bytes",
        "Bytes that requests hold of the memory for bodies and answers",
        used,
    );
    number(
        "realm_ingest_memory_limit_bytes",
        "Bytes that requests may hold together",
        Memory::LIMIT as u64,
    );
    if let Some(resident) = process::resident_bytes() {
        number(
            "process_resident_memory_bytes",
            "Bytes of memory that the process has",
            resident,
        );
    }
}

fn batches(gateway: &Gateway, registry: &mut Registry) {
    let waiting = Family::<OfApp, Number>::default();
    let longest = Family::<OfApp, Seconds>::default();
    for app in gateway.apps.iter() {
        let (metrics, of_app) = (app.ingest.metrics(), OfApp { app: app.name() });
        waiting.get_or_create(&of_app).set(metrics.waiting());
        let seconds = metrics.longest_wait().as_secs_f64();
        longest.get_or_create(&of_app).set(seconds);
    }
    registry.register(
        "realm_ingest_batches_waiting",
        "Batches that have arrived and wait for their answer",
        waiting,
    );
    registry.register(
        "realm_ingest_oldest_batch_seconds",
        "How long the oldest of these has waited, 0 when there is none",
        longest,
    );
}

fn devices(counted: &[(String, Census)], registry: &mut Registry) {
    let outboxes = Family::<Heard, Number>::default();
    let letters = Family::<OfApp, Number>::default();
    let bytes = Family::<OfApp, Number>::default();
    for (app, census) in counted {
        for (heard, count) in Census::HEARD.into_iter().zip(census.outboxes) {
            let app = app.clone();
            outboxes.get_or_create(&Heard { app, heard }).set(count);
        }
        let of_app = OfApp { app: app.clone() };
        letters.get_or_create(&of_app).set(census.dead_letters.letters);
        bytes.get_or_create(&of_app).set(census.dead_letters.bytes);
    }
    registry.register(
        "realm_ingest_outboxes",
        "Outboxes of devices by how long ago they were heard",
        outboxes,
    );
    registry.register("realm_ingest_dead_letters", "Dead letters that are kept", letters);
    registry.register(
        "realm_ingest_dead_letter_bytes",
        "Bytes of documents in dead letters that are kept",
        bytes,
    );
}
