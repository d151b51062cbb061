//! A device with a Realm SDK: uploads over a websocket, in the protocol of realm-core 14.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use futures_util::{SinkExt as _, Stream, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::Failure;
use crate::changeset::Changeset;
use crate::gateway::{Gateway, PATH};
use crate::readings::{Reading, create_schema};

/// The client collects changesets until they are so many bytes; one that is larger goes alone.
const UPLOAD_BYTES: usize = 128 << 10;

/// What is shorter is sent as it is.
const COMPRESSED_FROM: usize = 1024;

/// Any time: milliseconds since 2015.
const WRITTEN: u64 = 375_325_657_408;

/// See the module.
pub struct Device {
    socket: WebSocketStream<TcpStream>,
    uploads: Vec<Bytes>,
    /// The client version of the last.
    last: u64,
}

impl Device {
    /// Connected, with a file of its own whose schema is known, and its uploads prepared.
    pub async fn new(gateway: &Gateway, transactions: &[Vec<Reading>]) -> Result<Self, Failure> {
        let url = format!(
            "ws://{}{PATH}/realm-sync?baas_at={}",
            gateway.address, gateway.token
        );
        let mut request = url.into_client_request()?;
        let protocol = HeaderValue::from_static("com.mongodb.realm-query-sync#14");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let agent = HeaderValue::from_static("RealmSync/14.12.0 (Linux) bench");
        request.headers_mut().insert("user-agent", agent);
        let stream = TcpStream::connect(&gateway.address).await?;
        stream.set_nodelay(true)?;
        let config = Some(WebSocketConfig::default());
        let (socket, _) = client_async_with_config(request, stream, config).await?;
        let mut device = Self {
            socket,
            uploads: Vec::new(),
            last: 0,
        };
        device.bind().await?;
        device.prepare(transactions)?;
        Ok(device)
    }

    async fn bind(&mut self) -> Result<(), Failure> {
        self.tell("bind 1 37 0 1 0\n{\"schemaVersion\":0,\"sessionReason\":0}")
            .await?;
        let (ident, _) = self.hear("ident").await?;
        let (Some(file), Some(salt)) = (ident.get(1), ident.get(2)) else {
            return Err("no file ident".into());
        };
        self.tell(&format!("ident 1 {file} {salt} 0 0 0 0 0 2\n{{}}"))
            .await?;
        self.tell("mark 1 1\n").await?;
        self.hear("mark").await?;
        let mut schema = Changeset::default();
        create_schema(&mut schema);
        self.last = 2;
        let mut body = Vec::new();
        entry(&mut body, self.last, &schema.into_bytes())?;
        let upload = message(&body, self.last)?;
        self.socket.send(Message::Binary(upload)).await?;
        self.await_acknowledged().await
    }

    fn prepare(&mut self, transactions: &[Vec<Reading>]) -> Result<(), Failure> {
        let mut body = Vec::new();
        for (number, transaction) in transactions.iter().enumerate() {
            let mut changeset = Changeset::default();
            for reading in transaction {
                reading.create(&mut changeset);
            }
            self.last += 1;
            entry(&mut body, self.last, &changeset.into_bytes())?;
            if body.len() >= UPLOAD_BYTES || number + 1 == transactions.len() {
                self.uploads.push(message(&body, self.last)?);
                body.clear();
            }
        }
        Ok(())
    }

    /// Everything, without waiting in between as the clients do; returns when all of it is acknowledged.
    pub async fn send(mut self) -> Result<(), Failure> {
        let (mut sink, stream) = self.socket.split();
        let uploads = std::mem::take(&mut self.uploads);
        let sending = tokio::spawn(async move {
            for upload in uploads {
                sink.send(Message::Binary(upload)).await?;
            }
            Ok::<_, Failure>(sink)
        });
        let mut device = Acknowledgements {
            stream,
            last: self.last,
        };
        device.wait().await?;
        drop(sending.await??);
        Ok(())
    }

    async fn await_acknowledged(&mut self) -> Result<(), Failure> {
        loop {
            let (download, _) = self.hear("download").await?;
            if acknowledged(&download) >= self.last {
                return Ok(());
            }
        }
    }

    async fn tell(&mut self, text: &str) -> Result<(), Failure> {
        Ok(self
            .socket
            .send(Message::Binary(Bytes::copy_from_slice(text.as_bytes())))
            .await?)
    }

    /// The fields of the next message of this name; others are passed over.
    async fn hear(&mut self, name: &str) -> Result<(Vec<String>, Bytes), Failure> {
        loop {
            let message = self.socket.next().await.ok_or("the gateway hung up")??;
            let (said, rest) = fields(message)?;
            if said.first().is_some_and(|said| said == name) {
                return Ok((said.into_iter().skip(1).collect(), rest));
            }
        }
    }
}

struct Acknowledgements<S> {
    stream: S,
    last: u64,
}

impl<S> Acknowledgements<S>
where
    S: Stream<Item = Result<Message, tokio_tungstenite::tungstenite::Error>> + Unpin,
{
    async fn wait(&mut self) -> Result<(), Failure> {
        loop {
            let message = self.stream.next().await.ok_or("the gateway hung up")??;
            let (said, _) = fields(message)?;
            if said.first().is_some_and(|name| name == "download")
                && acknowledged(said.get(1..).unwrap_or_default()) >= self.last
            {
                return Ok(());
            }
        }
    }
}

/// The words before the first line's end, and what is behind it.
fn fields(message: Message) -> Result<(Vec<String>, Bytes), Failure> {
    let data = message.into_data();
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let line = std::str::from_utf8(data.get(..end).unwrap_or_default())?;
    let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
    if words.first().is_some_and(|name| name.ends_with("error")) {
        return Err(format!("the gateway says {}", String::from_utf8_lossy(&data)).into());
    }
    let rest = data.slice(end.saturating_add(1).min(data.len())..);
    Ok((words, rest))
}

/// The client version up to which this download says that everything is there.
fn acknowledged(download: &[String]) -> u64 {
    download
        .get(5)
        .and_then(|version| version.parse().ok())
        .unwrap_or(0)
}

/// A changeset of a local transaction.
fn entry(body: &mut Vec<u8>, version: u64, changeset: &[u8]) -> Result<(), Failure> {
    write!(body, "{version} 0 {WRITTEN} 0 {} ", changeset.len())?;
    body.extend_from_slice(changeset);
    Ok(())
}

fn message(body: &[u8], progress: u64) -> Result<Bytes, Failure> {
    let mut message = Vec::new();
    let (compressed, sent) = if body.len() > COMPRESSED_FROM {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body)?;
        let packed = encoder.finish()?;
        (packed.len(), packed)
    } else {
        (0, body.to_vec())
    };
    let flag = u8::from(compressed != 0);
    writeln!(
        message,
        "upload 1 {flag} {} {compressed} {progress} 0 0",
        body.len()
    )?;
    message.extend(sent);
    Ok(message.into())
}
