//! The built-in client for applications that send requests themselves, and only look at them on the way.

use super::host;
use super::os::signals;
use crate::error::{Error, Result};
use crate::transport::http::{HttpOptions, HttpTransport};
use crate::transport::{Request, Response, Transport};

/// Sends one request by a client made for it alone; blocks until the answer.
///
/// # Errors
/// The client cannot be made with these settings.
pub(super) fn send(settings: HttpOptions, request: Request) -> Result<Response> {
    host::prepare();
    let mask = signals::host_mask();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_start(move || signals::keep_out(mask))
        .build();
    let runtime = runtime.map_err(|error| Error::Logic(format!("cannot make a runtime: {error}")))?;
    let transport = HttpTransport::new(settings)?;
    Ok(runtime.block_on(transport.send(request)))
}
