//! Sessions whose users are replaced at awkward moments.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Instant;

use super::*;
use crate::app::{App, AppConfig, Credentials};
use crate::outbox::MemoryOutbox;
use crate::realm::options::Choices;
use crate::transport::{Request, Response, ResponseFuture, Transport};
use crate::uploader::session::{ErrorHandler, StopPolicy};

const LIMIT: Duration = Duration::from_secs(60);

/// Logs everybody in under their e-mail address, and knows nothing else.
struct Server;

impl Transport for Server {
    fn send(&self, request: Request) -> ResponseFuture {
        let asked: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let token = "e30.eyJleHAiOjQwMDAwMDAwMDAsImlhdCI6Mzk5OTk5MDAwMH0.s";
        let answer = serde_json::json!({
            "hostname": "",
            "access_token": token,
            "refresh_token": token,
            "user_id": asked["username"],
            "identities": [{"id": "i", "provider_type": "local-userpass"}],
        });
        Box::pin(async move {
            Response {
                status: 200,
                body: answer.to_string().into(),
                ..Response::default()
            }
        })
    }
}

struct Device {
    app: App,
    directory: tempfile::TempDir,
    outbox: Arc<MemoryOutbox>,
}

impl Device {
    fn new() -> Device {
        let directory = tempfile::tempdir().unwrap();
        let app = App::open(AppConfig {
            base_url: Some("http://server".to_owned()),
            path: Some(directory.path().to_owned()),
            enable_caching: false,
            transport: Some(Arc::new(Server)),
            ..AppConfig::new("a")
        });
        Device {
            app: app.unwrap(),
            directory,
            outbox: Arc::new(MemoryOutbox::new()),
        }
    }

    fn users<const COUNT: usize>(&self, names: [&str; COUNT]) -> [User; COUNT] {
        names.map(|name| {
            self.app
                .login(&Credentials::email_password(name, "password"))
                .unwrap()
        })
    }

    /// The session of this user; its loop does not run.
    fn session(&self, user: &User) -> Arc<Core> {
        self.heard(user, None)
    }

    fn heard(&self, user: &User, handler: Option<ErrorHandler>) -> Arc<Core> {
        self.outbox.set_owner(&owner_of(user)).unwrap();
        Core::new(
            self.directory.path().join("a.realm"),
            user.clone(),
            self.outbox.clone(),
            Arc::new(Server),
            StopPolicy::Immediately,
            handler,
            Choices::default(),
        )
    }

    fn owner(&self) -> String {
        self.outbox.owner().unwrap().unwrap().user
    }
}

fn replace(user: &User, successor: &User) {
    user.account.reject(&Error::aborted());
    user.account.succeed(successor);
}

/// Nothing is about to move the session any more.
fn at_rest(core: &Arc<Core>) {
    let begun = Instant::now();
    while Arc::strong_count(core) > 1 {
        assert!(begun.elapsed() < LIMIT, "it did not come to rest");
        std::thread::yield_now();
    }
}

#[test]
fn a_session_that_begins_for_a_user_who_was_replaced_meanwhile_goes_on_under_the_successor() {
    let device = Device::new();
    let [first, second] = device.users(["first", "second"]);
    replace(&first, &second);
    let core = device.session(&first);
    at_rest(&core);
    assert_eq!((core.user().id(), device.owner().as_str()), ("second", "second"));
}

#[test]
fn a_session_goes_on_under_the_last_of_the_successors_who_come_while_it_cannot_move() {
    let device = Device::new();
    let [first, second, third] = device.users(["first", "second", "third"]);
    let core = device.session(&first);
    let right = device.outbox.try_become_uploader().unwrap();
    replace(&first, &second);
    replace(&second, &third);
    drop(right);
    at_rest(&core);
    assert_eq!((core.user().id(), device.owner().as_str()), ("third", "third"));
}

#[test]
fn a_successor_who_came_before_does_not_take_what_the_application_gave_to_another_user() {
    let device = Device::new();
    let [first, second, third] = device.users(["first", "second", "third"]);
    let core = device.session(&first);
    let right = device.outbox.try_become_uploader().unwrap();
    replace(&first, &second);
    device.outbox.set_owner(&owner_of(&third)).unwrap();
    core.rehome(third);
    drop(right);
    at_rest(&core);
    assert_eq!((core.user().id(), device.owner().as_str()), ("third", "third"));
}

#[test]
fn a_session_is_shared_with_the_user_whom_its_own_has_replaced() {
    let device = Device::new();
    let [first, second] = device.users(["first", "second"]);
    replace(&first, &second);
    let core = device.session(&second);
    assert!(is_shared(&core, &first));
    at_rest(&core);
    assert_eq!(core.user().id(), "second");
}

#[test]
fn a_session_does_not_go_on_under_a_user_who_has_logged_out_before_it_could_move() {
    let device = Device::new();
    let [first, second] = device.users(["first", "second"]);
    let core = device.session(&first);
    second.log_out().unwrap();
    let moving = core.clone();
    let runtime = &device.app.inner.runtime;
    let moved = runtime.block_on(async move { move_now(&moving, Some(&second)).await });
    assert!(!moved.unwrap());
    assert_eq!((core.user().id(), device.owner().as_str()), ("first", "first"));
}

#[test]
fn an_outbox_is_claimed_for_a_successor_once_nobody_is_uploading() {
    let device = Device::new();
    let [first, second] = device.users(["first", "second"]);
    device.outbox.set_owner(&owner_of(&first)).unwrap();
    let identity = device.outbox.origin().unwrap().identity;
    replace(&first, &second);
    let right = device.outbox.try_become_uploader().unwrap();
    let (done, result) = channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            done.send(claim(&second, Path::new("a"), &*device.outbox, RIGHT_LIMIT))
                .unwrap()
        });
        let early = result.recv_timeout(Duration::from_millis(50));
        assert!(early.is_err(), "{early:?}");
        assert_eq!(device.owner(), "first");
        assert_eq!(device.outbox.origin().unwrap().identity, identity);
        drop(right);
        result.recv_timeout(LIMIT).unwrap().unwrap();
    });
    assert_eq!(device.owner(), "second");
}

#[test]
fn nobody_is_told_that_a_user_is_not_replaced_when_only_the_profile_of_the_new_one_is_missing() {
    let device = Device::new();
    let [first, second] = device.users(["first", "second"]);
    let (sender, errors) = channel();
    let sender = Mutex::new(sender);
    let handler: ErrorHandler = Arc::new(move |error: &SyncError| {
        sender.lock().unwrap().send(error.message.clone()).unwrap();
    });
    let core = device.heard(&first, Some(handler));
    // So that the session still listens to the former user.
    let right = device.outbox.try_become_uploader().unwrap();
    replace(&first, &second);
    first.account.still_rejected(&Error::aborted());
    drop(right);
    let told: Vec<String> = std::iter::from_fn(|| errors.recv_timeout(LIMIT).ok())
        .take(2)
        .collect();
    assert!(told[0].starts_with("Unable to refresh"), "{told:?}");
    assert!(told[1].contains("goes on under user second"), "{told:?}");
    drop(core);
}

#[test]
fn without_patience_the_right_to_upload_is_had_at_once_or_not_at_all() {
    let (path, outbox) = (Path::new("a.realm"), MemoryOutbox::new());
    let held = right(path, &outbox, Duration::ZERO).unwrap();
    let begun = Instant::now();
    let error = right(path, &outbox, Duration::ZERO).err().unwrap();
    assert!(begun.elapsed() < RIGHT_LIMIT);
    assert_eq!(
        error.to_string(),
        "another process is uploading the outbox at a.realm: end it, or try again"
    );
    drop(held);
    assert!(right(path, &outbox, Duration::ZERO).is_ok());
}
