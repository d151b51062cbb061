//! Stands between a gateway and a MongoDB server and loses what it is told to: a request before the server has it, or the answer.

use std::sync::{Arc, Mutex};

use bson::{Document, RawDocument, doc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::memory::Fault;

/// Requests that say nothing of what is stored.
const IDLE: [&str; 6] = [
    "hello",
    "ismaster",
    "isMaster",
    "ping",
    "endSessions",
    "buildInfo",
];

/// A header of the protocol: length, two numbers of messages, and the kind.
const HEADER: usize = 16;

/// The kind that all requests but the first have.
const OP_MSG: u32 = 2013;

/// More answers follow one that has this flag.
const MORE_TO_COME: u32 = 2;

/// See the module. It ends with the runtime.
pub struct Proxy {
    uri: String,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Default)]
struct Plan {
    /// Requests that have come.
    begun: usize,
    fault: Option<(usize, Fault)>,
    /// What is said of every write, beside what the server says.
    write_concern_error: bool,
    /// Answers of the server to inserts that say what it did not take, by collection.
    write_errors: Vec<String>,
    /// Inserts into a collection of this name wait.
    held: Option<(String, Arc<Gate>)>,
}

/// Where requests wait.
pub struct Gate {
    come: Semaphore,
    open: Semaphore,
}

impl Gate {
    /// Returns when a request has come to it.
    pub async fn reached(&self) {
        self.come.acquire().await.unwrap().forget();
    }

    /// Lets all of them go on.
    pub fn open(&self) {
        self.open.close();
    }
}

impl Proxy {
    /// Before the server at this address.
    pub async fn before(uri: &str) -> Self {
        let server = uri.strip_prefix("mongodb://").unwrap();
        let server = server.split(['/', '?']).next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let plan = Arc::new(Mutex::new(Plan::default()));
        let of_all = Arc::clone(&plan);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(upstream) = TcpStream::connect(&server).await else {
                    continue;
                };
                tokio::spawn(serve(client, upstream, Arc::clone(&of_all)));
            }
        });
        Self {
            uri: format!("mongodb://{address}/?directConnection=true"),
            plan,
        }
    }

    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Loses the request of this number, counted from now on from 0, or its answer.
    pub fn fail(&self, number: usize, fault: Fault) {
        let mut plan = self.plan.lock().unwrap();
        plan.begun = 0;
        plan.fault = Some((number, fault));
    }

    /// Whether it was lost.
    pub fn has_failed(&self) -> bool {
        self.plan.lock().unwrap().fault.is_none()
    }

    /// How often the server has not taken a document for a collection.
    pub fn write_errors(&self, collection: &str) -> usize {
        let plan = self.plan.lock().unwrap();
        plan.write_errors
            .iter()
            .filter(|name| *name == collection)
            .count()
    }

    /// Holds inserts into a collection.
    pub fn hold(&self, collection: &str) -> Arc<Gate> {
        let gate = Arc::new(Gate {
            come: Semaphore::new(0),
            open: Semaphore::new(0),
        });
        self.plan.lock().unwrap().held = Some((collection.to_owned(), Arc::clone(&gate)));
        gate
    }

    /// From now on, or no more, the server says of every insert that a majority may not have it.
    pub fn without_majority(&self, is_so: bool) {
        self.plan.lock().unwrap().write_concern_error = is_so;
    }
}

async fn serve(client: TcpStream, upstream: TcpStream, plan: Arc<Mutex<Plan>>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = upstream.into_split();
    while let Some(request) = message(&mut from_client).await {
        let (name, collection) = command(&request).unzip();
        let gate = plan.lock().unwrap().gate(name.as_deref(), collection.as_deref());
        if let Some(gate) = gate {
            gate.come.add_permits(1);
            // It is closed when it opens.
            let _ = gate.open.acquire().await;
        }
        let (fault, without_majority) = plan.lock().unwrap().next(name.as_deref());
        if fault == Some(Fault::Before) || to_server.write_all(&request).await.is_err() {
            return;
        }
        let insert = without_majority && name.as_deref() == Some("insert");
        let answer = answer(&mut from_server, &mut to_client, fault.is_some(), insert).await;
        let Some(has_errors) = answer else { return };
        if has_errors {
            plan.lock().unwrap().write_errors.extend(collection);
        }
    }
}

impl Plan {
    fn gate(&self, command: Option<&str>, collection: Option<&str>) -> Option<Arc<Gate>> {
        let (held, gate) = self.held.as_ref()?;
        let is_held = command == Some("insert") && collection == Some(held);
        is_held.then(|| Arc::clone(gate))
    }

    fn next(&mut self, command: Option<&str>) -> (Option<Fault>, bool) {
        let counts = command.is_some_and(|name| !IDLE.contains(&name));
        let number = self.begun;
        self.begun += usize::from(counts);
        let fault = self.fault.take_if(|(at, _)| counts && *at == number);
        (fault.map(|(_, fault)| fault), self.write_concern_error)
    }
}

/// Passes an answer on, if it is not lost; whether it says what was not taken.
async fn answer(
    server: &mut OwnedReadHalf,
    client: &mut OwnedWriteHalf,
    is_lost: bool,
    without_majority: bool,
) -> Option<bool> {
    loop {
        let mut reply = message(server).await?;
        let has_errors = number(&reply, 12) == OP_MSG && has_write_errors(&reply);
        if is_lost {
            return None;
        }
        if without_majority {
            reply = with_write_concern_error(&reply);
        }
        client.write_all(&reply).await.ok()?;
        let more = number(&reply, 12) == OP_MSG && number(&reply, HEADER) & MORE_TO_COME != 0;
        if !more {
            return Some(has_errors);
        }
    }
}

async fn message(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let length = from.read_u32_le().await.ok()?;
    let mut message = length.to_le_bytes().to_vec();
    message.resize(length as usize, 0);
    from.read_exact(&mut message[4..]).await.ok()?;
    Some(message)
}

fn number(message: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(message[at..at + 4].try_into().unwrap())
}

/// The document that comes first in a message: behind the flags and the kind of its section.
fn body(message: &[u8]) -> &[u8] {
    let begin = HEADER + 5;
    &message[begin..begin + number(message, begin) as usize]
}

fn has_write_errors(message: &[u8]) -> bool {
    let reply = RawDocument::from_bytes(body(message)).unwrap();
    reply.get("writeErrors").unwrap().is_some()
}

/// What a request asks for, and of which collection.
fn command(message: &[u8]) -> Option<(String, String)> {
    if number(message, 12) != OP_MSG {
        return None;
    }
    let body = RawDocument::from_bytes(body(message)).unwrap();
    let (name, value) = body.iter().next().unwrap().unwrap();
    let collection = value.as_str().unwrap_or_default();
    Some((name.as_str().to_owned(), collection.to_owned()))
}

fn with_write_concern_error(message: &[u8]) -> Vec<u8> {
    let mut reply = Document::from_reader(body(message)).unwrap();
    let error =
        doc! {"code": 64, "codeName": "WriteConcernFailed", "errmsg": "waiting for replication timed out"};
    reply.insert("writeConcernError", error);
    let reply = reply.to_vec().unwrap();
    let length = u32::try_from(HEADER + 5 + reply.len()).unwrap();
    let mut changed = length.to_le_bytes().to_vec();
    changed.extend_from_slice(&message[4..HEADER]);
    changed.extend_from_slice(&[0; 5]);
    changed.extend_from_slice(&reply);
    changed
}
