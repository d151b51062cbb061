//! Directories of apps, and a server over them.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use realm_ingest_protocol::CONTENT_TYPE;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::Answer;
use crate::common::server::{BINARY, Server};

pub const ONE: &str = "one-aaaaa";
pub const TWO: &str = "two-bbbbb";

/// What the log says of each directory.
pub const READ: &str = "the directory was read again";

/// Directories of apps, data and a log.
pub struct Place(TempDir);

impl Place {
    /// With the directories of these apps, in which e-mail and password are on, too.
    pub fn with(apps: &[&str]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for app in apps {
            let made = Command::new(BINARY)
                .arg("init")
                .arg(place.app(app))
                .args(["--app-id", app])
                .output()
                .unwrap();
            assert!(made.status.success(), "{made:?}");
            place.switch(app, "local-userpass", true);
        }
        place
    }

    pub fn app(&self, app: &str) -> PathBuf {
        self.0.path().join(app)
    }

    pub fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// A new log.
    pub fn log_file(&self) -> fs::File {
        fs::File::create(self.0.path().join("log")).unwrap()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.0.path().join("log")).unwrap()
    }

    pub fn edit(&self, app: &str, file: &str, edit: impl FnOnce(&mut Value)) {
        let path = self.app(app).join(file);
        let mut json = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        edit(&mut json);
        fs::write(&path, json.to_string()).unwrap();
    }

    pub fn switch(&self, app: &str, provider: &str, on: bool) {
        self.edit(app, "auth/providers.json", |providers| {
            providers[provider]["disabled"] = json!(!on);
        });
    }

    /// Adds a data source without collections.
    pub fn add_source(&self, app: &str, name: &str) {
        let folder = self.app(app).join("data_sources").join(name);
        fs::create_dir_all(&folder).unwrap();
        let config = json!({"name": name, "type": "mongodb-atlas", "config": {"clusterName": "Cluster1"}});
        fs::write(folder.join("config.json"), config.to_string()).unwrap();
    }

    pub fn serve(&self, apps: &[&str], more: &[&str]) -> Command {
        self.serve_at("127.0.0.1:0", apps, more)
    }

    pub fn serve_at(&self, listen: &str, apps: &[&str], more: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(["serve", "--listen", listen, "--data"]);
        command.arg(self.data()).args(more);
        for app in apps {
            command.arg("--app").arg(self.app(app));
        }
        command
    }

    pub fn start(&self, apps: &[&str]) -> Server {
        let mut command = self.serve(apps, &[]);
        command.env("RUST_LOG", "info").stderr(self.log_file());
        Server::run(command)
    }

    /// What a server that does not start says, and how it ends.
    pub fn refused(&self, apps: &[&str], more: &[&str]) -> (Option<i32>, String) {
        said(&self.serve(apps, more).output().unwrap())
    }

    /// Waits until the log has this text so many times.
    pub fn await_log(&self, text: &str, times: usize) {
        let begun = Instant::now();
        while self.log().matches(text).count() < times {
            assert!(begun.elapsed() < Duration::from_secs(60), "{}", self.log());
            std::thread::yield_now();
        }
    }
}

pub fn said(output: &Output) -> (Option<i32>, String) {
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    (output.status.code(), error)
}

pub fn call(
    server: &Server,
    method: &str,
    app: &str,
    rest: &str,
    token: Option<&str>,
    body: &[u8],
) -> Answer {
    let path = format!("/api/client/v2.0/app/{app}/{rest}");
    let bearer = token.map(|token| format!("Bearer {token}")).unwrap_or_default();
    let mut headers = vec![("authorization", bearer.as_str())];
    if rest == "ingest" {
        headers.push(("content-type", CONTENT_TYPE));
    }
    server.client().call(method, &path, &headers, body).unwrap()
}

pub fn log_in(server: &Server, app: &str) -> Answer {
    call(server, "POST", app, "auth/providers/anon-user/login", None, b"{}")
}

pub fn token(server: &Server, app: &str) -> String {
    let answer = log_in(server, app);
    assert_eq!(answer.status, 200, "{:?}", answer.json);
    answer.json["access_token"].as_str().unwrap().to_owned()
}
