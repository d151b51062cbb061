//! Files in TOML: settings, and secrets. What is wrong with one is told by its line.

use std::path::{Path, PathBuf};

/// Why a file cannot be used. Says nothing of what is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TomlFileError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It has something else in it than it should.
    #[error("{path}: {reason}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
}

/// What `parse` makes of the text of a file; its error is the reason of [`TomlFileError::Wrong`].
///
/// # Errors
/// When the file cannot be read or parsed.
pub fn read<T>(path: &Path, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, TomlFileError> {
    let text = std::fs::read_to_string(path).map_err(|source| TomlFileError::Read {
        path: path.to_owned(),
        source,
    })?;
    parse(&text).map_err(|reason| TomlFileError::Wrong {
        path: path.to_owned(),
        reason,
    })
}

/// The line of the text at which the error is, from 1 on.
#[must_use]
pub fn line(text: &str, error: &toml::de::Error) -> usize {
    let before = error.span().and_then(|span| text.get(..span.start));
    before.map_or(1, |before| before.matches('\n').count() + 1)
}
