//! The committed C header is what the source says. `UPDATE_HEADER=1 cargo test --test c_header` writes it anew; its
//! diff is the review of the ABI.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test may panic"
)]

use std::path::Path;
use std::{env, fs};

#[test]
fn the_header_is_what_the_source_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let generated = without_safety_sections(&generate(root));
    let header = root.join("include/realm_ingest.h");
    if env::var_os("UPDATE_HEADER").is_some() {
        fs::write(&header, &generated).unwrap();
    }
    assert!(
        fs::read_to_string(&header).unwrap_or_default() == generated,
        "include/realm_ingest.h is not what src/ffi/capi says: run UPDATE_HEADER=1 cargo test --test c_header"
    );
    for name in entries(root) {
        assert!(
            generated.contains(&format!("{name}(")),
            "{name} is not in the header"
        );
    }
}

#[test]
fn the_cpp_headers_nest_as_deep_as_the_server_takes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let encoder = fs::read_to_string(root.join("include/cpprealm/internal/encoder.hpp")).unwrap();
    let limit = format!("max_levels = {};", realm_ingest_protocol::MAX_DEPTH);
    assert!(encoder.contains(&limit), "{limit}");
}

fn generate(root: &Path) -> String {
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    // The files that it declares as modules are read with it.
    let builder = cbindgen::Builder::new()
        .with_config(config)
        .with_src(root.join("src/ffi/capi/mod.rs"));
    let mut generated = Vec::new();
    builder
        .generate()
        .expect("the C interface is readable")
        .write(&mut generated);
    String::from_utf8(generated).unwrap()
}

/// The sections speak to Rust; to C the header's first comment says the same once.
fn without_safety_sections(header: &str) -> String {
    let mut out = Vec::<&str>::new();
    let mut inside = false;
    for line in header.lines() {
        if line.trim() == "/// # Safety" {
            inside = true;
            out.pop();
        }
        inside &= line.trim_start().starts_with("//");
        if !inside {
            out.push(line);
        }
    }
    out.join("\n") + "\n"
}

/// Every entry that any file of the interface exports.
fn entries(root: &Path) -> Vec<String> {
    let files = fs::read_dir(root.join("src/ffi/capi")).unwrap();
    let sources = files
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect::<Vec<_>>();
    let lines = sources.iter().flat_map(|source| source.lines());
    let found = lines.filter_map(|line| line.split_once("extern \"C\" fn realm_ingest_"));
    let names: Vec<_> = found.map(|(_, rest)| rest.split('(').next().unwrap()).collect();
    assert!(names.len() > 20);
    names
        .into_iter()
        .map(|name| format!("realm_ingest_{name}"))
        .collect()
}
