//! The files that are bound on connections of this process. A device has a file open once; when it is bound again, the connection that
//! had it may be dead, and nobody has noticed yet. It may as well be that of another device, with a copy of the file; then both go on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::frames::FileIdent;

/// After so much silence a connection is taken for dead. Clients ask every minute whether the server is there.
const SILENCE: Duration = Duration::from_secs(90);

/// Whose file it is: the internal id of the app, and its own name.
type Name = (String, FileIdent);

/// See the module. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct BoundFiles(Arc<Mutex<Bound>>);

#[derive(Default)]
struct Bound {
    /// Increases with each.
    next: u64,
    /// The last one of each.
    by_name: HashMap<Name, (u64, Arc<Presence>)>,
}

/// Whether there still is somebody at the other end of a connection.
#[derive(Debug)]
pub(super) struct Presence {
    silent_since: Mutex<Option<Instant>>,
    displaced: Notify,
}

/// A file that is bound, until this is gone or another binding of it comes.
pub(super) struct Claim {
    /// Whether a connection has it that is alive.
    pub is_shared: bool,
    files: BoundFiles,
    name: Name,
    number: u64,
}

impl Default for Presence {
    fn default() -> Self {
        Self {
            silent_since: Mutex::new(Some(Instant::now())),
            displaced: Notify::new(),
        }
    }
}

impl Presence {
    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.silent_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing has come since then; or none, when something is coming or is being done.
    pub fn is_silent_since(&self, since: Option<Instant>) {
        *self.lock() = since;
    }

    /// Returns when the connection has to go.
    pub async fn displaced(&self) {
        self.displaced.notified().await;
    }

    fn is_dead(&self) -> bool {
        self.lock().is_some_and(|since| since.elapsed() >= SILENCE)
    }
}

impl BoundFiles {
    fn lock(&self) -> MutexGuard<'_, Bound> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Binds a file of an app. Another connection that has it is told to go if nobody seems to be there.
    pub fn bind(&self, app: &str, file: FileIdent, connection: &Arc<Presence>) -> Claim {
        let name = (app.to_owned(), file);
        let mut bound = self.lock();
        bound.next += 1;
        let number = bound.next;
        let before = bound
            .by_name
            .insert(name.clone(), (number, Arc::clone(connection)));
        drop(bound);
        let other = before.map(|(_, other)| other);
        let other = other.filter(|other| !Arc::ptr_eq(other, connection));
        let is_dead = other.as_ref().is_some_and(|other| other.is_dead());
        if let Some(dead) = other.as_ref().filter(|_| is_dead) {
            dead.displaced.notify_one();
        }
        Claim {
            is_shared: other.is_some() && !is_dead,
            files: self.clone(),
            name,
            number,
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut bound = self.files.lock();
        if bound
            .by_name
            .get(&self.name)
            .is_some_and(|(number, _)| *number == self.number)
        {
            bound.by_name.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::time::Duration;

    use super::*;

    const FILE: FileIdent = FileIdent { ident: 2, salt: 7 };

    async fn is_told(connection: &Presence) -> bool {
        tokio::time::timeout(Duration::from_secs(1), connection.displaced())
            .await
            .is_ok()
    }

    /// One of which nothing was heard for so many seconds.
    fn silent_for(seconds: u64) -> Arc<Presence> {
        let presence = Presence::default();
        presence.is_silent_since(Instant::now().checked_sub(Duration::from_secs(seconds)));
        Arc::new(presence)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_of_which_nothing_is_heard_is_told_when_another_one_binds_its_file() {
        tokio::time::advance(SILENCE * 2).await;
        let files = BoundFiles::default();
        let [first, second, third] = [90, 100, 110].map(silent_for);
        let of_first = files.bind("app", FILE, &first);
        let _other_app = files.bind("other", FILE, &third);
        let _other_file = files.bind("app", FileIdent { salt: 8, ..FILE }, &third);
        assert!(!is_told(&first).await);
        let of_second = files.bind("app", FILE, &second);
        assert!(is_told(&first).await && !is_told(&second).await);
        assert!(!of_second.is_shared);
        // The first one goes late, and takes nothing with it.
        drop(of_first);
        let _of_third = files.bind("app", FILE, &third);
        assert!(is_told(&second).await);
        drop(of_second);
        assert_eq!(files.lock().by_name.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn connections_that_are_alive_or_busy_keep_their_files() {
        tokio::time::advance(SILENCE * 2).await;
        let files = BoundFiles::default();
        let [first, second, third] = [80, 100, 0].map(silent_for);
        second.is_silent_since(None);
        let of_first = files.bind("app", FILE, &first);
        let of_second = files.bind("app", FILE, &second);
        let of_third = files.bind("app", FILE, &third);
        assert!(!of_first.is_shared && of_second.is_shared && of_third.is_shared);
        assert!(!is_told(&first).await && !is_told(&second).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_was_let_go_is_nobodys() {
        tokio::time::advance(SILENCE * 2).await;
        let files = BoundFiles::default();
        let [first, second] = [100, 100].map(silent_for);
        drop(files.bind("app", FILE, &first));
        let _again = files.bind("app", FILE, &first);
        let on_the_same_connection = files.bind("app", FILE, &first);
        assert!(!on_the_same_connection.is_shared && !is_told(&first).await);
        drop(files.bind("app", FILE, &second));
        assert!(files.lock().by_name.is_empty());
    }
}
