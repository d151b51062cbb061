//! What is said about a directory: of each file what is honoured, what is not, and what has to be changed.

use std::fmt;

use serde::Serialize;

/// Entries of one directory. Whoever has that many repairs some and looks again.
const MAX_ENTRIES: usize = 20_000;
/// Characters of a sentence, most of which are ours.
const MAX_TEXT: usize = 500;

/// What becomes of something in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It holds here.
    Honoured,
    /// It has no part in what this gateway does.
    Ignored,
    /// The app behaves differently here.
    Warning,
    /// The directory cannot be served with it.
    Refused,
}

impl Level {
    /// As it is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Honoured => "honoured",
            Self::Ignored => "ignored",
            Self::Warning => "warning",
            Self::Refused => "refused",
        }
    }
}

/// One thing that is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// What becomes of it.
    pub level: Level,
    /// The file or folder, from the directory on, with `/`.
    pub file: String,
    /// The place in the file, such as `$.roles[0].apply_when`; empty where the whole file is meant.
    pub path: String,
    /// A sentence; where something has to be changed, what was found and what was expected.
    pub text: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let between = if self.path.is_empty() { "" } else { " " };
        let Self {
            level,
            file,
            path,
            text,
        } = self;
        write!(formatter, "{}: {file}{between}{path}: {text}", level.as_str())
    }
}

/// Everything that is said, by file.
#[derive(Clone, Debug, Default)]
pub struct Report {
    entries: Vec<Entry>,
}

impl Report {
    /// Everything, by file, and in each file in the order of the file.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What behaves differently here.
    pub fn warnings(&self) -> impl Iterator<Item = &Entry> {
        self.of(Level::Warning)
    }

    /// What keeps the directory from being served.
    pub fn refusals(&self) -> impl Iterator<Item = &Entry> {
        self.of(Level::Refused)
    }

    /// Whether the directory can be served.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.refusals().next().is_none()
    }

    fn of(&self, level: Level) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.level == level)
    }

    pub(super) fn add(&mut self, level: Level, file: &str, path: &str, text: impl Into<String>) {
        // That there is a refusal is never left out.
        if self.entries.len() >= MAX_ENTRIES && !(level == Level::Refused && self.is_good()) {
            return;
        }
        let mut text = text.into();
        if let Some((at, _)) = text.char_indices().nth(MAX_TEXT) {
            text.truncate(at);
            text.push_str("...");
        }
        self.entries.push(Entry {
            level,
            file: file.to_owned(),
            path: path.to_owned(),
            text,
        });
    }

    pub(super) fn sort(&mut self) {
        self.entries.sort_by(|a, b| a.file.cmp(&b.file));
    }
}
