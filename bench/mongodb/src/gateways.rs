//! Gateways as processes, and devices that speak to them over HTTP.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use realm_ingest_protocol::batch::{encode_batch_header, encode_transaction_header};
use realm_ingest_protocol::{BatchHeader, CONTENT_TYPE, Run, Schema, TransactionHeader};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

use crate::{COLLECTION, Failure, Load, STATE, rate, reading};

/// See the module. They end when this goes.
pub struct Gateways(Vec<Gateway>);

struct Gateway {
    process: Child,
    url: String,
}

impl Gateways {
    /// So many over one database.
    pub fn start(count: usize, binary: &Path, uri: &str) -> Result<Self, Failure> {
        let gateways = (0..count).map(|_| Gateway::start(binary, uri));
        Ok(Self(gateways.collect::<Result<_, _>>()?))
    }

    /// Documents per second that they take from devices, of which each keeps to one of them.
    pub async fn batches(&self, load: Load) -> Result<f64, Failure> {
        let first = self.0.first().ok_or("no gateway")?;
        // The gateway in this build brings reqwest with TLS, which wants to be told by whom.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::new();
        let login = client.post(format!("{}/auth/providers/anon-user/login", first.url));
        let login: Value = serde_json::from_slice(&sent(login.body("{}")).await?.bytes().await?)?;
        let token = login["access_token"].as_str().ok_or("no token")?.to_owned();
        let schema = schema()?;
        let put = client.put(format!("{}/ingest/schemas/{}", first.url, schema.fingerprint()));
        sent(put.bearer_auth(&token).body(schema.to_json())).await?;
        let device = |number: u64| {
            let turn = usize::try_from(number).unwrap_or_default() % self.0.len();
            let url = self.0.get(turn).map(|gateway| format!("{}/ingest", gateway.url));
            let device = Device {
                client: client.clone(),
                url: url.unwrap_or_default(),
                token: token.clone(),
                outbox: format!("{number:032x}"),
                schema: schema.fingerprint(),
            };
            device.send(load)
        };
        rate(load, device).await
    }

    /// The most that one of them has held of the machine's memory.
    pub fn mebibytes(&self) -> Result<u64, Failure> {
        let most = self.0.iter().map(|gateway| {
            let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.process.id()))?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kibibytes = line.and_then(|line| line.split_whitespace().next());
            Ok(kibibytes.ok_or("no VmHWM")?.parse::<u64>()? / 1024)
        });
        let most: Vec<_> = most.collect::<Result<_, Failure>>()?;
        most.into_iter().max().ok_or_else(|| "no gateway".into())
    }
}

impl Gateway {
    fn start(binary: &Path, uri: &str) -> Result<Self, Failure> {
        let mut process = Command::new(binary)
            .args([
                "serve",
                "--dev",
                "--listen",
                "127.0.0.1:0",
                "--mongodb-database",
                STATE,
            ])
            .env("REALM_INGEST_GATEWAY_MONGODB", uri)
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line
            .trim()
            .strip_prefix("listening on ")
            .ok_or("it does not listen")?;
        Ok(Self {
            process,
            url: format!("{address}/api/client/v2.0/app/bench-abcde"),
        })
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Device {
    client: Client,
    url: String,
    token: String,
    outbox: String,
    schema: String,
}

impl Device {
    /// The answer is how many documents it got rid of.
    async fn send(self, load: Load) -> Result<u64, Failure> {
        let (started, mut last, mut stored) = (Instant::now(), 0, 0);
        while started.elapsed() < load.time {
            let batch = self.batch(last, load.size)?;
            let post = self.client.post(&self.url).bearer_auth(&self.token);
            let post = post.header("content-type", CONTENT_TYPE).body(batch);
            let ack: Value = serde_json::from_slice(&sent(post).await?.bytes().await?)?;
            last += 1;
            if ack["acked"] != last {
                return Err(format!("not acknowledged: {ack}").into());
            }
            stored += load.size as u64;
        }
        Ok(stored)
    }

    /// One transaction behind the one with this number.
    fn batch(&self, after: i64, size: usize) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        let header = BatchHeader {
            outbox: self.outbox.clone(),
            lineage: self.outbox.clone(),
            acked: after,
            after,
            first_seq: after + 1,
            last_seq: after + 1,
            count: size as u64,
            schemas: vec![self.schema.clone()],
            device: None,
        };
        encode_batch_header(&header, &mut body);
        let header = TransactionHeader {
            seq: after + 1,
            schema: 0,
            runs: vec![Run {
                class: COLLECTION.to_owned(),
                count: size.try_into()?,
            }],
        };
        encode_transaction_header(&header, &mut body);
        for _ in 0..size {
            body.extend(reading()?);
        }
        Ok(body)
    }
}

async fn sent(request: RequestBuilder) -> Result<Response, Failure> {
    // What is not a batch is JSON, which the gateway wants to be told.
    let (client, request) = request.build_split();
    let mut request = request?;
    let json = reqwest::header::HeaderValue::from_static("application/json");
    request.headers_mut().entry("content-type").or_insert(json);
    Ok(client.execute(request).await?.error_for_status()?)
}

fn schema() -> Result<Schema, Failure> {
    let json = r#"{"classes":[{"name":"Reading","kind":"asymmetric","primary_key":"_id","properties":[
        {"name":"_id","type":"objectId"},{"name":"station","type":"int"},
        {"name":"value","type":"double"},{"name":"note","type":"string"}]}]}"#;
    Ok(Schema::parse(json)?)
}
