//! The file that a path leads to. All that belongs to an outbox is beside its file under names made of its own, so one that is
//! reached by a link is known by one name as well: by two it would have two uploaders at once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// As many as the system follows.
const MOST_LINKS: u32 = 40;

/// The absolute path of the file itself, which need not exist yet. Links to folders stay, but where a link to the file led.
///
/// # Errors
/// The links lead in a circle, or there is no current folder.
pub(crate) fn real_path(path: &Path) -> io::Result<PathBuf> {
    let mut path = std::path::absolute(path)?;
    for _ in 0..MOST_LINKS {
        // What cannot be looked at is met when it is opened.
        let Ok(target) = fs::read_link(&path) else {
            return Ok(path);
        };
        path = path.parent().unwrap_or(Path::new("/")).join(target);
        if let (Some(folder), Some(name)) = (path.parent(), path.file_name())
            && let Ok(folder) = folder.canonicalize()
        {
            path = folder.join(name);
        }
    }
    Err(io::Error::other("its links lead in a circle"))
}
