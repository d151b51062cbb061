//! MongoDB servers for tests, as `scripts/mongodb.sh` finds or starts them. They end with the test program, however it ends.

#![allow(dead_code, reason = "each test program uses a part")]

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use mongodb::Database;
use realm_ingest_gateway::cluster::Cluster;
use tokio::task::spawn_blocking;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/mongodb.sh");

/// A running server. One that a test made for itself is killed when it goes out of scope.
pub struct Server {
    uri: String,
    directory: PathBuf,
    process: Child,
    /// The server ends when this does.
    stdin: Option<ChildStdin>,
}

impl Server {
    /// The server that all tests of this program share, each with databases of its own; `MONGODB_URI` where that is set.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        blocking(|| SHARED.get_or_init(|| Self::run(Command::new(SCRIPT)))).await
    }

    /// A server that one test may kill and pause. Started here whatever `MONGODB_URI` says, which no test can kill.
    pub async fn own() -> Self {
        let mut command = Command::new(SCRIPT);
        command.env_remove("MONGODB_URI");
        blocking(|| Self::run(command)).await
    }

    fn run(mut command: Command) -> Self {
        // The script makes it, and takes it away.
        let directory = std::env::temp_dir().join(fresh_name());
        let mut process = command
            .arg("run")
            .arg(&directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // What ends the test's whole process group leaves it to clean up.
            .process_group(0)
            .spawn()
            .unwrap();
        let uri = line(&mut process);
        assert!(uri.starts_with("mongodb"), "no MongoDB server: see above");
        Self {
            uri,
            directory,
            stdin: process.stdin.take(),
            process,
        }
    }

    /// Its connection string; stays the same when it is started again.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// A database that no other test uses, over connections of its own.
    pub async fn database(&self) -> Database {
        self.cluster().await.database(&fresh_name())
    }

    /// The server as the gateway reaches it.
    pub async fn cluster(&self) -> Cluster {
        Cluster::new(&self.uri.as_str().into()).await.unwrap()
    }

    /// Ends all of its processes at once.
    pub async fn kill(&self) {
        self.command("kill").await;
    }

    /// Starts it again, at the same address with the same data, and waits until it answers. One that runs is stopped first.
    pub async fn restart(&self) {
        self.command("restart").await;
    }

    /// From now on it takes connections and requests, and answers none.
    pub async fn pause(&self) {
        self.command("pause").await;
    }

    /// Ends a pause: what it was asked meanwhile is answered.
    pub async fn resume(&self) {
        self.command("resume").await;
    }

    async fn command(&self, name: &'static str) {
        let mut command = Command::new(SCRIPT);
        command
            .arg(name)
            .arg(&self.directory)
            .env_remove("MONGODB_URI")
            .stdout(Stdio::null());
        let status = blocking(move || command.status().unwrap()).await;
        assert!(status.success(), "mongodb.sh {name}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.process.wait();
    }
}

/// A name that no other test gives to a database or directory, on this machine or another one.
pub fn fresh_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (id, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    format!("realm_ingest_test_{:x}_{id:x}_{count}", started.as_micros())
}

/// The first line that a process prints.
fn line(process: &mut Child) -> String {
    let mut text = String::new();
    let output = process.stdout.take().unwrap();
    BufReader::new(output).read_line(&mut text).unwrap();
    text.trim_end().to_owned()
}

async fn blocking<T: Send + 'static>(task: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_blocking(task).await.unwrap()
}
