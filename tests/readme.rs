//! The program in README is the file under examples/ that it names, to the letter.

#![allow(clippy::expect_used, reason = "a test may fail by panicking")]

use std::fs;
use std::path::Path;

#[test]
fn the_program_in_readme_is_the_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).expect("README.md");
    let example = fs::read_to_string(root.join("examples/quickstart.cpp")).expect("quickstart.cpp");
    assert!(
        readme.contains(&format!("```cpp\n{example}```\n")),
        "README.md does not show examples/quickstart.cpp as it is"
    );
}
