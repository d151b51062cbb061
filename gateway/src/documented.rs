//! Commands that the documentation shows have the names and the flags that there are.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use std::fs;
use std::path::Path;

use clap::Parser;

use crate::Cli;

const PROGRAM: &str = "realm-ingest-gateway ";

/// Lines of blocks with commands, those that go on behind a `\` as one.
fn lines(page: &str) -> Vec<String> {
    let mut inside = false;
    let mut found: Vec<String> = vec![String::new()];
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            inside = ["```console", "```sh"].contains(&line.trim_start());
        } else if inside {
            let last = found.last_mut().unwrap();
            last.push_str(line.trim_end_matches('\\').trim());
            last.push(' ');
            if !line.ends_with('\\') {
                found.push(String::new());
            }
        }
    }
    found
}

/// The words behind the program's name, up to what is the shell's.
fn words(line: &str) -> Option<Vec<String>> {
    let command = &line[line.find(PROGRAM)?..];
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in command.chars() {
        let word = words.last_mut().unwrap();
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (' ', None) => words.push(String::new()),
            ('|' | '&' | '#' | '>' | '[', None) => break,
            (c, _) => word.push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    // The `2` of `2>file`.
    words.retain(|word| word != "2");
    Some(words)
}

#[test]
fn commands_in_the_documentation_can_be_given() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut pages = vec![root.join("README.md")];
    let entries = fs::read_dir(root.join("docs")).unwrap();
    pages.extend(entries.map(|entry| entry.unwrap().path()));

    let mut shown = 0;
    for page in pages
        .iter()
        .filter(|page| page.extension().is_some_and(|end| end == "md"))
    {
        for line in lines(&fs::read_to_string(page).unwrap()) {
            let Some(words) = words(&line) else { continue };
            if line.contains("systemctl") || words.len() == 1 {
                continue;
            }
            shown += 1;
            if let Err(error) = Cli::try_parse_from(&words) {
                panic!("{}: {line}\n{error}", page.display());
            }
        }
    }
    assert!(shown > 20, "only {shown} commands were found");
}
