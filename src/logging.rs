//! Hands `log` records of this library to the application's own logger, with the level numbers Realm uses.
//!
//! The global logger is installed with the first sink, so a Rust program that has its own keeps it. Sinks are called
//! from any thread; what is logged on a thread while it is in one is left out.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::waited_for;

/// Receives a level (1 trace, 2 debug, 4 info, 5 warn, 6 error) and the text.
pub type Sink = Arc<dyn Fn(u8, &str) + Send + Sync>;

struct Installed {
    sink: Sink,
    threshold: u8,
}

struct Host {
    installed: RwLock<Option<Installed>>,
}

static HOST: OnceLock<Host> = OnceLock::new();
/// The global logger is ours and not one that a Rust program set before.
static INSTALLED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// This thread is in a sink.
    static SINKING: Cell<bool> = const { Cell::new(false) };
}

/// This thread is in a sink until this is dropped, also by a panic.
struct Sinking;

impl Sinking {
    fn begin() -> Option<Sinking> {
        (!SINKING.replace(true)).then(|| Sinking)
    }
}

impl Drop for Sinking {
    fn drop(&mut self) {
        SINKING.set(false);
    }
}

fn number(level: Level) -> u8 {
    match level {
        Level::Trace => 1,
        Level::Debug => 2,
        Level::Info => 4,
        Level::Warn => 5,
        Level::Error => 6,
    }
}

/// Replaces the sink. Records below `threshold` (Realm's numbers, 0 all to 8 off) are not made at all.
pub fn set_sink(sink: Option<Sink>, threshold: u8) {
    let host = HOST.get_or_init(|| Host {
        installed: RwLock::new(None),
    });
    let filter = if sink.is_some() {
        filter(threshold)
    } else {
        LevelFilter::Off
    };
    let former = {
        let mut installed = host.installed.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *installed, sink.map(|sink| Installed { sink, threshold }))
    };
    // Outside the lock: its destructor belongs to the application and may log.
    drop(former);
    if log::set_logger(host).is_ok() || INSTALLED.load(Ordering::Relaxed) {
        INSTALLED.store(true, Ordering::Relaxed);
        log::set_max_level(filter);
    }
}

/// Changes the threshold of the sink that is installed.
pub fn set_threshold(threshold: u8) {
    let Some(host) = HOST.get() else { return };
    let mut installed = host.installed.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(installed) = &mut *installed {
        installed.threshold = threshold;
        if INSTALLED.load(Ordering::Relaxed) {
            log::set_max_level(filter(threshold));
        }
    }
}

fn filter(threshold: u8) -> LevelFilter {
    match threshold {
        0..=1 => LevelFilter::Trace,
        2 => LevelFilter::Debug,
        3..=4 => LevelFilter::Info,
        5 => LevelFilter::Warn,
        6 => LevelFilter::Error,
        7.. => LevelFilter::Off,
    }
}

impl Log for Host {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("ingest")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        // A sink that uses the library would be told of that, and of what it does then, without end.
        let Some(_sinking) = Sinking::begin() else { return };
        let level = number(record.level());
        let sink = {
            let installed = self.installed.read().unwrap_or_else(PoisonError::into_inner);
            installed
                .as_ref()
                .filter(|it| level >= it.threshold)
                .map(|it| it.sink.clone())
        };
        if let Some(sink) = sink {
            waited_for::run(|| sink(level, &record.args().to_string()));
        }
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use std::sync::{Arc, Mutex};

    use super::set_sink;

    #[test]
    fn a_sink_gets_our_records_with_realm_levels_and_nothing_below_its_threshold() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = seen.clone();
        set_sink(
            Some(Arc::new(move |level, text: &str| {
                into.lock().unwrap().push((level, text.to_owned()))
            })),
            5,
        );
        log::warn!(target: "ingest::test-log", "first");
        log::info!(target: "ingest::test-log", "below the threshold");
        log::error!(target: "someone::else", "not ours");
        log::error!(target: "ingest::test-log", "second");
        set_sink(None, 0);
        log::error!(target: "ingest::test-log", "after it was removed");
        let seen: Vec<_> = seen.lock().unwrap().drain(..).collect();
        assert_eq!(
            seen.iter()
                .filter(|(_, text)| ["first", "second"].contains(&text.as_str()))
                .count(),
            2,
            "{seen:?}"
        );
        assert!(
            !seen.iter().any(|(_, text)| text.starts_with("after")
                || text.starts_with("below")
                || text == "not ours")
        );
    }
}
