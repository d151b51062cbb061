//! Every input that is kept, through its target: `fuzz/corpus/<target>` and `fuzz/crashes/<target>`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::Path;

use realm_ingest_fuzz_targets::{ALL, target};

/// Says which input it was when one fails.
struct Running(String);

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("with {}", self.0);
        }
    }
}

fn replay(name: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut count = 0;
    for folder in ["corpus", "crashes"].map(|kept| root.join(kept).join(name)) {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let _running = Running(path.display().to_string());
            target(name)(&fs::read(&path).unwrap());
            count += 1;
        }
    }
    assert!(count > 0, "nothing is kept for {name}");
}

macro_rules! replays {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        #[test]
        fn every_target_is_replayed() {
            assert_eq!([$(stringify!($name)),*], ALL.map(|(name, _)| name));
        }
    };
}

replays! {
    acknowledgement answer app_directory batch changeset claims collection_schema device_frames document document_builder extended_json
    extended_json_text foreign_token http_body key_set outbox_file outbox_pack role schema schemas token
}
