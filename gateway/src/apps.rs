//! The apps of one process.

use std::sync::Arc;
use std::task::Poll;

use crate::app::App;
use crate::backend::BackendError;

/// See the module. There are as many as an operator names, so each is looked at.
#[derive(Default)]
pub struct Apps(Vec<Arc<App>>);

impl Apps {
    /// Adds one. False when the domain or the client app id is another one's.
    pub(crate) fn add(&mut self, app: App) -> bool {
        let id = app.definition().client_app_id.clone();
        let taken = self.of_domain(app.domain()).is_some()
            || id.map_or(!self.0.is_empty(), |id| self.called(&id).is_some());
        if !taken {
            self.0.push(Arc::new(app));
        }
        !taken
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<App>> {
        self.0.iter()
    }

    /// The one that clients call so.
    #[must_use]
    pub fn called(&self, client_app_id: &str) -> Option<Arc<App>> {
        self.find(|app| app.is_called(client_app_id))
    }

    /// The one of this internal id.
    #[must_use]
    pub fn of_domain(&self, domain: &str) -> Option<Arc<App>> {
        self.find(|app| app.domain() == domain)
    }

    fn find(&self, is: impl Fn(&App) -> bool) -> Option<Arc<App>> {
        self.0.iter().find(|app| is(app)).map(Arc::clone)
    }

    /// Whether users and documents of every app can be stored at present: each is tried by a small write.
    pub(crate) fn probe(&self) -> impl Future<Output = Result<(), BackendError>> + Send + 'static {
        let apps = self.0.clone();
        async move {
            for app in apps {
                app.sink.probe().await?;
                app.state.probe().await?;
            }
            Ok(())
        }
    }

    /// Returns when documents of one of them cannot be stored any more.
    pub(crate) async fn failed(&self) {
        let mut ends: Vec<_> = self.0.iter().map(|app| app.sink.ended()).collect();
        std::future::poll_fn(|context| {
            let ended = ends.iter_mut().any(|end| end.as_mut().poll(context).is_ready());
            if ended { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
