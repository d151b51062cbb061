//! A client as realm-core is one, a message at a time.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use realm_ingest_gateway::device_sync::frames::STAMP;

use crate::changesets::body;
use crate::common::APP;
use crate::gate::Gate;

const PATIENCE: Duration = Duration::from_secs(60);

/// An answer to a request that would leave HTTP.
pub struct Answer {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub stream: TcpStream,
}

/// Asks with these lines behind the usual ones.
pub async fn ask(address: SocketAddr, path: &str, lines: &[&str]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let usual = "upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n";
    let lines = lines.join("\r\n");
    let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{usual}{lines}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    // A server says nothing of its own accord, so what comes behind the head is the body of a refusal.
    let text = read_until(&mut stream, "\r\n\r\n").await;
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let (first, rest) = head.split_once("\r\n").unwrap();
    let headers = rest.lines().filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_lowercase(), value.to_owned()))
    });
    Answer {
        status: first.split(' ').nth(1).unwrap().parse().unwrap(),
        headers: headers.collect(),
        stream,
    }
}

/// What comes until this has come.
pub async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let (mut read, mut buffer) = (String::new(), [0; 1024]);
    while !read.contains(end) {
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(count > 0, "it ended with {read}");
        read += &String::from_utf8_lossy(&buffer[..count]);
    }
    read
}

/// What a client offers that speaks up to this version.
pub fn offers(newest: u8) -> String {
    let separator = if newest > 7 { '#' } else { '/' };
    let all = (2..=newest)
        .rev()
        .map(|n| format!("com.mongodb.realm-query-sync{separator}{n}"));
    format!("sec-websocket-protocol: {}", all.collect::<Vec<_>>().join(", "))
}

pub fn path(token: &str) -> String {
    format!("{APP}/realm-sync?baas_at={token}")
}

/// A file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name(pub u64, pub i64);

pub struct Device {
    pub socket: WebSocketStream<TcpStream>,
}

impl Device {
    /// Of the newest version.
    pub async fn connect(gate: &Gate, token: &str) -> Self {
        Self::speaking(gate, token, 14).await
    }

    pub async fn speaking(gate: &Gate, token: &str, newest: u8) -> Self {
        let agent = "user-agent: RealmSync/14.12.0 (Linux x86_64) RealmKotlin/2.3.0 Weather/1.0";
        let answer = ask(gate.address, &path(token), &[&offers(newest), agent]).await;
        assert_eq!(answer.status, 101, "{:?}", answer.headers);
        Self::over(answer).await
    }

    pub async fn over(answer: Answer) -> Self {
        let config = WebSocketConfig::default().max_write_buffer_size(1 << 30);
        let socket = WebSocketStream::from_raw_socket(answer.stream, Role::Client, Some(config)).await;
        Self { socket }
    }

    pub async fn say(&mut self, message: impl AsRef<[u8]>) {
        let message = Message::binary(message.as_ref().to_vec());
        self.socket.send(message).await.unwrap();
    }

    /// The next message of the protocol.
    pub async fn hear(&mut self) -> String {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            match next
                .expect("an answer comes")
                .expect("the connection goes on")
                .unwrap()
            {
                Message::Binary(bytes) => return String::from_utf8(bytes.to_vec()).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// How the connection ends: with a code, or without.
    pub async fn end(&mut self) -> Option<u16> {
        let end = async {
            let mut code = None;
            while let Some(Ok(message)) = self.socket.next().await {
                if let Message::Close(Some(close)) = message {
                    code = Some(close.code.into());
                }
            }
            code
        };
        tokio::time::timeout(PATIENCE, end)
            .await
            .expect("the connection ends")
    }

    /// Begins a session of a new file, up to the answer to its first mark.
    pub async fn bind_new(&mut self, session: u64) -> Name {
        let data = r#"{"schemaVersion":0,"sessionReason":0}"#;
        self.say(format!("bind {session} {} 0 1 0\n{data}", data.len()))
            .await;
        let ident = self.hear().await;
        let words: Vec<_> = ident.trim().split(' ').collect();
        assert_eq!(words[..2], ["ident", &session.to_string()]);
        let name = Name(words[2].parse().unwrap(), words[3].parse().unwrap());
        self.identify(session, name, (0, 0)).await;
        name
    }

    /// Begins a session of a file that has a name, after it was acknowledged so far: the server's version and its own.
    pub async fn bind(&mut self, session: u64, name: Name, versions: (u64, u64)) {
        self.say(format!("bind {session} 0 0 0 0\n")).await;
        self.identify(session, name, versions).await;
    }

    /// The same of one that the closed service has served. It is told of no versions before it has said how far it is.
    pub async fn bind_foreign(&mut self, session: u64, name: Name, versions: (u64, u64)) {
        self.say(format!("bind {session} 0 0 0 0\n")).await;
        self.name(session, name, versions, 0).await;
        assert_eq!(self.hear().await, format!("mark {session} 1\n"));
    }

    /// Says which file it is, and asks for an answer.
    async fn name(&mut self, session: u64, name: Name, (server, client): (u64, u64), stamp: i64) {
        let Name(ident, salt) = name;
        self.say(format!(
            "ident {session} {ident} {salt} {server} {client} {server} {stamp} 0 2\n{{}}"
        ))
        .await;
        self.say(format!("mark {session} 1\n")).await;
    }

    async fn identify(&mut self, session: u64, name: Name, (server, client): (u64, u64)) {
        self.name(session, name, (server, client), STAMP).await;
        let bootstrap = self.hear().await;
        let fields = fields(&bootstrap);
        assert_eq!(
            (fields[0], fields[2], fields[5]),
            (session, client, client),
            "{bootstrap}"
        );
        assert!(
            fields[1] > server && fields[8] == 1 && fields[11] > 0,
            "{bootstrap}"
        );
        assert_eq!(self.hear().await, format!("mark {session} 1\n"));
    }

    /// Uploads changesets by their versions.
    pub async fn upload(&mut self, session: u64, changesets: &[(u64, Vec<u8>)]) {
        let progress = changesets.last().unwrap().0;
        self.upload_up_to(session, progress, &body(changesets)).await;
    }

    pub async fn upload_up_to(&mut self, session: u64, progress: u64, body: &[u8]) {
        let head = format!("upload {session} 0 {} 0 {progress} 1 1\n", body.len());
        self.say([head.as_bytes(), body].concat()).await;
    }

    /// Waits until everything up to this version is acknowledged, and says the server's version.
    pub async fn acknowledged(&mut self, session: u64, version: u64) -> u64 {
        loop {
            let heard = self.hear().await;
            let fields = fields(&heard);
            assert_eq!((fields[0], fields[8]), (session, 2), "{heard}");
            assert_eq!(fields[2], fields[5], "{heard}");
            assert!(fields[2] <= version, "{heard}");
            if fields[2] == version {
                return fields[1];
            }
        }
    }
}

/// The fields of a DOWNLOAD.
pub fn fields(message: &str) -> Vec<u64> {
    let (head, _) = message.split_once('\n').unwrap();
    let fields = head
        .strip_prefix("download ")
        .unwrap_or_else(|| panic!("{message}"));
    fields.split(' ').map(|field| field.parse().unwrap()).collect()
}

/// Code and JSON of an error, and its session.
pub fn error(message: &str) -> (u64, u64, serde_json::Value) {
    let (head, body) = message.split_once('\n').unwrap();
    let words: Vec<_> = head.split(' ').collect();
    assert_eq!(words[0], "json_error", "{message}");
    assert_eq!(words[2], body.len().to_string());
    (
        words[1].parse().unwrap(),
        words[3].parse().unwrap(),
        serde_json::from_str(body).unwrap(),
    )
}
