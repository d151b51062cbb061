//! Apps and their users: logging in and out, tokens, and the files that belong to a user. Speaks the App Services
//! client API; knows nothing of outboxes or sessions.

mod account;
mod answer;
mod base_url;
mod config;
mod credentials;
mod device;
mod email;
mod failover;
mod link;
mod login;
mod logout;
mod paths;
mod redirect;
mod remote;
mod runtime;
mod server_time;
mod succession;
mod threads;
pub(crate) mod tokens;
mod user;
mod user_list;
mod users;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use once_cell::sync::Lazy;

pub use account::UserState;
pub use config::AppConfig;
pub(crate) use credentials::ANONYMOUS;
pub use credentials::Credentials;
pub use device::DeviceInfo;
pub use server_time::ServerTime;
pub use user::User;
pub use users::Identity;

pub(crate) use account::{Account, Follower};
pub(crate) use answer::check as check_answer;
pub(crate) use paths::user_of_directory;
pub(crate) use remote::{Call, INGEST, Route};
pub(crate) use threads::end_all as end_threads;
pub(crate) use user::is_refusal;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::process;
use crate::realm::neighbours::{self, Neighbours};
use crate::transport::Transport;
use crate::transport::http::{HttpOptions, HttpTransport};
use base_url::BaseUrl;
use login::Granted;
use remote::Remote;
use runtime::Runtime;
use users::UserStore;

/// An app: its server, its users, and the threads that work for them. A handle, cheap to clone; any thread may use it.
/// Open sessions keep the app alive when the last handle goes.
///
/// A process that has opened an app must not go on in a forked child: threads and locks do not come along, so every call
/// in the child fails. Fork before the first app is opened, or start another program.
#[derive(Clone)]
pub struct App {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) app_id: String,
    pub(crate) directory: PathBuf,
    pub(crate) runtime: Runtime,
    pub(crate) remote: Arc<Remote>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Settings of the built-in transport; none where the transport is the application's own.
    pub(crate) http: Option<HttpOptions>,
    device: DeviceInfo,
    store: UserStore,
    users: Mutex<Users>,
    /// An anonymous user whom the server has made and who is not stored yet.
    unstored: Mutex<Option<Granted>>,
    /// How often an anonymous user was replaced since the server last took something.
    pub(crate) relogins: AtomicU32,
    pub(crate) neighbours: Neighbours,
}

#[derive(Default)]
struct Users {
    accounts: Vec<Arc<Account>>,
    current: Option<String>,
    /// Those who were logged out for good: what they left is nobody's until they log in again. With the refresh token of
    /// the session that ended last.
    removed: HashMap<String, String>,
}

/// The place of a cached app.
#[derive(Default)]
struct Place {
    /// Held while the app is made, which may take as long as the disk does, so that two threads that open the same app get
    /// the same one.
    turn: Mutex<()>,
    app: OnceLock<App>,
}

type Cache = HashMap<String, HashMap<String, Arc<Place>>>;

static CACHE: Lazy<Mutex<Cache>> = Lazy::new(Mutex::default);

fn cache() -> MutexGuard<'static, Cache> {
    CACHE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("app_id", &self.inner.app_id)
            .finish_non_exhaustive()
    }
}

impl App {
    /// Opens an app. With caching, one that is open under the same id and address is returned and the rest of the
    /// configuration does not count.
    ///
    /// # Errors
    /// The address has no scheme, the id cannot be a directory's name, or a file cannot be used.
    pub fn open(config: AppConfig) -> Result<App> {
        process::begin()?;
        let (base, fallbacks) = base_url::resolve(config.base_url.as_deref(), &config.fallback_urls)?;
        if !config.enable_caching {
            return App::make(config, base, fallbacks);
        }
        let (id, url) = (config.app_id.clone(), base.url.clone());
        let place = cache().entry(id).or_default().entry(url).or_default().clone();
        let _turn = place.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(app) = place.app.get() {
            return Ok(app.clone());
        }
        let app = App::make(config, base, fallbacks)?;
        Ok(place.app.get_or_init(|| app).clone())
    }

    fn make(config: AppConfig, base: BaseUrl, fallbacks: Vec<BaseUrl>) -> Result<App> {
        let clock = config.clock();
        // Absolute: the files stay the same if the program changes its directory.
        let root = config.path.unwrap_or_default();
        let root = if root.as_os_str().is_empty() {
            std::env::current_dir()
        } else {
            std::path::absolute(&root)
        };
        let root = root.map_err(|source| Error::File {
            action: "find",
            path: "the directory for files".into(),
            source,
        })?;
        let directory = paths::app_directory(&root, &config.app_id)?;
        let store = UserStore::open(
            &paths::metadata_directory(&directory),
            config.metadata_encryption_key.as_ref(),
        )?;
        let (transport, http): (Arc<dyn Transport>, _) = match config.transport {
            Some(transport) => (transport, None),
            None => (
                Arc::new(HttpTransport::new(config.http.clone())?),
                Some(config.http),
            ),
        };
        let document = store.load()?;
        let accounts = document
            .users
            .into_iter()
            .map(|user| Arc::new(Account::restored(user)))
            .collect();
        let (neighbours, wanted) = Neighbours::new();
        let inner = Arc::new(Inner {
            remote: Remote::new(&config.app_id, base, fallbacks, transport),
            app_id: config.app_id,
            directory,
            runtime: Runtime::start()?,
            clock,
            http,
            device: config.device,
            store,
            users: Mutex::new(Users {
                accounts,
                current: document.current,
                removed: document
                    .removed
                    .iter()
                    .map(|id| (id.clone(), String::new()))
                    .collect(),
            }),
            unstored: Mutex::default(),
            relogins: AtomicU32::new(0),
            neighbours,
        });
        inner.clear_away(document.removed, &document.written);
        neighbours::start(&inner, wanted);
        Ok(App { inner })
    }

    /// The cached app with this id, and with this address if one is given.
    pub fn cached(app_id: &str, base_url: Option<&str>) -> Option<App> {
        process::check().ok()?;
        let cache = cache();
        let apps = cache.get(app_id)?;
        let app = match base_url {
            Some(urls) => apps.get(base_url::first(urls))?.app.get(),
            None => apps.values().find_map(|place| place.app.get()),
        };
        app.cloned()
    }

    /// Forgets all cached apps of the process. Handles stay usable.
    pub fn clear_cached() {
        if process::is_foreign() {
            return;
        }
        // Dropped outside the lock: the last handle of an app ends its threads.
        let apps = std::mem::take(&mut *cache());
        drop(apps);
    }

    /// The client app id.
    pub fn app_id(&self) -> &str {
        &self.inner.app_id
    }

    /// Whether the transport is the application's own.
    pub fn has_host_transport(&self) -> bool {
        self.inner.http.is_none()
    }

    /// The address that was configured, trimmed.
    pub fn base_url(&self) -> String {
        self.inner.remote.base_url()
    }

    /// What the server's clock shows, by its answers so far; none before the first. Asks no server.
    pub fn server_time(&self) -> Option<ServerTime> {
        self.inner.remote.server_time()
    }

    /// Moves to another server; `""` means the default. The old address stays if the new one does not answer. Where it
    /// moves, those that are named with the new one stand in for it, and the former ones do not any more.
    ///
    /// # Errors
    /// The address has no scheme, or its server gives no location.
    pub fn update_base_url(&self, url: &str) -> Result<()> {
        let (base, fallbacks) = base_url::resolve(Some(url).filter(|url| !url.is_empty()), &[])?;
        let inner = self.inner.clone();
        self.inner
            .runtime
            .block_on(async move { inner.remote.move_to(base, fallbacks).await })?
    }

    /// Logs a user in, who becomes the current one. An anonymous login while an anonymous user is logged in gives that
    /// user without asking the server.
    ///
    /// # Errors
    /// The server refused or could not be reached. If it is the profile that could not be fetched, the user is logged
    /// in all the same.
    pub fn login(&self, credentials: &Credentials) -> Result<User> {
        process::check()?;
        let inner = self.inner.clone();
        if credentials.is_anonymous() {
            inner.heed_stored();
            if let Some(user) = inner.anonymous_user() {
                inner.make_current(user.id())?;
                return Ok(user);
            }
            return self
                .inner
                .runtime
                .block_on(async move { inner.log_in_anonymously().await })?;
        }
        let credentials = credentials.clone();
        self.inner
            .runtime
            .block_on(async move { inner.log_in(&credentials).await })?
    }
}

impl Inner {
    fn users(&self) -> MutexGuard<'_, Users> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_removed(&self, id: &str) -> bool {
        self.users().removed.contains_key(id)
    }

    /// Somebody who is logged in and logs in in this way.
    pub(crate) fn logged_in_as(self: &Arc<Inner>, principal: &str) -> Option<User> {
        let users = self.users();
        let account = users.accounts.iter().find(|known| {
            known.state() == UserState::LoggedIn && !principal.is_empty() && known.principal() == principal
        })?;
        Some(self.user(account.clone()))
    }

    pub(crate) fn known(&self, id: &str) -> Option<Arc<Account>> {
        self.users()
            .accounts
            .iter()
            .find(|account| account.id == id)
            .cloned()
    }

    pub(crate) fn known_ids(&self) -> Vec<String> {
        self.users()
            .accounts
            .iter()
            .map(|account| account.id.clone())
            .collect()
    }

    /// The account of this id, the same object while the user is not removed.
    fn account(&self, id: &str) -> Arc<Account> {
        let mut users = self.users();
        if let Some(known) = users.accounts.iter().find(|account| account.id == id) {
            return known.clone();
        }
        let account = Arc::new(Account::new(id));
        users.accounts.push(account.clone());
        account
    }

    fn make_current(&self, id: &str) -> Result<()> {
        self.users().current = Some(id.to_owned());
        self.store
            .update(|document| document.current = Some(id.to_owned()))
    }
}
