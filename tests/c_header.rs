//! The committed C header is what the source says. `UPDATE_HEADER=1 cargo test --test c_header` writes it anew.
//!
//! tests/c_abi/declarations has what programs were built with: a declaration that changes or goes is a change that breaks them,
//! and is seen as one. `UPDATE_ABI=1 cargo test --test c_header` writes it anew; its diff is the review of the ABI.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test may panic"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

#[path = "c_header/csharp.rs"]
mod csharp;

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
fn what_programs_are_built_with_is_what_was_recorded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let header = without_safety_sections(&generate(root));
    let declared = declarations(&header);
    let recorded = root.join("tests/c_abi/declarations");
    if env::var_os("UPDATE_ABI").is_some() {
        fs::write(&recorded, &declared).unwrap();
    }
    let former = fs::read_to_string(&recorded).unwrap_or_default();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (now, before) = (lines(&declared), lines(&former));
    let gone: Vec<_> = before.difference(&now).collect();
    let come: Vec<_> = now.difference(&before).collect();
    assert!(
        former == declared,
        "the C ABI is not the one that was recorded. Gone, which breaks programs: {gone:#?}; new: {come:#?}. Raise the upper \
         half of REALM_INGEST_ABI_VERSION, and the major version, for what goes or changes once it was released, and the lower \
         half for what comes; then record it: UPDATE_ABI=1 cargo test --test c_header"
    );
}

#[test]
fn each_declaration_says_its_threads_and_whose_things_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let header = without_safety_sections(&generate(root));
    let mut comment = String::new();
    for line in header.lines() {
        let begins = line.starts_with("typedef ") || line.contains(" realm_ingest_") && line.contains('(');
        if let Some(text) = line.strip_prefix("//") {
            comment.push_str(text);
            continue;
        }
        // A code is a number.
        if begins && !line.starts_with(' ') && !line.ends_with(" realm_ingest_code;") {
            for part in ["Threads: ", "Ownership: "] {
                assert!(comment.contains(part), "no \"{part}\" above {line}");
            }
        }
        comment.clear();
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
        if line.trim() == "// # Safety" {
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

/// The version, the soname, and everything that a program can name, a line each.
fn declarations(header: &str) -> String {
    let code: Vec<_> = header
        .lines()
        .map(|line| line.split(" //").next().unwrap().trim())
        .filter(|line| !line.starts_with("//"))
        .collect();
    let constants = code.iter().filter_map(|line| {
        let (name, value) = line.strip_prefix("#define ")?.split_once(' ')?;
        Some(format!("#define {name} {value}"))
    });
    let without_directives: Vec<_> = code
        .iter()
        .filter(|line| !line.starts_with('#') && !line.starts_with("extern") && **line != "}")
        .copied()
        .collect();
    let text = without_directives.join(" ");
    let statements = text
        .split(';')
        .map(|statement| statement.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|statement| !statement.is_empty())
        .map(|statement| statement + ";");
    let sorted: BTreeSet<_> = constants.chain(statements).collect();
    let soname = format!("soname librealm_ingest.so.{}", env!("CARGO_PKG_VERSION_MAJOR"));
    let lines: Vec<_> = std::iter::once(soname).chain(sorted).collect();
    lines.join("\n") + "\n"
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
