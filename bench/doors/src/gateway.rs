//! A gateway as a process, over a store of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use tempfile::TempDir;

use crate::Failure;

/// It ends when this goes.
pub struct Gateway {
    binary: PathBuf,
    process: Child,
    data: TempDir,
    /// Such as `127.0.0.1:9090`.
    pub address: String,
    pub client: Client,
    /// Of a user who is logged in.
    pub token: String,
}

/// Of the app's part of the API.
pub const PATH: &str = "/api/client/v2.0/app/bench-abcde";

impl Gateway {
    pub async fn start(binary: &Path) -> Result<Self, Failure> {
        let data = TempDir::new_in(".")?;
        let mut process = Command::new(binary)
            .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        let mut gateway = Self {
            binary: binary.into(),
            process,
            data,
            address: String::new(),
            client: Client::new(),
            token: String::new(),
        };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().strip_prefix("listening on http://");
        address
            .ok_or("it does not listen")?
            .clone_into(&mut gateway.address);
        let login = gateway
            .client
            .post(gateway.url("/auth/providers/anon-user/login"));
        let login: Value = serde_json::from_slice(&sent(login.body("{}")).await?.bytes().await?)?;
        login["access_token"]
            .as_str()
            .ok_or("no token")?
            .clone_into(&mut gateway.token);
        Ok(gateway)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{PATH}{path}", self.address)
    }

    /// What it has had of the processors.
    pub fn cpu(&self) -> Result<Duration, Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // Behind the name, which may have spaces: user and system time are the 12th and 13th, in hundredths of a second.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks = fields
            .skip(11)
            .take(2)
            .map(str::parse::<u64>)
            .sum::<Result<u64, _>>()?;
        Ok(Duration::from_millis(10 * ticks))
    }

    /// How many documents it has.
    pub fn stored(&self) -> Result<usize, Failure> {
        let mut stats = Command::new(&self.binary);
        stats.args(["stats", "--json", "--data"]).arg(self.data.path());
        let stats: Value = serde_json::from_slice(&stats.output()?.stdout)?;
        let count = stats["documents"].as_u64();
        Ok(usize::try_from(count.ok_or("no documents")?)?)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The answer, which must say that all is well.
pub async fn sent(request: RequestBuilder) -> Result<Response, Failure> {
    // What is not a batch is JSON, which the gateway wants to be told.
    let (client, request) = request.build_split();
    let mut request = request?;
    let json = reqwest::header::HeaderValue::from_static("application/json");
    request.headers_mut().entry("content-type").or_insert(json);
    Ok(client.execute(request).await?.error_for_status()?)
}
