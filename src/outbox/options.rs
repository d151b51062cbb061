//! How an outbox is opened, and what opening it can report.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Key, Pending};

/// How long a write waits for another process that holds the file. A commit of another process
/// takes milliseconds; one that lasts this long is stuck, and the application should hear of it.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// What a returned append has survived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// Power loss: every commit is synced to the disk.
    #[default]
    Full,
    /// The end of the process. Power loss may take the last moments with it, in whole
    /// transactions and newest first.
    Relaxed,
}

/// How much may wait, and for how long. The default has no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cap {
    /// The most bytes the file may use for what it stores, as stored (compressed, in pages).
    pub max_bytes: Option<u64>,
    /// The most documents that may wait.
    pub max_objects: Option<u64>,
    /// How long a transaction may wait, by the clock of the device. One that is set forward makes older what was
    /// written before; one that is set back makes nothing old.
    pub max_age: Option<Duration>,
    /// What happens to a write that would pass a limit, or that comes while the oldest transaction is too old.
    pub policy: Policy,
}

/// What happens to a write that would pass the cap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Policy {
    /// It fails; what is stored stays.
    #[default]
    Fail,
    /// The oldest transactions make room for it, and those that are too old go in any case, a part of them with each write.
    DropOldest,
    /// It succeeds and is not stored: it gets a number that is on record as dropped.
    DropNewest,
}

/// The limit of a [`Cap`] that a write met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapLimit {
    /// [`Cap::max_bytes`].
    Bytes(u64),
    /// [`Cap::max_objects`].
    Objects(u64),
    /// [`Cap::max_age`].
    Age(Duration),
}

impl fmt::Display for CapLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CapLimit::Bytes(bytes) => write!(f, "{bytes} bytes"),
            CapLimit::Objects(objects) => write!(f, "{objects} objects"),
            CapLimit::Age(age) => write!(f, "{age:?} that anything may wait"),
        }
    }
}

/// Told of each drop, after it is on disk, on the thread whose write caused it.
pub type DropHandler = Arc<dyn Fn(Pending) + Send + Sync>;

/// Told of a damaged file that was replaced while the outbox was open, on the thread whose call met the
/// damage, before that call is made once more.
pub type RecoverHandler = Arc<dyn Fn(&Recovered) + Send + Sync>;

/// How an outbox is opened. The default is durable, without a cap.
#[derive(Clone)]
pub struct Options {
    /// What a returned append has survived.
    pub durability: Durability,
    /// How much may wait. Looked at with each write.
    pub cap: Cap,
    /// The key of an encrypted file; a new one is encrypted with it.
    pub key: Option<Key>,
    /// How long a call waits for another process before it fails as locked.
    pub lock_wait: Duration,
    /// Told of what the cap's policy drops; it is logged as well.
    pub on_drop: Option<DropHandler>,
    /// Told of each recovery of the open outbox; it is logged as well.
    pub on_recover: Option<RecoverHandler>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            durability: Durability::default(),
            cap: Cap::default(),
            key: None,
            lock_wait: LOCK_WAIT,
            on_drop: None,
            on_recover: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("durability", &self.durability)
            .field("cap", &self.cap)
            .field("encrypted", &self.key.is_some())
            .field("lock_wait", &self.lock_wait)
            .finish_non_exhaustive()
    }
}

/// A file that stood in the way of the outbox. It is kept, under the name given here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Why it could not be used.
    pub reason: RecoveredReason,
    /// Where it is now; its log and index, if it had them, are beside it.
    pub moved_to: PathBuf,
    /// What of it is in the new outbox; `None` when nothing of it could be read.
    pub salvaged: Option<Salvaged>,
}

/// The write transactions of a damaged file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Those that could be read.
    pub kept: u64,
    /// Those that could not, as far as they left a trace.
    pub lost: u64,
}

/// Why a file was moved aside.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecoveredReason {
    /// It is not an outbox, or is damaged.
    Damaged(String),
    /// It is a database of the former SDK, whose format this library does not read.
    FormerSdk,
}

impl fmt::Display for Recovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moved_to = self.moved_to.display();
        match &self.reason {
            RecoveredReason::Damaged(detail) => {
                let is = "the file could not be used";
                match self.salvaged {
                    None => write!(f, "{is} ({detail}); it was moved to {moved_to}"),
                    Some(Salvaged { kept, lost }) => write!(
                        f,
                        "{is} ({detail}); {kept} write transactions of it are kept and will be sent, at least {lost} \
                         could not be read; it was moved to {moved_to}"
                    ),
                }
            }
            RecoveredReason::FormerSdk => write!(
                f,
                "the file is a database of the former Realm SDK, which this library does not read; it was moved to \
                 {moved_to}, and what it had not yet uploaded is still in there"
            ),
        }
    }
}
