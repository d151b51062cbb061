//! The door for HTTP: App Services' client API and the ingest requests.
//!
//! [`app`] is the one routing table, [`reject`] the one place where errors become HTTP.

mod account;
mod answer;
mod body;
mod count;
#[doc(hidden)]
pub mod decode;
mod extract;
mod guard;
mod linger;
mod log;
#[doc(hidden)]
pub mod media;
mod origin;
mod pace;
mod pages;
pub mod reject;
mod routes;

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::{OriginalUri, Request};
use axum::http::{HeaderName, Method};
use axum::middleware::{from_fn, from_fn_with_state, map_request};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};

pub(crate) use extract::{AppOfPath, access, tell_user};
pub use origin::{ClientAddress, Encrypted};
pub(crate) use reject::Reject;
pub(crate) use routes::health::alive;

use crate::device_sync;
use crate::gateway::Gateway;
use crate::ids;

/// Names a request in the log and in the answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-appservices-request-id");

/// The routing table.
pub fn app(gateway: Arc<Gateway>) -> Router {
    let json = Router::new()
        .route(
            "/app/{app}/auth/providers/{provider}/login",
            post(routes::login::handle),
        )
        .nest("/app/{app}/auth/providers/{provider}", password())
        .nest("/auth/api_keys", api_keys())
        .route("/app/{app}/functions/call", post(routes::call_function::handle))
        .route(
            "/app/{app}/ingest/schemas/{fingerprint}",
            put(routes::put_schema::handle),
        )
        .route("/auth/session", post(routes::refresh_session::handle))
        .route("/auth/session", delete(routes::log_out::handle))
        .route_layer(from_fn(guard::only_json));
    let client = Router::new()
        .route("/app/{app}/location", get(routes::location::handle))
        .route("/app/{app}/realm-sync", get(device_sync::upgrade))
        .route("/app/{app}/ingest", post(routes::ingest::handle))
        .route("/app/{app}/ingest/{outbox}", get(routes::position::handle))
        .route("/auth/profile", get(routes::profile::handle))
        .route("/auth/delete", delete(routes::delete_user::handle))
        .merge(json)
        .method_not_allowed_fallback(not_served)
        .fallback(not_served)
        .layer(from_fn_with_state(Arc::clone(&gateway), pages::only_allowed))
        .layer(from_fn_with_state(Arc::clone(&gateway), guard::own_names));
    Router::new()
        .nest("/api/client/v2.0", client)
        .route("/healthz", get(routes::health::alive))
        .route("/readyz", get(routes::health::ready))
        .method_not_allowed_fallback(not_served)
        .fallback(not_served)
        .with_state(Arc::clone(&gateway))
        .layer(from_fn(linger::linger))
        .layer(from_fn_with_state(Arc::clone(&gateway), pace::keep_pace))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(log::lines))
        .layer(from_fn_with_state(Arc::clone(&gateway), count::count))
        .layer(from_fn_with_state(gateway, origin::tell))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(SetRequestIdLayer::new(REQUEST_ID, NewRequestId))
        .layer(map_request(without_id))
}

/// For who is not logged in, by e-mail and password.
fn password() -> Router<Arc<Gateway>> {
    use routes::password::{confirm, register, reset};
    Router::new()
        .route("/register", post(register::handle))
        .route("/confirm", post(confirm::handle))
        .route("/confirm/send", post(confirm::send))
        .route("/confirm/call", post(confirm::call))
        .route("/reset", post(reset::handle))
        .route("/reset/send", post(reset::send))
        .route("/reset/call", post(reset::call))
}

fn api_keys() -> Router<Arc<Gateway>> {
    use routes::api_keys::{create, disable, enable, fetch, list, remove};
    Router::new()
        .route("/", post(create).get(list))
        .route("/{key}", get(fetch).delete(remove))
        .route("/{key}/enable", put(enable))
        .route("/{key}/disable", put(disable))
}

/// Clients do not choose what the log calls their requests.
async fn without_id(mut request: Request) -> Request {
    request.headers_mut().remove(REQUEST_ID);
    request
}

async fn not_served(method: Method, OriginalUri(uri): OriginalUri) -> Reject {
    Reject::NotServed(format!("{method} {}", uri.path()))
}

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    Reject::Internal(format!("a handler panicked: {text}")).into_response()
}

#[derive(Clone, Copy)]
struct NewRequestId;

impl MakeRequestId for NewRequestId {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        ids::object_id().parse().ok().map(RequestId::new)
    }
}
