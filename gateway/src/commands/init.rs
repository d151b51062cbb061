//! `init`: a directory to begin with.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rand::RngExt;

use super::CommandError;
use super::output::Output;
use crate::definition::is_app_id;

/// Make the directory of a small app: anonymous users, and devices that bring their classes
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  realm-ingest-gateway init ./weather --app-id weather-abcde\n  \
                  realm-ingest-gateway check ./weather\n\n\
                  The README.md in it says what each file is for."
)]
pub struct Args {
    /// The directory; it must be empty, and is made if it is not there
    directory: PathBuf,
    /// The client app id that devices name [default: the directory's name and five letters]
    #[arg(long, value_name = "ID")]
    app_id: Option<String>,
}

/// Characters that a name may have.
const MAX_NAME: usize = 32;

/// Every file, by name; `{{app_id}}` and `{{name}}` are replaced.
const FILES: [(&str, &str); 8] = [
    ("README.md", include_str!("init/README.md")),
    ("root_config.json", include_str!("init/root_config.json")),
    ("auth/providers.json", include_str!("init/providers.json")),
    (
        "auth/custom_user_data.json",
        include_str!("init/custom_user_data.json"),
    ),
    (
        "data_sources/mongodb-atlas/config.json",
        include_str!("init/data_source.json"),
    ),
    (
        "data_sources/mongodb-atlas/default_rule.json",
        include_str!("init/default_rule.json"),
    ),
    (
        "environments/no-environment.json",
        include_str!("init/no-environment.json"),
    ),
    ("sync/config.json", include_str!("init/sync.json")),
];

/// Runs the command.
///
/// # Errors
/// When the directory is not empty, or cannot be written.
pub fn run(args: &Args) -> Result<(), CommandError> {
    let directory = &args.directory;
    let cannot = |error| CommandError::Refused(format!("cannot write {}: {error}", directory.display()));
    match fs::read_dir(directory) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(CommandError::Refused(format!(
                    "{} is not empty; name one that is, or that is not there",
                    directory.display()
                )));
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => fs::create_dir_all(directory).map_err(cannot)?,
        Err(error) => return Err(cannot(error)),
    }
    let name = name(directory);
    let app_id = match &args.app_id {
        Some(id) if is_app_id(id) => id.clone(),
        Some(id) => {
            let text = format!("'{id}' is no client app id: it has 1 to 64 letters, digits, '-' and '_'");
            return Err(CommandError::Usage(text));
        }
        None => format!("{name}-{}", letters()),
    };
    for (file, text) in FILES {
        let path = directory.join(file);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(cannot)?;
        }
        let text = text.replace("{{app_id}}", &app_id).replace("{{name}}", &name);
        fs::write(path, text).map_err(cannot)?;
    }
    let mut output = Output::new(false);
    output.line(&format!("made {}, client app id {app_id}", directory.display()))?;
    output.finish()
}

/// The directory's own name, as far as an app can have it.
fn name(directory: &Path) -> String {
    let full = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    let name = full.file_name().unwrap_or_default().to_string_lossy();
    let fits = |char: &char| char.is_ascii_alphanumeric() || "_-".contains(*char);
    let name: String = name.chars().filter(fits).take(MAX_NAME).collect();
    if name.is_empty() { "app".to_owned() } else { name }
}

/// Five letters, so that two apps of one name are told apart.
fn letters() -> String {
    let mut random = rand::rng();
    (0..5)
        .map(|_| char::from(random.random_range(b'a'..=b'z')))
        .collect()
}
