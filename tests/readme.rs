//! The programs that README and the guides show are files under examples/, to the letter.

#![allow(clippy::expect_used, reason = "a test may fail by panicking")]

use std::fs;
use std::path::Path;

#[track_caller]
fn shows(page: &str, example: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join(page)).expect(page);
    let program = fs::read_to_string(root.join("examples").join(example)).expect(example);
    assert!(
        text.contains(&format!("```cpp\n{program}```\n")),
        "{page} does not show examples/{example} as it is"
    );
}

#[test]
fn the_program_in_readme_is_the_example() {
    shows("README.md", "quickstart.cpp");
}

#[test]
fn the_program_for_a_device_is_the_example() {
    shows("docs/device.md", "device.cpp");
}
