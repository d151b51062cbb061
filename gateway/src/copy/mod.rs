//! What an embedded gateway has stored moves into MongoDB: documents, dead letters, and all that its users, devices and tokens rest
//! on, so that servers over the database go on where the embedded one stopped. The directory is only read.
//!
//! Invariants:
//!  1. The record of the app comes first, and says until the end that it is being copied: no server serves the half of an app.
//!  2. A document goes into the database as a device would send it: an equal one under its `_id` is that document, and another one
//!     is told and stands. None is replaced.
//!  3. The app's own records (users, sessions, positions and so on) are nobody else's while it is being copied. What an attempt
//!     that was cut off has left of them goes first, as the directory may have been served since.
//!  4. Everything is read back and compared before the copy is done.

mod accounts;
mod documents;
mod letters;
mod positions;
mod progress;
mod records;
mod source;
mod tally;

use std::path::Path;
use std::sync::Arc;

use mongodb::Database;
use tokio::runtime::Runtime;

use self::progress::Noted;
use self::records::Records;
use self::source::Source;
pub use self::tally::Tally;
use crate::backend::BackendError;
use crate::definition::Definition;
use crate::sink::mongodb::DataSources;
use crate::sqlite::OpenError;
use crate::state::copying::{self, Begun};

/// Differences that are told one by one.
const TOLD: usize = 100;

/// Why an app was not copied. What was copied stays; the same copy may be run again, and goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// A file cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A file cannot be read.
    #[error("cannot read the data: {0}")]
    Read(#[from] rusqlite::Error),
    /// The database cannot take it.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// Something that only a person can put right.
    #[error("{0}")]
    Refused(String),
}

impl From<mongodb::error::Error> for CopyError {
    fn from(error: mongodb::error::Error) -> Self {
        Self::Backend(error.into())
    }
}

/// Where an app goes.
pub struct Target {
    /// What gateways share.
    pub state: Database,
    /// Where documents are.
    pub sources: DataSources,
    /// The app.
    pub definition: Arc<Definition>,
}

/// What became of a copy.
pub enum Copied {
    /// It is done; of each kind of thing what was copied.
    Done(Vec<Tally>),
    /// It was done before, and nothing has changed since.
    Before,
}

/// What cannot be copied: each in a sentence, up to some, and how many in all.
#[derive(Default)]
struct Conflicts {
    told: Vec<String>,
    count: u64,
}

impl Conflicts {
    fn add(&mut self, text: String) {
        self.count += 1;
        if self.told.len() < TOLD {
            self.told.push(text);
        }
    }

    /// # Errors
    /// When there are some.
    fn settle(self) -> Result<(), CopyError> {
        if self.count == 0 {
            return Ok(());
        }
        let mut text = self.told.join("\n");
        let untold = self.count - self.told.len() as u64;
        if untold > 0 {
            text.push_str(&format!("\nand {untold} more"));
        }
        Err(CopyError::Refused(format!(
            "{text}\n{} cannot be copied; nothing was replaced in the database, and the app is not served there before all is the same",
            self.count
        )))
    }
}

/// Copies the app whose data is in this directory, which no server may be writing.
///
/// # Errors
/// As [`CopyError`] says.
pub fn copy(directory: &Path, target: &Target, runtime: &Runtime) -> Result<Copied, CopyError> {
    let source = Source::open(directory)?;
    let id = target.definition.client_app_id.clone().unwrap_or_default();
    let app = source.app(&id)?;
    let database = copying::target(&target.state);
    let (copying, is_new) = match runtime.block_on(copying::begin(&target.state, app))? {
        Begun::Copying(copying, is_new) => (copying, is_new),
        Begun::There => {
            positions::compare(&source, &database, runtime, &id)?;
            return Ok(Copied::Before);
        }
    };
    let mut noted = runtime.block_on(Noted::begin(&database, copying.domain(), &id, is_new))?;
    let store =
        crate::sink::mongodb::copying::Documents::new(target.sources.clone(), Arc::clone(&target.definition));
    documents::copy(&source, &store, &mut noted, runtime)?;

    let mut records = Records::new(&database, runtime);
    if !is_new {
        records.clear(&copying)?;
    }
    letters::copy(&source, copying.domain(), &mut records)?;
    accounts::copy(&source, &copying, &mut records)?;
    positions::copy(&source, copying.domain(), &mut records)?;
    accounts::compare_accepted(&source, &copying, runtime)?;
    let mut tallies = documents::verify(&source, &store, &mut noted, runtime)?;
    tallies.extend(records.finish()?);
    runtime.block_on(copying.end())?;
    runtime.block_on(noted.done())?;
    Ok(Copied::Done(tallies))
}
