//! What takes a mail from here.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::{MailSettings, MailSettingsError, smtp};
use crate::{clock, ids};

/// Whom mails in a directory come from: nobody gets them.
const NOBODY: &str = "realm-ingest-gateway@localhost";

/// See the module.
pub(super) enum Way {
    Off,
    Log,
    Directory {
        path: PathBuf,
        from: Mailbox,
    },
    Smtp {
        server: AsyncSmtpTransport<Tokio1Executor>,
        from: Mailbox,
    },
}

/// Why a mail was not sent.
pub(super) struct NotSent {
    pub reason: String,
    /// Whether another try may end better.
    pub may_pass: bool,
}

impl NotSent {
    pub(super) const fn yet(reason: String) -> Self {
        Self {
            reason,
            may_pass: true,
        }
    }
}

impl Way {
    pub(super) fn new(settings: &MailSettings) -> Result<Self, MailSettingsError> {
        Ok(match settings {
            MailSettings::Off => Self::Off,
            MailSettings::Log => Self::Log,
            MailSettings::Directory(path) => Self::Directory {
                path: path.clone(),
                from: mailbox(NOBODY)?,
            },
            MailSettings::Smtp { url, from } => Self::Smtp {
                server: smtp::server(url.expose())?.build(),
                from: mailbox(from)?,
            },
        })
    }

    /// Returns when it has been taken.
    pub(super) async fn send(&self, message: &Message) -> Result<(), NotSent> {
        match self {
            Self::Off | Self::Log => Ok(()),
            Self::Directory { path, .. } => {
                let (path, text) = (path.clone(), message.formatted());
                let written = tokio::task::spawn_blocking(move || write(&path, &text)).await;
                let written = written.unwrap_or_else(|error| Err(std::io::Error::other(error)));
                written.map_err(|error| NotSent::yet(error.to_string()))
            }
            Self::Smtp { server, .. } => match server.send(message.clone()).await {
                Ok(_) => Ok(()),
                Err(error) => Err(NotSent {
                    may_pass: !error.is_permanent(),
                    reason: error.to_string(),
                }),
            },
        }
    }
}

fn mailbox(text: &str) -> Result<Mailbox, MailSettingsError> {
    text.parse().map_err(|_| MailSettingsError::From(text.to_owned()))
}

/// One file a mail, which is whole once it is there.
fn write(directory: &Path, text: &[u8]) -> std::io::Result<()> {
    let name = format!("{}-{}", clock::unix_millis(), ids::object_id());
    let partial = directory.join(format!(".{name}.partial"));
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&partial)?;
    file.write_all(text)?;
    std::fs::rename(partial, directory.join(format!("{name}.eml")))
}
