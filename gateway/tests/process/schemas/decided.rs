//! Schemas that are shown, accepted and forgotten.

use super::*;

#[test]
fn an_accepted_definition_is_seen_by_the_server_and_its_dead_letters_are_stored_once() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let mut field = Field::new(data);
    let (old, new) = (sample("int", ""), sample("double", ""));
    field.put(&old);
    field.put(&new);
    assert_eq!(field.send(&old, &[ints(1)]), NONE);
    assert_eq!(
        field.send(&new, &[doubles(2), ints(3)]),
        ["SchemaConflict", "TypeMismatch"]
    );

    let listed = parsed(data, &["schemas", "list"]);
    let of = |schema: &Schema| {
        let name = json!(schema.fingerprint());
        listed.iter().find(|one| one["fingerprint"] == name).unwrap()
    };
    assert_eq!(of(&old)["conflicts"], json!([]));
    assert_eq!(of(&old)["classes"], json!(["Other", "Sample", "Unit"]));
    let conflicts = of(&new)["conflicts"].as_array().unwrap();
    let classes: Vec<_> = conflicts
        .iter()
        .map(|one| one["class"].as_str().unwrap())
        .collect();
    assert_eq!(classes, ["Sample", "Unit"]);
    assert!(conflicts[0]["since"]["$date"].is_string());
    assert!(
        conflicts[0]["reason"]
            .as_str()
            .unwrap()
            .contains("'Sample.value'")
    );
    assert_eq!(replay(data, &[]), [0, 0, 2], "nothing was decided yet");

    let accepted = lines(data, &["schemas", "accept", &new.fingerprint()]);
    assert_eq!(
        accepted[..2],
        [
            format!("accepted Sample of {}", new.fingerprint()),
            format!("accepted Unit of {}", new.fingerprint())
        ]
    );
    assert!(
        accepted[2].starts_with(&format!("in conflict Sample of {}", old.fingerprint())),
        "{accepted:?}"
    );
    assert_eq!(field.send(&new, &[doubles(4)]), NONE, "without a restart");
    assert_eq!(field.send(&old, &[ints(5)]), ["SchemaConflict"]);

    assert_eq!(
        replay(data, &["--code", "SchemaConflict", "--class", "Sample"]),
        [1, 0, 1],
        "one of either release"
    );
    assert_eq!(replay(data, &["--class", "Other"]), [0, 0, 0]);
    assert_eq!(replay(data, &[]), [0, 0, 2]);
    let ids: Vec<_> = parsed(data, &["find", "Sample"])
        .iter()
        .map(|one| one["_id"].clone())
        .collect();
    assert_eq!(ids, [1, 4, 2]);
    let stats = parsed(data, &["stats", "--json"]).remove(0);
    assert_eq!(
        (&stats["documents"], &stats["dead_letters"]),
        (&json!(3), &json!(2))
    );
    let schemas: Vec<_> = parsed(data, &["dead-letters"])
        .iter()
        .map(|one| one["schema"].clone())
        .collect();
    assert_eq!(schemas, [json!(new.fingerprint()), json!(old.fingerprint())]);

    // The operator changes his mind.
    lines(
        data,
        &["schemas", "accept", &old.fingerprint(), "--class", "Sample"],
    );
    assert_eq!(replay(data, &[]), [1, 0, 1]);
    assert_eq!(field.send(&old, &[ints(6)]), NONE);
    assert_eq!(field.send(&new, &[doubles(7)]), ["SchemaConflict"]);
}

#[test]
fn a_wrong_schema_that_came_first_is_shown_and_forgotten_and_its_classes_are_free() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let mut field = Field::new(data);
    let (wrong, right) = (sample("string", ""), sample("double", ""));
    field.put(&wrong);
    field.put(&right);
    assert_eq!(field.send(&right, &[doubles(1)]), ["SchemaConflict"]);
    assert_eq!(
        lines(data, &["schemas", "show", &wrong.fingerprint()]),
        [wrong.to_json()]
    );

    assert_eq!(
        lines(data, &["schemas", "forget", &wrong.fingerprint()]),
        [format!("forgotten {}", wrong.fingerprint())]
    );
    assert_eq!(field.send(&right, &[doubles(2)]), NONE, "without a restart");
    assert_eq!(replay(data, &[]), [1, 0, 0]);
    for action in ["show", "forget"] {
        let output = command(data, &["schemas", action, &wrong.fingerprint()]);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{action}: it is not there any more"
        );
    }

    field.put(&wrong);
    let text = doc! {"_id": 3_i64, "value": "x", "unit": {"u": "x"}};
    assert_eq!(field.send(&wrong, &[text]), ["SchemaConflict"], "it comes last");
    assert_eq!(field.send(&right, &[doubles(4)]), NONE);
}

#[test]
fn the_user_who_sent_a_schema_is_listed() {
    let data = tempfile::tempdir().unwrap();
    let field = Field::new(data.path());
    let another = field.server.token();
    let (mine, theirs) = (sample("int", ""), sample("double", ""));
    field.put(&mine);
    assert_eq!(field.server.put_schema(&another, &theirs), 204);
    assert_eq!(field.server.put_schema(&another, &mine), 204);
    let listed = parsed(data.path(), &["schemas", "list"]);
    let user = |schema: &Schema| {
        let name = json!(schema.fingerprint());
        let found = listed.iter().find(|one| one["fingerprint"] == name);
        found.unwrap()["user"].as_str().unwrap().to_owned()
    };
    let id = |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let mut client = field.server.client();
        let profile = client.call("GET", "/api/client/v2.0/auth/profile", &headers, b"");
        profile.unwrap().json["user_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(user(&mine), id(&field.token));
    assert_eq!(user(&theirs), id(&another));
}

#[test]
fn what_cannot_be_decided_is_said() {
    let data = tempfile::tempdir().unwrap();
    let field = Field::new(data.path());
    field.put(&sample("int", ""));
    let name = sample("int", "").fingerprint();
    let says = |arguments: &[&str], text: &str| {
        let output = command(data.path(), arguments);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(text), "{said}");
    };
    says(&["schemas", "accept", &"0".repeat(32)], "there is no schema 0000");
    says(
        &["schemas", "accept", &name, "--class", "Nobody"],
        "has no class 'Nobody'",
    );
    assert_eq!(
        lines(data.path(), &["schemas", "accept", &name]),
        ["no class of this schema is in conflict"]
    );
    drop(field);
    assert_eq!(replay(data.path(), &[]), [0, 0, 0], "without a server as well");

    // A server of an earlier release may be writing these; reading them is fine.
    let old = tempfile::tempdir().unwrap();
    copy_files(&format_1(), old.path());
    assert_eq!(lines(old.path(), &["dead-letters"]).len(), 2);
    assert_eq!(parsed(old.path(), &["stats", "--json"])[0]["setbacks"], 0);
    let output = command(old.path(), &["dead-letters", "replay"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("has format 1, not 2; start the server of this version"),
        "{said}"
    );
    drop(Server::start(old.path()));
    assert_eq!(replay(old.path(), &[]), [0, 0, 2]);
}

#[test]
fn schemas_that_nobody_writes_under_are_forgotten_together() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let mut field = Field::new(data);
    let used = sample("int", "");
    let unused = sample("int", r#",{"name":"more","type":"int"}"#);
    field.put(&used);
    field.put(&unused);
    assert_eq!(field.send(&used, &[ints(1)]), NONE);
    // The first one came with the token.
    let forgotten = [schema(), unused].map(|one| format!("forgotten {}", one.fingerprint()));
    assert_eq!(lines(data, &["schemas", "forget", "--unused"]), forgotten);
    assert_eq!(lines(data, &["schemas", "forget", "--unused"]), NONE);
    assert_eq!(field.send(&used, &[ints(2)]), NONE);
}
