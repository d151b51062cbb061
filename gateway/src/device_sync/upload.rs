//! The body of an upload: a row of changesets, each with a few numbers in front, compressed where that is shorter.

use std::io::Read as _;

use flate2::bufread::ZlibDecoder;

use crate::memory::{Budget, NoMemory};

/// Steps in which inflated bytes are taken.
const STEP: usize = 256 * 1024;

/// Where the clock of the protocol of realm-core 14 begins, in Unix milliseconds: 2015-01-01T00:00:00Z.
const CLOCK_BEGINS: i64 = 1_420_070_400_000;

/// Why the body of an upload is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// It announces more than is taken.
    #[error("the upload has {announced} bytes, more than the {limit} allowed")]
    TooLarge {
        /// Its size before compression, as it says.
        announced: usize,
        /// Size allowed.
        limit: usize,
    },
    /// It is no zlib stream, or not one of the length that was announced.
    #[error("the upload is not a zlib stream of the announced length")]
    Compression,
    /// The numbers before a changeset are none.
    #[error("the header of a changeset at byte {0} of the upload is malformed")]
    Header(usize),
    /// A changeset is longer than what is left.
    #[error("the changeset at byte {0} of the upload is longer than what is left")]
    Size(usize),
    /// Client versions do not rise.
    #[error("the client version of the changeset at byte {0} of the upload is not above the one before it")]
    Order(usize),
    /// Too much memory is in use.
    #[error(transparent)]
    NoMemory(#[from] NoMemory),
}

/// Inflates a body to exactly the length it announces. Blocks; memory comes from `budget` before it is held.
///
/// # Errors
/// When it announces more than `limit`, is something else, or memory is short.
pub fn inflate(
    sent: &[u8],
    announced: usize,
    limit: usize,
    budget: &mut Budget,
) -> Result<Vec<u8>, UploadError> {
    if announced > limit {
        return Err(UploadError::TooLarge { announced, limit });
    }
    let mut decoder = ZlibDecoder::new(sent);
    let mut out = Vec::new();
    loop {
        // One byte more than was announced tells that it is longer.
        let left = (announced + 1).saturating_sub(out.len());
        let more = out.capacity().max(STEP).min(left);
        budget.try_grow(more)?;
        out.reserve_exact(more);
        let room = u64::try_from(more).unwrap_or(u64::MAX);
        let read = decoder.by_ref().take(room).read_to_end(&mut out);
        let read = read.map_err(|_| UploadError::Compression)?;
        if read < more || out.len() > announced {
            break;
        }
    }
    if out.len() == announced && decoder.get_ref().is_empty() {
        Ok(out)
    } else {
        Err(UploadError::Compression)
    }
}

/// One changeset of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Version of the client file that it made; above that of the entry before.
    pub client_version: u64,
    /// Version of the server that the client had integrated when it was made; 0 before first contact.
    pub server_version: u64,
    /// When it was made by the device's clock, in Unix milliseconds.
    pub made: i64,
    /// File it was made in; 0 is the client's own.
    pub origin: u64,
    /// Its bytes; see [`super::changeset::Reader`].
    pub changeset: &'a [u8],
}

/// The changesets of a body that is not compressed any more. After an error there are none.
#[must_use]
pub const fn entries(body: &[u8]) -> Entries<'_> {
    Entries {
        length: body.len(),
        rest: body,
        client_version: 0,
    }
}

/// See [`entries`].
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    length: usize,
    rest: &'a [u8],
    /// Of the entry before.
    client_version: u64,
}

impl<'a> Entries<'a> {
    fn entry(&mut self) -> Result<Entry<'a>, UploadError> {
        let at = self.length - self.rest.len();
        let mut number = || {
            let (number, rest) = number(self.rest)?;
            self.rest = rest;
            Some(number)
        };
        let numbers = [number(), number(), number(), number(), number()];
        let [
            Some(client_version),
            Some(server_version),
            Some(timestamp),
            Some(origin),
            Some(size),
        ] = numbers
        else {
            return Err(UploadError::Header(at));
        };
        let size = usize::try_from(size).map_err(|_| UploadError::Size(at))?;
        let (changeset, rest) = self.rest.split_at_checked(size).ok_or(UploadError::Size(at))?;
        if client_version <= self.client_version {
            return Err(UploadError::Order(at));
        }
        self.client_version = client_version;
        self.rest = rest;
        let made = i64::try_from(timestamp).map_err(|_| UploadError::Header(at))?;
        Ok(Entry {
            client_version,
            server_version,
            made: made.saturating_add(CLOCK_BEGINS),
            origin,
            changeset,
        })
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, UploadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let entry = self.entry();
        if entry.is_err() {
            self.rest = &[];
        }
        Some(entry)
    }
}

/// Decimal digits with a space behind them, of a number up to 2^63 - 1.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let end = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let (digits, rest) = bytes.split_at(end);
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = str::from_utf8(digits).ok()?.parse().ok()?;
    i64::try_from(number).ok()?;
    Some((number, rest.get(1..)?))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test fails by panicking"
    )]
    use std::io::Write as _;
    use std::sync::Arc;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use tokio::sync::Semaphore;

    use super::*;

    const LIMIT: usize = 4 * 1024 * 1024;

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn budget(bytes: usize) -> Budget {
        Budget::new(Arc::new(Semaphore::new(bytes)))
    }

    #[test]
    fn a_body_inflates_to_the_length_it_announces_and_no_other() {
        let body: Vec<u8> = (0..3 * STEP + 7)
            .map(|at| u8::try_from(at % 251).unwrap())
            .collect();
        let sent = deflated(&body);
        assert_eq!(sent[..2], [0x78, 0x01]);
        for size in [0, 1, STEP, 3 * STEP + 7] {
            let mut budget = budget(LIMIT);
            let out = inflate(&deflated(&body[..size]), size, LIMIT, &mut budget).unwrap();
            assert_eq!(out, body[..size]);
            assert!(out.capacity() <= budget.held(), "what is held is accounted for");
        }
        for announced in [0, body.len() - 1, body.len() + 1, LIMIT] {
            assert_eq!(
                inflate(&sent, announced, LIMIT, &mut budget(LIMIT * 2)),
                Err(UploadError::Compression)
            );
        }
        let trailing = [&sent[..], b"x"].concat();
        for damaged in [&sent[..sent.len() - 1], &trailing, b"no zlib", b""] {
            assert_eq!(
                inflate(damaged, body.len(), LIMIT, &mut budget(LIMIT)),
                Err(UploadError::Compression)
            );
        }
    }

    #[test]
    fn a_bomb_takes_no_more_than_it_announces() {
        let bomb = deflated(&vec![0; 64 * 1024 * 1024]);
        let limit = |announced| UploadError::TooLarge {
            announced,
            limit: LIMIT,
        };
        assert_eq!(
            inflate(&bomb, LIMIT + 1, LIMIT, &mut budget(0)),
            Err(limit(LIMIT + 1))
        );
        let mut held = budget(LIMIT);
        assert_eq!(
            inflate(&bomb, 1000, LIMIT, &mut held),
            Err(UploadError::Compression)
        );
        assert!(held.held() <= 2 * STEP);
        assert_eq!(
            inflate(&bomb, LIMIT, LIMIT, &mut budget(STEP * 3)),
            Err(UploadError::NoMemory(NoMemory))
        );
    }

    #[test]
    fn changesets_come_with_their_numbers() {
        let body = b"5 0 375325657408 0 3 abc7 2 375325657448 1 0 9223372036854775807 0 0 0 1 x";
        let entries: Vec<_> = entries(body).collect::<Result<_, _>>().unwrap();
        let first = Entry {
            client_version: 5,
            server_version: 0,
            made: 1_795_396_057_408,
            origin: 0,
            changeset: b"abc",
        };
        assert_eq!(entries[0], first);
        assert_eq!((entries[1].server_version, entries[1].origin), (2, 1));
        assert_eq!(entries[2].changeset, b"x");
        assert_eq!(entries.len(), 3);
    }

    #[test]
    fn what_is_no_row_of_changesets_ends_at_once() {
        use UploadError as E;
        let cases: [(&[u8], UploadError); 12] = [
            (b"5 0 1 0 4 abc", E::Size(0)),
            (b"5 0 1 0 9223372036854775807 abc", E::Size(0)),
            (b"5 0 1 0 3", E::Header(0)),
            (b"5 0 1 0  abc", E::Header(0)),
            (b"5 0 -1 0 3 abc", E::Header(0)),
            (b"5 0 +1 0 3 abc", E::Header(0)),
            (b"5\n0 1 0 3 abc", E::Header(0)),
            (b"5 9223372036854775808 1 0 3 abc", E::Header(0)),
            (b"000000000000000000005 0 1 0 3 abc", E::Header(0)),
            (b"0 0 1 0 3 abc", E::Order(0)),
            (b"5 0 1 0 3 abc5 0 1 0 3 abc", E::Order(13)),
            (b"5 0 1 0 3 abc\0", E::Header(13)),
        ];
        for (body, error) in cases {
            let mut entries = entries(body);
            let found = entries.find_map(Result::err);
            assert_eq!(found, Some(error), "{}", body.escape_ascii());
            assert_eq!(entries.next(), None);
        }
    }
}
