//! Turns at the file, inside this process.
//!
//! Whoever has the turn is the only one in the process that writes, so nobody ever sleeps on
//! SQLite's lock because of a sibling thread. A thread that finds the turn free takes it and writes
//! at once, without meeting another thread. A thread that finds it taken leaves its row in the
//! queue; when the turn reaches that row its thread takes the rows queued behind it along and
//! commits them together: one transaction, one sync for all (group commit). Work that is not a row,
//! such as settling, queues the same way and has its turn alone, so it cannot starve.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::pack::Prepared;
use crate::outbox::{Number, Result};

/// A group stops growing at this size, so that its first thread does not wait for a disk full of
/// others. At this size the sync is a small part of the commit already.
const GROUP_BYTES: u64 = 8 * 1024 * 1024;

/// Rows of one group; bounds the work of one commit when rows are tiny.
const GROUP_ROWS: usize = 1024;

#[derive(Default)]
pub(super) struct Turns {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The queue is empty whenever this is false.
    taken: bool,
    queue: VecDeque<Ticket>,
}

struct Ticket {
    /// `None` wants the turn for itself.
    row: Option<Prepared<'static>>,
    word: Arc<Word>,
}

/// What the holder of the turn says to a waiting thread.
#[derive(Default)]
struct Word {
    said: Mutex<Option<Said>>,
    heard: Condvar,
}

enum Said {
    /// The turn is yours.
    Turn,
    /// Your row was part of a group; this became of it.
    Done(Result<Number>),
}

impl Word {
    fn say(&self, said: Said) {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
        self.heard.notify_one();
    }

    fn wait(&self) -> Said {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match said.take() {
                Some(said) => return said,
                None => said = self.heard.wait(said).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// The turn, while a thread has it; dropping passes it on. If the thread panics, the rows it took
/// along are answered with the error it leaves here.
struct Turn<'t, E: Fn() -> Result<Number>> {
    turns: &'t Turns,
    followers: VecDeque<Arc<Word>>,
    if_abandoned: E,
}

impl<E: Fn() -> Result<Number>> Drop for Turn<'_, E> {
    fn drop(&mut self) {
        for word in self.followers.drain(..) {
            word.say(Said::Done((self.if_abandoned)()));
        }
        let mut state = self.turns.state();
        match state.queue.front() {
            Some(next) => next.word.say(Said::Turn),
            None => state.taken = false,
        }
    }
}

impl Turns {
    /// Nothing panics while it holds this lock, so what it guards is sound.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has `row` committed, by this thread or by another one. The thread that has the turn calls
    /// `commit` with the rows of the group, its own first, which answers each in order, and then
    /// `afterwards`, still in its turn but after the others were answered.
    pub(super) fn commit<'a>(
        &self,
        row: Prepared<'a>,
        commit: impl FnOnce(&[Prepared<'a>]) -> Vec<Result<Number>>,
        afterwards: impl FnOnce(),
        if_abandoned: impl Fn() -> Result<Number>,
    ) -> Result<Number> {
        let (rows, followers) = match self.take_or_queue(row) {
            Entered::WithTurn(row) => (vec![row], VecDeque::new()),
            Entered::Queued(word) => match word.wait() {
                Said::Done(answer) => return answer,
                Said::Turn => self.take_group(),
            },
        };
        let mut turn = Turn {
            turns: self,
            followers,
            if_abandoned,
        };
        let mut answers = commit(&rows).into_iter();
        let own = answers.next().unwrap_or_else(|| (turn.if_abandoned)());
        for answer in answers {
            if let Some(word) = turn.followers.pop_front() {
                word.say(Said::Done(answer));
            }
        }
        afterwards();
        own
    }

    /// Runs `work` alone.
    pub(super) fn alone<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut state = self.state();
        if state.taken {
            let word = Arc::new(Word::default());
            state.queue.push_back(Ticket {
                row: None,
                word: Arc::clone(&word),
            });
            drop(state);
            // Only rows are answered without a turn.
            while let Said::Done(_) = word.wait() {}
            self.state().queue.pop_front();
        } else {
            state.taken = true;
            drop(state);
        }
        let _turn = Turn {
            turns: self,
            followers: VecDeque::new(),
            if_abandoned: || Ok(Number::NONE),
        };
        work()
    }

    fn take_or_queue<'a>(&self, row: Prepared<'a>) -> Entered<'a> {
        let mut state = self.state();
        if !state.taken {
            state.taken = true;
            return Entered::WithTurn(row);
        }
        // Another thread may come to write the row: it needs a copy, made outside of the lock.
        drop(state);
        let row = row.into_owned();
        let mut state = self.state();
        if !state.taken {
            state.taken = true;
            return Entered::WithTurn(row);
        }
        let word = Arc::new(Word::default());
        state.queue.push_back(Ticket {
            row: Some(row),
            word: Arc::clone(&word),
        });
        Entered::Queued(word)
    }

    /// Takes the own row from the front of the queue and those behind it, up to the limits.
    fn take_group(&self) -> (Vec<Prepared<'static>>, VecDeque<Arc<Word>>) {
        let mut state = self.state();
        let mut rows = Vec::new();
        let mut followers = VecDeque::new();
        let mut bytes = 0;
        while let Some(Ticket { row: Some(row), .. }) = state.queue.front() {
            bytes += row.stored_bytes();
            if !rows.is_empty() && (bytes > GROUP_BYTES || rows.len() >= GROUP_ROWS) {
                break;
            }
            if let Some(Ticket { row: Some(row), word }) = state.queue.pop_front() {
                if !rows.is_empty() {
                    followers.push_back(word);
                }
                rows.push(row);
            }
        }
        (rows, followers)
    }
}

enum Entered<'a> {
    WithTurn(Prepared<'a>),
    Queued(Arc<Word>),
}
