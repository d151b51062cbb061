//! Mails to users: with links to confirm an address, or to set another password. No request waits for one.

mod places;
mod smtp;
mod way;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lettre::Message;
use lettre::message::Mailbox;
use tokio::sync::Semaphore;
use tracing::{debug, error, warn};

pub use self::places::MailLimits;
use self::places::{Places, Taken};
use self::way::{NotSent, Way};
use crate::auth::Address;
use crate::definition::Secret;

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
        /// `smtps://user:password@host:port`, or `smtp://` with `?tls=required`. Without TLS only to this machine, or with
        /// `?tls=none`.
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
    /// Whoever is on the way could read the mails, and set passwords with their links.
    #[error(
        "--smtp-url would send the password of the server and the links of users in the clear: write smtps://..., or \
         smtp://...?tls=required where the server has STARTTLS; or smtp://...?tls=none, if nobody can read along on the way"
    )]
    InTheClear,
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
    /// The mailbox got too many; there may be another one after this time.
    #[error("too many mails to this mailbox")]
    TooManyToMailbox(Duration),
    /// The client has asked for too many; it may ask for another one after this time.
    #[error("too many mails were asked for from this address")]
    TooManyFromAddress(Duration),
}

/// A mail to a user.
#[derive(Clone)]
pub struct Mail {
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

/// Room for one mail to one mailbox.
pub struct Place {
    taken: Taken,
    to: String,
}

/// See the module. Any thread may send, within a tokio runtime.
pub struct Mailer {
    way: Arc<Way>,
    places: Arc<Places>,
    at_once: Arc<Semaphore>,
}

impl Mailer {
    /// As the settings say.
    ///
    /// # Errors
    /// When they make no sense.
    pub fn new(settings: &MailSettings, limits: MailLimits) -> Result<Self, MailSettingsError> {
        Ok(Self {
            way: Arc::new(Way::new(settings)?),
            places: Arc::new(Places::new(limits, Instant::now())),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    /// Whether mails can be sent at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !matches!(*self.way, Way::Off)
    }

    /// Takes the place of a mail to the user of this name, for which the client of this address asks: before anything is done that
    /// would be for nothing without the mail.
    ///
    /// # Errors
    /// When it is known now that it cannot be sent.
    pub fn place(&self, to: &str, from: Address) -> Result<Place, MailError> {
        match &*self.way {
            Way::Off => return Err(MailError::Off),
            Way::Directory { .. } | Way::Smtp { .. } if !is_address(to) => return Err(MailError::Address),
            Way::Log | Way::Directory { .. } | Way::Smtp { .. } => {}
        }
        Ok(Place {
            taken: self.places.take(to, from, Instant::now())?,
            to: to.to_owned(),
        })
    }

    /// Sends a mail, later. What becomes of it is only logged: who gets none asks for another one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn send(&self, place: Place, mail: Mail) -> Result<(), MailError> {
        let Place { taken, to } = place;
        let message = match &*self.way {
            Way::Off => return Err(MailError::Off),
            Way::Log => {
                drop(taken.use_it());
                let link = mail.link;
                warn!(to, link, "this mail was not sent, as there is no --smtp-url");
                return Ok(());
            }
            Way::Directory { from, .. } | Way::Smtp { from, .. } => message(&to, mail, from)?,
        };
        let waiting = taken.use_it();
        let (way, at_once) = (Arc::clone(&self.way), Arc::clone(&self.at_once));
        tokio::spawn(async move {
            deliver(&way, &at_once, &message).await;
            drop(waiting);
        });
        Ok(())
    }
}

/// Tries until it is sent, or not worth another try. Who pauses leaves his turn to others.
async fn deliver(way: &Way, at_once: &Semaphore, message: &Message) {
    let mut pauses = PAUSES.into_iter();
    loop {
        let turn = at_once.acquire().await;
        let sent = tokio::time::timeout(TIMEOUT, way.send(message)).await;
        drop(turn);
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

fn message(to: &str, mail: Mail, from: &Mailbox) -> Result<Message, MailError> {
    let to = to.parse().map_err(|_| MailError::Address)?;
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
