//! What the bridge's boxes hold.

use super::bridge::ffi::{Completion, ConnectionObserver};
use super::bridge::{HttpResponse, Run, Status};
use cxx::UniquePtr;

fn absent() -> Status {
    Status::failed(1000, "RuntimeError", "this build of the library has no client")
}

pub(crate) struct App;

impl App {
    pub(crate) fn has_host_transport(&self) -> bool {
        false
    }
    pub(crate) fn is_null(&self) -> bool {
        true
    }
    pub(crate) fn duplicate(&self) -> Box<App> {
        Box::new(App)
    }
    pub(crate) fn register_user(&self, _email: &str, _password: &str) -> Status {
        absent()
    }
    pub(crate) fn login(&self, _provider: &str, _body_json: &str, status: &mut Status) -> Box<User> {
        *status = absent();
        Box::new(User)
    }
    pub(crate) fn current_user(&self) -> Box<User> {
        Box::new(User)
    }
    pub(crate) fn base_url(&self) -> String {
        String::new()
    }
    pub(crate) fn update_base_url(&self, _url: &str) -> Status {
        absent()
    }
}

pub(crate) struct User;

impl User {
    pub(crate) fn is_null(&self) -> bool {
        true
    }
    pub(crate) fn duplicate(&self) -> Box<User> {
        Box::new(User)
    }
    pub(crate) fn same_as(&self, _other: &User) -> bool {
        false
    }
    pub(crate) fn identifier(&self) -> String {
        String::new()
    }
    pub(crate) fn state(&self) -> u8 {
        2
    }
    pub(crate) fn access_token(&self) -> String {
        String::new()
    }
    pub(crate) fn refresh_token(&self) -> String {
        String::new()
    }
    pub(crate) fn log_out(&self) -> Status {
        absent()
    }
    pub(crate) fn refresh_custom_data(&self) -> Status {
        absent()
    }
    pub(crate) fn custom_data(&self) -> String {
        String::new()
    }
    pub(crate) fn call_function(&self, _name: &str, _args_ejson: &str, status: &mut Status) -> String {
        *status = absent();
        String::new()
    }
    pub(crate) fn realm_path(&self, status: &mut Status) -> String {
        *status = absent();
        String::new()
    }
}

pub(crate) struct Realm;

impl Realm {
    pub(crate) fn is_null(&self) -> bool {
        true
    }
    pub(crate) fn append(&self, _runs: &[Run], _payload: &[u8]) -> Status {
        absent()
    }
    pub(crate) fn pending_objects(&self) -> u64 {
        0
    }
    pub(crate) fn session(&self) -> Box<Session> {
        Box::new(Session)
    }
    pub(crate) fn close(&self) {}
}

pub(crate) struct Session;

impl Session {
    pub(crate) fn duplicate(&self) -> Box<Session> {
        Box::new(Session)
    }
    pub(crate) fn is_alive(&self) -> bool {
        false
    }
    pub(crate) fn state(&self) -> u8 {
        2
    }
    pub(crate) fn connection_state(&self) -> u8 {
        0
    }
    pub(crate) fn wait_for_upload(&self, mut completion: UniquePtr<Completion>) {
        let _ = completion.pin_mut().complete(&absent());
    }
    pub(crate) fn wait_for_download(&self, mut completion: UniquePtr<Completion>) {
        let _ = completion.pin_mut().complete(&absent());
    }
    pub(crate) fn pause(&self) {}
    pub(crate) fn resume(&self) {}
    pub(crate) fn reconnect(&self) {}
    pub(crate) fn observe_connection(&self, _observer: UniquePtr<ConnectionObserver>) -> u64 {
        0
    }
    pub(crate) fn unobserve_connection(&self, _token: u64) {}
}

pub(crate) struct ResponseSlot;

impl ResponseSlot {
    pub(crate) fn complete(&mut self, _response: &HttpResponse) {}
}
