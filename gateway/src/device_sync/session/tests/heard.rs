//! Messages of the server as a client reads them. Whatever is not as it should be is a panic.

use serde_json::Value;

#[derive(Debug)]
pub enum Heard {
    Ident {
        session: u64,
        ident: u64,
        salt: i64,
    },
    Download(Download),
    Mark {
        session: u64,
        request: u64,
    },
    Pong {
        timestamp: u64,
    },
    Unbound {
        session: u64,
    },
    Error {
        session: u64,
        code: u64,
        try_again: bool,
        /// None in the form that old clients read.
        body: Option<Value>,
    },
    QueryError {
        session: u64,
        version: i64,
    },
}

#[derive(Debug)]
pub struct Download {
    pub session: u64,
    pub server: u64,
    pub client: u64,
    pub latest: u64,
    pub salt: u64,
    pub upload_client: u64,
    pub upload_server: u64,
    pub query: i64,
    pub state: u64,
    pub changesets: Vec<Changeset>,
}

#[derive(Debug)]
pub struct Changeset {
    pub server: u64,
    pub client: u64,
    pub origin: u64,
}

/// Codes of sessions and of connections that a client of any version takes without harm.
const SESSION: [u64; 4] = [200, 201, 212, 231];
const CONNECTION: [u64; 8] = [101, 103, 106, 107, 109, 110, 111, 112];

/// Reads a message for a client that speaks this version.
pub fn heard(message: &[u8], n: u8) -> Heard {
    let message = str::from_utf8(message).unwrap();
    let (header, body) = message.split_once('\n').unwrap();
    let (name, fields) = header.split_once(' ').unwrap();
    let fields: Vec<i64> = fields.split(' ').map(|field| field.parse().unwrap()).collect();
    let fields: Vec<u64> = fields
        .iter()
        .map(|field| u64::try_from(*field).unwrap())
        .collect();
    let heard = match (name, &*fields) {
        ("ident", &[session, ident, salt]) => Heard::Ident {
            session,
            ident,
            salt: i64::try_from(salt).unwrap(),
        },
        ("download", _) => return Heard::Download(download(&fields, body, n)),
        ("mark", &[session, request]) => Heard::Mark { session, request },
        ("pong", &[timestamp]) => Heard::Pong { timestamp },
        ("unbound", &[session]) => Heard::Unbound { session },
        ("json_error", &[code, size, session]) => return json_error(code, size, session, body, n),
        ("error", &[code, size, try_again, session]) => {
            assert_eq!(u64::try_from(body.len()).unwrap(), size);
            assert!(n < 4 && try_again < 2);
            return Heard::Error {
                session,
                code,
                try_again: try_again == 1,
                body: None,
            };
        }
        ("query_error", &[226, size, session, version]) => {
            assert_eq!(u64::try_from(body.len()).unwrap(), size);
            let version = i64::try_from(version).unwrap();
            return Heard::QueryError { session, version };
        }
        _ => panic!("no client knows {message:?}"),
    };
    assert_eq!(body, "", "something follows {header}");
    heard
}

fn download(fields: &[u64], body: &str, n: u8) -> Download {
    let &[
        session,
        server,
        client,
        latest,
        salt,
        upload_client,
        upload_server,
        query,
        state,
        progress,
        compressed,
        size,
        compressed_size,
    ] = fields
    else {
        panic!("{fields:?}")
    };
    assert_eq!((compressed, compressed_size), (0, 0));
    assert_eq!(size, u64::try_from(body.len()).unwrap());
    assert_eq!(progress, u64::from(n >= 12));
    let mut numbers = body.split_terminator(' ').map(|one| one.parse().unwrap());
    let mut changesets = Vec::new();
    while let Some(server) = numbers.next() {
        let [client, _, origin, original, size] = [(); 5].map(|()| numbers.next().unwrap());
        assert_eq!((original, size), (0, 0), "nothing but empty changesets is sent");
        changesets.push(Changeset {
            server,
            client,
            origin,
        });
    }
    Download {
        session,
        server,
        client,
        latest,
        salt,
        upload_client,
        upload_server,
        query: i64::try_from(query).unwrap(),
        state,
        changesets,
    }
}

fn json_error(code: u64, size: u64, session: u64, body: &str, n: u8) -> Heard {
    assert_eq!(u64::try_from(body.len()).unwrap(), size);
    assert!(n >= 4, "it does not read JSON");
    let codes: &[u64] = if session == 0 { &CONNECTION } else { &SESSION };
    assert!(codes.contains(&code), "{code} for session {session}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert!(body["message"].is_string() && body["logURL"].is_string());
    assert!(body["shouldClientReset"].is_boolean() && body["isRecoveryModeDisabled"].is_boolean());
    let try_again = body["tryAgain"].as_bool().unwrap();
    let action = body["action"].as_str().unwrap();
    assert!(
        ["Transient", "Warning", "ApplicationBug"].contains(&action),
        "{action}"
    );
    assert_eq!(action == "ApplicationBug", !try_again);
    let backoff = ["backoffIntervalSec", "backoffMaxDelaySec", "backoffMultiplier"];
    let backoff = backoff.map(|key| body.get(key).map(|value| value.as_u64().unwrap()));
    assert!(backoff.iter().all(Option::is_some) || backoff.iter().all(Option::is_none));
    let is_compensation = body.get("compensatingWriteServerVersion").is_some();
    assert_eq!(code == 231, is_compensation);
    assert!(!is_compensation || n >= 5, "it does not know of refusals");
    Heard::Error {
        session,
        code,
        try_again,
        body: Some(body),
    }
}
