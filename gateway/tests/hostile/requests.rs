//! Small requests in numbers.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;

use super::beside::{Attacked, Ended};
use super::connections::connect_from;
use crate::common::http::Client;
use crate::common::{APP, Answer};

/// Log-ins at the same time.
const AT_ONCE: usize = 100;

/// Asks what anybody may ask, from an address for which a proxy speaks.
fn ask(client: &mut Client, from: &str, path: &str, body: &serde_json::Value) -> Answer {
    let path = format!("{APP}/auth/providers/{path}");
    let body = body.to_string();
    client
        .call("POST", &path, &[("x-forwarded-for", from)], body.as_bytes())
        .unwrap()
}

#[test]
fn wrong_passwords_of_one_address_hold_up_no_right_one_of_another() {
    Attacked::new(&["--trusted-proxy", "127.0.0.1"]).by(|attacked| {
        let mut client = attacked.server.client();
        let mine = json!({"email": "me", "password": "right one"});
        assert_eq!(
            ask(&mut client, "198.51.100.1", "local-userpass/register", &mine).status,
            201
        );
        let mine = json!({"username": "me", "password": "right one"});
        let (over, wrong) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let ended = Ended(&over);
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    let mut client = attacked.server.client();
                    while !over.load(Ordering::Acquire) {
                        // Each for another name, as one alone would soon be refused without a look at the password.
                        let name = wrong.fetch_add(1, Ordering::AcqRel).to_string();
                        let guess = json!({"username": name, "password": "wrong one"});
                        let answer = ask(&mut client, "192.0.2.1", "local-userpass/login", &guess);
                        assert!(matches!(answer.status, 401 | 429 | 503), "{:?}", answer.json);
                    }
                });
            }
            while wrong.load(Ordering::Acquire) < AT_ONCE {
                std::thread::yield_now();
            }
            for _ in 0..5 {
                let before = wrong.load(Ordering::Acquire);
                let answer = ask(&mut client, "198.51.100.1", "local-userpass/login", &mine);
                assert_eq!(answer.status, 200, "{:?}", answer.json);
                let meanwhile = wrong.load(Ordering::Acquire) - before;
                assert!(
                    meanwhile < AT_ONCE / 2,
                    "{meanwhile} others had their turn before"
                );
            }
            drop(ended);
        });
    });
}

#[test]
fn one_address_cannot_make_users_without_end() {
    Attacked::new(&["--trusted-proxy", "127.0.0.1", "--new-users-burst", "100"]).by(|attacked| {
        let statuses = std::thread::scope(|scope| {
            let threads = [(); 4].map(|()| {
                scope.spawn(|| {
                    let mut client = attacked.server.client();
                    let mut log_in = || ask(&mut client, "192.0.2.1", "anon-user/login", &json!({})).status;
                    [(); 100].map(|()| log_in())
                })
            });
            threads.map(|thread| thread.join().unwrap()).concat()
        });
        assert!(statuses.iter().all(|status| matches!(status, 200 | 429)));
        assert!(statuses.iter().filter(|status| **status == 200).count() >= 100);
        assert!(statuses.contains(&429));
        let mut client = attacked.server.client();
        let other = ask(&mut client, "198.51.100.1", "anon-user/login", &json!({}));
        assert_eq!(other.status, 200);
    });
}

#[test]
fn who_asks_without_end_whether_it_is_ready_holds_up_nobody() {
    Attacked::new(&[]).by(|attacked| {
        std::thread::scope(|scope| {
            for _ in 0..32 {
                let mut client = Client::over(connect_from("127.0.0.2", attacked.server.address));
                scope.spawn(move || {
                    for _ in 0..300 {
                        let answer = client.call("GET", "/readyz", &[], b"").unwrap();
                        assert_eq!(answer.status, 200, "{:?}", answer.json);
                    }
                });
            }
        });
    });
}
