//! What a process does that plays the other part in a test, on a disk that is watched.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use crate::common::as_other_part;
use crate::disk::{Place, Recorded};

/// A call that fails: one of the variables that the shim knows, and its value.
pub type Failing<'a> = (&'a str, &'a str);

/// Runs `test` as another process, with these files in its folder.
pub fn record(test: &str, files: &BTreeMap<PathBuf, Vec<u8>>, failing: Option<Failing<'_>>) -> Recorded {
    recorded_on(Place::new(files), test, failing)
}

/// Runs `test` as another process on this disk, with a variable of its own.
pub fn recorded_on(place: Place, test: &str, variable: Option<(&str, &str)>) -> Recorded {
    let mut command = Command::new(std::env::current_exe().unwrap());
    as_other_part(&mut command, test, &place.folder.join("default.realm"));
    place.watch(&mut command);
    let output = command.envs(variable).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    place.recorded()
}
