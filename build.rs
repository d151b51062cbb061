//! Compiles the C++ half of the bridge, and what of the C++ headers is the same for every program, into the archive. cxx
//! leaves the generated headers in `<target folder>/cxxbridge`, where CMake picks them up.

use std::{env, fs, path::Path};

/// `cpp/`, `.hpp` and `.cpp` each: what the headers in `include/` declare and do not define.
const UNITS: [&str; 9] = [
    "call_status",
    "declared_classes",
    "object_ids",
    "owned_callbacks",
    "realm_checks",
    "realm_instance",
    "recorded_transaction",
    "schema_checks",
    "value_refusals",
];

fn main() {
    println!("cargo::rerun-if-changed=src/ffi/bridge.rs");
    println!("cargo::rerun-if-changed=include/cpprealm");
    println!("cargo::rerun-if-changed=cpp");

    let mut build = cxx_build::bridge("src/ffi/bridge.rs");
    build.std("c++17").include("include").include(bridge_folder());
    // Newer releases of GCC see in cxx's vectors what is not so.
    build.flag_if_supported("-Wno-maybe-uninitialized");
    for unit in UNITS {
        build.file(format!("cpp/{unit}.cpp"));
    }
    if env::var("OPT_LEVEL").is_ok_and(|level| level == "z") {
        // Each object that is written passes through it.
        build.opt_level(2);
    }
    build.compile("realm-ingest-bridge");
}

/// A folder in which the generated header has the name by which the headers know it.
fn bridge_folder() -> String {
    let folder = env::var("OUT_DIR").unwrap_or_default() + "/include";
    let internal = Path::new(&folder).join("cpprealm/internal");
    let forward = "#pragma once\n#include \"realm-ingest/src/ffi/bridge.rs.h\"\n";
    if let Err(error) =
        fs::create_dir_all(&internal).and_then(|()| fs::write(internal.join("bridge.hpp"), forward))
    {
        println!("cargo::error=cannot write to {folder}: {error}");
    }
    folder
}
