//! A gateway process of its own, and its command line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

use realm_ingest_protocol::{CONTENT_TYPE, Schema};

use super::http::Client;
use super::{APP, Answer, schema};

pub const BINARY: &str = env!("CARGO_BIN_EXE_realm-ingest-gateway");

/// A server that writes its log, of this level, into a file.
pub fn logged(data: &Path, log: &Path, level: &str, more: &[&str]) -> Server {
    let mut command = serve(data, more);
    command.env("RUST_LOG", level).stderr(File::create(log).unwrap());
    Server::run(command)
}

/// A running server; killed when it goes out of scope.
pub struct Server {
    pub address: SocketAddr,
    output: BufReader<ChildStdout>,
    process: Child,
}

impl Server {
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    pub fn start_with(data: &Path, more: &[&str]) -> Self {
        Self::run(serve(data, more))
    }

    /// Runs the command and waits until it says where it listens.
    pub fn run(mut command: Command) -> Self {
        if !command.get_envs().any(|(name, _)| name == "RUST_LOG") {
            command.env("RUST_LOG", "warn");
        }
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        Self {
            address: announced(&mut output, "listening on http").expect("the server starts"),
            output,
            process,
        }
    }

    /// Where it serves metrics, asked for once.
    pub fn metrics_address(&mut self) -> SocketAddr {
        announced(&mut self.output, "metrics on http").expect("metrics are served")
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn client(&self) -> Client {
        Client::connect(self.address).unwrap()
    }

    pub fn signal(&self, name: &str) {
        assert!(
            Command::new("sh")
                .args(["-c", &format!("kill -{name} {}", self.id())])
                .status()
                .unwrap()
                .success()
        );
    }

    pub fn wait(mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }

    /// SIGKILL, without a warning.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// An access token of a new user whose schema is known.
    pub fn token(&self) -> String {
        token(&mut self.client())
    }

    /// The status of sending a schema.
    pub fn put_schema(&self, token: &str, schema: &Schema) -> u16 {
        put_schema(&mut self.client(), token, schema)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The address in the next line, which begins so.
fn announced(output: &mut impl BufRead, begins: &str) -> Option<SocketAddr> {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let (before, address) = line.trim().split_once("://")?;
    before.starts_with(begins).then(|| address.parse().unwrap())
}

/// An access token of a new user whose schema is known, over this connection.
pub fn token(client: &mut Client) -> String {
    let path = format!("{APP}/auth/providers/anon-user/login");
    let login = client.call("POST", &path, &[], b"{}").unwrap();
    let token = login.json["access_token"].as_str().unwrap().to_owned();
    assert_eq!(put_schema(client, &token, &schema()), 204);
    token
}

fn put_schema(client: &mut Client, token: &str, schema: &Schema) -> u16 {
    let path = format!("{APP}/ingest/schemas/{}", schema.fingerprint());
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let put = client.call("PUT", &path, &headers, schema.to_json().as_bytes());
    put.unwrap().status
}

pub fn post(client: &mut Client, token: &str, body: &[u8]) -> std::io::Result<Answer> {
    let bearer = format!("Bearer {token}");
    client.call(
        "POST",
        &format!("{APP}/ingest"),
        &[("authorization", &bearer), ("content-type", CONTENT_TYPE)],
        body,
    )
}

/// A process that would run on; killed when it goes out of scope.
pub struct Running {
    process: Child,
}

impl Running {
    /// Runs the command. What it says is read line by line.
    pub fn start(command: &mut Command) -> Self {
        Self::with_output(command, Stdio::piped())
    }

    /// The same with its standard output elsewhere.
    pub fn with_output(command: &mut Command, output: impl Into<Stdio>) -> Self {
        Self {
            process: command.stdout(output).stderr(Stdio::piped()).spawn().unwrap(),
        }
    }

    /// `tail` over the data.
    pub fn tail(data: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(BINARY);
        Self::start(command.arg("tail").args(arguments).arg("--data").arg(data))
    }

    /// Lines of standard output, from here on.
    pub fn output(&mut self) -> impl Iterator<Item = String> + use<> {
        let output = self.process.stdout.take().unwrap();
        BufReader::new(output).lines().map(Result::unwrap)
    }

    /// Lines of standard error, from here on.
    pub fn errors(&mut self) -> impl Iterator<Item = String> + use<> {
        let errors = self.process.stderr.take().unwrap();
        BufReader::new(errors).lines().map(Result::unwrap)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `serve` in development mode over the data.
pub fn serve(data: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command
        .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .args(more);
    command
}

/// Runs a command over the data to its end.
pub fn command(data: &Path, arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .args(arguments)
        .arg("--data")
        .arg(data)
        .output()
        .unwrap()
}

/// Lines of standard output of a command that succeeds.
#[track_caller]
pub fn lines(data: &Path, arguments: &[&str]) -> Vec<String> {
    let output = command(data, arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}
