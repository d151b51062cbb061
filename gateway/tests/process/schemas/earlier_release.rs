//! What an earlier release has stored.

use super::*;

#[test]
fn a_collection_that_an_earlier_release_stored_is_found_before_and_after_the_file_is_brought_up() {
    let old = tempfile::tempdir().unwrap();
    copy_files(&format_1(), old.path());
    let stats = parsed(old.path(), &["stats", "--json"]).remove(0);
    let (name, one) = stats["collections"].as_object().unwrap().iter().next().unwrap();
    let found = lines(old.path(), &["find", name]);
    assert_eq!(found.len() as u64, one["documents"].as_u64().unwrap());
    drop(Server::start(old.path()));
    assert_eq!(lines(old.path(), &["find", name]), found);
}

#[test]
fn the_schemas_that_an_earlier_release_stored_are_listed_and_its_file_is_not_written() {
    let old = tempfile::tempdir().unwrap();
    copy_files(&format_1(), old.path());
    let file = old.path().join("gateway.sqlite");
    let before = std::fs::read(&file).unwrap();
    let listed = parsed(old.path(), &["schemas", "list"]);
    assert!(std::fs::read(&file).unwrap() == before, "the file is as it was");
    drop(Server::start(old.path()));
    assert!(!listed.is_empty());
    assert_eq!(
        listed,
        parsed(old.path(), &["schemas", "list"]),
        "as once it is brought up"
    );
}
