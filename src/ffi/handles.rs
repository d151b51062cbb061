//! What the bridge's boxes hold, and the bridge's calls on them.

use cxx::UniquePtr;

use super::bridge::ffi::{Completion, ConnectionObserver, HostTransport, SessionObserver};
use super::bridge::{AppConfig, HttpResponse, Pending, RealmConfig, Run, Status, Stranded};
use super::{Handle, callbacks, convert, guard, host, signals};
use crate::app::{self, Credentials};
use crate::error::{Error, Result};
use crate::transport;
use crate::uploader::session;
use crate::{calls, outbox, realm};

pub(super) struct App(Handle<app::App>);

pub(super) fn open_app(
    config: &AppConfig,
    transport: UniquePtr<HostTransport>,
    status: &mut Status,
) -> Box<App> {
    host::prepare();
    let opened = signals::shielded(|| {
        guard(|| {
            let mut settings = app::AppConfig::new(config.app_id.as_str());
            settings.base_url = config.has_base_url.then(|| config.base_url.clone());
            settings.path = convert::given_path(&config.path);
            settings.metadata_encryption_key = convert::key(&config.metadata_encryption_key)?;
            settings.enable_caching = config.enable_caching;
            settings.http = (&config.http).into();
            if let Some(transport) = callbacks::host_transport(transport) {
                settings.transport = Some(std::sync::Arc::new(transport));
            }
            app::App::open(settings).map(Handle::new)
        })
    });
    Box::new(App(convert::or(Handle::null(), status, opened)))
}

pub(super) fn cached_app(app_id: &str, has_base_url: bool, base_url: &str) -> Box<App> {
    let found = guard(|| Ok(app::App::cached(app_id, has_base_url.then_some(base_url))));
    Box::new(App(found.ok().flatten().map_or_else(Handle::null, Handle::new)))
}

impl App {
    pub(super) fn is_null(&self) -> bool {
        self.0.is_null()
    }

    pub(super) fn duplicate(&self) -> Box<App> {
        Box::new(App(self.0.clone()))
    }

    pub(super) fn has_host_transport(&self) -> bool {
        self.0.read(false, app::App::has_host_transport)
    }

    pub(super) fn register_user(&self, email: &str, password: &str) -> Status {
        Status::of(self.0.call(|app| app.register_user(email, password)))
    }

    pub(super) fn login(&self, provider: &str, body_json: &str, status: &mut Status) -> Box<User> {
        let user = self.0.call(|app| {
            app.login(&Credentials::new(provider, body_json)?)
                .map(Handle::new)
        });
        Box::new(User(convert::or(Handle::null(), status, user)))
    }

    pub(super) fn current_user(&self) -> Box<User> {
        let user = self.0.read(None, app::App::current_user);
        Box::new(User(user.map_or_else(Handle::null, Handle::new)))
    }

    pub(super) fn base_url(&self) -> String {
        self.0.read(String::new(), app::App::base_url)
    }

    pub(super) fn update_base_url(&self, url: &str) -> Status {
        Status::of(self.0.call(|app| app.update_base_url(url)))
    }

    pub(super) fn stranded(&self, status: &mut Status) -> Vec<Stranded> {
        let found = self.0.call(|app| {
            let stranded = app.stranded()?.into_iter().map(|found| Stranded {
                path: convert::path_bytes(found.path),
                user_id: found.user,
                principal: found.principal,
                pending: found.pending.into(),
            });
            Ok(stranded.collect())
        });
        convert::or(Vec::new(), status, found)
    }

    pub(super) fn rehome(&self, path: &[u8], user: &User) -> Status {
        Status::of(
            self.0
                .call(|app| user.0.call(|user| app.rehome(convert::path(path), user))),
        )
    }

    pub(super) fn export_to(&self, path: &[u8], destination: &[u8], status: &mut Status) -> u64 {
        let exported = self
            .0
            .call(|app| app.export(convert::path(path), convert::path(destination)));
        convert::or(0, status, exported)
    }

    pub(super) fn discard(&self, path: &[u8], status: &mut Status) -> Pending {
        let discarded = self.0.call(|app| app.discard(convert::path(path)));
        convert::or(Pending::default(), status, discarded.map(Pending::from))
    }
}

pub(super) struct User(Handle<app::User>);

impl User {
    pub(super) fn is_null(&self) -> bool {
        self.0.is_null()
    }

    pub(super) fn duplicate(&self) -> Box<User> {
        Box::new(User(self.0.clone()))
    }

    pub(super) fn same_as(&self, other: &User) -> bool {
        self.0.inner == other.0.inner
    }

    pub(super) fn identifier(&self) -> String {
        self.0.read(String::new(), |user| user.id().to_owned())
    }

    pub(super) fn state(&self) -> u8 {
        self.0.read(app::UserState::Removed, app::User::state) as u8
    }

    pub(super) fn access_token(&self) -> String {
        self.0.read(String::new(), app::User::access_token)
    }

    pub(super) fn refresh_token(&self) -> String {
        self.0.read(String::new(), app::User::refresh_token)
    }

    pub(super) fn log_out(&self) -> Status {
        Status::of(self.0.call(app::User::log_out))
    }

    pub(super) fn refresh_custom_data(&self) -> Status {
        Status::of(self.0.call(app::User::refresh_custom_data))
    }

    pub(super) fn custom_data(&self) -> String {
        self.0.read(None, app::User::custom_data).unwrap_or_default()
    }

    pub(super) fn call_function(&self, name: &str, args_ejson: &str, status: &mut Status) -> String {
        convert::or(
            String::new(),
            status,
            self.0.call(|user| user.call_function(name, args_ejson)),
        )
    }

    pub(super) fn realm_path(&self, status: &mut Status) -> Vec<u8> {
        let path = self.0.call(|user| Ok(convert::path_bytes(user.realm_path()?)));
        convert::or(Vec::new(), status, path)
    }
}

pub(super) struct Realm(Handle<realm::Realm>);

pub(super) fn open_realm(
    user: &User,
    config: &RealmConfig,
    observer: UniquePtr<SessionObserver>,
    status: &mut Status,
) -> Box<Realm> {
    host::prepare();
    let opened = user.0.call(|user| {
        let mut settings = realm::RealmConfig::new(config.schema_json.as_str());
        settings.path = convert::given_path(&config.path);
        settings.stop_policy = stop_policy(config.stop_policy)?;
        settings.encryption_key = convert::key(&config.encryption_key)?.map(Vec::from);
        settings.headers = convert::pairs(&config.headers);
        settings.proxy = convert::given(&config.proxy);
        realm::Realm::open(user, settings, callbacks::error_handler(observer)).map(Handle::new)
    });
    Box::new(Realm(convert::or(Handle::null(), status, opened)))
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

    pub(super) fn append(&self, runs: &[Run], payload: &[u8]) -> Status {
        Status::of(self.0.call(|realm| {
            let runs = runs.iter().map(|run| outbox::Run {
                class: run.class_name.clone(),
                count: run.count,
            });
            realm.append(&runs.collect::<Vec<_>>(), payload)
        }))
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

pub(super) struct Session(Handle<session::Session>);

impl Session {
    pub(super) fn duplicate(&self) -> Box<Session> {
        Box::new(Session(self.0.clone()))
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
    fn wait(&self, completion: UniquePtr<Completion>, begin: impl FnOnce(&session::Session, Done)) {
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

/// A call on a thread of the headers.
pub(super) struct RunningCall(Option<calls::RunningCall>);

pub(super) fn begin_call() -> Box<RunningCall> {
    host::keep_callers_loaded();
    Box::new(RunningCall(super::guard_or(None, calls::RunningCall::begin)))
}

impl RunningCall {
    pub(super) fn is_null(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn enter(&self) {
        if let Some(call) = &self.0 {
            call.enter();
        }
    }
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
