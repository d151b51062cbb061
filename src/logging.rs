//! Hands `log` records of this library to the application's own logger, with the level numbers Realm uses.
//!
//! The global logger is installed with the first sink, so a Rust program that has its own keeps it. Sinks are called
//! from any thread.

use std::sync::{Arc, OnceLock, RwLock};

use log::{Level, LevelFilter, Log, Metadata, Record};

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
    let host = HOST.get_or_init(|| Host { installed: RwLock::new(None) });
    let filter = match (&sink, threshold) {
        (None, _) | (_, 7..) => LevelFilter::Off,
        (_, 0..=1) => LevelFilter::Trace,
        (_, 2) => LevelFilter::Debug,
        (_, 3..=4) => LevelFilter::Info,
        (_, 5) => LevelFilter::Warn,
        (_, 6) => LevelFilter::Error,
    };
    // The former sink is dropped outside the lock: its destructor belongs to the application and may log.
    let former = match host.installed.write() {
        Ok(mut installed) => std::mem::replace(&mut *installed, sink.map(|sink| Installed { sink, threshold })),
        Err(poisoned) => {
            std::mem::replace(&mut *poisoned.into_inner(), sink.map(|sink| Installed { sink, threshold }))
        }
    };
    drop(former);
    if log::set_logger(host).is_ok() || std::ptr::eq(log::logger() as *const _ as *const u8, host as *const _ as *const u8)
    {
        log::set_max_level(filter);
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
        let level = number(record.level());
        let sink = match self.installed.read() {
            Ok(installed) => installed.as_ref().filter(|it| level >= it.threshold).map(|it| it.sink.clone()),
            Err(_) => None,
        };
        if let Some(sink) = sink {
            sink(level, &record.args().to_string());
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
        set_sink(Some(Arc::new(move |level, text: &str| into.lock().unwrap().push((level, text.to_owned())))), 5);
        log::warn!(target: "ingest::test-log", "first");
        log::info!(target: "ingest::test-log", "below the threshold");
        log::error!(target: "someone::else", "not ours");
        log::error!(target: "ingest::test-log", "second");
        set_sink(None, 0);
        log::error!(target: "ingest::test-log", "after it was removed");
        let seen: Vec<_> = seen.lock().unwrap().drain(..).collect();
        assert_eq!(
            seen.iter().filter(|(_, text)| ["first", "second"].contains(&text.as_str())).count(),
            2,
            "{seen:?}"
        );
        assert!(!seen.iter().any(|(_, text)| text.starts_with("after") || text.starts_with("below") || text == "not ours"));
    }
}
