//! The files that are bound on connections of this process. A device has a file open once; when it is bound again, the connection that
//! had it is most likely dead, and nobody has noticed yet.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::frames::FileIdent;

/// Whose file it is: the internal id of the app, and its own name.
type Name = (String, FileIdent);

/// See the module. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct BoundFiles(Arc<Mutex<Bound>>);

#[derive(Default)]
struct Bound {
    /// Increases with each.
    next: u64,
    by_name: HashMap<Name, (u64, Arc<Notify>)>,
}

/// A file that is bound, until this is gone or another binding of it comes.
pub(super) struct Claim {
    files: BoundFiles,
    name: Name,
    number: u64,
}

impl BoundFiles {
    fn lock(&self) -> MutexGuard<'_, Bound> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Binds a file of an app. Another connection that has it is told to go; this one is told by `displaced`.
    pub fn bind(&self, app: &str, file: FileIdent, displaced: &Arc<Notify>) -> Claim {
        let name = (app.to_owned(), file);
        let mut bound = self.lock();
        bound.next += 1;
        let number = bound.next;
        let before = bound
            .by_name
            .insert(name.clone(), (number, Arc::clone(displaced)));
        drop(bound);
        if let Some((_, other)) = before
            && !Arc::ptr_eq(&other, displaced)
        {
            other.notify_one();
        }
        Claim {
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

    async fn is_told(connection: &Notify) -> bool {
        tokio::time::timeout(Duration::from_secs(1), connection.notified())
            .await
            .is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn who_had_a_file_is_told_when_another_binds_it() {
        let files = BoundFiles::default();
        let [first, second, third] = [(); 3].map(|()| Arc::new(Notify::new()));
        let of_first = files.bind("app", FILE, &first);
        let _other_app = files.bind("other", FILE, &third);
        let _other_file = files.bind("app", FileIdent { salt: 8, ..FILE }, &third);
        assert!(!is_told(&first).await);
        let of_second = files.bind("app", FILE, &second);
        assert!(is_told(&first).await && !is_told(&second).await);
        // The first one goes late, and takes nothing with it.
        drop(of_first);
        let _of_third = files.bind("app", FILE, &third);
        assert!(is_told(&second).await);
        drop(of_second);
        assert_eq!(files.lock().by_name.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_was_let_go_is_nobodys() {
        let files = BoundFiles::default();
        let [first, second] = [(); 2].map(|()| Arc::new(Notify::new()));
        drop(files.bind("app", FILE, &first));
        let _again = files.bind("app", FILE, &first);
        let _on_the_same_connection = files.bind("app", FILE, &first);
        assert!(!is_told(&first).await);
        drop(files.bind("app", FILE, &second));
        assert!(files.lock().by_name.is_empty());
    }
}
