//! Mails to users: with links to confirm an address, or to set another password. No request waits for one.

mod way;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lettre::Message;
use lettre::message::Mailbox;
use tokio::sync::Semaphore;
use tracing::{debug, error, warn};

use self::way::{NotSent, Way};
use crate::definition::Secret;

/// Mails that wait or are being sent, of some kilobytes each.
const WAITING: usize = 1_000;

/// Connections to the mail server at once.
const AT_ONCE: usize = 4;

/// How long one try may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long is waited before each further try. Who got no mail by then asks for another one.
const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];

/// How mails are sent.
#[derive(Clone, Debug, Default)]
pub enum MailSettings {
    /// Not at all.
    #[default]
    Off,
    /// Their links go to the log, where an operator who tries things out finds them.
    Log,
    /// Each becomes a file in this directory.
    Directory(PathBuf),
    /// By a server.
    Smtp {
        /// `smtps://user:password@host:port`, or `smtp://` with `?tls=required`.
        url: Secret,
        /// Whom they come from, such as `Weather <weather@example.com>`.
        from: String,
    },
}

/// Why mails cannot be sent as the settings say.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailSettingsError {
    /// The URL of the server makes no sense. It is not shown, as it has a password.
    #[error("--smtp-url is not like smtps://user:password@host:465")]
    Url,
    /// The sender makes no sense.
    #[error("--mail-from '{0}' is no e-mail address")]
    From(String),
    /// The certificates of the system, by which the server is known, cannot be used.
    #[error("TLS to the mail server cannot be set up: {0}")]
    Tls(String),
}

/// Why a mail is not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// The settings do not say how.
    #[error("mails are not sent; see --smtp-url and --mail-dir")]
    Off,
    /// It has no address.
    #[error("the user's name is no e-mail address")]
    Address,
    /// It cannot be written.
    #[error("{0}")]
    Message(String),
    /// Too many wait.
    #[error("too many mails wait to be sent")]
    Busy,
}

/// A mail to a user.
#[derive(Clone)]
pub struct Mail {
    /// His address.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// What it says before the link.
    pub text: &'static str,
    /// Where to go. It is a secret of the user.
    pub link: String,
}

/// Whether a mail can be sent to this name.
#[must_use]
pub fn is_address(name: &str) -> bool {
    name.parse::<lettre::Address>().is_ok()
}

/// See the module. Any thread may send, within a tokio runtime.
pub struct Mailer {
    way: Arc<Way>,
    waiting: Arc<Semaphore>,
    at_once: Arc<Semaphore>,
}

impl Mailer {
    /// As the settings say.
    ///
    /// # Errors
    /// When they make no sense.
    pub fn new(settings: &MailSettings) -> Result<Self, MailSettingsError> {
        Ok(Self {
            way: Arc::new(Way::new(settings)?),
            waiting: Arc::new(Semaphore::new(WAITING)),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    /// Whether mails can be sent at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !matches!(*self.way, Way::Off)
    }

    /// Sends a mail, later. What becomes of it is only logged: who gets none asks for another one.
    ///
    /// # Errors
    /// When it is known now that it cannot be sent.
    pub fn send(&self, mail: Mail) -> Result<(), MailError> {
        let message = match &*self.way {
            Way::Off => return Err(MailError::Off),
            Way::Log => {
                let Mail { to, link, .. } = mail;
                warn!(to, link, "this mail was not sent, as there is no --smtp-url");
                return Ok(());
            }
            Way::Directory { from, .. } | Way::Smtp { from, .. } => message(mail, from)?,
        };
        let waiting = Arc::clone(&self.waiting).try_acquire_owned();
        let waiting = waiting.map_err(|_| MailError::Busy)?;
        let (way, at_once) = (Arc::clone(&self.way), Arc::clone(&self.at_once));
        tokio::spawn(async move {
            let _turn = at_once.acquire().await;
            deliver(&way, &message).await;
            drop(waiting);
        });
        Ok(())
    }
}

async fn deliver(way: &Way, message: &Message) {
    let mut pauses = PAUSES.into_iter();
    loop {
        let sent = tokio::time::timeout(TIMEOUT, way.send(message)).await;
        let failed = match sent {
            Ok(Ok(())) => return debug!("a mail was sent"),
            Ok(Err(failed)) => failed,
            Err(_) => NotSent::yet("the mail server does not answer in time".to_owned()),
        };
        match pauses.next().filter(|_| failed.may_pass) {
            Some(pause) => {
                warn!(
                    reason = failed.reason,
                    "a mail could not be sent and is tried again"
                );
                tokio::time::sleep(pause).await;
            }
            None => return error!(reason = failed.reason, "a mail could not be sent"),
        }
    }
}

fn message(mail: Mail, from: &Mailbox) -> Result<Message, MailError> {
    let to = mail.to.parse().map_err(|_| MailError::Address)?;
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(mail.subject)
        .body(format!(
            "{}\n\n{}\n\nThe link works once, within 30 minutes. If you did not ask for it, ignore this mail.\n",
            mail.text, mail.link
        ))
        .map_err(|error| MailError::Message(error.to_string()))
}
