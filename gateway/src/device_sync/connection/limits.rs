//! What one connection may take of the time and the memory of the others.

use std::time::Duration;

/// Bytes of uploads that wait behind those that are being stored. Beyond that nothing is read from the connection.
pub const QUEUE: usize = 4 * 1024 * 1024;

/// Bytes that an upload takes in the queue beside what it has: there may be tens of thousands of small ones.
pub const BESIDE: usize = 256;

/// Bytes of uploads, inflated, that are stored at once; a single larger one is, too.
pub const AT_ONCE: usize = 4 * 1024 * 1024;

/// Sessions of one connection for which something is stored at the same time: who sends for hundreds is not to take the turns of all.
pub const STORING: usize = 8;

/// Jobs of one connection at the same time; while there are as many, nothing is read. Those beyond [`STORING`] give names to files, and
/// go on when the session that wanted them has ended.
pub const JOBS: usize = 16;

/// Bytes of answers that wait for the client to read them. Beyond that nothing is read from it either, and nothing stored that would be
/// answered.
pub const ANSWERS: usize = 64 * 1024;

/// How long acknowledgements of one file are apart at least: each makes the device write to its disk, and answer.
pub const BETWEEN_ACKNOWLEDGEMENTS: Duration = Duration::from_millis(100);

/// How long a connection may have no file. Clients name theirs at once, and keep a connection for half a minute behind the last session.
pub const NO_FILE: Duration = Duration::from_secs(60);

/// How long a client may take to fetch the last words, and to close the connection in its turn.
pub const LAST_WORDS: Duration = Duration::from_secs(2);

/// Sessions of a connection that cost nobody anything, and the memory that each further one takes at least: a client has one for each
/// file that it has open.
pub const FREE_SESSIONS: usize = 4;
pub const SESSION_BYTES: usize = 4 * 1024;
