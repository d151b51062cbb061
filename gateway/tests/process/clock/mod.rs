//! Servers whose time of day is wrong for a while.

mod ahead;
mod suspended;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

/// A time of day, which a test moves.
struct Clock(TempDir);

impl Clock {
    /// One that is right.
    fn new() -> Self {
        let clock = Self(tempfile::tempdir().unwrap());
        clock.is_ahead(0);
        clock
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("seconds")
    }

    /// From now on it is ahead by so many seconds.
    fn is_ahead(&self, seconds: i64) {
        // In one step, as others read it at any moment.
        let new = self.0.path().join("new");
        fs::write(&new, seconds.to_ne_bytes()).unwrap();
        fs::rename(new, self.file()).unwrap();
    }

    /// The process that a command starts goes by it.
    fn of<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("LD_PRELOAD", shim()).env("MOVED_CLOCK", self.file())
    }
}

/// See `moved.c`.
fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("moved_clock.so");
        // Another run of the tests may be using it.
        let new = library.with_extension(std::process::id().to_string());
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/process/clock/moved.c");
        let mut compile = Command::new(std::env::var_os("CC").unwrap_or("cc".into()));
        compile.args(["-O1", "-shared", "-fPIC", source, "-o"]).arg(&new);
        assert!(compile.status().unwrap().success());
        fs::rename(new, &library).unwrap();
        library
    })
}
