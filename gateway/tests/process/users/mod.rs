//! The operator's commands about users, beside a running server.

mod by_key;
mod ended;
mod made;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::server::{BINARY, Server, command, lines};
use crate::common::{APP, Answer};

const SESSION: &str = "/api/client/v2.0/auth/session";
const PROFILE: &str = "/api/client/v2.0/auth/profile";

fn call(server: &Server, method: &str, path: &str, token: &Value) -> Answer {
    let bearer = format!("Bearer {}", token.as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    server.client().call(method, path, &headers, b"").unwrap()
}

fn post(server: &Server, path: &str, body: &Value) -> Answer {
    let path = format!("{APP}/auth/providers/{path}");
    let body = body.to_string();
    server.client().call("POST", &path, &[], body.as_bytes()).unwrap()
}

fn log_in(server: &Server, name: &str, password: &str) -> Answer {
    let body = json!({"username": name, "password": password});
    post(server, "local-userpass/login", &body)
}

fn with_input(data: &Path, arguments: &[&str], input: &str) -> Output {
    let mut process = Command::new(BINARY)
        .args(arguments)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses at once does not read it.
    let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
    process.wait_with_output().unwrap()
}

fn create(data: &Path, name: &str) {
    let made = with_input(data, &["users", "create", name], "secret-1\n");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

fn parsed(data: &Path, arguments: &[&str]) -> Vec<Value> {
    let lines = lines(data, arguments);
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[track_caller]
fn refused(output: &Output, code: i32, text: &str) {
    assert_eq!(output.status.code(), Some(code));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(text), "{said}");
}
