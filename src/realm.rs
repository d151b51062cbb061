//! A realm: the outbox and the session of one path, opened with a schema for one user. What both doors of the library
//! call.

mod config;
pub(crate) mod files;
pub(crate) mod homes;
mod lane;
pub(crate) mod neighbours;
mod observers;
pub(crate) mod options;
mod receipts;
mod rekey;
mod status;
mod stranded;
mod unheard;

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use realm_ingest_protocol::{Kind, Schema, schema};

use crate::app::{User, UserState};
use crate::error::{Code, Error, Result, SyncError};
use crate::outbox::{self, Number, Options, Pending, Recovered, Run, SchemaId, WriteTransaction};
use crate::process;
use crate::transaction::Transaction;
use crate::transport::Transport;
use crate::transport::http::HttpTransport;
use crate::uploader;
use crate::uploader::core::Core;
pub use crate::uploader::gate::{ASK_AGAIN, MayUpload, TimeWindow, UploadPolicy};
use crate::uploader::session::Session;
pub use crate::uploader::session::{ErrorHandler, StopPolicy};
pub use config::RealmConfig;
use files::Found;
use lane::Lane;
use observers::Observers;
use options::Choices;
pub use receipts::{Outcome, ReceiptState, Receipts};
pub use status::{LastError, Progress, UploadStatus};
pub use stranded::Stranded;

/// An open realm. Any thread may use it; several opens of one path share the outbox and the session. Dropping it
/// closes it.
pub struct Realm {
    main: Lane,
    /// For the urgent classes, and for what is left of those of an earlier release.
    urgent: Option<Lane>,
    urgent_classes: HashSet<String>,
    classes: HashSet<String>,
    path: PathBuf,
    session: Session,
    observers: Observers,
}

impl fmt::Debug for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Realm")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Realm {
    /// Opens the realm and starts its session; does not wait for the network. The handler is told of the session's
    /// errors; where the path is already open, the first one stays.
    ///
    /// # Errors
    /// The schema is not valid, the user has been removed, the path is open with other options or another key, or for
    /// another user, in this process or in another, data of another user or app waits there, or the file cannot be used,
    /// as one that was encrypted with another key.
    pub fn open(user: &User, config: RealmConfig, handler: Option<ErrorHandler>) -> Result<Realm> {
        process::check()?;
        user.app.heed_stored();
        if user.state() == UserState::Removed {
            return Err(Error::Logic(format!(
                "Cannot start a sync session for user '{}' because this user has been removed.",
                user.id()
            )));
        }
        let schema = parsed(&config.schema_json)?;
        let path = resolved(user, config.path.as_deref())?;
        let user = user.heir();
        let choices = Choices::of(&config)?;
        let main = Lane::open(&user, &path, &config, &choices, &schema, handler.as_ref())?;
        let classes = asymmetric_classes(&schema);
        for class in config.urgent.iter().filter(|class| !classes.contains(*class)) {
            log::warn!(
                target: "ingest::session",
                "urgent class '{class}' is no asymmetric class that {} is opened with", path.display()
            );
        }
        let beside = lane::urgent_path(&path);
        // Those of who has the path open.
        let core = main.core()?;
        let choices = core.choices().urgent();
        let open_beside =
            || Lane::open(&user, &beside, &config, &choices, &schema, handler.as_ref()).map(Lane::urgent);
        let urgent = if !config.urgent.is_empty() {
            Some(open_beside()?)
        } else if lane::is_left(&beside) {
            // It may be somebody else's, and takes nothing of this realm.
            open_beside()
                .inspect_err(|error| {
                    log::warn!(
                        target: "ingest::session",
                        "what waits in {} is not sent by this realm: {}", beside.display(), error.full_message()
                    );
                })
                .ok()
        } else {
            None
        };
        let beside = urgent.as_ref().map(Lane::core).transpose()?;
        Ok(Realm {
            session: Session::over(&core, beside.as_ref()),
            main,
            urgent,
            urgent_classes: config.urgent.into_iter().collect(),
            classes,
            path,
            observers: Observers::default(),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stores one write transaction, durable on return: the documents of the runs, back to back. Classes that alternate are
    /// brought together; documents of one class keep their order. Returns the number of the transaction, for
    /// [`Realm::receipts`]; 0 for one without documents, which stores nothing.
    ///
    /// # Errors
    /// Nothing was stored: the realm is closed, a class is not one it was opened with, there are urgent classes and others
    /// among them, the payload does not hold the documents that the runs announce, or the outbox could not store it.
    pub fn append(&self, runs: &[Run], payload: &[u8]) -> Result<u64> {
        self.check_open()?;
        if let Some(run) = runs.iter().find(|run| !self.classes.contains(&run.class)) {
            return Err(Error::InvalidArgument(format!(
                "this realm was not opened with an asymmetric class '{}'",
                run.class
            )));
        }
        let Transaction { runs, payload } = Transaction::of(runs, payload)?;
        if payload.is_empty() {
            return Ok(Number::NONE.bits());
        }
        let lane = self.lane_of(&runs)?;
        let core = lane.core()?;
        let number = core.outbox.store(&WriteTransaction {
            schema: lane.schema,
            runs: &runs,
            payload: &payload,
        })?;
        core.work.notify_one();
        core.tell_progress();
        Ok(number.in_lane(lane.id).bits())
    }

    /// What became of write transactions of this realm.
    pub fn receipts(&self) -> Receipts {
        Receipts::of(self.lanes().map(|lane| &lane.desk))
    }

    /// Where a transaction of these classes waits.
    ///
    /// # Errors
    /// They wait in different files, over which all or nothing could not be promised.
    fn lane_of(&self, runs: &[Run]) -> Result<&Lane> {
        if self.urgent_classes.is_empty() {
            return Ok(&self.main);
        }
        let (urgent, others): (Vec<_>, Vec<_>) = runs
            .iter()
            .partition(|run| self.urgent_classes.contains(&run.class));
        match (urgent.first(), others.first(), &self.urgent) {
            (Some(urgent), Some(other), _) => Err(Error::InvalidArgument(format!(
                "a write transaction holds objects of the urgent class '{}' and of '{}', which is not urgent: write them in \
                 transactions of their own, as they wait in different files",
                urgent.class, other.class
            ))),
            (Some(_), None, Some(lane)) => Ok(lane),
            _ => Ok(&self.main),
        }
    }

    fn lanes(&self) -> impl Iterator<Item = &Lane> {
        std::iter::once(&self.main).chain(&self.urgent)
    }

    /// What waits to be uploaded.
    ///
    /// # Errors
    /// The realm is closed, or the outbox could not be read.
    pub fn pending(&self) -> Result<Pending> {
        self.check_open()?;
        let mut sum = Pending::default();
        for lane in self.lanes() {
            sum = sum.with(&lane.core()?.outbox.pending()?);
        }
        Ok(sum)
    }

    /// The session of the path. It does not keep the realm open.
    pub fn session(&self) -> Session {
        self.session.clone()
    }

    /// The wait of this number, of [`Session::wait_for_upload`] and the like or of [`Receipts::on_settled`], is not told any
    /// more, unless that is under way. One that has ended is ignored.
    pub fn give_up(&self, wait: u64) {
        let cores = self.lanes().filter_map(Lane::last_core);
        cores.for_each(|core| core.give_up(wait));
    }

    /// Closes the realm; the second time does nothing. What is pending stays in the file, and is uploaded now or later
    /// as the stop policy says. The realm's observers end: none is running when this returns, unless that is the caller
    /// itself. Where nobody else has the path open, its file is closed when the session has ended.
    pub fn close(&self) {
        // Observers are taken from what is still there.
        let _cores: Vec<_> = self.lanes().filter_map(Lane::last_core).collect();
        self.lanes().for_each(Lane::close);
        self.end_observers();
    }

    /// Whether [`Realm::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.main.is_closed()
    }

    fn check_open(&self) -> Result<()> {
        process::check()?;
        if self.is_closed() {
            Err(Error::Closed)
        } else {
            Ok(())
        }
    }
}

impl Drop for Realm {
    fn drop(&mut self) {
        self.close();
    }
}

fn parsed(json: &str) -> Result<Schema> {
    let schema = Schema::parse(json).map_err(|error| Error::InvalidSchema(error.to_string()))?;
    schema.check_limits().map_err(Error::InvalidSchema)?;
    schema
        .validate()
        .map_err(|findings| Error::InvalidSchema(schema::validation_text(&findings)))?;
    Ok(schema)
}

fn asymmetric_classes(schema: &Schema) -> HashSet<String> {
    let asymmetric = schema
        .classes
        .iter()
        .filter(|class| class.kind == Kind::Asymmetric);
    asymmetric.map(|class| class.name.clone()).collect()
}

/// The file's absolute path. The directories of the default one are made, also where the caller names it; others are the
/// application's affair.
fn resolved(user: &User, path: Option<&Path>) -> Result<PathBuf> {
    let default = user.realm_path()?;
    let path = path.unwrap_or(&default);
    if path == default
        && let Some(directory) = default.parent()
    {
        realm_ingest_durable::create_dir_all(directory).map_err(|source| Error::File {
            action: "make the directory",
            path: directory.to_owned(),
            source,
        })?;
    }
    let failed = |source| Error::File {
        action: "find",
        path: path.to_owned(),
        source,
    };
    let absolute = outbox::real_path(path).map_err(failed)?;
    // One file may have several names by way of links; its directory's real name makes them one.
    match (absolute.parent().map(Path::canonicalize), absolute.file_name()) {
        (Some(Ok(directory)), Some(name)) => Ok(directory.join(name)),
        _ => Ok(absolute),
    }
}

/// Where the outbox finds its session, to report what it dropped.
type Back = Arc<OnceLock<Weak<Core>>>;

fn outbox_options(choices: &Choices) -> (Options, Back) {
    let back = Back::default();
    let mut options = Options {
        durability: choices.storage.durability,
        cap: choices.storage.cap,
        ..Options::default()
    };
    let reporting = back.clone();
    options.on_recover = Some(Arc::new(move |recovered: &Recovered| {
        if let Some(core) = reporting.get().and_then(Weak::upgrade) {
            core.report_soon(recovery(recovered));
            core.recovered();
        }
    }));
    let reporting = back.clone();
    options.on_drop = Some(Arc::new(move |dropped: Pending| {
        if let Some(core) = reporting.get().and_then(Weak::upgrade) {
            core.report_dropped(dropped.objects);
            core.look_at_receipts();
        }
    }));
    (options, back)
}

fn start(
    user: &User,
    path: &Path,
    (config, choices): (&RealmConfig, &Choices),
    found: Found,
    back: Back,
    handler: Option<ErrorHandler>,
    patience: Duration,
) -> Result<Arc<Core>> {
    let transport = transport(user, config)?;
    homes::claim(user, path, &found.outbox, patience)?;
    let core = Core::new(
        path.to_owned(),
        user.clone(),
        Arc::new(found.outbox),
        transport,
        config.stop_policy,
        handler,
        choices.clone(),
    );
    // Set once, here.
    let _ = back.set(Arc::downgrade(&core));
    if let Some(recovered) = found.recovered {
        core.report_soon(recovery(&recovered));
    }
    uploader::start(&core);
    Ok(core)
}

fn recovery(recovered: &Recovered) -> SyncError {
    SyncError {
        code: Code::InvalidDatabase,
        message: recovered.to_string(),
        link: String::new(),
        is_fatal: false,
        compensating_writes: Vec::new(),
    }
}

fn transport(user: &User, config: &RealmConfig) -> Result<Arc<dyn Transport>> {
    let of_app = user.app.remote.transport();
    match &user.app.http {
        Some(http) if config.has_own_transport() => {
            let options = http.with(&config.headers, config.proxy.as_deref());
            Ok(Arc::new(HttpTransport::new(options)?))
        }
        _ => Ok(of_app.clone()),
    }
}

/// A schema that is no addition to those in the file is taken all the same: rows leave under the schema they were written
/// under, and every release of a program opens the file. What the server does not take of it, it refuses class by class.
fn warn_of_changes(core: &Core, schema: &Schema) {
    let fingerprint = schema.fingerprint();
    for id in 1.. {
        let Ok(stored) = core.outbox.schema(SchemaId(id)) else {
            break;
        };
        if stored.fingerprint == fingerprint {
            // It was warned of when it came.
            return;
        }
        let Ok(former) = Schema::parse(&stored.json) else {
            continue;
        };
        if let Err(findings) = schema::additive_changes(&former, schema) {
            log::warn!(
                target: "ingest::session",
                "{} was written with another schema before, and the server may refuse the classes that changed: {}",
                core.path.display(),
                findings.join(" ")
            );
            return;
        }
    }
}
