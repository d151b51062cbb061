//! What a client makes of a message, after it has checked what realm-core checks.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::super::file::{Progress, SetState};
use super::super::heard::{Download, Heard};
use super::{Bind, Client};

impl Client {
    /// Takes a message of the server. Everything acknowledged has to be in the store.
    pub fn hears(&mut self, heard: Heard, store: &BTreeSet<u64>) {
        match heard {
            // Once it closes its session it waits for its end alone.
            Heard::Unbound { .. } => {
                assert!(
                    self.bind.unbind_sent && !self.bind.error_received,
                    "UNBOUND at a bad time"
                );
                self.is_closing = false;
                self.bind = Bind::default();
            }
            Heard::Error {
                code,
                try_again,
                body,
                ..
            } => self.error(code, try_again, body),
            _ if self.is_closing => {}
            Heard::Ident { ident, salt, .. } => {
                assert!(self.bind.sent && self.file.ident.is_none(), "IDENT at a bad time");
                assert!(!self.bind.error_received, "IDENT after an error");
                assert!(ident >= 2 && salt != 0);
                self.file.ident = Some((ident, salt));
                self.file.write(None);
            }
            Heard::Mark { request, .. } => self.mark(request),
            Heard::QueryError { version, .. } => {
                self.is_legal("QUERY_ERROR");
                let set = self.file.sets.iter_mut().find(|set| set.version == version);
                let set = set.unwrap();
                assert_eq!(
                    set.state,
                    SetState::Pending,
                    "a set that is not to be refused any more"
                );
                set.state = SetState::Error;
            }
            Heard::Download(download) => self.download(&download, store),
            Heard::Pong { .. } => panic!("of the connection"),
        }
    }

    fn is_legal(&self, message: &str) {
        assert!(
            self.bind.ident_sent && !self.bind.error_received,
            "{message} at a bad time"
        );
    }

    fn error(&mut self, code: u64, try_again: bool, body: Option<Value>) {
        assert!(
            self.bind.sent && !self.bind.error_received,
            "an error at a bad time"
        );
        if code == 231 {
            if !self.is_closing {
                self.compensations.push(compensation(&body.unwrap()));
            }
            return;
        }
        self.bind.error_received = true;
        if self.is_closing {
            self.is_closing = false;
            self.bind = Bind::default();
        } else if !try_again {
            self.is_open = false;
        }
    }

    fn mark(&mut self, request: u64) {
        self.is_legal("MARK");
        assert!(request <= self.marks.sent && request > self.marks.received);
        self.marks.received = request;
        if self.marks.received < self.marks.wanted {
            return;
        }
        self.uploads_wait = false;
        for set in &mut self.file.sets {
            if set.state == SetState::AwaitingMark {
                set.state = SetState::Complete;
            }
        }
    }

    fn download(&mut self, download: &Download, store: &BTreeSet<u64>) {
        self.is_legal("DOWNLOAD");
        if self.has_failed {
            return;
        }
        self.check(download);
        let active = self.file.active.unwrap_or(-1);
        assert!(download.query <= self.last_query, "a set that was not sent");
        assert!(download.query >= active, "a set that is not active any more");
        let is_steady = if self.n < 14 {
            download.query == active
        } else {
            download.state == 2
        };
        if !is_steady {
            assert!(!download.changesets.is_empty(), "the file is poisoned");
        }
        if is_steady && download.state == 2 {
            assert_eq!(download.query, active, "nothing was bootstrapped");
        }
        if std::mem::take(&mut self.is_clumsy) {
            self.has_failed = true;
            return;
        }
        for content in self.file.written(download.upload_client) {
            assert!(store.contains(&content), "acknowledged, and not stored");
        }
        if self.file.is_of_app_services() {
            // What is refused of the upload that says how far it is, may go untold when the connection ends here.
            self.told.extend(self.file.written(download.upload_client));
        }
        let known = self.file.progress.upload_server;
        self.file.progress = Progress {
            latest: download.latest,
            salt: download.salt,
            download_server: download.server,
            download_client: download.client,
            upload_client: download.upload_client,
            upload_server: if download.upload_server == 0 {
                known
            } else {
                download.upload_server
            },
        };
        self.file.write(None);
        if download.upload_client > self.cursor.0 {
            self.cursor = (download.upload_client, self.file.progress.upload_server);
        }
        if !is_steady && std::mem::take(&mut self.is_frail) {
            // The rest happens after a start, or never.
            self.has_crashed = true;
            return;
        }
        if !is_steady {
            self.bootstrapped(download.query);
        }
        self.compensate(download);
    }

    fn bootstrapped(&mut self, query: i64) {
        self.file.active = Some(query);
        for set in &mut self.file.sets {
            let is_served = set.version <= query && set.is_empty;
            if is_served && set.state == SetState::Pending {
                set.state = SetState::AwaitingMark;
                self.marks.wanted = self.marks.wanted.max(self.marks.sent + 1);
            }
        }
    }

    /// What a client checks before it uses anything.
    fn check(&self, download: &Download) {
        let known = self.file.progress;
        let own = self.file.ident.unwrap().0;
        assert!(download.latest >= known.latest, "latest server version goes down");
        assert!(
            download.upload_client >= known.upload_client,
            "upload client version goes down"
        );
        assert!(
            download.upload_client <= self.file.newest(),
            "a version that was never made"
        );
        assert!(
            download.server >= known.download_server,
            "download server version goes down"
        );
        assert!(download.server <= download.latest);
        assert!(
            download.client >= known.download_client,
            "download client version goes down"
        );
        assert!(download.client <= download.upload_client);
        assert_eq!(
            download.client, download.upload_client,
            "history would never shrink"
        );
        assert!(download.server >= download.upload_server);
        let upload_server = download.upload_server;
        assert!(
            upload_server == 0 || upload_server >= known.upload_server,
            "bad progress"
        );
        assert!(download.server > known.latest, "the server version does not grow");
        assert!([1, 2].contains(&download.state));
        let mut last = 1;
        for changeset in &download.changesets {
            assert!(changeset.server >= last && changeset.server <= download.server);
            assert!(changeset.client >= known.download_client && changeset.client <= download.client);
            assert!(changeset.origin > 0 && changeset.origin != own);
            last = changeset.server;
        }
    }

    fn compensate(&mut self, download: &Download) {
        let (Some(first), Some(last)) = (download.changesets.first(), download.changesets.last()) else {
            return;
        };
        let due = |version: u64| version <= last.server;
        let (told, wait) = std::mem::take(&mut self.compensations)
            .into_iter()
            .partition(|(version, _)| due(*version));
        self.compensations = wait;
        for (version, contents) in told {
            assert!(version >= first.server, "a refusal that is told too late");
            self.told.extend(contents);
        }
    }

    /// What has to hold once everybody has had time.
    pub fn is_at_rest(&self, refused: impl Fn(u64) -> bool) {
        let acknowledged = self.file.progress.upload_client;
        let all: Vec<_> = self.file.written(u64::MAX).collect();
        assert_eq!(
            all,
            self.file.written(acknowledged).collect::<Vec<_>>(),
            "not acknowledged"
        );
        assert_eq!(self.marks.received, self.marks.wanted, "a wait hangs");
        assert!(self.compensations.is_empty(), "a refusal is never told");
        for set in &self.file.sets {
            // What a file of App Services waits for comes with its next upload.
            if self.file.is_of_app_services() && set.state == SetState::Pending {
                continue;
            }
            let state = if set.is_empty {
                SetState::Complete
            } else {
                SetState::Error
            };
            assert_eq!(set.state, state, "set {}", set.version);
        }
        if self.n >= 5 {
            for content in all.into_iter().filter(|content| refused(*content)) {
                assert!(self.told.contains(&content), "a refusal was not told");
            }
        }
    }
}

/// From which server version on which contents are told to be refused.
fn compensation(body: &Value) -> (u64, Vec<u64>) {
    assert!(body["rejectedClientVersion"].is_u64());
    let updates = body["rejectedUpdates"].as_array().unwrap();
    let contents = updates.iter().map(|update| {
        assert!(update["table"].is_string() && update["reason"].is_string());
        let key = STANDARD.decode(update["pk"].as_str().unwrap()).unwrap();
        assert_eq!(key[..2], [0x03, u8::try_from(key.len() - 2).unwrap()]);
        str::from_utf8(&key[2..]).unwrap().parse().unwrap()
    });
    (
        body["compensatingWriteServerVersion"].as_u64().unwrap(),
        contents.collect(),
    )
}
