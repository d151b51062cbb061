//! Mails that leave a running gateway: by a mail server, into a directory, or as a link in the log.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::mails::next_mail;
use crate::common::server::{BINARY, Server, logged};
use crate::common::{APP, Answer};

/// A mail server that takes everything but the first mail, which it puts off, and says what it was told.
fn mail_server() -> (SocketAddr, Receiver<String>) {
    mail_server_for(|number, _| number == 0)
}

/// The same that puts off what this says of the number of a connection and of a recipient.
fn mail_server_for(
    puts_off: impl Fn(usize, &str) -> bool + Clone + Send + 'static,
) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (told, said) = channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let (told, puts_off) = (told.clone(), puts_off.clone());
            std::thread::spawn(move || {
                let text = take_mail(stream.unwrap(), |to| puts_off(number, to)).unwrap_or_default();
                let _ = told.send(text);
            });
        }
    });
    (address, said)
}

/// What a client said, up to its end.
fn take_mail(mut stream: TcpStream, puts_off: impl Fn(&str) -> bool) -> std::io::Result<String> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let (mut text, mut in_data) = (String::new(), false);
    stream.write_all(b"220 ready\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        text += &format!("{line}\n");
        let answer = match line.split(' ').next().unwrap_or_default() {
            _ if in_data && line != "." => continue,
            "EHLO" => "250-mail.example\r\n250 AUTH PLAIN",
            "AUTH" => "235 welcome",
            "RCPT" if puts_off(&line) => "451 come back later",
            "DATA" => {
                in_data = true;
                "354 go on"
            }
            "." => {
                in_data = false;
                "250 taken"
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n")?;
                break;
            }
            _ => "250 fine",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(text)
}

fn post(server: &Server, path: &str, body: &Value) -> Answer {
    let path = format!("{APP}/auth/providers/local-userpass/{path}");
    let body = body.to_string();
    server.client().call("POST", &path, &[], body.as_bytes()).unwrap()
}

/// Somebody has forgotten his password.
fn forget(server: &Server) {
    let me = json!({"email": "me@example.com", "password": "secret-1"});
    assert_eq!(post(server, "register", &me).status, 201);
    assert_eq!(post(server, "reset/send", &me).status, 200);
}

#[test]
fn a_mail_server_that_puts_a_mail_off_gets_it_again() {
    let (address, said) = mail_server();
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let url = format!("smtp://me:pass-word@{address}");
    let server = logged(
        data.path(),
        &log,
        "debug",
        &["--smtp-url", &url, "--mail-from", "Gateway <gateway@example.com>"],
    );
    let started = Instant::now();
    forget(&server);
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "nobody waits for the mail"
    );
    let limit = Duration::from_secs(60);
    assert!(said.recv_timeout(limit).unwrap().contains("MAIL FROM"));
    let text = said.recv_timeout(limit).unwrap();
    for part in [
        "MAIL FROM:<gateway@example.com>",
        "RCPT TO:<me@example.com>",
        "From: Gateway <gateway@example.com>",
        "Subject: Reset your password",
        "token=",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let log = std::fs::read_to_string(log).unwrap();
    assert!(
        log.contains("come back later") && !log.contains("pass-word"),
        "{log}"
    );
}

#[test]
fn mails_that_are_put_off_hold_up_no_others() {
    let (address, said) = mail_server_for(|_, to| to.contains("away.example"));
    let data = tempfile::tempdir().unwrap();
    let url = format!("smtp://me:pass-word@{address}");
    let more = ["--smtp-url", &url, "--mail-from", "gateway@example.com"];
    let server = Server::start_with(data.path(), &more);
    let ask = |name: &str| {
        let user = json!({"email": name, "password": "secret-1"});
        assert_eq!(post(&server, "register", &user).status, 201);
        assert_eq!(post(&server, "reset/send", &user).status, 200);
    };
    // As many as go at once.
    for number in 0..4 {
        ask(&format!("{number}@away.example"));
    }
    ask("me@example.com");
    let mut put_off = 0;
    while !said
        .recv_timeout(Duration::from_secs(60))
        .unwrap()
        .contains("me@example.com")
    {
        put_off += 1;
    }
    assert!(put_off <= 4, "none of them was tried again before: {put_off}");
}

#[test]
fn mails_of_a_directory_are_files() {
    let (data, mails) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Server::start_with(data.path(), &["--mail-dir", mails.path().to_str().unwrap()]);
    forget(&server);
    let (_, token, id) = next_mail(mails.path());
    let reset = json!({"token": token, "tokenId": id, "password": "secret-2"});
    assert_eq!(post(&server, "reset", &reset).status, 200);
    let login = json!({"username": "me@example.com", "password": "secret-2"});
    assert_eq!(post(&server, "login", &login).status, 200);
}

#[test]
fn in_development_the_link_is_in_the_log_where_nothing_else_is_set() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let server = logged(data.path(), &log, "warn", &[]);
    forget(&server);
    let text = std::fs::read_to_string(log).unwrap();
    let (token, id) = (after(&text, "token="), after(&text, "tokenId="));
    let reset = json!({"token": token, "tokenId": id, "password": "secret-2"});
    assert_eq!(post(&server, "reset", &reset).status, 200);
}

fn after<'a>(text: &'a str, name: &str) -> &'a str {
    let rest = &text[text.find(name).unwrap() + name.len()..];
    &rest[..rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap()]
}

#[test]
fn settings_of_mails_are_checked_and_the_servers_password_is_never_shown() {
    let run = |more: &[&str]| {
        let data = tempfile::tempdir().unwrap();
        let mut command = std::process::Command::new(BINARY);
        command.args(["serve", "--dev", "--data"]).arg(data.path());
        command.args(more).env(
            "REALM_INGEST_GATEWAY_SMTP_URL",
            "smtps://me:pass-word@mail.example",
        );
        let output = command.output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!said.contains("pass-word"), "{said}");
        (output.status.code(), said)
    };
    for (more, code, text) in [
        (&[][..], 2, "both --smtp-url and --mail-from"),
        (&["--mail-dir", "/tmp"], 2, "not to both"),
        (
            &["--mail-from", "nobody"],
            4,
            "--mail-from 'nobody' is no e-mail address",
        ),
        (
            &["--mail-from", "a@b.example", "--smtp-url", "me:pass-word"],
            4,
            "--smtp-url is not like",
        ),
        (
            &[
                "--mail-from",
                "a@b.example",
                "--smtp-url",
                "smtp://me:pass-word@mail.example",
            ],
            4,
            "in the clear: write smtps://..., or smtp://...?tls=required",
        ),
        (&["--help"], 0, "--smtp-url"),
        (&["--print-config"], 0, "dev = true"),
    ] {
        let (status, said) = run(more);
        assert_eq!(status, Some(code), "{said}");
        assert!(said.contains(text), "{said}");
    }
}
