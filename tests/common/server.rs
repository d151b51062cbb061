//! A server of the client API that does what a test tells it: by default it behaves, and reactions put in line for a
//! request are used up one by one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realm_ingest_protocol::BatchReader;
use serde_json::{Value, json};

/// What the server does with the next request of a kind.
pub enum Reaction {
    /// Answers so, and does nothing else.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Closes the connection unread.
    Cut,
    /// Does what it should, and closes the connection instead of answering.
    DoAndCut,
    /// Does what it should, and makes this of its answer.
    DoAndSay(Box<dyn FnOnce(Value) -> String + Send>),
    /// Waits for [`Server::release`], then behaves.
    Hold,
    /// Waits for [`Server::release`], then answers so and does nothing else.
    HoldAndAnswer(u16, Vec<(&'static str, String)>, String),
    /// Stores all but these (transaction, index) and refuses them.
    Refuse(Vec<(i64, u32)>),
}

impl Reaction {
    pub fn error(status: u16, code: &str, text: &str) -> Reaction {
        let body = json!({"error": text, "error_code": code, "link": ""}).to_string();
        Reaction::Answer(
            status,
            vec![("Content-Type", "application/json".to_owned())],
            body,
        )
    }

    /// The same answer, once [`Server::release`] is called.
    pub fn held(self) -> Reaction {
        match self {
            Reaction::Answer(status, headers, body) => Reaction::HoldAndAnswer(status, headers, body),
            other => other,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Seen {
    /// For instance `POST ingest`.
    pub what: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

#[derive(Default)]
pub struct State {
    pub seen: Vec<Seen>,
    script: VecDeque<(&'static str, Reaction)>,
    released: usize,
    held: usize,
    /// Documents by outbox and sequence number.
    pub stored: BTreeMap<(String, i64), Vec<Vec<u8>>>,
    /// Transactions that arrived again.
    pub repeated: usize,
    pub positions: BTreeMap<String, i64>,
    /// The lineage of the last batch of an outbox.
    lineages: BTreeMap<String, String>,
    pub schemas: BTreeSet<String>,
    pub tokens: u64,
    /// Other access tokens than the last one get a 401.
    pub strict_tokens: bool,
    pub access_seconds: i64,
    pub max_batch_bytes: u64,
    pub custom_data: Option<Value>,
    pub users: u64,
    /// Whom an e-mail address stands for.
    pub email_user: String,
    /// Tokens of both kinds up to this one are not known any more.
    pub dead_tokens: u64,
}

#[derive(Clone)]
pub struct Server {
    address: SocketAddr,
    inner: Arc<(Mutex<State>, Condvar)>,
}

impl Server {
    pub fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = State {
            access_seconds: 1800,
            max_batch_bytes: 64 << 20,
            email_user: "user1".to_owned(),
            ..State::default()
        };
        let server = Server {
            address,
            inner: Arc::new((Mutex::new(state), Condvar::new())),
        };
        let accepting = server.clone();
        thread::Builder::new()
            .name("scripted-accept".to_owned())
            .spawn(move || {
                for stream in listener.incoming() {
                    let server = accepting.clone();
                    let serve = move || server.serve(stream.unwrap());
                    thread::Builder::new()
                        .name("scripted-serve".to_owned())
                        .spawn(serve)
                        .unwrap();
                }
            })
            .unwrap();
        server
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.inner.0.lock().unwrap()
    }

    /// The next request whose method and path begin so meets this reaction.
    pub fn next(&self, what: &'static str, reaction: Reaction) {
        self.state().script.push_back((what, reaction));
    }

    /// The server forgets everybody who is logged in, as one that was set up anew does.
    pub fn forget_sessions(&self) {
        let mut state = self.state();
        state.dead_tokens = state.tokens;
    }

    /// The server loses all batches, as one that was restored from a backup does.
    pub fn forget_batches(&self) {
        let mut state = self.state();
        state.stored.clear();
        state.positions.clear();
        state.lineages.clear();
    }

    /// Another process has sent everything up to `position` under this lineage, and ended before it was answered.
    pub fn took(&self, outbox: &str, lineage: &str, position: i64) {
        let mut state = self.state();
        state.positions.insert(outbox.to_owned(), position);
        state.lineages.insert(outbox.to_owned(), lineage.to_owned());
    }

    pub fn release(&self) {
        self.state().released += 1;
        self.inner.1.notify_all();
    }

    /// Waits until so many requests were held since the start.
    pub fn until_held(&self, count: usize) {
        self.until("a held request", |state| state.held >= count);
    }

    pub fn until(&self, what: &str, holds: impl Fn(&State) -> bool) {
        let (guard, timeout) = self
            .inner
            .1
            .wait_timeout_while(self.state(), super::LIMIT, |state| !holds(state))
            .unwrap();
        drop(guard);
        assert!(!timeout.timed_out(), "{what} did not come about");
    }

    /// The requests so far whose method and path begin so.
    pub fn seen(&self, what: &str) -> Vec<Seen> {
        self.state()
            .seen
            .iter()
            .filter(|seen| seen.what.starts_with(what))
            .cloned()
            .collect()
    }

    /// The `_id`s that are stored, in the order of transactions.
    pub fn ids(&self) -> Vec<i64> {
        let state = self.state();
        let documents = state.stored.values().flatten();
        documents
            .map(|bytes| {
                bson::deserialize_from_slice::<bson::Document>(bytes)
                    .unwrap()
                    .get_i64("_id")
                    .unwrap()
            })
            .collect()
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some(seen) = read_request(&mut reader) {
            match self.react(seen) {
                Some((status, headers, body)) => {
                    let mut head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", body.len());
                    for (name, value) in headers {
                        head.push_str(&format!("{name}: {value}\r\n"));
                    }
                    head.push_str("\r\n");
                    if stream
                        .write_all(head.as_bytes())
                        .and_then(|()| stream.write_all(body.as_bytes()))
                        .is_err()
                    {
                        return;
                    }
                }
                None => return,
            }
        }
    }

    /// The answer, or none to close the connection.
    fn react(&self, seen: Seen) -> Option<Answer> {
        let mut state = self.state();
        state.seen.push(seen.clone());
        let at = state
            .script
            .iter()
            .position(|(what, _)| seen.what.starts_with(what));
        let reaction = at
            .and_then(|at| state.script.remove(at))
            .map(|(_, reaction)| reaction);
        self.inner.1.notify_all();
        match reaction {
            None => Some(behave(&mut state, &seen, &[])),
            Some(Reaction::Answer(status, headers, body)) => Some((status, headers, body)),
            Some(Reaction::Cut) => None,
            Some(Reaction::DoAndCut) => {
                behave(&mut state, &seen, &[]);
                None
            }
            Some(Reaction::DoAndSay(make)) => {
                let (status, headers, body) = behave(&mut state, &seen, &[]);
                Some((
                    status,
                    headers,
                    make(serde_json::from_str(&body).unwrap_or(Value::Null)),
                ))
            }
            Some(Reaction::Refuse(refused)) => Some(behave(&mut state, &seen, &refused)),
            Some(Reaction::Hold) => {
                let mut state = self.held(state);
                let answer = behave(&mut state, &seen, &[]);
                self.inner.1.notify_all();
                Some(answer)
            }
            Some(Reaction::HoldAndAnswer(status, headers, body)) => {
                drop(self.held(state));
                Some((status, headers, body))
            }
        }
    }

    fn held<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.held += 1;
        let ticket = state.held;
        self.inner.1.notify_all();
        self.inner
            .1
            .wait_while(state, |state| state.released < ticket)
            .unwrap()
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut parts = line.split(' ');
    let (method, url) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    // Asked as a proxy, it answers for every host.
    let path = url.find("/api/client/v2.0/").map_or(&url[..], |at| &url[at..]);
    let path = path.strip_prefix("/api/client/v2.0/").unwrap_or(path);
    let of_app = path.strip_prefix("app/").and_then(|rest| rest.split_once('/'));
    let path = of_app.map_or(path, |(_, path)| path);
    Some(Seen {
        what: format!("{method} {path}"),
        headers,
        body,
    })
}

pub fn jwt(claims: &Value) -> String {
    format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn access_token(state: &mut State) -> String {
    state.tokens += 1;
    let mut claims =
        json!({"exp": 4_000_000_000_i64 + state.access_seconds, "iat": 4_000_000_000_i64, "n": state.tokens});
    if let Some(data) = &state.custom_data {
        claims["user_data"] = data.clone();
    }
    jwt(&claims)
}

/// Which of the tokens that were given out this is.
fn number(token: &str) -> u64 {
    let payload = token.split('.').nth(1).unwrap_or_default();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    claims["n"].as_u64().unwrap()
}

type Answer = (u16, Vec<(&'static str, String)>, String);

fn ok(body: Value) -> Answer {
    (
        200,
        vec![("Content-Type", "application/json".to_owned())],
        body.to_string(),
    )
}

fn failed(status: u16, code: &str, text: &str) -> Answer {
    match Reaction::error(status, code, text) {
        Reaction::Answer(status, headers, body) => (status, headers, body),
        _ => unreachable!(),
    }
}

fn behave(state: &mut State, seen: &Seen, refused: &[(i64, u32)]) -> Answer {
    let token = seen
        .headers
        .get("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let with_access = !matches!(seen.what.as_str(), "POST auth/session" | "DELETE auth/session");
    if let Some(number) = token.map(number) {
        let stale = state.strict_tokens && with_access && number != state.tokens;
        if stale || number <= state.dead_tokens {
            return failed(401, "InvalidSession", "unauthorized");
        }
    }
    match seen.what.as_str() {
        "GET location" => ok(json!({"hostname": "", "ws_hostname": ""})),
        "POST auth/session" => {
            let token = access_token(state);
            (
                201,
                vec![("Content-Type", "application/json".to_owned())],
                json!({"access_token": token}).to_string(),
            )
        }
        "DELETE auth/session" | "DELETE auth/delete" => (204, Vec::new(), String::new()),
        "GET auth/profile" => {
            let kind = if state.users > 0 {
                "anon-user"
            } else {
                "local-userpass"
            };
            ok(json!({"identities": [{"id": "i", "provider_type": kind}], "data": {}}))
        }
        "POST functions/call" => ok(json!([seen.body.len()])),
        "POST ingest" => ingest(state, seen, refused),
        what if what.starts_with("POST auth/providers/local-userpass/register") => {
            (201, Vec::new(), String::new())
        }
        what if what.starts_with("POST auth/providers/") => {
            let user = if what.contains("anon-user") {
                state.users += 1;
                format!("anon{}", state.users)
            } else {
                state.email_user.clone()
            };
            let access = access_token(state);
            let refresh =
                jwt(&json!({"exp": 5_000_000_000_i64, "iat": 4_000_000_000_i64, "n": state.tokens}));
            ok(json!({"access_token": access, "refresh_token": refresh, "user_id": user, "device_id": "d"}))
        }
        what if what.starts_with("PUT ingest/schemas/") => {
            state.schemas.insert(what.rsplit('/').next().unwrap().to_owned());
            (204, Vec::new(), String::new())
        }
        what if what.starts_with("GET ingest/") => {
            let outbox = what.rsplit('/').next().unwrap();
            let position = state.positions.get(outbox).copied().unwrap_or(0);
            ok(json!({"position": position, "max_batch_bytes": state.max_batch_bytes}))
        }
        what => failed(404, "", &format!("nothing at {what}")),
    }
}

fn ingest(state: &mut State, seen: &Seen, refused: &[(i64, u32)]) -> Answer {
    assert_eq!(seen.headers["content-type"], realm_ingest_protocol::CONTENT_TYPE);
    let body = match seen.headers["content-encoding"].as_str() {
        "zstd" => zstd::stream::decode_all(&seen.body[..]).unwrap(),
        _ => seen.body.clone(),
    };
    let mut reader = BatchReader::new(&body).unwrap();
    let header = reader.header().clone();
    let missing: Vec<_> = header
        .schemas
        .iter()
        .filter(|name| !state.schemas.contains(*name))
        .collect();
    if !missing.is_empty() {
        let body = json!({"error": "schemas", "error_code": "SchemaRequired", "missing": missing});
        return (
            409,
            vec![("Content-Type", "application/json".to_owned())],
            body.to_string(),
        );
    }
    let position = state.positions.get(&header.outbox).copied().unwrap_or(0);
    let former = state
        .lineages
        .insert(header.outbox.clone(), header.lineage.clone());
    if header.first_seq <= position && former.is_some_and(|former| former != header.lineage) {
        return failed(409, "OutboxCopied", "another file has sent these transactions");
    }
    if header.after > position && header.after > header.acked {
        let body = json!({"error": "a hole", "error_code": "BatchOutOfOrder", "position": position});
        return (
            409,
            vec![("Content-Type", "application/json".to_owned())],
            body.to_string(),
        );
    }
    let mut refusals = Vec::new();
    while let Some(transaction) = reader.next_transaction().unwrap() {
        let seq = transaction.header.seq;
        let mut kept = Vec::new();
        for (index, document) in transaction.documents().enumerate() {
            if refused.contains(&(seq, index as u32)) {
                refusals.push(json!({"seq": seq, "index": index, "class": transaction.header.runs[0].class,
                    "_id": {"$numberLong": index.to_string()}, "code": "TypeMismatch", "reason": "not what it should be"}));
            } else {
                kept.push(document.to_vec());
            }
        }
        if state.stored.insert((header.outbox.clone(), seq), kept).is_some() {
            state.repeated += 1;
        }
    }
    let position = state.positions.entry(header.outbox.clone()).or_default();
    *position = header.last_seq.max(*position);
    ok(json!({"acked": header.last_seq, "position": *position, "refused": refusals}))
}
