//! What the sinks say of devices and dead letters. Counting them reads as many rows as there are devices, so it is done once for all
//! who ask within a while.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::warn;

use crate::app::App;
use crate::clock;
use crate::sink::Census;

/// How long an answer holds: several scrapes.
const HOLDS: Duration = Duration::from_secs(60);

/// How long a scrape waits for it. It goes on, for a later one.
const WAIT: Duration = Duration::from_secs(3);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Censuses {
    last: Arc<Mutex<Option<(Instant, Counted)>>>,
}

/// By name of the app; apps whose sink does not say are left out.
pub(super) type Counted = Arc<[(String, Census)]>;

impl Censuses {
    /// Of these apps; none where that takes too long.
    pub async fn of(&self, apps: Vec<Arc<App>>) -> Counted {
        let last = Arc::clone(&self.last);
        let counted = async {
            let mut last = last.lock_owned().await;
            if let Some((since, counted)) = &*last
                && since.elapsed() < HOLDS
            {
                return Arc::clone(counted);
            }
            // Not begun again because nobody waits any more.
            let task = tokio::spawn(async move {
                let counted = count(apps).await;
                *last = Some((Instant::now(), Arc::clone(&counted)));
                counted
            });
            task.await.unwrap_or_default()
        };
        tokio::time::timeout(WAIT, counted).await.unwrap_or_default()
    }
}

async fn count(apps: Vec<Arc<App>>) -> Counted {
    let mut counted = Vec::with_capacity(apps.len());
    for app in apps {
        match app.sink.census(app.domain(), clock::unix_millis()).await {
            Ok(Some(census)) => counted.push((app.name(), census)),
            Ok(None) => {}
            Err(error) => warn!(app = app.name(), %error, "devices and dead letters could not be counted"),
        }
    }
    counted.into()
}
