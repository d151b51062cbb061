//! A store that stands still for batches with more than one transaction, until it is told to go on.

use std::path::Path;
use std::sync::Arc;

use realm_ingest_gateway::backend::Answer;
use realm_ingest_gateway::ingest::Batch;
use realm_ingest_gateway::sink::embedded::EmbeddedSink;
use realm_ingest_gateway::sink::{OutboxKey, Outcome, Sink};
use tokio::sync::watch;

pub struct Standing {
    sink: EmbeddedSink,
    stands: watch::Sender<bool>,
    arrived: watch::Sender<bool>,
}

impl Standing {
    pub fn over(directory: &Path) -> Arc<Self> {
        Arc::new(Self {
            sink: EmbeddedSink::open(directory).unwrap(),
            stands: watch::Sender::new(true),
            arrived: watch::Sender::new(false),
        })
    }

    /// Returns once a batch waits.
    pub async fn arrived(&self) {
        let mut arrived = self.arrived.subscribe();
        arrived.wait_for(|arrived| *arrived).await.unwrap();
    }

    pub fn go_on(&self) {
        self.stands.send_replace(false);
    }
}

impl Sink for Standing {
    fn store(&self, batch: Arc<Batch>) -> Answer<'_, Outcome> {
        Box::pin(async move {
            if batch.first() < batch.last() {
                self.arrived.send_replace(true);
                let mut stands = self.stands.subscribe();
                stands.wait_for(|stands| !*stands).await.unwrap();
            }
            self.sink.store(batch).await
        })
    }

    fn position(&self, outbox: &OutboxKey) -> Answer<'_, i64> {
        self.sink.position(outbox)
    }

    fn probe(&self) -> Answer<'_, ()> {
        self.sink.probe()
    }
}
