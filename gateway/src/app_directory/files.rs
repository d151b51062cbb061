//! The files of a directory. Nothing outside of it is read, nothing is read without bounds.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use super::report::{Level, Report};

/// Bytes of one file: a thousand times what configuration has.
const MAX_FILE: u64 = 4 * 1024 * 1024;
/// Bytes of all files that are read.
const MAX_ALL: u64 = 64 * 1024 * 1024;
/// Files and folders.
const MAX_FILES: usize = 10_000;
/// Folders in folders.
const MAX_DEPTH: usize = 16;

/// The files that there are, by name from the directory on, with `/`.
pub(super) struct Files {
    root: PathBuf,
    names: BTreeSet<String>,
    folders: BTreeSet<String>,
    asked: RefCell<BTreeSet<String>>,
    left: RefCell<u64>,
}

impl Files {
    /// Looks at what there is, and reads nothing.
    pub(super) fn list(root: &Path, report: &mut Report) -> Self {
        let mut files = Self {
            root: root.to_owned(),
            names: BTreeSet::new(),
            folders: BTreeSet::new(),
            asked: RefCell::default(),
            left: RefCell::new(MAX_ALL),
        };
        match root.canonicalize() {
            Ok(root) => {
                files.root = root;
                files.walk("", 0, report);
            }
            Err(error) => {
                let text = format!("cannot be read: {error}; name the directory of an exported app");
                report.add(Level::Refused, ".", "", text);
            }
        }
        if files.names.len() + files.folders.len() > MAX_FILES {
            let text = format!("there are more than {MAX_FILES} files; name the directory of the app alone");
            report.add(Level::Refused, ".", "", text);
        }
        files
    }

    /// Where the directory is.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The names of files below a folder, which ends with `/`.
    pub(super) fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> {
        let from = self
            .names
            .range::<str, _>((Bound::Included(folder), Bound::Unbounded));
        from.map(String::as_str)
            .take_while(move |name| name.starts_with(folder))
    }

    /// The names of the folders in a folder, which ends with `/`.
    pub(super) fn folders_in(&self, folder: &str) -> Vec<String> {
        let from = self
            .folders
            .range::<str, _>((Bound::Included(folder), Bound::Unbounded));
        let below = from.map_while(|name| name.strip_prefix(folder));
        below
            .filter(|rest| !rest.contains('/'))
            .map(str::to_owned)
            .collect()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Files that nobody asked for.
    pub(super) fn unasked(&self) -> Vec<String> {
        self.names.difference(&self.asked.borrow()).cloned().collect()
    }

    /// Notes that somebody takes care of a file.
    pub(super) fn ask(&self, name: &str) {
        self.asked.borrow_mut().insert(name.to_owned());
    }

    /// The text of a file, or none when there is no such file, or nothing that can be read.
    pub(super) fn text(&self, name: &str, report: &RefCell<Report>) -> Option<String> {
        if !self.has(name) {
            return None;
        }
        self.ask(name);
        let refuse = |text: String| {
            report.borrow_mut().add(Level::Refused, name, "", text);
            None
        };
        let file = std::fs::File::open(self.root.join(name));
        let mut bytes = Vec::new();
        if let Err(error) = file.and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)) {
            return refuse(format!("cannot be read: {error}"));
        }
        let length = bytes.len() as u64;
        if length > MAX_FILE {
            return refuse(format!("is larger than {} MiB", MAX_FILE >> 20));
        }
        let mut left = self.left.borrow_mut();
        let Some(rest) = left.checked_sub(length) else {
            return refuse(format!("with it, more than {} MiB would be read", MAX_ALL >> 20));
        };
        *left = rest;
        match String::from_utf8(bytes) {
            Ok(text) if text.starts_with('\u{feff}') => {
                refuse("begins with a byte order mark; save it as UTF-8 without one".to_owned())
            }
            Ok(text) => Some(text),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                refuse(format!("is no UTF-8 text, from byte {at} on"))
            }
        }
    }

    /// Notes every file and folder of a folder; `prefix` is empty or ends with `/`.
    fn walk(&mut self, prefix: &str, depth: usize, report: &mut Report) {
        let shown = if prefix.is_empty() { "." } else { prefix };
        if depth > MAX_DEPTH {
            let text = format!("there are more than {MAX_DEPTH} folders inside each other");
            return report.add(Level::Refused, shown, "", text);
        }
        let entries = match std::fs::read_dir(self.root.join(prefix)) {
            Ok(entries) => entries,
            Err(error) => return report.add(Level::Refused, shown, "", format!("cannot be read: {error}")),
        };
        // By name, so that the same directory gives the same report.
        let mut kinds = BTreeMap::new();
        for entry in entries.take(MAX_FILES + 1) {
            match entry {
                Ok(entry) => _ = kinds.insert(entry.file_name(), entry.file_type()),
                Err(error) => report.add(Level::Refused, shown, "", format!("cannot be read: {error}")),
            }
        }
        for (file_name, kind) in kinds {
            if self.names.len() + self.folders.len() > MAX_FILES {
                return;
            }
            let name = format!("{prefix}{}", file_name.to_string_lossy());
            if file_name.to_str().is_none() {
                report.add(Level::Refused, &name, "", "the name is no UTF-8 text");
                continue;
            }
            if file_name.to_string_lossy().starts_with('.') && file_name != ".mdb" {
                continue;
            }
            match self.kind(&name, kind) {
                Ok(Kind::Folder) => {
                    if !is_skipped(&name) {
                        self.walk(&format!("{name}/"), depth + 1, report);
                    }
                    self.folders.insert(name);
                }
                Ok(Kind::File) => _ = self.names.insert(name),
                Err(text) => report.add(Level::Refused, &name, "", text),
            }
        }
    }

    /// What an entry is, after links, which have to stay inside.
    fn kind(&self, name: &str, kind: std::io::Result<std::fs::FileType>) -> Result<Kind, String> {
        let unreadable = |error| format!("cannot be read: {error}");
        let mut kind = kind.map_err(unreadable)?;
        if kind.is_symlink() {
            let target = self.root.join(name).canonicalize().map_err(unreadable)?;
            if !target.starts_with(&self.root) {
                return Err("is a link that leads out of the directory; put the file itself here".to_owned());
            }
            kind = target.metadata().map_err(unreadable)?.file_type();
        }
        if kind.is_dir() {
            Ok(Kind::Folder)
        } else if kind.is_file() {
            Ok(Kind::File)
        } else {
            Err("is neither a file nor a folder".to_owned())
        }
    }
}

/// Whether nothing is read of this folder, which may be large.
fn is_skipped(name: &str) -> bool {
    matches!(name, "hosting" | "graphql") || name.starts_with("functions/") && name.ends_with("/node_modules")
}

enum Kind {
    File,
    Folder,
}
