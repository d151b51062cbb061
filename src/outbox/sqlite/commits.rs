//! The commits: of rows, in groups, and of what else is written.

use std::sync::{Arc, PoisonError};

use super::cap::{self, Dropped, Verdict};
use super::log::Log;
use super::pack::Prepared;
use super::writing::Writing;
use super::{Drain, SqliteOutbox, Writer, rows, schema};
use crate::outbox::seal::Seal;
use crate::outbox::{Durability, Error, Number, Pending, Result};

impl SqliteOutbox {
    /// Commits the rows of a group and answers each. A failure that one row may have caused is not
    /// left on the others: then each gets a commit of its own.
    pub(super) fn commit_group(&self, group: &[Prepared<'_>], dropped: &mut Pending) -> Vec<Result<Number>> {
        match self.commit_rows(group, dropped) {
            Ok(answers) => answers,
            Err(error @ (Error::Locked { .. } | Error::Corrupt { .. } | Error::Gone { .. })) => {
                group.iter().map(|_| Err(error.clone())).collect()
            }
            Err(error) if group.len() == 1 => vec![Err(error)],
            Err(_) => group
                .iter()
                .map(|row| {
                    self.commit_rows(std::slice::from_ref(row), dropped)?
                        .pop()
                        .unwrap_or(self.abandoned())
                })
                .collect(),
        }
    }

    /// Commits rows together; the result is for the commit, the answers in it for each row.
    fn commit_rows(&self, group: &[Prepared<'_>], dropped: &mut Pending) -> Result<Vec<Result<Number>>> {
        self.be_sure_of_log()?;
        let mut writer = self.writer();
        let done = self.commit_rows_by(&mut writer, group, dropped);
        if let Err(error) = &done {
            let Writer { connection, log, .. } = &mut *writer;
            log.doubt_after(error, connection);
        }
        done
    }

    fn commit_rows_by(
        &self,
        writer: &mut Writer,
        group: &[Prepared<'_>],
        dropped: &mut Pending,
    ) -> Result<Vec<Result<Number>>> {
        let Writer {
            connection,
            seal,
            log,
            place,
        } = writer;
        place.check()?;
        let bytes = group.iter().map(Prepared::stored_bytes).sum();
        let (transaction, mut gone) = loop {
            log.empty_if_due(connection, bytes)
                .map_err(|source| self.failed(source))?;
            let transaction = Writing::begin(connection).map_err(|source| self.failed(source))?;
            let mut gone = Dropped::default();
            let is_all = cap::make_room(&transaction, seal, group, &self.options.cap, &mut gone)
                .map_err(|source| self.failed(source))?;
            if is_all {
                break (transaction, gone);
            }
            gone.note(&transaction).map_err(|source| self.failed(source))?;
            transaction.commit().map_err(|source| self.failed(source))?;
            add(dropped, &gone.counts);
        };
        log.make_room(bytes).map_err(|source| Error::DiskFull {
            path: self.path.clone(),
            source: Arc::new(source),
        })?;
        let mut tail = rows::tail(&transaction).map_err(|source| self.failed(source))?;
        let mut answers = Vec::with_capacity(group.len());
        for row in group {
            let verdict = cap::admit(&transaction, row, &self.options.cap, &mut tail, &mut gone)
                .map_err(|source| self.failed(source))?;
            answers.push(match verdict {
                Verdict::Fits => {
                    Ok(rows::append(&transaction, seal, &mut tail, row)
                        .map_err(|source| self.failed(source))?)
                }
                Verdict::Dropped(seq) => Ok(tail.number(seq)),
                Verdict::Refused(limit) => Err(Error::CapReached {
                    path: self.path.clone(),
                    limit,
                }),
            });
        }
        gone.note(&transaction).map_err(|source| self.failed(source))?;
        transaction.commit().map_err(|source| self.failed(source))?;
        if self.options.durability == Durability::Full {
            // One sync is for all that was committed before it.
            self.sent_as().on_disk = true;
        }
        add(dropped, &gone.counts);
        Ok(answers)
    }

    pub(super) fn abandoned(&self) -> Result<Number> {
        Err(Error::Abandoned {
            path: self.path.clone(),
        })
    }

    pub(super) fn report_dropped(&self, dropped: Pending) {
        if dropped == Pending::default() {
            return;
        }
        ::log::error!(
            target: "ingest::outbox",
            "dropped {} transactions ({} objects) to stay under the cap of {}",
            dropped.transactions, dropped.objects, self.path.display()
        );
        if let Some(on_drop) = &self.options.on_drop {
            on_drop(dropped);
        }
    }

    /// Writes with the uploader's connection, in a turn of its own: removes rows, or notes what the
    /// uploader needs. That must also work on a disk that rows have filled.
    pub(super) fn write_alone<T>(
        &self,
        durability: Durability,
        work: impl Fn(&Writing<'_>, &Seal) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.turns.alone(|| {
            // What may be undone may also be in a log that is in doubt.
            if durability == Durability::Full
                && let Err(error) = self.be_sure_of_log()
            {
                let Error::DiskFull { .. } = error else {
                    return Err(error);
                };
                self.writer().log.give_up_reserve();
                self.be_sure_of_log()?;
            }
            let (mut drain, mut writer) = (self.drain(), self.writer());
            let Drain { connection, seal } = &mut *drain;
            let Writer {
                connection: other,
                log,
                ..
            } = &mut *writer;
            let mut attempt = |log: &mut Log| {
                schema::sync_commits(connection, durability)
                    .and_then(|()| {
                        let transaction = Writing::begin(connection)?;
                        let done = work(&transaction, seal)?;
                        transaction.commit().map(|()| done)
                    })
                    .map_err(|source| self.failed(source))
                    .inspect_err(|error| log.doubt_after(error, connection))
            };
            let mut done = attempt(log);
            if let Err(Error::DiskFull { .. }) = done
                && (durability == Durability::Relaxed || !log.is_doubtful())
            {
                log.give_way(other);
                done = attempt(log);
            }
            // What this says is met by the next write.
            let _ = log.empty_if_due(other, 0);
            done
        })
    }

    /// Sees to it that no hole in the log takes the next commit with it on power loss. To be called in
    /// a turn, before each commit that promises anything.
    pub(super) fn be_sure_of_log(&self) -> Result<()> {
        if !self.writer().log.is_doubtful() {
            return Ok(());
        }
        {
            let mut writer = self.writer();
            let Writer {
                connection,
                log,
                place,
                ..
            } = &mut *writer;
            // What stands in its place now would be opened.
            place.check()?;
            log.bury(connection).map_err(|source| self.failed(source))?;
        }
        // Opening the file anew makes SQLite check the log, and forget what of it went into the
        // database already: that may be gone as well.
        let ((), recovered) = self.reopen(|_| ())?;
        if recovered.is_some() {
            *self.untold.lock().unwrap_or_else(PoisonError::into_inner) = recovered;
        }
        let mut writer = self.writer();
        let Writer { connection, log, .. } = &mut *writer;
        log.be_sure(connection).map_err(|source| self.failed(source))
    }
}

fn add(sum: &mut Pending, more: &Pending) {
    sum.transactions += more.transactions;
    sum.objects += more.objects;
    sum.bytes += more.bytes;
}
