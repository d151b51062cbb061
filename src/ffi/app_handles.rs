//! The app and its users as the bridge's boxes hold them, and the bridge's calls on them.

use cxx::UniquePtr;

use super::bridge::ffi::{HostTransport, LoginCompletion};
use super::bridge::{AppConfig, Identity, Pending, ServerTime, Status, Stranded};
use super::http_settings::HttpSettings;
use super::os::{path, signals};
use super::{Handle, callbacks, convert, guard, handles, host};
use crate::app::{self, Credentials};
use crate::error::{Error, Result};

pub(super) struct App(Handle<app::App>);

pub(super) fn open_app(
    config: &AppConfig<'_>,
    http: &HttpSettings,
    transport: UniquePtr<HostTransport>,
    status: &mut Status,
) -> Box<App> {
    host::prepare();
    let opened = signals::shielded(|| {
        guard(|| {
            let mut settings = app::AppConfig::new(config.app_id);
            settings.base_url = config.has_base_url.then(|| config.base_url.to_owned());
            settings.path = convert::given_path(config.path);
            settings.metadata_encryption_key = convert::key(config.metadata_encryption_key)?;
            settings.enable_caching = config.enable_caching;
            settings.http = http.options();
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

    pub(super) fn confirm_user(&self, token: &str, token_id: &str) -> Status {
        Status::of(self.0.call(|app| app.confirm_user(token, token_id)))
    }

    pub(super) fn resend_confirmation_email(&self, email: &str) -> Status {
        Status::of(self.0.call(|app| app.resend_confirmation_email(email)))
    }

    pub(super) fn retry_custom_confirmation(&self, email: &str) -> Status {
        Status::of(self.0.call(|app| app.retry_custom_confirmation(email)))
    }

    pub(super) fn send_reset_password_email(&self, email: &str) -> Status {
        Status::of(self.0.call(|app| app.send_reset_password_email(email)))
    }

    pub(super) fn reset_password(&self, password: &str, token: &str, token_id: &str) -> Status {
        Status::of(self.0.call(|app| app.reset_password(password, token, token_id)))
    }

    pub(super) fn call_reset_password_function(
        &self,
        email: &str,
        password: &str,
        args_ejson: &str,
    ) -> Status {
        let call = |app: &app::App| app.call_reset_password_function(email, password, args_ejson);
        Status::of(self.0.call(call))
    }

    pub(super) fn login(&self, provider: &str, body_json: &str, status: &mut Status) -> Box<User> {
        let user = self.0.call(|app| {
            app.login(&Credentials::new(provider, body_json)?)
                .map(Handle::new)
        });
        Box::new(User(convert::or(Handle::null(), status, user)))
    }

    pub(super) fn begin_login(
        &self,
        provider: &str,
        body_json: &[u8],
        completion: UniquePtr<LoginCompletion>,
    ) -> bool {
        let app = App(self.0.clone());
        let (provider, body) = (provider.to_owned(), body_json.to_owned());
        let complete = callbacks::login_completion(completion);
        let call = move || {
            let mut status = Status::default();
            let user = match std::str::from_utf8(&body) {
                Ok(body) => app.login(&provider, body, &mut status),
                Err(_) => {
                    let text = "the credentials are not valid UTF-8".to_owned();
                    status = Status::of(Err(Error::InvalidArgument(text)));
                    Box::new(User(Handle::null()))
                }
            };
            complete(&status, user);
        };
        if self.has_host_transport() {
            return handles::elsewhere(call);
        }
        call();
        true
    }

    pub(super) fn current_user(&self) -> Box<User> {
        let user = self.0.read(None, app::App::current_user);
        Box::new(User(user.map_or_else(Handle::null, Handle::new)))
    }

    pub(super) fn users(&self) -> Vec<User> {
        let users = self.0.read(Vec::new(), app::App::users);
        users.into_iter().map(|user| User(Handle::new(user))).collect()
    }

    pub(super) fn switch_user(&self, user: &User) -> Status {
        self.with(user, app::App::switch_user)
    }

    pub(super) fn remove_user(&self, user: &User) -> Status {
        self.with(user, app::App::remove_user)
    }

    pub(super) fn delete_user(&self, user: &User) -> Status {
        self.with(user, app::App::delete_user)
    }

    fn with(&self, user: &User, work: impl FnOnce(&app::App, &app::User) -> Result<()>) -> Status {
        Status::of(self.0.call(|app| user.0.call(|user| work(app, user))))
    }

    pub(super) fn base_url(&self) -> String {
        self.0.read(String::new(), app::App::base_url)
    }

    pub(super) fn update_base_url(&self, url: &str) -> Status {
        Status::of(self.0.call(|app| app.update_base_url(url)))
    }

    pub(super) fn server_time(&self, status: &mut Status) -> ServerTime {
        let known = self.0.call(|app| Ok(app.server_time()));
        let time = convert::or(None, status, known);
        time.map_or_else(ServerTime::default, |time| ServerTime {
            is_known: true,
            now_us: convert::micros_since_1970(time.now),
            uncertainty_ms: convert::whole_millis(time.uncertainty),
        })
    }

    pub(super) fn stranded(&self, status: &mut Status) -> Vec<Stranded> {
        let found = self.0.call(|app| {
            let stranded = app.stranded()?.into_iter().map(|found| Stranded {
                path: path::into_bytes(found.path),
                user_id: found.user,
                principal: found.principal,
                pending: found.pending.into(),
            });
            Ok(stranded.collect())
        });
        convert::or(Vec::new(), status, found)
    }

    pub(super) fn rehome(&self, path: &[u8], user: &User, key: &[u8]) -> Status {
        self.with(user, |app, user| {
            app.rehome(path::from_bytes(path), user, convert::outbox_key(key)?.as_ref())
        })
    }

    pub(super) fn export_to(&self, path: &[u8], destination: &[u8], key: &[u8], status: &mut Status) -> u64 {
        let exported = self.0.call(|app| {
            let key = convert::outbox_key(key)?;
            app.export(
                path::from_bytes(path),
                path::from_bytes(destination),
                key.as_ref(),
            )
        });
        convert::or(0, status, exported)
    }

    pub(super) fn discard(&self, path: &[u8], status: &mut Status) -> Pending {
        let discarded = self.0.call(|app| app.discard(path::from_bytes(path)));
        convert::or(Pending::default(), status, discarded.map(Pending::from))
    }
}

pub(super) struct User(pub(super) Handle<app::User>);

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

    pub(super) fn identities(&self) -> Vec<Identity> {
        let identities = self.0.read(Vec::new(), app::User::identities).into_iter();
        let identities = identities.map(|identity| Identity {
            id: identity.id,
            provider_type: identity.provider_type,
        });
        identities.collect()
    }

    pub(super) fn link(&self, provider: &str, body_json: &str) -> Status {
        Status::of(
            self.0
                .call(|user| user.link(&Credentials::new(provider, body_json)?)),
        )
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
        let path = self.0.call(|user| Ok(path::into_bytes(user.realm_path()?)));
        convert::or(Vec::new(), status, path)
    }
}
