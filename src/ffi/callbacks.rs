//! The application's C++ callbacks as closures and traits of the library. An exception becomes a log line.

use std::ffi::c_void;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cxx::memory::UniquePtrTarget;
use cxx::{SharedPtr, UniquePtr};

use super::app_handles::User;
use super::bridge::ffi;
use super::bridge::{Status, SyncError};
use super::handles::{ResponseSlot, Session};
use super::os::{code, signals};
use crate::error::Result;
use crate::logging::{self, Sink};
use crate::realm::{self, ErrorHandler, MayUpload};
use crate::transport::host::{HostSend, HostTransport, ResponseSlot as Answer};
use crate::transport::{self, CertificateCheck, ShownCertificate};
use crate::uploader::session::ConnectionState;

/// A callback object that the library may use from any thread.
struct Shared<T: UniquePtrTarget>(UniquePtr<T>);

// SAFETY: observer.hpp asks of every class that crosses that its objects may be called, also by several threads at
// once where the method is const, and destroyed on any thread.
unsafe impl<T: UniquePtrTarget> Send for Shared<T> {}
// SAFETY: as above; the methods that are reachable by a shared reference are const in C++.
unsafe impl<T: UniquePtrTarget> Sync for Shared<T> {}

impl<T: UniquePtrTarget> Shared<T> {
    fn new(callback: UniquePtr<T>) -> Option<Shared<T>> {
        let object = std::ptr::from_ref(callback.as_ref()?);
        // SAFETY: every class of observer.hpp has virtual functions, so that its objects begin with the address of
        // their table, which lies where their code does.
        code::keep_loaded(unsafe { *object.cast::<*const c_void>() });
        code::keep_callers_loaded();
        Some(Shared(callback))
    }

    fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<T: UniquePtrTarget> Drop for Shared<T> {
    fn drop(&mut self) {
        let callback = std::mem::replace(&mut self.0, UniquePtr::null());
        // The destructor is the application's.
        signals::as_host(|| drop(callback));
    }
}

/// What a callback threw goes to the log; there is nobody else to tell.
fn logged(what: &str, outcome: Option<std::result::Result<(), cxx::Exception>>) {
    if let Some(Err(exception)) = outcome {
        log::error!(target: "ingest::callback", "{what} threw: {exception}");
    }
}

/// The sink of the process, kept so that its level can be changed alone.
static SINK: Mutex<Option<Sink>> = Mutex::new(None);

pub(super) fn set_log_sink(sink: UniquePtr<ffi::LogSink>, level: u8) {
    let sink: Option<Sink> = Shared::new(sink).map(|sink| {
        let to_host = move |level: u8, text: &str| {
            // A sink that throws cannot be told about in the log.
            let _ = sink.get().map(|sink| signals::as_host(|| sink.log(level, text)));
        };
        Arc::new(to_host) as Sink
    });
    let former = std::mem::replace(
        &mut *SINK.lock().unwrap_or_else(PoisonError::into_inner),
        sink.clone(),
    );
    logging::set_sink(sink, level);
    // Last, and outside the lock: its destructor is the application's.
    drop(former);
}

pub(super) fn set_log_level(level: u8) {
    let sink = SINK.lock().unwrap_or_else(PoisonError::into_inner).clone();
    logging::set_sink(sink, level);
}

/// The errors of one session on their way to the application. Its handler wants the session, which exists only once the
/// realm is open, while the first error may come before: such an error waits for `start`.
pub(super) struct SessionErrors {
    /// None prints, as realm-cpp does where no handler was set.
    observer: Option<Shared<ffi::SessionObserver>>,
    beginning: Mutex<Beginning>,
}

enum Beginning {
    Early(Vec<SyncError>),
    Open(Session),
}

impl SessionErrors {
    pub(super) fn new(observer: UniquePtr<ffi::SessionObserver>) -> Arc<SessionErrors> {
        Arc::new(SessionErrors {
            observer: Shared::new(observer),
            beginning: Mutex::new(Beginning::Early(Vec::new())),
        })
    }

    pub(super) fn handler(self: Arc<Self>) -> ErrorHandler {
        Arc::new(move |error: &crate::error::SyncError| self.report(SyncError::from(error)))
    }

    pub(super) fn start(&self, session: Session) {
        let waited = std::mem::replace(&mut *self.lock(), Beginning::Open(session.clone()));
        if let Beginning::Early(errors) = waited {
            errors.iter().for_each(|error| self.tell(error, &session));
        }
    }

    fn report(&self, error: SyncError) {
        let session = match &mut *self.lock() {
            Beginning::Early(errors) => return errors.push(error),
            Beginning::Open(session) => session.clone(),
        };
        self.tell(&error, &session);
    }

    fn lock(&self) -> MutexGuard<'_, Beginning> {
        self.beginning.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, error: &SyncError, session: &Session) {
        let Some(observer) = &self.observer else {
            // There is nobody to tell where that fails.
            let _ = writeln!(
                std::io::stderr(),
                "ADS C++ SDK: Sync Error: {}",
                error.status.message
            );
            return;
        };
        let session = session.duplicate();
        let outcome = observer
            .get()
            .map(|observer| signals::as_host(|| observer.error(error, session)));
        logged("the error handler", outcome);
    }
}

/// The call, to be made once, on any thread. It is destroyed when it has run.
pub(super) fn pending_call(call: UniquePtr<ffi::PendingCall>) -> impl FnOnce() + Send + 'static {
    let call = Shared::new(call);
    move || {
        let mut call = call;
        let target = call.as_mut().and_then(|it| it.0.as_mut());
        logged("a call", target.map(ffi::PendingCall::run));
    }
}

pub(super) fn login_completion(
    completion: UniquePtr<ffi::LoginCompletion>,
) -> impl FnOnce(&Status, Box<User>) + Send + 'static {
    let completion = Shared::new(completion);
    move |status, user| {
        let mut completion = completion;
        let target = completion.as_mut().and_then(|it| it.0.as_mut());
        logged(
            "the end of a log-in",
            target.map(|target| signals::as_host(|| target.complete(status, user))),
        );
    }
}

pub(super) fn completion(completion: UniquePtr<ffi::Completion>) -> impl FnOnce(Result<()>) + Send + 'static {
    let mut completion = Shared::new(completion);
    move |result| {
        // Binds the whole, not its one field: the whole is what may be sent.
        let completion = &mut completion;
        let target = completion.as_mut().and_then(|it| it.0.as_mut());
        logged(
            "the end of a wait",
            target.map(|target| signals::as_host(|| target.complete(&Status::of(result)))),
        );
    }
}

pub(super) fn connection_observer(
    observer: UniquePtr<ffi::ConnectionObserver>,
) -> impl Fn(ConnectionState, ConnectionState) + Send + Sync + 'static {
    let observer = Shared::new(observer);
    move |old, new| {
        let target = observer.as_ref().and_then(Shared::get);
        logged(
            "a connection observer",
            target.map(|target| signals::as_host(|| target.changed(old as u8, new as u8))),
        );
    }
}

pub(super) fn outcome_observer(
    observer: UniquePtr<ffi::OutcomeObserver>,
) -> impl FnOnce(realm::Outcome) + Send + 'static {
    let observer = Shared::new(observer);
    move |outcome| {
        let outcome = ffi::Outcome::from(outcome);
        // Binds the whole, as in `completion`.
        let observer = &observer;
        let target = observer.as_ref().and_then(Shared::get);
        logged(
            "the callback of a receipt",
            target.map(|target| signals::as_host(|| target.settled(&outcome))),
        );
    }
}

pub(super) fn progress_observer(
    observer: UniquePtr<ffi::ProgressObserver>,
) -> impl Fn(realm::Progress) + Send + Sync + 'static {
    let observer = Shared::new(observer);
    move |progress| {
        let progress = ffi::Progress::from(progress);
        let target = observer.as_ref().and_then(Shared::get);
        logged(
            "an observer of progress",
            target.map(|target| signals::as_host(|| target.progressed(&progress))),
        );
    }
}

pub(super) fn host_transport(transport: UniquePtr<ffi::HostTransport>) -> Option<HostTransport> {
    Shared::new(transport).map(HostTransport::new)
}

/// A check of the application's that the headers share among copies of its settings.
struct Checker(SharedPtr<ffi::CertificateCheck>);

// SAFETY: as of `Shared`.
unsafe impl Send for Checker {}
// SAFETY: as of `Shared`; its one method is const in C++.
unsafe impl Sync for Checker {}

impl Drop for Checker {
    fn drop(&mut self) {
        let check = std::mem::replace(&mut self.0, SharedPtr::null());
        // The last one's destructor is the application's.
        signals::as_host(|| drop(check));
    }
}

pub(super) fn certificate_check(
    check: &SharedPtr<ffi::CertificateCheck>,
) -> Option<Arc<dyn CertificateCheck>> {
    let object = std::ptr::from_ref(check.as_ref()?);
    // SAFETY: as in `Shared::new`.
    code::keep_loaded(unsafe { *object.cast::<*const c_void>() });
    code::keep_callers_loaded();
    Some(Arc::new(Checker(check.clone())))
}

impl CertificateCheck for Checker {
    fn accepts(&self, shown: &ShownCertificate<'_>) -> bool {
        let Some(check) = self.0.as_ref() else {
            return false;
        };
        let ask = || check.accepts(shown.server, shown.port, shown.pem, shown.is_trusted, shown.depth);
        let answer = signals::as_host(ask);
        if let Err(exception) = &answer {
            log::error!(target: "ingest::callback", "the check of a certificate threw: {exception}");
        }
        answer.unwrap_or(false)
    }
}

/// The application's word on the network, which the headers share among copies of a configuration.
struct Network(SharedPtr<ffi::UploadCheck>);

// SAFETY: as of `Shared`.
unsafe impl Send for Network {}
// SAFETY: as of `Shared`; its one method is const in C++.
unsafe impl Sync for Network {}

impl Network {
    fn allows(&self) -> bool {
        let answer = self.0.as_ref().map(|check| signals::as_host(|| check.allows()));
        if let Some(Err(exception)) = &answer {
            log::error!(target: "ingest::callback", "may_upload threw, which counts as no: {exception}");
        }
        matches!(answer, Some(Ok(true)))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let check = std::mem::replace(&mut self.0, SharedPtr::null());
        // The last one's destructor is the application's.
        signals::as_host(|| drop(check));
    }
}

pub(super) fn upload_check(check: &SharedPtr<ffi::UploadCheck>) -> Option<MayUpload> {
    let object = std::ptr::from_ref(check.as_ref()?);
    // SAFETY: as in `Shared::new`.
    code::keep_loaded(unsafe { *object.cast::<*const c_void>() });
    code::keep_callers_loaded();
    let network = Network(check.clone());
    Some(Arc::new(move || network.allows()))
}

impl HostSend for Shared<ffi::HostTransport> {
    fn send(&self, request: transport::Request, slot: Answer) {
        let slot = Box::new(ResponseSlot::new(slot));
        let outcome = self.get().map(|transport| transport.send(&request.into(), slot));
        logged("the HTTP transport", outcome);
    }
}
