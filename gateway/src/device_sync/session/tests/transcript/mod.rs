//! Conversations word by word, as they were had with clients, and what is said to one that does not keep to the order.

mod refused;
mod served;

use crate::device_sync::errors::{PrimaryKey, RejectedUpdate, SessionError};
use crate::device_sync::frames::{ClientMessage, FileIdent, ServerMessage};
use crate::device_sync::session::{Binding, Effect, MAX_SESSIONS, Note, Sessions, Stored};
use crate::device_sync::version::Version;

const FILE: FileIdent = FileIdent {
    ident: 2,
    salt: 946_016_527_359_837_633,
};

struct Conversation {
    sessions: Sessions,
    version: Version,
}

impl Conversation {
    fn of(version: u8) -> Self {
        let version = Version::new(version).unwrap();
        Self {
            sessions: Sessions::new(version),
            version,
        }
    }

    fn says(&mut self, message: &str) -> Vec<Effect> {
        self.sessions
            .receive(&ClientMessage::parse(message.as_bytes()).unwrap())
    }

    /// What is sent, and nothing else is done.
    fn sent(&self, effects: Vec<Effect>) -> Vec<String> {
        let sent = effects.into_iter().map(|effect| match effect {
            Effect::Send(message) => self.text(&message),
            other => panic!("{other:?}"),
        });
        sent.collect()
    }

    fn text(&self, message: &ServerMessage) -> String {
        let mut bytes = Vec::new();
        message.encode(self.version, 1_795_395_084_512, &mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    /// Binds a session whose file has an ident, up to its bootstrap.
    fn known(&mut self, session: u64) -> Binding {
        assert_eq!(self.says(&format!("bind {session} 0 0 0 0\n")), []);
        let identify = self.says(&format!("ident {session} 2 1 0 0 0 0 0 2\n{{}}"));
        let [Effect::Identify { binding, .. }] = *identify else {
            panic!("{identify:?}")
        };
        let bootstrap = self.sessions.identified(binding);
        let bootstrap = self.sent(bootstrap);
        assert!(
            bootstrap[0].starts_with(&format!("download {session} 1 0 1 8243101811291549287 0 0 0 1 ")),
            "{bootstrap:?}"
        );
        binding
    }

    /// The code of the error with which the connection ends.
    fn ends(&self, effects: &[Effect]) -> u16 {
        match effects {
            [
                Effect::Send(ServerMessage::ConnectionError(error)),
                Effect::Close(None),
            ] => error.number(),
            other => panic!("{other:?}"),
        }
    }
}

fn stored(progress_client: u64) -> Stored {
    Stored {
        progress_client,
        ..Stored::default()
    }
}
