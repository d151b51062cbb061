//! Strings that a changeset names by number, told from each other by where they lie: a few bytes name one of any length, and
//! comparing what it says each time would cost more than was sent.

use std::cmp::Ordering;

use super::super::changeset::Key;

/// A string by its place. Where the same text lies twice, which no client does, there are two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name<'a>(pub(super) &'a str);

impl Name<'_> {
    fn place(self) -> (usize, usize) {
        (self.0.as_ptr().addr(), self.0.len())
    }
}

impl Ord for Name<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialOrd for Name<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Name<'_> {}

/// A key with its string by the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum KeyIdentity<'a> {
    Place(usize, usize),
    Other(Key<'a>),
}

impl<'a> From<Key<'a>> for KeyIdentity<'a> {
    fn from(key: Key<'a>) -> Self {
        match key {
            Key::String(text) => {
                let (at, length) = Name(text).place();
                Self::Place(at, length)
            }
            other => Self::Other(other),
        }
    }
}
