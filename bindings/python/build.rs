//! Gives maturin the C header in the form that cffi reads. maturin looks for it in cargo's target folder.
#![allow(clippy::unwrap_used, reason = "a build script fails by panicking")]

use std::path::{Path, PathBuf};
use std::{env, fs};

const HEADER: &str = "../../include/realm_ingest.h";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={HEADER}");
    let file = target_folder().join("header.h");
    println!("cargo::rerun-if-changed={}", file.display());
    let declarations = without_preprocessor(&fs::read_to_string(HEADER).unwrap());
    // A file that is newer than the last run is a reason for the next one.
    if fs::read_to_string(&file).ok().as_ref() != Some(&declarations) {
        fs::write(file, declarations).unwrap();
    }
}

/// cargo marks the folder with a file.
fn target_folder() -> PathBuf {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    let is_target = |folder: &&Path| folder.join("CACHEDIR.TAG").exists();
    out.ancestors().find(is_target).unwrap().to_owned()
}

/// cffi knows `#define` of numbers, and nothing else of the preprocessor. What C++ alone sees goes, too.
fn without_preprocessor(header: &str) -> String {
    let mut declarations = String::new();
    let mut for_cpp = false;
    for line in header.lines() {
        let directive = line.trim_start().starts_with('#');
        let number = line.starts_with("#define REALM_INGEST_") && line.split(' ').count() == 3;
        if directive && !number {
            for_cpp = line.starts_with("#ifdef __cplusplus");
        } else if !for_cpp {
            declarations += &line.replace("UINT64_MAX", "0xFFFFFFFFFFFFFFFF");
            declarations.push('\n');
        }
    }
    declarations
}
