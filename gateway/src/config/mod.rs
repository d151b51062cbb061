//! What an operator may choose: each setting by a flag, by an environment variable or in a file. A flag goes before the
//! environment, the environment before the file, the file before the default.

mod day;
mod options;

use std::path::Path;

pub use day::{Day, NoDay};
pub use options::{LogFormat, Options};

use crate::toml_file::{self, TomlFileError};

/// The settings of a file.
///
/// # Errors
/// When it cannot be read or has something that is no setting.
pub fn read(path: &Path) -> Result<Options, TomlFileError> {
    toml_file::read(path, |text| {
        toml::from_str(text).map_err(|error| {
            let line = toml_file::line(text, &error);
            format!("line {line}: {}", error.message())
        })
    })
}
