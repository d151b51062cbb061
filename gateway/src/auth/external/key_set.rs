//! Keys that are kept elsewhere, as they were when they were last read.
//!
//! They are read when somebody logs in. From half their life on that goes on beside the log-ins, which wait for a reading only
//! when what is known is too old, or has not the key that a token names. One reads at a time. While readings fail, the pauses
//! between them grow and one log-in waits for each; all others are answered at once by what is known.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedMutexGuard, Semaphore};
use tracing::{info, warn};

use super::error::KeysError;
use super::fetch::fetch;
use super::jwks;
use super::key::VerificationKey;
use super::location::Location;
use super::pace::Pace;

/// Log-ins that wait for a reading, each with its token in memory.
const WAITING: usize = 256;

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
    reading: Arc<tokio::sync::Mutex<()>>,
    waiting: Semaphore,
}

#[derive(Default)]
struct Known {
    keys: Option<Keys>,
    /// When they were last read, or were to be.
    tried: Option<Instant>,
    /// Why the last reading failed.
    trouble: Option<Trouble>,
}

struct Trouble {
    why: String,
    /// Readings in a row that failed.
    times: u32,
    /// When it was last logged.
    told: Instant,
}

#[derive(Clone)]
struct Keys {
    all: Arc<[VerificationKey]>,
    read: Instant,
}

/// Whether a log-in has keys to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// What is known will do.
    Nothing,
    /// It will do, and will soon be too old.
    Renewal,
    /// It will not do.
    Reading,
}

impl Keys {
    fn has(&self, name: &str) -> bool {
        self.all.iter().any(|key| key.name() == Some(name))
    }

    fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.read)
    }
}

impl Known {
    /// Those that may still verify a token.
    fn good(&self, now: Instant) -> Option<&Keys> {
        self.keys.as_ref().filter(|keys| keys.age(now) < Pace::GOOD)
    }
}

impl KeySet {
    /// Reads nothing yet.
    fn new(location: Location) -> Self {
        Self {
            pace: Pace::of(&location),
            location,
            known: Mutex::default(),
            reading: Arc::default(),
            waiting: Semaphore::new(WAITING),
        }
    }

    /// The keys, read again at `now` if they are too old or have none of this name.
    ///
    /// # Errors
    /// When there are none, or it cannot be told whether there is one of this name.
    pub async fn keys(
        self: &Arc<Self>,
        name: &str,
        now: Instant,
    ) -> Result<Arc<[VerificationKey]>, KeysError> {
        match self.need(name, now) {
            Need::Nothing => {}
            Need::Renewal => self.renew(name, now),
            Need::Reading => self.wait(name, now).await?,
        }
        let known = self.lock();
        match (known.good(now), &known.trouble) {
            (Some(keys), trouble) if trouble.is_none() || keys.has(name) => Ok(Arc::clone(&keys.all)),
            (_, Some(trouble)) => Err(KeysError::Unavailable(trouble.why.clone())),
            (_, None) => Err(KeysError::Unavailable("reading them was broken off".to_owned())),
        }
    }

    fn need(&self, name: &str, now: Instant) -> Need {
        let known = self.lock();
        let good = known.good(now);
        let need = match good {
            Some(keys) if keys.age(now) < self.pace.fresh && keys.has(name) => {
                if keys.age(now) < self.pace.early {
                    return Need::Nothing;
                }
                Need::Renewal
            }
            _ => Need::Reading,
        };
        let failures = known.trouble.as_ref().map_or(0, |trouble| trouble.times);
        let pause = self.pace.pause(good.is_some(), failures);
        let rested = |tried| now.saturating_duration_since(tried) >= pause;
        if known.tried.is_none_or(rested) {
            need
        } else {
            Need::Nothing
        }
    }

    /// Has them read beside whoever asks, unless somebody reads them.
    fn renew(self: &Arc<Self>, name: &str, now: Instant) {
        if let Ok(turn) = Arc::clone(&self.reading).try_lock_owned() {
            tokio::spawn(Arc::clone(self).read(turn, name.to_owned(), now));
        }
    }

    /// Returns when a reading has ended; at once when the last one failed and another log-in waits for the next.
    async fn wait(self: &Arc<Self>, name: &str, now: Instant) -> Result<(), KeysError> {
        let _waiting = self.waiting.try_acquire().map_err(|_| KeysError::Busy)?;
        let failing = self.lock().trouble.is_some();
        let turn = Arc::clone(&self.reading).try_lock_owned().ok();
        if failing && turn.is_none() {
            return Ok(());
        }
        let (set, name) = (Arc::clone(self), name.to_owned());
        // A task of its own: it goes on when who asked has gone. Should it panic, there is what was known before.
        let reading = tokio::spawn(async move {
            let turn = match turn {
                Some(turn) => turn,
                None => {
                    let turn = Arc::clone(&set.reading).lock_owned().await;
                    if set.lock().trouble.is_some() {
                        return;
                    }
                    turn
                }
            };
            set.read(turn, name, now).await;
        });
        let _ = reading.await;
        Ok(())
    }

    async fn read(self: Arc<Self>, turn: OwnedMutexGuard<()>, name: String, now: Instant) {
        // Whoever had this turn before may have read them.
        if self.need(&name, now) != Need::Nothing {
            let text = fetch(&self.location).await.map_err(|error| error.to_string());
            let keys = text.and_then(|text| jwks::parse(&text).map_err(|error| error.to_string()));
            self.note(keys, now);
        }
        drop(turn);
    }

    fn note(&self, found: Result<Vec<VerificationKey>, String>, now: Instant) {
        let mut known = self.lock();
        known.tried = Some(now);
        let why = match found {
            Ok(keys) => {
                if known.trouble.take().is_some() {
                    info!(from = %self.location, "the keys that verify tokens can be read again");
                }
                known.keys = Some(Keys {
                    all: keys.into(),
                    read: now,
                });
                return;
            }
            Err(why) => why,
        };
        let before = known.trouble.take();
        let times = before.as_ref().map_or(0, |before| before.times).saturating_add(1);
        let pause = self.pace.pause(known.good(now).is_some(), times);
        let silent = before.filter(|before| {
            before.why == why && now.saturating_duration_since(before.told) < self.pace.silence
        });
        if silent.is_none() {
            let what = if known.good(now).is_some() {
                "those known before are good until they are an hour old"
            } else {
                "nobody is let in by them"
            };
            let again = pause.as_secs();
            warn!(from = %self.location, again, "the keys that verify tokens cannot be read, {what}: {why}");
        }
        known.trouble = Some(Trouble {
            why,
            times,
            told: silent.map_or(now, |before| before.told),
        });
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
