//! Clients that keep to nothing: messages in any order, and with any numbers. Whatever they say, the gateway keeps to what the module
//! promises, and does nothing for one session because of another.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;

use crate::device_sync::errors::{ConnectionCode, ConnectionError, SessionError};
use crate::device_sync::frames::{ClientMessage, Download, FileIdent, STAMP, ServerMessage};
use crate::device_sync::session::{Binding, Effect, Failure, Sessions, Stored};
use crate::device_sync::version::Version;

#[derive(Debug, Clone)]
enum Step {
    Says(String),
    /// Subscriptions so far beyond the last ones, or behind.
    Asks(u64, i64, &'static str),
    /// An upload of so many bytes, with a progress so far beyond the last one.
    Uploads(u64, usize, u64),
    /// What a binding is to have done is done, for one that is open or one that is not any more.
    Done(usize),
    Fails(usize, bool),
}

/// A number that may be anything, and mostly is one that others are too.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        9 => 0..9_u64,
        1 => Just(u64::try_from(i64::MAX).unwrap()),
    ]
}

fn session() -> impl Strategy<Value = u64> {
    prop_oneof![20 => 1..3_u64, 1 => Just(0_u64), 1 => Just(3_u64)]
}

fn message() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (session(), 0..2_u8).prop_map(|(session, needs)| format!("bind {session} 0 0 {needs} 0\n")),
        8 => (session(), 1..4_u64, number(), number(), number(), any::<bool>(), 0..4_u8).prop_map(
            |(session, ident, server, client, latest, is_known, query)| {
                let salt = if is_known { STAMP } else { 0 };
                format!("ident {session} {ident} 1 {server} {client} {latest} {salt} {query} 2\n{{}}")
            }
        ),
        4 => (session(), number()).prop_map(|(session, request)| format!("mark {session} {request}\n")),
        1 => number().prop_map(|timestamp| format!("ping {timestamp} 0\n")),
        2 => session().prop_map(|session| format!("unbind {session}\n")),
        1 => session().prop_map(|session| format!("json_error 1 0 {session}\n")),
        1 => session().prop_map(|session| format!("test_command {session} 1 0\n")),
        1 => Just("anything\n".to_owned()),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => message().prop_map(Step::Says),
        2 => (session(), -1..4_i64, prop_oneof![Just("{}"), Just("[]")])
            .prop_map(|(session, ahead, body)| Step::Asks(session, ahead, body)),
        4 => (session(), 0..2_usize, 0..4_u64).prop_map(|(session, size, ahead)| {
            Step::Uploads(session, size, ahead)
        }),
        1 => (session(), 0..2_usize, number()).prop_map(|(session, size, progress)| {
            Step::Says(upload(session, size, progress))
        }),
        5 => any::<usize>().prop_map(Step::Done),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(which, is_all)| Step::Fails(which, is_all)),
    ]
}

fn upload(session: u64, size: usize, progress: u64) -> String {
    let body = "x".repeat(size);
    format!("upload {session} 0 {size} 0 {progress} {progress} 0\n{body}")
}

#[derive(Default)]
struct Watched {
    open: BTreeMap<u64, Session>,
    /// What is to be done, of all bindings there ever were.
    jobs: Vec<(Binding, VecDeque<Effect>)>,
    over: BTreeSet<Binding>,
    has_ended: bool,
}

/// A session that is open.
#[derive(Default)]
struct Session {
    binding: Option<Binding>,
    waits_for_ident: bool,
    is_identified: bool,
    is_of_app_services: bool,
    last: Option<Download>,
    /// Progress of uploads, and whether they are stored.
    uploads: Vec<(u64, bool)>,
    progress: u64,
    marks: BTreeSet<u64>,
    queries: BTreeSet<i64>,
}

impl Watched {
    fn current(&mut self, binding: Binding) -> Option<&mut Session> {
        let session = self.open.get_mut(&binding.session());
        session.filter(|session| session.binding == Some(binding))
    }

    /// What a client says in a step.
    fn words(&self, step: &Step) -> Option<String> {
        match *step {
            Step::Says(ref message) => Some(message.clone()),
            Step::Asks(session, ahead, body) => {
                let open = self.open.get(&session);
                let last = open.and_then(|open| open.queries.last()).copied().unwrap_or(1);
                let version = last.saturating_add(ahead).max(0);
                Some(format!("query {session} {version} 2\n{body}"))
            }
            Step::Uploads(session, size, ahead) => {
                let last = self.open.get(&session).map_or(0, |open| open.progress);
                let most = u64::try_from(i64::MAX).unwrap();
                Some(upload(session, size, last.saturating_add(ahead).min(most)))
            }
            Step::Done(_) | Step::Fails(..) => None,
        }
    }

    /// Takes in what the client says, before it is known what comes of it.
    fn says(&mut self, message: &ClientMessage<'_>) {
        match *message {
            ClientMessage::Bind {
                session, needs_ident, ..
            } => {
                self.open.entry(session).or_insert_with(|| Session {
                    waits_for_ident: needs_ident,
                    ..Session::default()
                });
            }
            ClientMessage::Ident {
                session,
                download,
                latest_salt,
                query,
                ..
            } => {
                if let Some(session) = self.open.get_mut(&session) {
                    session.progress = download.1;
                    session.is_of_app_services = latest_salt != STAMP;
                    session.queries = [query.version].into();
                }
            }
            ClientMessage::Mark { session, request } => {
                self.open.entry(session).and_modify(|session| {
                    session.marks.insert(request);
                });
            }
            ClientMessage::Query { session, query } => {
                self.open.entry(session).and_modify(|session| {
                    session.queries.insert(query.version);
                });
            }
            ClientMessage::Upload(upload, _) => {
                self.open.entry(upload.session).and_modify(|session| {
                    session.progress = upload.progress_client;
                });
            }
            _ => {}
        }
    }

    /// Checks what comes of something.
    fn sees(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            assert!(!self.has_ended, "{effect:?} after the end");
            match effect {
                Effect::Send(message) => self.hears(message),
                Effect::Allocate { binding } | Effect::Identify { binding, .. } => self.owes(binding, effect),
                Effect::Store { binding, upload } => {
                    assert!(!upload.is_empty());
                    self.owes(binding, effect);
                    let session = self.current(binding).unwrap();
                    session.uploads.push((upload.progress_client, false));
                }
                Effect::End { binding } => {
                    assert!(self.over.insert(binding), "{binding:?} ends twice");
                    self.open.remove(&binding.session());
                }
                Effect::Note(_) => {}
                Effect::Close(code) => {
                    assert_eq!(code, None);
                    self.has_ended = true;
                }
            }
        }
    }

    fn owes(&mut self, binding: Binding, effect: Effect) {
        assert!(!self.over.contains(&binding));
        let session = self.open.get_mut(&binding.session()).unwrap();
        assert_eq!(*session.binding.get_or_insert(binding), binding);
        match self.jobs.iter_mut().find(|(of, _)| *of == binding) {
            Some((_, jobs)) => jobs.push_back(effect),
            None => self.jobs.push((binding, [effect].into())),
        }
    }

    fn hears(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::Pong { .. } | ServerMessage::ConnectionError(_) => {}
            // Its end has been told by then.
            ServerMessage::Unbound { session } => assert!(!self.open.contains_key(&session)),
            ServerMessage::Ident { session, .. } => {
                let session = self.open.get_mut(&session).unwrap();
                assert!(std::mem::take(&mut session.waits_for_ident), "it has an ident");
            }
            ServerMessage::Mark { session, request } => {
                let session = self.known(session);
                let is_begun = session.last.is_some() || session.is_of_app_services;
                assert!(is_begun, "nothing was downloaded");
                assert!(session.marks.contains(&request));
            }
            ServerMessage::QueryError { session, query, .. } => {
                assert!(self.open[&session].queries.contains(&query));
            }
            ServerMessage::SessionError { session, error } => {
                assert_ne!(error.number(), 231, "nothing was refused");
                assert!(self.open.contains_key(&session));
            }
            ServerMessage::Download(download) => self.downloads(download),
        }
    }

    fn known(&mut self, session: u64) -> &mut Session {
        let session = self.open.get_mut(&session).unwrap();
        assert!(session.is_identified);
        session
    }

    fn downloads(&mut self, download: Download) {
        let session = self.known(download.session);
        assert!(download.client <= session.progress, "a version that was not told");
        assert!(download.upload_server <= download.server);
        assert!(session.queries.contains(&download.query));
        let mut acknowledged = session
            .uploads
            .iter()
            .filter(|(progress, _)| *progress <= download.client);
        assert!(acknowledged.all(|(_, is_stored)| *is_stored), "it is not stored");
        if let Some(last) = session.last.replace(download) {
            assert!(download.server > last.server && download.client >= last.client);
            assert!(download.query >= last.query && download.upload_server >= last.upload_server);
        }
    }

    /// What is to be done next for one of all bindings.
    fn job(&mut self, which: usize) -> Option<(Binding, Effect)> {
        let count = self.jobs.len().max(1);
        let (binding, jobs) = self.jobs.get_mut(which % count)?;
        Some((*binding, jobs.pop_front()?))
    }

    fn done(&mut self, binding: Binding, job: &Effect, sessions: &mut Sessions) -> Vec<Effect> {
        let session = self.current(binding);
        match job {
            Effect::Allocate { .. } => sessions.allocated(binding, FileIdent { ident: 2, salt: 3 }),
            Effect::Identify { .. } => {
                if let Some(session) = session {
                    session.is_identified = true;
                }
                sessions.identified(binding)
            }
            Effect::Store { upload, .. } => {
                let progress_client = upload.progress_client;
                let uploads = session.into_iter().flat_map(|session| &mut session.uploads);
                for (progress, is_stored) in uploads {
                    *is_stored |= *progress == progress_client;
                }
                let stored = Stored {
                    progress_client,
                    ..Stored::default()
                };
                sessions.stored(binding, stored)
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A client of which everything is watched.
struct Watch {
    sessions: Sessions,
    watched: Watched,
}

impl Watch {
    fn of(n: u8) -> Self {
        Self {
            sessions: Sessions::new(Version::new(n).unwrap()),
            watched: Watched::default(),
        }
    }

    fn take(&mut self, step: &Step) {
        let effects = match *step {
            Step::Done(which) => self.done(which),
            Step::Fails(which, is_all) => self.fails(which, is_all),
            Step::Says(_) | Step::Asks(..) | Step::Uploads(..) => self.says(step),
        };
        self.watched.sees(effects);
        let open = if self.watched.has_ended {
            0
        } else {
            self.watched.open.len()
        };
        assert_eq!(self.sessions.count(), open);
    }

    fn says(&mut self, step: &Step) -> Vec<Effect> {
        let words = self.watched.words(step).unwrap();
        let message = ClientMessage::parse(words.as_bytes()).unwrap();
        self.watched.says(&message);
        let effects = self.sessions.receive(&message);
        if let ClientMessage::Upload(upload, _) = message
            && upload.is_empty()
        {
            let is_wrong = matches!(&*effects, [_, Effect::Close(_)]);
            let open = self.watched.open.get(&upload.session);
            let begins = open.is_some_and(|open| open.is_of_app_services && open.last.is_none());
            assert!(
                effects.is_empty() || is_wrong || begins,
                "an empty upload is answered"
            );
        }
        effects
    }

    fn done(&mut self, which: usize) -> Vec<Effect> {
        let Some((binding, job)) = self.watched.job(which) else {
            return Vec::new();
        };
        let effects = self.watched.done(binding, &job, &mut self.sessions);
        let is_over = self.watched.over.contains(&binding);
        assert!(effects.is_empty() || !is_over, "a late answer");
        effects
    }

    fn fails(&mut self, which: usize, is_all: bool) -> Vec<Effect> {
        let Some((binding, _)) = self.watched.job(which) else {
            return Vec::new();
        };
        let failure = if is_all {
            ConnectionError::new(ConnectionCode::BadDecompression, "x").into()
        } else {
            Failure::from(SessionError::later("x"))
        };
        let effects = self.sessions.failed(binding, failure);
        assert_eq!(effects.is_empty(), self.watched.over.contains(&binding));
        effects
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_gateway_keeps_to_its_promises_whatever_a_client_says(
        n in 2..15_u8,
        steps in proptest::collection::vec(step(), 0..200),
    ) {
        let mut watch = Watch::of(n);
        for step in steps {
            watch.take(&step);
            if watch.watched.has_ended {
                let after = watch.sessions.receive(&ClientMessage::Ping { timestamp: 1 });
                prop_assert_eq!(after, []);
                watch = Watch::of(n);
            }
        }
    }
}
