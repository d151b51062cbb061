//! Keys that are kept elsewhere, as they were when they were last read.
//!
//! They are read when somebody logs in and what is known is old, or has not the key he names. One reads at a time and the others
//! wait for it, for as long as a reading may take. What cannot be read leaves what is known as it is, for a day.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tracing::{info, warn};

use super::error::KeysError;
use super::fetch::fetch;
use super::jwks;
use super::key::VerificationKey;
use super::location::Location;

/// How long keys are good that cannot be read again: over a night, and not for as long as one who was thrown out would like.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// Log-ins that wait for a reading, each with its token in memory.
const WAITING: usize = 256;

/// How often keys are read.
#[derive(Clone, Copy)]
struct Pace {
    /// As long as this they are not read without a reason.
    fresh: Duration,
    /// Nor for a reason: names of keys that nobody has cost nothing to make up.
    again: Duration,
    /// Nor while there are none.
    without: Duration,
}

const OF_FILE: Pace = Pace {
    fresh: Duration::from_secs(1),
    again: Duration::from_secs(1),
    without: Duration::from_secs(1),
};

const OF_URL: Pace = Pace {
    fresh: Duration::from_secs(60 * 60),
    again: Duration::from_secs(60),
    without: Duration::from_secs(10),
};

/// The sets of all apps, each read once for all who use it. Any thread may ask.
#[derive(Default)]
pub struct KeySets {
    by_location: Mutex<HashMap<Location, Arc<KeySet>>>,
}

impl KeySets {
    /// The set there.
    pub(super) fn at(&self, location: &Location) -> Arc<KeySet> {
        let mut sets = self.by_location.lock().unwrap_or_else(PoisonError::into_inner);
        let set = sets
            .entry(location.clone())
            .or_insert_with(|| Arc::new(KeySet::new(location.clone())));
        Arc::clone(set)
    }
}

/// See the module. Any thread may ask.
pub(super) struct KeySet {
    location: Location,
    pace: Pace,
    known: Mutex<Known>,
    reading: tokio::sync::Mutex<()>,
    waiting: Semaphore,
}

#[derive(Default)]
struct Known {
    keys: Option<Keys>,
    /// When they were last read, or were to be.
    tried: Option<Instant>,
    /// Why the last reading failed.
    trouble: Option<String>,
}

#[derive(Clone)]
struct Keys {
    all: Arc<[VerificationKey]>,
    read: Instant,
}

impl Keys {
    fn has(&self, name: &str) -> bool {
        self.all.iter().any(|key| key.name() == Some(name))
    }

    fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.read)
    }
}

impl KeySet {
    /// Reads nothing yet.
    fn new(location: Location) -> Self {
        let pace = match location {
            Location::File(_) => OF_FILE,
            Location::Url(..) => OF_URL,
        };
        Self {
            location,
            pace,
            known: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            waiting: Semaphore::new(WAITING),
        }
    }

    /// The keys, read again at `now` if they are old or have none of this name.
    ///
    /// # Errors
    /// When there are none, or it cannot be told whether there is one of this name.
    pub async fn keys(
        self: &Arc<Self>,
        name: &str,
        now: Instant,
    ) -> Result<Arc<[VerificationKey]>, KeysError> {
        if self.is_due(name, now) {
            let _waiting = self.waiting.try_acquire().map_err(|_| KeysError::Busy)?;
            let (set, wanted) = (Arc::clone(self), name.to_owned());
            // A task of its own: it goes on when who asked has gone. Should it panic, there is what was known before.
            let reading = tokio::spawn(async move { set.read(&wanted, now).await });
            let _ = reading.await;
        }
        let known = self.lock();
        let keys = known.keys.clone().filter(|keys| keys.age(now) < STALE);
        match (keys, &known.trouble) {
            (Some(keys), trouble) if trouble.is_none() || keys.has(name) => Ok(keys.all),
            (_, Some(trouble)) => Err(KeysError::Unavailable(trouble.clone())),
            (_, None) => Err(KeysError::Unavailable("reading them was broken off".to_owned())),
        }
    }

    fn is_due(&self, name: &str, now: Instant) -> bool {
        let known = self.lock();
        let (wanted, pause) = match &known.keys {
            Some(keys) => (
                keys.age(now) >= self.pace.fresh || !keys.has(name),
                self.pace.again,
            ),
            None => (true, self.pace.without),
        };
        let rested = |tried| now.saturating_duration_since(tried) >= pause;
        wanted && known.tried.is_none_or(rested)
    }

    async fn read(&self, name: &str, now: Instant) {
        let _alone = self.reading.lock().await;
        // Whoever had this turn before may have read them.
        if !self.is_due(name, now) {
            return;
        }
        let text = fetch(&self.location).await.map_err(|error| error.to_string());
        let keys = text.and_then(|text| jwks::parse(&text).map_err(|error| error.to_string()));
        self.note(keys, now);
    }

    fn note(&self, found: Result<Vec<VerificationKey>, String>, now: Instant) {
        let mut known = self.lock();
        known.tried = Some(now);
        match found {
            Ok(keys) => {
                if known.trouble.take().is_some() {
                    info!(from = %self.location, "the keys that verify tokens can be read again");
                }
                known.keys = Some(Keys {
                    all: keys.into(),
                    read: now,
                });
            }
            Err(trouble) if known.trouble.as_ref() == Some(&trouble) => {}
            Err(trouble) => {
                let kept = known.keys.is_some();
                warn!(from = %self.location, kept, "the keys that verify tokens cannot be read: {trouble}");
                known.trouble = Some(trouble);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
