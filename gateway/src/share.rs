//! What an installation has of the command line besides the program: man pages and completions for shells, laid out as below
//! /usr/share. They are files of packaging/share, so that a program for another machine is installed without being run;
//! the test here keeps them true, and writes them anew:
//!
//! ```text
//! UPDATE_SHARE=1 cargo test -p realm-ingest-gateway --bin realm-ingest-gateway
//! ```

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_complete::Shell;

use crate::Cli;

/// The program's name, which shells and man pages go by.
const PROGRAM: &str = "realm-ingest-gateway";

/// Each shell, and the file in which it looks for the completions of a program of this name.
const COMPLETIONS: [(Shell, &str); 3] = [
    (Shell::Bash, "bash-completion/completions/realm-ingest-gateway"),
    (Shell::Zsh, "zsh/site-functions/_realm-ingest-gateway"),
    (Shell::Fish, "fish/vendor_completions.d/realm-ingest-gateway.fish"),
];

#[test]
fn man_pages_and_completions_are_those_of_the_command_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/share");
    let wanted = written_by_the_command_line();
    if std::env::var_os("UPDATE_SHARE").is_some() {
        let _ = fs::remove_dir_all(&folder);
        for (name, text) in &wanted {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
    let mut found = BTreeMap::new();
    read_below(&folder, &folder, &mut found);
    let other: Vec<_> = wanted
        .keys()
        .chain(found.keys())
        .filter(|name| wanted.get(*name) != found.get(*name))
        .collect();
    assert!(
        other.is_empty(),
        "packaging/share is not what the command line says in {other:?}: write it anew with UPDATE_SHARE=1, and look at the difference"
    );
}

/// Each file with its text.
fn written_by_the_command_line() -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    // A page for the program and one for each command, as Git has them.
    let pages = tempfile::tempdir().unwrap();
    clap_mangen::generate_to(Cli::command(), pages.path()).unwrap();
    read_below(pages.path(), pages.path(), &mut files);
    files = files
        .into_iter()
        .map(|(name, text)| (Path::new("man/man1").join(name), text))
        .collect();
    for (shell, name) in COMPLETIONS {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), PROGRAM, &mut script);
        files.insert(name.into(), String::from_utf8(script).unwrap());
    }
    files
}

fn read_below(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_below(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_owned();
            files.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}
