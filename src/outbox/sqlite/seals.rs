//! The statements on the salt of an encrypted file, and the check of the key.
//!
//! The salt and the proof of the key are there twice, on different pages, as without them nothing of the file
//! can be read: in the one row of `seal`, and in `meta`. Each copy has a CRC-32, so that a bit that flipped is
//! told from a wrong key. A file that is not encrypted has neither.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::readings::Readings;
use super::schema::{self, Refused};
use crate::outbox::seal::{CannotSeal, SALT_BYTES, Seal, mark};
use crate::outbox::{Error, Key, Result};

impl From<CannotSeal> for rusqlite::Error {
    fn from(error: CannotSeal) -> rusqlite::Error {
        rusqlite::Error::ToSqlConversionFailure(Box::new(error))
    }
}

/// Draws the salt of a new file and stores it; without a key the file is not encrypted.
pub(super) fn make(connection: &Connection, key: Option<&Key>) -> rusqlite::Result<()> {
    let Some(key) = key else { return Ok(()) };
    let salt = Seal::new_salt()?;
    let proof = Seal::new(key, &salt)?.proof();
    let checksum = checksum(&salt, &proof);
    connection.execute(
        "INSERT INTO seal VALUES (1, ?1, ?2, ?3)",
        params![salt, proof, checksum],
    )?;
    connection
        .execute(
            "UPDATE meta SET salt = ?1, proof = ?2, salt_checksum = ?3",
            params![salt, proof, checksum],
        )
        .map(|_| ())
}

/// What opens the values of the file.
///
/// # Errors
/// The key is not the one of the file, for which nothing must be moved; or a copy of the salt is damaged.
pub(super) fn unlock(
    connection: &Connection,
    path: &Path,
    key: Option<&Key>,
) -> std::result::Result<Seal, Refused> {
    let found = Found::of(connection, &Readings::default());
    let found = found.map_err(|source| Refused::from(Error::sqlite(path, source)))?;
    let seal = found.unlocked(path, key)?;
    match seal {
        Some(seal) if found.is_whole => Ok(seal),
        _ => Err(Refused::Damaged("a copy of its salt is damaged".to_owned())),
    }
}

/// What opens the values of a damaged file; `None` when nothing of the salt can be read, and so nothing that
/// is sealed.
///
/// # Errors
/// The key is not the one of the file, or the file cannot be read for now.
pub(super) fn unlock_damaged(
    connection: &Connection,
    path: &Path,
    key: Option<&Key>,
    readings: &Readings,
) -> Result<Option<Seal>> {
    let found = Found::of(connection, readings).map_err(|source| Error::sqlite(path, source))?;
    let seal = found.unlocked(path, key)?;
    // Without any key rows that are not sealed can still be told by their checksums. With one they must not be
    // believed: anybody can write such rows.
    Ok(seal.or_else(|| key.is_none().then(Seal::none)))
}

/// Tells whose an encrypted outbox is to who knows the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnerMark {
    salts: Vec<[u8; SALT_BYTES]>,
    mark: String,
}

impl OwnerMark {
    pub(super) fn is_of(&self, app: &str, user: &str) -> bool {
        self.salts
            .iter()
            .any(|salt| mark(salt, &marked(app, user)) == self.mark)
    }
}

/// The mark of the file's owner; `None` where there is none, or no encryption.
pub(super) fn owner_mark(connection: &Connection) -> rusqlite::Result<Option<OwnerMark>> {
    let salts = Found::of(connection, &Readings::default())?
        .copies
        .iter()
        .map(|copy| copy.salt)
        .collect();
    let mark: Option<String> = connection.query_row("SELECT owner_mark FROM meta", [], |row| row.get(0))?;
    Ok(mark.map(|mark| OwnerMark { salts, mark }))
}

/// What is marked of an owner.
pub(super) fn marked(app: &str, user: &str) -> String {
    format!("{app}\n{user}")
}

/// What a file says of its encryption.
struct Found {
    copies: Vec<Copy>,
    /// The two copies agree, or there is none.
    is_whole: bool,
    /// A copy may have been where nothing can be read.
    is_known: bool,
}

#[derive(PartialEq)]
struct Copy {
    salt: [u8; SALT_BYTES],
    proof: Vec<u8>,
}

enum Read {
    Nothing,
    Copy(Copy),
    Unreadable,
}

impl Found {
    fn of(connection: &Connection, readings: &Readings) -> rusqlite::Result<Found> {
        if schema::format(connection)? < schema::FIRST_SEALED {
            return Ok(Found {
                copies: Vec::new(),
                is_whole: true,
                is_known: true,
            });
        }
        let read = |sql| {
            readings
                .of(read(connection, sql))
                .map(|read| read.unwrap_or(Some(Read::Unreadable)))
        };
        let of_table = read("SELECT salt, proof, checksum FROM seal WHERE id = 1")?;
        let of_meta = match read("SELECT salt, proof, salt_checksum FROM meta WHERE id = 1")? {
            // That row is always there.
            None => Read::Unreadable,
            Some(read) => read,
        };
        let of_table = of_table.unwrap_or(Read::Nothing);
        let is_whole = match (&of_table, &of_meta) {
            (Read::Copy(one), Read::Copy(other)) => one == other,
            (Read::Copy(_), _) | (_, Read::Copy(_)) => false,
            (Read::Nothing, _) | (_, Read::Nothing) => true,
            (Read::Unreadable, Read::Unreadable) => false,
        };
        let copies: Vec<Copy> = [of_table, of_meta]
            .into_iter()
            .filter_map(|read| match read {
                Read::Copy(copy) => Some(copy),
                Read::Nothing | Read::Unreadable => None,
            })
            .collect();
        Ok(Found {
            is_known: is_whole || !copies.is_empty(),
            copies,
            is_whole,
        })
    }

    /// `None` when nobody can know whether the file is encrypted.
    fn unlocked(&self, path: &Path, key: Option<&Key>) -> Result<Option<Seal>> {
        let path = || path.to_owned();
        match key {
            _ if !self.is_known => Ok(None),
            None if self.copies.is_empty() => Ok(Some(Seal::none())),
            None => Err(Error::KeyRequired { path: path() }),
            Some(_) if self.copies.is_empty() => Err(Error::NotEncrypted { path: path() }),
            Some(key) => {
                for copy in &self.copies {
                    let seal =
                        Seal::new(key, &copy.salt).map_err(|error| Error::sqlite(&path(), error.into()))?;
                    if seal.proof() == copy.proof {
                        return Ok(Some(seal));
                    }
                }
                Err(Error::WrongKey { path: path() })
            }
        }
    }
}

/// From the columns salt, proof, checksum; `None` when there is no row.
fn read(connection: &Connection, sql: &str) -> rusqlite::Result<Option<Read>> {
    connection
        .query_row(sql, [], |row| {
            let salt: Option<Vec<u8>> = row.get(0)?;
            let proof: Option<Vec<u8>> = row.get(1)?;
            let sum: Option<i64> = row.get(2)?;
            Ok(match (salt, proof, sum) {
                (None, None, None) => Read::Nothing,
                (Some(salt), Some(proof), Some(sum)) if sum == i64::from(checksum(&salt, &proof)) => {
                    match salt.try_into() {
                        Ok(salt) => Read::Copy(Copy { salt, proof }),
                        Err(_) => Read::Unreadable,
                    }
                }
                _ => Read::Unreadable,
            })
        })
        .optional()
}

fn checksum(salt: &[u8], proof: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(salt);
    sum.update(proof);
    sum.finalize()
}
