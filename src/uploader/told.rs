//! Which errors the application was told of, and is not told of again until the session works.

use std::collections::VecDeque;

use crate::error::{Code, SyncError};

/// A server that words its error anew each time is told of each time, and fills no memory.
const KEPT: usize = 16;

/// The newest of them.
#[derive(Default)]
pub(super) struct Told(VecDeque<(Code, String)>);

impl Told {
    /// Whether it was not among them. It is from now on.
    pub(super) fn is_news(&mut self, error: &SyncError) -> bool {
        let is_known = |(code, message): &(Code, String)| (*code, message) == (error.code, &error.message);
        if self.0.iter().any(is_known) {
            return false;
        }
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((error.code, error.message.clone()));
        true
    }

    /// The session works, or is to try anew. Whether there were any.
    pub(super) fn forget(&mut self) -> bool {
        !std::mem::take(&mut self.0).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uploader::policy::sync_error;

    fn error(number: usize) -> SyncError {
        sync_error(Code::BadChangeset, format!("request {number}"), true)
    }

    #[test]
    fn each_is_news_once_until_it_is_forgotten() {
        let mut told = Told::default();
        assert!(told.is_news(&error(1)) && told.is_news(&error(2)));
        assert!(!told.is_news(&error(1)));
        assert!(told.forget() && !told.forget());
        assert!(told.is_news(&error(1)));
    }

    #[test]
    fn errors_that_differ_each_time_are_not_all_kept() {
        let mut told = Told::default();
        assert!((0..1_000).all(|number| told.is_news(&error(number))));
        assert_eq!(told.0.len(), KEPT);
        assert!(!told.is_news(&error(999)));
    }
}
