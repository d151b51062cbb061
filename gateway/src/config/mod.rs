//! What an operator may choose: each setting by a flag, by an environment variable or in a file. A flag goes before the
//! environment, the environment before the file, the file before the default.

mod day;
mod options;

use std::path::{Path, PathBuf};

pub use day::{Day, NoDay};
pub use options::{LogFormat, Options};

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file has something that is no setting, or a value that does not fit.
    #[error("{path}: {reason}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
}

/// The settings of a file.
///
/// # Errors
/// When it cannot be read or has something that is no setting.
pub fn read(path: &Path) -> Result<Options, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        ConfigError::Wrong {
            path: path.to_owned(),
            reason: format!("line {line}: {}", error.message()),
        }
    })
}
