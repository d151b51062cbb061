//! What is in the way of a copy.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_has_another_app_of_that_name_is_refused_and_unchanged() {
    let moved = Move::begin(&[ONE]).await;
    let server = Server::run(moved.serve());
    let other = User::of(&log_in(&server, ONE));
    put_schema(&server, &other);
    assert_eq!(send(&server, &other, &notes(1, 2)), 1);
    drop(server);
    let server = moved.embedded();
    let device = User::of(&log_in(&server, ONE));
    put_schema(&server, &device);
    assert_eq!(send(&server, &device, &first_batch()), 2);
    drop(server);

    let before = moved.records().await;
    moved.refused("nothing was changed there, copy into another database");
    assert_eq!(moved.records().await, before);
    assert_eq!(moved.count(&moved.data, "Note").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_document_in_the_way_is_told_and_stands() {
    let moved = Move::begin(&[ONE]).await;
    let server = moved.embedded();
    let device = User::of(&log_in(&server, ONE));
    put_schema(&server, &device);
    assert_eq!(send(&server, &device, &first_batch()), 2);
    drop(server);
    let data = moved.database.cluster().await.database(&moved.data);
    let there = data.collection::<Document>("Note");
    let other = doc! {"_id": "1", "text": "another"};
    there.insert_one(&other).await.unwrap();
    there.insert_one(doc! {"_id": "2", "text": "b"}).await.unwrap();

    moved.refused("document 1: another document of class 'Note' with this _id is stored already");
    assert_eq!(there.find_one(doc! {"_id": "1"}).await.unwrap(), Some(other));
    assert_eq!(moved.serve().status().unwrap().code(), Some(4));
    there.delete_one(doc! {"_id": "1"}).await.unwrap();
    moved.copied();
    assert_eq!(there.count_documents(doc! {}).await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_served_is_not_copied_nor_one_of_which_an_app_is_not_named() {
    let moved = Move::begin(&[ONE, TWO]).await;
    let server = moved.place.start(&[ONE, TWO]);
    let both = moved.copy().arg("--app").arg(moved.place.app(TWO)).output();
    let (code, error) = said(&both.unwrap());
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("a server uses"), "{error}");
    drop(server);
    let (code, error) = said(&moved.copy().output().unwrap());
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains(TWO), "{error}");
    assert_eq!(moved.records().await, [], "nothing was begun");
}
