//! What README and docs/ show is true: each block of code is a piece, to the letter, of a file that a test compiles, runs or
//! reads; commands in an `sh` block are run. A block of `console` is what a person would type, with names of their own in
//! it, and one of `text` is no code.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail by panicking")]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the files are that tests use.
const TESTED: [&str; 6] = [
    "bindings",
    "examples",
    "gateway/src/commands/init",
    "gateway/tests/data",
    "packaging",
    "tests",
];

/// Languages of code, with how the names of their files end.
const CODE: [(&str, &[&str]); 11] = [
    ("c", &[".c"]),
    ("cmake", &["CMakeLists.txt", ".cmake"]),
    ("cpp", &[".cpp", ".hpp"]),
    ("csharp", &[".cs"]),
    ("go", &[".go"]),
    ("json", &[".json"]),
    ("python", &[".py"]),
    ("rust", &[".rs"]),
    ("sh", &[".sh"]),
    ("toml", &[".toml"]),
    ("yaml", &[".yml", ".yaml"]),
];

/// Not code, or none that could be run as it stands; `{toctree}` is the contents of the site.
const SHOWN: [&str; 3] = ["console", "text", "{toctree}"];

/// Pages whose `sh` blocks are run as they stand there, with the tests that do it.
const RUN: [&str; 3] = [
    "README.md",        // docs.readme (ctest)
    "docs/tutorial.md", // docs.tutorial (ctest)
    "docs/wire.md",     // gateway/tests/process/example.rs
];

/// Pages beside those of docs/.
const READMES: [&str; 6] = [
    "README.md",
    "bindings/csharp/README.md",
    "bindings/go/README.md",
    "bindings/python/README.md",
    "examples/README.md",
    "packaging/README.md",
];

struct Block {
    language: String,
    line: usize,
    lines: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<String> {
    let mut pages = READMES.map(str::to_owned).to_vec();
    for entry in fs::read_dir(root().join("docs")).expect("docs/") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        if name.ends_with(".md") {
            pages.push(format!("docs/{name}"));
        }
    }
    pages
}

/// The blocks between fences, without the indentation of their fence.
#[track_caller]
fn blocks(page: &str) -> Vec<Block> {
    let text = fs::read_to_string(root().join(page)).expect(page);
    let mut found = Vec::new();
    let mut open: Option<(usize, Block)> = None;
    let mut after_blank = true;
    for (number, line) in text.lines().enumerate() {
        let code = line.trim_start();
        let indentation = line.len() - code.len();
        match &mut open {
            None if code.starts_with("```") => {
                let language = code.trim_start_matches('`').split(' ').next().unwrap_or_default();
                let block = Block {
                    language: language.to_owned(),
                    line: number + 1,
                    lines: Vec::new(),
                };
                open = Some((indentation, block));
            }
            None => assert!(
                !(after_blank && indentation >= 4),
                "{page}:{}: code stands between fences that name its language",
                number + 1
            ),
            Some((_, block)) if code == "```" => {
                assert!(!block.lines.is_empty(), "{page}:{}: nothing is in it", block.line);
                found.extend(open.take().map(|(_, block)| block));
            }
            Some((outer, block)) => block
                .lines
                .push(line.get(*outer..).unwrap_or_default().to_owned()),
        }
        after_blank = line.is_empty();
    }
    assert!(open.is_none(), "{page}: a fence is not closed");
    found
}

/// All files below a folder; none where there is no such folder.
fn files(below: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(below) else { return };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Whether the lines stand one after another in the file, all of them indented further by the same.
fn is_piece(lines: &[String], of: &str) -> bool {
    let all: Vec<&str> = of.lines().collect();
    all.windows(lines.len()).any(|window| {
        let Some(pad) = window[0].strip_suffix(lines[0].as_str()) else {
            return false;
        };
        pad.chars().all(char::is_whitespace)
            && lines.iter().zip(window).all(|(shown, line)| {
                shown == line || line.strip_prefix(pad).is_some_and(|rest| rest == shown)
            })
    })
}

#[test]
fn code_in_the_documentation_is_of_files_that_are_tested() {
    let mut tested = Vec::new();
    for folder in TESTED {
        files(&root().join(folder), &mut tested);
    }
    for page in pages() {
        for block in blocks(&page) {
            let Block {
                language,
                line,
                lines,
            } = &block;
            if SHOWN.contains(&language.as_str()) || (language == "sh" && RUN.contains(&page.as_str())) {
                continue;
            }
            let Some((_, ends)) = CODE.iter().find(|(code, _)| code == language) else {
                panic!("{page}:{line}: '{language}' is none of the languages that tests/docs.rs knows");
            };
            let candidates = tested.iter().filter(|path| {
                let name = path.to_string_lossy();
                ends.iter().any(|end| name.ends_with(end))
            });
            assert!(
                candidates
                    .filter_map(|path| fs::read_to_string(path).ok())
                    .any(|text| is_piece(lines, &text)),
                "{page}:{line}: this block is not a piece of a file in {TESTED:?}"
            );
        }
    }
}

/// The places of a page that a link can name, as GitHub calls them after its headings.
fn places(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let kept = heading
                .chars()
                .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn links_of_readmes_lead_to_what_is_there() {
    for page in READMES {
        let text = fs::read_to_string(root().join(page)).expect(page);
        let folder = root().join(page).parent().expect("a folder").to_owned();
        for (_, from) in text.match_indices("](").map(|(at, _)| text.split_at(at + 2)) {
            let link = from.split(')').next().expect("the end of a link");
            if link.contains("://") {
                continue;
            }
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let target = folder.join(file);
            assert!(target.exists(), "{page}: there is no {link}");
            let is_there = || {
                let text = fs::read_to_string(&target).expect(link);
                places(&text).iter().any(|one| one == place)
            };
            assert!(
                place.is_empty() || is_there(),
                "{page}: there is no such place: {link}"
            );
        }
    }
}

/// The names in the first cell of a table's row, without what holds them, their parameters and their arguments.
fn names(row: &str) -> impl Iterator<Item = &str> {
    let cell = row.split('|').nth(1).unwrap_or_default();
    let code = cell.split('`').skip(1).step_by(2);
    code.filter_map(|name| name.split(['(', '<']).next()?.rsplit("::").next())
}

#[test]
fn calls_of_realm_cpp_that_are_listed_are_in_the_headers() {
    let mut paths = Vec::new();
    files(&root().join("include/cpprealm"), &mut paths);
    let headers: String = paths
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect();
    let words: HashSet<&str> = headers
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .collect();

    let page = fs::read_to_string(root().join("docs/realm-cpp-calls.md")).expect("the list");
    for name in page.lines().filter(|line| line.starts_with('|')).flat_map(names) {
        let is_word = name.chars().all(|c| c.is_alphanumeric() || c == '_');
        assert!(!is_word || words.contains(name), "no header has '{name}'");
    }
}
