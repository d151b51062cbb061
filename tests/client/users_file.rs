//! What the file of users shows to who finds it, and to who has another key.

use std::path::{Path, PathBuf};

use realm_ingest::app::{App, AppConfig, Credentials, User};

use crate::common::{Fixture, config};

fn app(fixture: &Fixture, key: Option<u8>) -> App {
    let config = AppConfig {
        metadata_encryption_key: key.map(|byte| [byte; 64]),
        ..config(&fixture.server.url(), &fixture.directory, fixture.clock.clone())
    };
    App::open(config).unwrap()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Those of the app's files that hold one of these texts, in their content or their name.
fn showing(fixture: &Fixture, secrets: &[String]) -> Vec<PathBuf> {
    let shows = |path: &PathBuf| {
        let content = std::fs::read(path).unwrap();
        let name = path.as_os_str().as_encoded_bytes();
        let mut secrets = secrets.iter().map(String::as_bytes);
        secrets.any(|secret| {
            let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
            holds(&content) || holds(name)
        })
    };
    let mut found = files(fixture.directory.path());
    found.retain(shows);
    found
}

fn secrets(user: &User) -> Vec<String> {
    let parts = [user.access_token(), user.refresh_token()];
    let mut secrets: Vec<_> = parts.into_iter().collect();
    secrets.extend(["user-of-the-file", "someone@example.com", "local-userpass"].map(str::to_owned));
    secrets
}

fn log_in(fixture: &Fixture, key: Option<u8>) -> User {
    fixture.server.state().email_user = "user-of-the-file".to_owned();
    app(fixture, key)
        .login(&Credentials::email_password("someone@example.com", "password"))
        .unwrap()
}

#[test]
fn with_a_key_no_file_of_the_app_shows_who_its_users_are() {
    let fixture = Fixture::new();
    let user = log_in(&fixture, Some(1));
    user.refresh_custom_data().unwrap();
    let shown = showing(&fixture, &secrets(&user));
    assert!(shown.is_empty(), "{shown:?}");
    // What is looked for is there without one.
    let open = Fixture::new();
    let user = log_in(&open, None);
    assert!(!showing(&open, &secrets(&user)).is_empty());
}

#[test]
fn the_key_brings_the_users_back_and_another_one_moves_their_file_aside() {
    let fixture = Fixture::new();
    drop(log_in(&fixture, Some(1)));
    assert!(app(&fixture, Some(1)).current_user().is_some());
    for other in [Some(2), None] {
        assert!(app(&fixture, other).current_user().is_none());
        let aside = files(fixture.users_file().parent().unwrap());
        let aside = aside
            .into_iter()
            .find(|path| path.to_string_lossy().contains("unreadable"))
            .unwrap();
        // Whoever finds the key again finds the users.
        std::fs::rename(aside, fixture.users_file()).unwrap();
        assert!(app(&fixture, Some(1)).current_user().is_some());
    }
    let app = app(&fixture, Some(2));
    app.login(&Credentials::email_password("someone@example.com", "password"))
        .unwrap();
    assert_eq!(app.current_user().unwrap().id(), "user-of-the-file");
}
