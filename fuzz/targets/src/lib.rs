//! What must hold of every parser that meets the network or a file, whatever the bytes.
//!
//! Each target is a function of bytes that panics when it does not hold. libFuzzer calls them (`make fuzz`), and
//! `cargo test` calls them with every input that is kept: `fuzz/corpus` reaches what the targets can reach, `fuzz/crashes`
//! has what once failed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a finding is a panic"
)]

mod acknowledgement;
mod answer;
mod app_directory;
mod batch;
mod changeset;
mod claims;
mod collection_schema;
mod device_frames;
mod document;
mod document_builder;
mod extended_json;
mod extended_json_text;
mod foreign_token;
mod http_body;
mod key_set;
mod outbox_file;
mod outbox_pack;
mod role;
mod schema;
mod schemas;
mod token;

/// Takes bytes, and panics when something does not hold of them.
pub type Target = fn(&[u8]);

/// Every target, by the name of its folder.
pub const ALL: [(&str, Target); 21] = [
    ("acknowledgement", acknowledgement::run),
    ("answer", answer::run),
    ("app_directory", app_directory::run),
    ("batch", batch::run),
    ("changeset", changeset::run),
    ("claims", claims::run),
    ("collection_schema", collection_schema::run),
    ("device_frames", device_frames::run),
    ("document", document::run),
    ("document_builder", document_builder::run),
    ("extended_json", extended_json::run),
    ("extended_json_text", extended_json_text::run),
    ("foreign_token", foreign_token::run),
    ("http_body", http_body::run),
    ("key_set", key_set::run),
    ("outbox_file", outbox_file::run),
    ("outbox_pack", outbox_pack::run),
    ("role", role::run),
    ("schema", schema::run),
    ("schemas", schemas::run),
    ("token", token::run),
];

/// The target of this name.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn target(name: &str) -> Target {
    let found = ALL.into_iter().find(|(one, _)| *one == name);
    found.unwrap_or_else(|| panic!("there is no target '{name}'")).1
}

/// Runs it and says how many bytes it held at most at once beyond those held before; not those that libraries in C hold.
fn most_held(run: impl FnOnce()) -> u64 {
    allocation_counter::measure(run).bytes_max
}
