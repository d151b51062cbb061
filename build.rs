//! Compiles the C++ half of the bridge into the archive. cxx leaves the generated headers in
//! `<target folder>/cxxbridge`, where CMake picks them up.

fn main() {
    println!("cargo::rerun-if-changed=src/ffi/bridge.rs");
    println!("cargo::rerun-if-changed=include/cpprealm/internal/observer.hpp");

    cxx_build::bridge("src/ffi/bridge.rs")
        .std("c++17")
        .include("include")
        .compile("realm-ingest-bridge");
}
