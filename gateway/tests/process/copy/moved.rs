//! What a gateway has is at the database afterwards, and its devices and users go on.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn devices_and_users_go_on_at_the_database_as_if_nothing_had_happened() {
    let moved = Move::begin(&[ONE]).await;
    let server = moved.embedded();
    moved.command(&["users", "create", "me@example.com"], "secret-1\n");
    let named = User::of(&with_password(&server));
    let [device, out, disabled] = [(); 3].map(|()| User::of(&log_in(&server, ONE)));
    put_schema(&server, &device);
    assert_eq!(send(&server, &device, &first_batch()), 2);
    let made = as_user(&server, "POST", KEYS, &named.refresh, &json!({"name": "mine"}));
    assert_eq!(made.status, 201, "{:?}", made.json);
    let key = json!({"key": made.json["key"]}).to_string();
    let by_key = |server: &Server| {
        call(
            server,
            "POST",
            ONE,
            "auth/providers/api-key/login",
            None,
            key.as_bytes(),
        )
    };
    let of_key = User::of(&by_key(&server));
    let made = as_user(&server, "POST", KEYS, &named.refresh, &json!({"name": "lost"}));
    let lost = json!({"key": made.json["key"]}).to_string();
    let path = "auth/providers/api-key/login";
    let of_lost = User::of(&call(&server, "POST", ONE, path, None, lost.as_bytes()));
    let path = format!("{KEYS}/{}/disable", made.json["_id"].as_str().unwrap());
    assert_eq!(
        as_user(&server, "PUT", &path, &named.refresh, &json!({})).status,
        204
    );
    moved.command(&["keys", "rotate"], "");
    moved.command(&["users", "disable", &disabled.id], "");
    let logged_out = as_user(&server, "DELETE", SESSION, &out.refresh, &json!({}));
    assert_eq!(logged_out.status, 204);
    drop(server);

    let app = moved.place.data().join("apps").join(ONE);
    let before = files(&app);
    let told = moved.copied();
    assert!(told.contains("documents of Note"), "{told}");
    assert!(
        told.contains(&format!("app '{ONE}' is copied into database")),
        "{told}"
    );
    assert_eq!(files(&app), before, "the directory is only read");

    let server = Server::run(moved.serve());
    for user in [&named, &device, &of_key] {
        let profile = as_user(&server, "GET", PROFILE, &user.access, &Value::Null);
        assert_eq!(profile.status, 200, "{:?}", profile.json);
        assert_eq!(profile.json["user_id"], json!(user.id));
        let renewed = as_user(&server, "POST", SESSION, &user.refresh, &json!({}));
        assert_eq!(renewed.status, 201, "{:?}", renewed.json);
    }
    for user in [&out, &disabled, &of_lost] {
        let renewed = as_user(&server, "POST", SESSION, &user.refresh, &json!({}));
        renewed.refused(401, Some("InvalidSession"), "session");
    }
    for user in [&disabled, &of_lost] {
        let profile = as_user(&server, "GET", PROFILE, &user.access, &Value::Null);
        assert_eq!(profile.status, 401, "what was revoked stays revoked");
    }
    assert_eq!(User::of(&with_password(&server)).id, named.id);
    assert_eq!(User::of(&by_key(&server)).id, named.id);

    assert_eq!(position(&server, &device), json!(2));
    assert_eq!(send(&server, &device, &first_batch()), 2, "it is taken once");
    assert_eq!(moved.count(&moved.data, "Note").await, 3);
    assert_eq!(moved.count(&moved.data, "Reading").await, 3);
    assert_eq!(moved.count(&moved.state(), "dead_letters").await, 1);
    assert_eq!(send(&server, &device, &notes(3, 5)), 3);
    assert_eq!(position(&server, &device), json!(3));
    assert_eq!(moved.count(&moved.data, "Note").await, 5);
    let state = moved.database.cluster().await.database(&moved.state());
    let letters = state.collection::<Document>("dead_letters");
    let letter = letters.find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(letter.get_str("class").unwrap(), "Note");
    assert_eq!(letter.get_str("code").unwrap(), "TypeMismatch");
    assert_eq!(
        letter.get_document("_id").unwrap().get_str("user").unwrap(),
        device.id
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn users_keys_and_schemas_in_conflict_are_the_same_afterwards() {
    let moved = Move::begin(&[ONE]).await;
    let server = moved.embedded();
    let device = User::of(&log_in(&server, ONE));
    put_schema(&server, &device);
    let other = schema().to_json().replace(
        r#"{"name":"text","type":"string"}"#,
        r#"{"name":"text","type":"int"}"#,
    );
    let other = Schema::parse(&other).unwrap();
    assert_ne!(other, schema());
    let path = format!("ingest/schemas/{}", other.fingerprint());
    let put = call(
        &server,
        "PUT",
        ONE,
        &path,
        Some(&device.access),
        other.to_json().as_bytes(),
    );
    assert_eq!(put.status, 204, "{:?}", put.json);
    moved.command(
        &["schemas", "accept", &other.fingerprint(), "--class", "Note"],
        "",
    );
    moved.command(&["users", "create", "me@example.com"], "secret-1\n");
    User::of(&with_password(&server));
    moved.command(&["users", "disable", &device.id], "");
    moved.command(&["keys", "rotate"], "");
    drop(server);
    moved.copied();

    let state = moved.database.cluster().await.database(&moved.state());
    let there = MongoState::open_existing(state, Some(ONE)).await.unwrap();
    let here = EmbeddedState::open_existing(&moved.place.data().join("apps").join(ONE)).unwrap();
    assert_eq!(told(&here).await, told(&there).await);
    let listed = here.list_schemas().await.unwrap();
    assert!(listed.iter().any(|one| !one.conflicts.is_empty()), "{listed:?}");
}

/// All that a state tells its operator.
async fn told(state: &impl Managed) -> String {
    let users = state.users(None, 100).await.unwrap();
    let registered = state.registration("me@example.com").await.unwrap();
    let keys = state.signing_keys().await.unwrap();
    let schemas = state.list_schemas().await.unwrap();
    let known = state.known_schemas().await.unwrap();
    let accepted = state.accepted_schema().await.unwrap();
    let version = state.schemas_version().await.unwrap();
    format!("{users:#?} {registered:#?} {keys:#?} {schemas:#?} {known:#?} {accepted:#?} {version}")
}

#[tokio::test(flavor = "multi_thread")]
async fn data_of_release_0_1_0_is_copied_once_a_server_has_brought_it_up() {
    let moved = Move::begin(&[]).await;
    let data = moved.place.data();
    fs::create_dir(&data).unwrap();
    copy_files(&format_1(), &data);
    let mut copy = Command::new(BINARY);
    copy.args(["copy", "--to-database", &moved.state(), "--from"])
        .arg(&data);
    copy.env("REALM_INGEST_GATEWAY_MONGODB", moved.database.uri());
    let (code, error) = said(&copy.output().unwrap());
    assert_eq!(code, Some(1), "{error}");
    assert!(
        error.contains("start the server of this version on it once"),
        "{error}"
    );
    drop(Server::start(&data));
    let copied = copy.output().unwrap();
    assert!(copied.status.success(), "{:?}", said(&copied));
    assert!(
        said(&copied).1.contains("outboxes are left out"),
        "{:?}",
        said(&copied)
    );
    let kept = letters(&Reader::open(&data).unwrap());
    assert!(!kept.is_empty());
    assert_eq!(
        moved.count(&moved.state(), "dead_letters").await,
        kept.len() as u64
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_of_development_mode_is_copied_without_a_directory() {
    let moved = Move::begin(&[]).await;
    let data = moved.place.data();
    let server = Server::start(&data);
    let device = User::of(&log_in(&server, ONE));
    put_schema(&server, &device);
    let id = fresh_name();
    let body = batch(&outbox(1), &schema(), &[one_run(1, "Note", &[note(&id, "x")])]);
    assert_eq!(send(&server, &device, &body), 1);
    drop(server);
    let copied = Command::new(BINARY)
        .args(["copy", "--to-database", &moved.state(), "--from"])
        .arg(&data)
        .env("REALM_INGEST_GATEWAY_MONGODB", moved.database.uri())
        .output()
        .unwrap();
    assert!(copied.status.success(), "{:?}", said(&copied));
    let mut serve = crate::common::server::serve(&data, &["--mongodb-database", &moved.state()]);
    serve.env("REALM_INGEST_GATEWAY_MONGODB", moved.database.uri());
    let server = Server::run(serve);
    assert_eq!(position(&server, &device), json!(1));
    assert_eq!(send(&server, &device, &body), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn local_files_of_realm_sdks_go_on_under_their_names() {
    let moved = Move::begin(&[ONE]).await;
    drop(moved.embedded());
    let app = moved.place.data().join("apps").join(ONE);
    let state = EmbeddedState::open(&app).unwrap();
    let file = state.new_client_file("user", "RealmSync/14.12.0").await.unwrap();
    state
        .set_registry(file.ident, file.salt, 0, r#"{"A":{}}"#)
        .await
        .unwrap();
    state.renew_generation(file.ident, file.salt, 0).await.unwrap();
    state
        .adopt_client_file(7, i64::MAX, "user", "RealmSync/13.0.0")
        .await
        .unwrap();
    let before = state.client_files(None, 10).await.unwrap();
    drop(state);
    let told = moved.copied();
    assert!(told.contains("client_files"), "{told}");

    let database = moved.database.cluster().await.database(&moved.state());
    let state = MongoState::open(database, Some(ONE)).await.unwrap();
    assert_eq!(state.client_files(None, 10).await.unwrap(), before);
    let next = state.new_client_file("user", "").await.unwrap();
    assert_eq!(next.ident, file.ident + 1, "numbers go on");
}
