//! A copy that comes to no end.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_killed_is_not_served_and_is_finished_by_another() {
    const DOCUMENTS: i64 = 30_000;
    let moved = Move::begin(&[ONE]).await;
    let server = moved.embedded();
    moved.command(&["users", "create", "me@example.com"], "secret-1\n");
    let device = User::of(&log_in(&server, ONE));
    User::of(&with_password(&server));
    put_schema(&server, &device);
    assert_eq!(send(&server, &device, &first_batch()), 2);
    for (seq, from) in (3..).zip((0..DOCUMENTS).step_by(5_000)) {
        let some: Vec<_> = (from..from + 5_000)
            .map(|id| note(&format!("n{id}"), "text"))
            .collect();
        let body = batch(&outbox(1), &schema(), &[one_run(seq, "Note", &some)]);
        assert_eq!(send(&server, &device, &body), seq);
    }
    drop(server);

    let killed = Running::start(&mut moved.copy());
    while moved.count(&moved.data, "Note").await == 0 {
        tokio::task::yield_now().await;
    }
    drop(killed);
    for stage in [
        "copying documents",
        "copying dead letters",
        "copying users",
        "copying positions",
        "comparing documents",
    ] {
        let mut killed = Running::start(&mut moved.copy());
        assert!(killed.errors().any(|line| line == stage), "{stage}");
        drop(killed);
        let ended = moved.serve().status().unwrap();
        assert_eq!(ended.code(), Some(4), "{stage}: {}", moved.place.log());
        assert!(
            moved.place.log().contains("is being copied"),
            "{}",
            moved.place.log()
        );
    }
    let told = moved.copied();
    let all = DOCUMENTS.unsigned_abs() + 3;
    assert!(told.contains(&format!("{all} of {all}")), "{told}");
    assert_eq!(moved.count(&moved.data, "Note").await, all);
    let again = moved.copied();
    assert!(again.contains("was copied into database"), "{again}");

    let server = Server::run(moved.serve());
    assert_eq!(position(&server, &device), json!(8));
    assert_eq!(send(&server, &device, &first_batch()), 2);
    assert_eq!(position(&server, &device), json!(8));
    assert_eq!(moved.count(&moved.data, "Note").await, all);
    assert_eq!(moved.count(&moved.state(), "dead_letters").await, 1);
    assert_eq!(send(&server, &device, &notes(9, 10)), 9);
    drop(server);
    let before = moved.records().await;
    moved.refused("has been served from database");
    assert_eq!(moved.records().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_former_attempt_has_copied_and_is_gone_since_does_not_come_back() {
    let moved = Move::begin(&[ONE]).await;
    let server = moved.embedded();
    let [device, out] = [(); 2].map(|()| User::of(&log_in(&server, ONE)));
    put_schema(&server, &device);
    assert_eq!(send(&server, &device, &first_batch()), 2);
    drop(server);
    let mut killed = Running::start(&mut moved.copy());
    assert!(killed.errors().any(|line| line == "comparing documents"));
    drop(killed);

    let server = moved.embedded();
    let logged_out = as_user(&server, "DELETE", SESSION, &out.refresh, &json!({}));
    assert_eq!(logged_out.status, 204);
    assert_eq!(send(&server, &device, &notes(3, 4)), 3);
    drop(server);
    moved.copied();
    let server = Server::run(moved.serve());
    as_user(&server, "POST", SESSION, &out.refresh, &json!({})).refused(
        401,
        Some("InvalidSession"),
        "session",
    );
    assert_eq!(position(&server, &device), json!(3));
}
