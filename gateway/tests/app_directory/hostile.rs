//! Directories that would have the gateway read what it should not, or more than it should.

use std::fs;
use std::os::unix::fs::symlink;

use super::{copy, loaded, refusals};

#[test]
fn a_link_that_leads_out_of_the_directory_is_refused() {
    let (copy, outside) = (copy("weather"), tempfile::tempdir().unwrap());
    fs::write(
        outside.path().join("secret.json"),
        r#"{"name": "stolen", "value": 1}"#,
    )
    .unwrap();
    symlink(
        outside.path().join("secret.json"),
        copy.path().join("values/stolen.json"),
    )
    .unwrap();
    symlink("../../..", copy.path().join("services")).unwrap();
    symlink("nowhere", copy.path().join("dangling")).unwrap();
    let out = "is a link that leads out of the directory; put the file itself here";
    let said = refusals(copy.path());
    assert!(
        said[0].starts_with("refused: dangling: cannot be read: "),
        "{said:?}"
    );
    assert_eq!(
        said[1..],
        [
            format!("refused: services: {out}"),
            format!("refused: values/stolen.json: {out}")
        ]
    );
}

#[test]
fn links_inside_the_directory_are_followed_as_mounted_volumes_have_them() {
    let copy = copy("weather");
    fs::create_dir(copy.path().join("..data")).unwrap();
    fs::rename(copy.path().join("sync"), copy.path().join("..data/sync")).unwrap();
    symlink("..data/sync", copy.path().join("sync")).unwrap();
    assert_eq!(loaded(copy.path()).definition.unwrap().sync.classes.len(), 2);
}

#[test]
fn links_in_a_circle_end() {
    let copy = copy("weather");
    symlink(".", copy.path().join("values/again")).unwrap();
    let said = refusals(copy.path());
    assert!(
        said.iter()
            .any(|line| line.contains("more than 16 folders inside each other")),
        "{said:?}"
    );
}

#[test]
fn a_huge_file_is_refused() {
    let copy = copy("weather");
    fs::write(copy.path().join("values/upstream.json"), vec![b' '; 5 << 20]).unwrap();
    assert_eq!(
        refusals(copy.path()),
        ["refused: values/upstream.json: is larger than 4 MiB"]
    );
}

#[test]
fn a_great_many_files_are_refused() {
    let copy = copy("weather");
    for number in 0..10_000 {
        fs::write(copy.path().join(format!("values/{number}.txt")), "").unwrap();
    }
    let said = refusals(copy.path());
    assert!(
        said.iter()
            .any(|line| line.contains("there are more than 10000 files")),
        "{said:?}"
    );
}

#[test]
fn json_as_deep_as_a_file_can_have_it_is_refused() {
    let copy = copy("weather");
    let deep = format!("{}{}", "[".repeat(1 << 20), "]".repeat(1 << 20));
    fs::write(copy.path().join("sync/config.json"), deep).unwrap();
    let said = refusals(copy.path());
    assert_eq!(
        said,
        ["refused: sync/config.json: is not JSON: recursion limit exceeded at line 1 column 128"]
    );
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let copy = copy("weather");
    fs::write(copy.path().join("sync/config.json"), b"{\"type\": \"\xff\"}").unwrap();
    assert_eq!(
        refusals(copy.path()),
        ["refused: sync/config.json: is no UTF-8 text, from byte 10 on"]
    );
}

#[test]
fn a_pipe_is_not_waited_for() {
    let copy = copy("weather");
    let pipe = copy.path().join("values/pipe.json");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    assert_eq!(
        refusals(copy.path()),
        ["refused: values/pipe.json: is neither a file nor a folder"]
    );
}

#[test]
fn a_directory_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let said = refusals(&folder.path().join("gone"));
    assert!(
        said[0].starts_with("refused: .: cannot be read: No such file or directory"),
        "{said:?}"
    );
}
