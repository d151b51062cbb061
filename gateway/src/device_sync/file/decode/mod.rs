//! Uploads become transactions, in rounds: each is of one schema and of a bounded size, so that a long upload takes no more memory
//! than a short one. Blocks.

mod open;
mod round;

pub(super) use round::{End, Round};

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use realm_ingest_protocol::{MAX_TRANSACTION_BYTES, MAX_TRANSACTION_DOCUMENTS};
use tracing::warn;

use self::open::{Open, behind};
use super::classes::{Classes, ClassesError, SharedClasses};
use super::failure::{Ending, of_build, of_classes, of_upload};
use super::resolve::Question;
use crate::device_sync::adopted;
use crate::device_sync::builder::{self, BuildError, Built};
use crate::device_sync::frames::UploadHeader;
use crate::device_sync::registry::Registry;
use crate::device_sync::upload::entries;
use crate::ingest::{Form, Transaction};
use crate::memory::{Budget, NoMemory};

/// Properties of which it is remembered that nobody knows them, while some uploads are stored.
const MAX_IN_VAIN: usize = 10_000;

/// An upload as it has come.
pub(in crate::device_sync) struct Upload {
    pub header: UploadHeader,
    pub body: Bytes,
    /// What accounts for the body.
    pub budget: Budget,
}

/// Uploads of one file that are on their way to the core.
pub(super) struct Decoder {
    uploads: VecDeque<Upload>,
    open: Option<Open>,
    /// What the classes are behind all that was decoded.
    pub classes: Arc<Classes>,
    /// What accounts for the transactions, and for the classes that come.
    account: Budget,
    of_classes: Budget,
    shared: Arc<SharedClasses>,
    /// Version of the last changeset.
    last: u64,
    /// Version of the changeset of which it was asked last what more its classes are.
    asked: u64,
    /// Classes and properties of which that is not known elsewhere.
    in_vain: BTreeSet<(String, String)>,
    /// A transaction under other classes than those of its round: the next one begins with it.
    ahead: Option<Ahead>,
}

/// What became of a changeset.
struct Ahead {
    version: u64,
    /// Bytes of the changeset.
    input: usize,
    made: i64,
    built: Built,
    /// What accounts for the documents.
    memory: Budget,
    grown: Option<Registry>,
}

impl Decoder {
    /// For uploads of a file with these classes; `account` is of who sends, and `of_classes` for what his classes are.
    pub fn new(
        uploads: VecDeque<Upload>,
        classes: Arc<Classes>,
        (shared, of_classes): (Arc<SharedClasses>, Budget),
        account: Budget,
    ) -> Self {
        Self {
            uploads,
            open: None,
            classes,
            account,
            of_classes,
            shared,
            last: 0,
            asked: 0,
            in_vain: BTreeSet::new(),
            ahead: None,
        }
    }

    /// Decodes until the round is full or cannot go on.
    pub fn round(&mut self) -> Round {
        let mut round = Round::new(self.account.another());
        round.end = match self.fill(&mut round) {
            Ok(end) => end,
            Err(ending) => End::Failed(ending),
        };
        round
    }

    /// From now on the classes are known to be these, if anything was found out. What was not is not asked for again.
    pub fn define(
        &mut self,
        found: Option<Registry>,
        lacking: Vec<(String, String)>,
    ) -> Result<(), ClassesError> {
        if let Some(registry) = found {
            self.classes = self.shared.of(registry, &self.of_classes)?;
        }
        let still = |(class, property): &(String, String)| !self.classes.registry.has(class, property);
        let still = lacking.into_iter().filter(still);
        self.in_vain.extend(still);
        if self.in_vain.len() > MAX_IN_VAIN {
            self.in_vain.clear();
        }
        Ok(())
    }

    fn fill(&mut self, round: &mut Round) -> Result<End, Ending> {
        loop {
            if round.is_full() {
                return Ok(End::More);
            }
            let ahead = match self.ahead.take() {
                Some(ahead) => ahead,
                None => match self.next(round)? {
                    Next::Built(ahead) => ahead,
                    Next::End(end) => return Ok(end),
                },
            };
            // Each change is kept before there is another one.
            let has_begun = !round.transactions.is_empty() || round.changed.is_some();
            if ahead.grown.is_some() && has_begun {
                self.ahead = Some(ahead);
                return Ok(End::More);
            }
            self.add(ahead, round)?;
        }
    }

    /// The next changeset, out of whichever upload.
    fn next(&mut self, round: &mut Round) -> Result<Next, Ending> {
        loop {
            let Some(open) = &mut self.open else {
                match self.uploads.pop_front() {
                    Some(upload) => self.open = Some(Open::new(upload)?),
                    None => return Ok(Next::End(End::Done)),
                }
                continue;
            };
            let rest = open.body.slice(open.done..);
            let Some(entry) = entries(&rest).next() else {
                round.settled = Some(open.progress);
                self.open = None;
                continue;
            };
            let entry = entry.map_err(of_upload)?;
            open.check(&entry, self.last)?;
            let mut memory = self.account.another();
            let registry = &self.classes.registry;
            let limits = builder::Limits {
                documents: u32::try_from(MAX_TRANSACTION_DOCUMENTS).unwrap_or(u32::MAX),
                bytes: usize::try_from(MAX_TRANSACTION_BYTES).unwrap_or(usize::MAX),
            };
            let built = builder::documents_under(entry.changeset, registry, limits, &mut memory);
            let (built, grown) = match built {
                Ok(built) => built,
                Err(BuildError::UnknownClasses(classes)) => {
                    let question = Question {
                        version: entry.client_version,
                        changeset: rest.slice_ref(entry.changeset),
                        classes,
                        lacking: Vec::new(),
                    };
                    return Ok(Next::End(End::Unknown(question)));
                }
                Err(error) => {
                    let begins = hex(entry.changeset);
                    warn!(version = entry.client_version, begins, %error, "a changeset is not taken");
                    return Err(of_build(error));
                }
            };
            // It is asked once; what is not known then is for the core to refuse.
            if self.asked != entry.client_version {
                let mut classes = adopted::outgrown(entry.changeset, &self.classes.registry);
                let mut lacking = built.incomplete.clone();
                lacking.retain(|property| !self.in_vain.contains(property));
                classes.extend(lacking.iter().map(|(class, _)| class.clone()));
                classes.sort_unstable();
                classes.dedup();
                if !classes.is_empty() {
                    self.asked = entry.client_version;
                    let question = Question {
                        version: entry.client_version,
                        changeset: rest.slice_ref(entry.changeset),
                        classes,
                        lacking,
                    };
                    return Ok(Next::End(End::Unknown(question)));
                }
            }
            open.changed(grown.is_some())?;
            let input = rest.len() - behind(&rest, entry.changeset);
            open.done += input;
            self.last = entry.client_version;
            return Ok(Next::Built(Ahead {
                version: entry.client_version,
                input,
                made: entry.made,
                grown,
                built,
                memory,
            }));
        }
    }

    fn add(&mut self, ahead: Ahead, round: &mut Round) -> Result<(), Ending> {
        if let Some(grown) = ahead.grown {
            self.classes = self.shared.of(grown, &self.of_classes).map_err(of_classes)?;
            round.changed = Some(ahead.version);
        }
        let Built {
            runs,
            payload,
            documents,
            skipped,
            ..
        } = ahead.built;
        round.skipped += skipped;
        round.changesets += 1;
        round.input += ahead.input;
        if documents == 0 {
            return Ok(());
        }
        let counted = usize::try_from(documents).unwrap_or(usize::MAX);
        let beside = Transaction::memory(counted) + Form::memory(runs.len());
        round.memory.absorb(ahead.memory);
        round.memory.try_grow(beside).map_err(no_memory)?;
        round.documents += u64::from(documents);
        round.bytes += payload.len();
        round.made = Some((round.made.map_or(ahead.made, |(first, _)| first), ahead.made));
        let schema = self.classes.fingerprint();
        let form = Form { schema, runs };
        let form = match round.transactions.last() {
            Some(before) if *before.form == form => Arc::clone(&before.form),
            _ => Arc::new(form),
        };
        round.transactions.push(Transaction {
            seq: i64::try_from(ahead.version).unwrap_or(i64::MAX),
            form,
            payload: payload.into(),
        });
        Ok(())
    }
}

enum Next {
    Built(Ahead),
    End(End),
}

pub(super) fn no_memory(_: NoMemory) -> Ending {
    of_upload(NoMemory.into())
}

/// The first bytes of a changeset, which name a class and no contents.
fn hex(changeset: &[u8]) -> String {
    use std::fmt::Write as _;
    changeset.iter().take(16).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
