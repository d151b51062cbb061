//! The declarations for C# are what the source says, too. `UPDATE_HEADER=1 cargo test --test c_header` writes them anew.

use std::path::Path;
use std::{env, fs};

const COMMITTED: &str = "bindings/csharp/Native.g.cs";

#[test]
fn the_declarations_for_csharp_are_what_the_source_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let generated = without_safety_sections(&generate(root));
    if env::var_os("UPDATE_HEADER").is_some() {
        fs::write(root.join(COMMITTED), &generated).unwrap();
    }
    assert!(
        fs::read_to_string(root.join(COMMITTED)).unwrap_or_default() == generated,
        "{COMMITTED} is not what src/ffi/capi says: run UPDATE_HEADER=1 cargo test --test c_header"
    );
    for name in super::entries(root) {
        assert!(
            generated.contains(&format!(" {name}(")),
            "{name} is not in {COMMITTED}"
        );
    }
}

fn generate(root: &Path) -> String {
    let mut builder = csbindgen::Builder::new()
        .csharp_dll_name("realm_ingest")
        .csharp_namespace("RealmIngest")
        .csharp_class_name("Native")
        // Delegates and UIntPtr, which every C# has.
        .csharp_use_function_pointer(false)
        .csharp_use_nint_types(false)
        .csharp_generate_const_filter(|name| name.starts_with("REALM_INGEST_"));
    let files = fs::read_dir(root.join("src/ffi/capi")).unwrap();
    let mut sources: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    sources.sort();
    for source in sources {
        builder = builder.input_extern_file(source);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Native.g.cs");
    builder
        .generate_csharp_file(&file)
        .expect("the C interface is readable");
    fs::read_to_string(file).unwrap()
}

/// The sections speak to Rust; the header's first comment says the same once.
fn without_safety_sections(declarations: &str) -> String {
    let mut out = Vec::<&str>::new();
    let mut inside = false;
    for line in declarations.lines() {
        if line.trim_start_matches([' ', '/']) == "# Safety" {
            inside = true;
            out.pop();
        }
        inside &= !line.ends_with("</summary>");
        if !inside {
            out.push(line);
        }
    }
    out.join("\n") + "\n"
}
