//! What has no part in Data Ingest, and what nothing is known about.

use super::reading::Reading;

/// Folders, and what their files would have done.
const UNSERVED: [(&str, &str); 5] = [
    ("triggers", "triggers are not run"),
    (
        "https_endpoints",
        "HTTPS endpoints and the Data API are not served",
    ),
    (
        "http_endpoints",
        "HTTPS endpoints and the Data API are not served",
    ),
    ("services", "third-party services are not called"),
    (
        "log_forwarders",
        "the log is not forwarded; the gateway writes it to standard error",
    ),
];

/// Folders of which nothing is missed.
const IGNORED: [&str; 2] = ["graphql", "hosting"];

pub(super) fn read(reading: &Reading<'_>) {
    for (folder, text) in UNSERVED {
        let below = format!("{folder}/");
        let files: Vec<_> = reading.files.below(&below).collect();
        let mut any = false;
        for file in files {
            reading.files.ask(file);
            any |= file.ends_with(".json") && says_something(reading, file);
        }
        if any {
            reading.warn(folder, text);
        }
    }
    let folders = reading.files.folders_in("");
    for folder in IGNORED {
        if folders.iter().any(|found| found == folder) {
            reading.ignored(folder, "it has no part in Data Ingest");
        }
    }
    for file in reading.files.unasked() {
        // Notes and programs may lie beside; JSON that nobody reads is most often under a wrong name.
        if file.ends_with(".json") && !file.starts_with("functions/") {
            reading.warn(&file, "is no file of an app, and ignored");
        }
    }
}

/// Whether anything is configured: exports have files with an empty list, or with everything off.
fn says_something(reading: &Reading<'_>, file: &str) -> bool {
    let Some(document) = reading.document(file) else {
        return false;
    };
    let root = document.root();
    let off = root.value.get("disabled").is_some_and(|off| off == true);
    let empty = root.value.as_array().is_some_and(Vec::is_empty)
        || root.value.as_object().is_some_and(|it| it.is_empty());
    !(off || empty)
}
