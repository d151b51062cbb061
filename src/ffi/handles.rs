//! Realms, sessions and calls as the bridge's boxes hold them, and the bridge's calls on them.

use cxx::UniquePtr;

use super::app_handles::User;
use super::bridge::ffi::{Completion, ConnectionObserver, PendingCall, SessionObserver};
use super::bridge::{HttpResponse, RealmConfig, Run, Status};
use super::{Handle, callbacks, convert, host, options};
use crate::error::{Error, Result};
use crate::transport;
use crate::uploader::session;
use crate::{calls, outbox, realm};

pub(super) struct Realm(pub(super) Handle<realm::Realm>);

pub(super) fn open_realm(
    user: &User,
    config: &RealmConfig,
    observer: UniquePtr<SessionObserver>,
    status: &mut Status,
) -> Box<Realm> {
    host::prepare();
    let opened = user.0.call(|user| {
        let mut settings = file(config)?;
        settings.stop_policy = stop_policy(config.stop_policy)?;
        settings.headers = convert::pairs(&config.headers);
        settings.proxy = convert::given(&config.proxy);
        let chosen = &config.options;
        settings.durability = options::durability(chosen.durability)?;
        settings.cap = options::cap(
            chosen.max_bytes,
            chosen.max_objects,
            chosen.max_age_ms,
            chosen.cap_policy,
        )?;
        settings.urgent.clone_from(&chosen.urgent);
        settings.upload = chosen.into();
        let errors = callbacks::SessionErrors::new(observer);
        let realm = realm::Realm::open(user, settings, Some(errors.clone().handler()))?;
        errors.start(Session(Handle::new(realm.session())));
        Ok(Handle::new(realm))
    });
    Box::new(Realm(convert::or(Handle::null(), status, opened)))
}

pub(super) fn rekey(user: &User, config: &RealmConfig, new_key: &[u8]) -> Status {
    Status::of(
        user.0
            .call(|user| realm::Realm::rekey(user, &file(config)?, convert::key(new_key)?)),
    )
}

/// The classes, the file and its key, and the defaults.
fn file(config: &RealmConfig) -> Result<realm::RealmConfig> {
    let mut settings = realm::RealmConfig::new(config.schema_json.as_str());
    settings.path = convert::given_path(&config.path);
    settings.encryption_key = convert::key(&config.encryption_key)?;
    Ok(settings)
}

pub(super) fn stop_policy(number: u8) -> Result<realm::StopPolicy> {
    match number {
        0 => Ok(realm::StopPolicy::Immediately),
        1 => Ok(realm::StopPolicy::LiveIndefinitely),
        2 => Ok(realm::StopPolicy::AfterChangesUploaded),
        other => Err(Error::InvalidArgument(format!("{other} is no stop policy"))),
    }
}

impl Realm {
    pub(super) fn is_null(&self) -> bool {
        self.0.is_null()
    }

    pub(super) fn append(&self, runs: &[Run], payload: &[u8], status: &mut Status) -> u64 {
        let number = self.0.call(|realm| {
            let runs = runs.iter().map(|run| outbox::Run {
                class: run.class_name.clone(),
                count: run.count,
            });
            realm.append(&runs.collect::<Vec<_>>(), payload)
        });
        convert::or(0, status, number)
    }

    pub(super) fn pending_objects(&self) -> u64 {
        self.0
            .call(realm::Realm::pending)
            .map_or(0, |pending| pending.objects)
    }

    pub(super) fn session(&self) -> Box<Session> {
        Box::new(Session(
            self.0
                .call(|realm| Ok(Handle::new(realm.session())))
                .unwrap_or(Handle::null()),
        ))
    }

    pub(super) fn close(&self) {
        self.0.read((), realm::Realm::close);
    }
}

#[derive(Clone)]
pub(super) struct Session(Handle<session::Session>);

impl Session {
    pub(super) fn duplicate(&self) -> Box<Session> {
        Box::new(self.clone())
    }

    pub(super) fn is_alive(&self) -> bool {
        self.0.read(false, session::Session::is_alive)
    }

    pub(super) fn state(&self) -> u8 {
        self.0
            .read(session::SessionState::Inactive, session::Session::state) as u8
    }

    pub(super) fn connection_state(&self) -> u8 {
        self.0.read(
            session::ConnectionState::Disconnected,
            session::Session::connection_state,
        ) as u8
    }

    pub(super) fn wait_for_upload(&self, completion: UniquePtr<Completion>) {
        self.wait(completion, session::Session::wait_for_upload)
    }

    pub(super) fn wait_for_download(&self, completion: UniquePtr<Completion>) {
        self.wait(completion, session::Session::wait_for_download)
    }

    /// A completion hears the end of its wait also where the wait cannot begin.
    fn wait(&self, completion: UniquePtr<Completion>, begin: impl FnOnce(&session::Session, Done) -> u64) {
        let mut done = Some(Box::new(callbacks::completion(completion)) as Done);
        let begun = self.0.call(|session| {
            if let Some(done) = done.take() {
                begin(session, done);
            }
            Ok(())
        });
        if let (Err(error), Some(done)) = (begun, done) {
            done(Err(error));
        }
    }

    pub(super) fn pause(&self) {
        self.0.read((), session::Session::pause);
    }

    pub(super) fn resume(&self) {
        self.0.read((), session::Session::resume);
    }

    pub(super) fn reconnect(&self) {
        self.0.read((), session::Session::reconnect);
    }

    pub(super) fn observe_connection(&self, observer: UniquePtr<ConnectionObserver>) -> u64 {
        let observer = callbacks::connection_observer(observer);
        self.0.read(0, |session| session.observe_connection(observer))
    }

    pub(super) fn unobserve_connection(&self, token: u64) {
        self.0.read((), |session| session.unobserve_connection(token));
    }
}

pub(super) fn run_elsewhere(call: UniquePtr<PendingCall>) -> bool {
    elsewhere(callbacks::pending_call(call))
}

/// Whether there was a thread for it, if it took one.
pub(super) fn elsewhere(call: impl FnOnce() + Send + 'static) -> bool {
    let Some(running) = super::guard_or(None, calls::RunningCall::begin) else {
        call();
        return true;
    };
    let on_its_thread = move || {
        running.enter();
        // What the call holds is the application's, and goes before the call has ended.
        call();
        drop(running);
    };
    let thread = std::thread::Builder::new().name("ingest-call".to_owned());
    thread.spawn(on_its_thread).is_ok()
}

type Done = Box<dyn FnOnce(Result<()>) + Send>;

pub(super) struct ResponseSlot(transport::host::ResponseSlot);

impl ResponseSlot {
    pub(super) fn new(slot: transport::host::ResponseSlot) -> ResponseSlot {
        ResponseSlot(slot)
    }

    pub(super) fn complete(&mut self, response: &HttpResponse) {
        super::guard_or((), || self.0.complete(response.into()));
    }
}
