//! Copies of one file.

use super::*;

#[tokio::test]
async fn of_two_clones_the_first_to_send_keeps_the_name() {
    for original_first in [true, false] {
        let gateway = Local::new().await;
        let token = gateway.ready().await;
        let mut original = Device::new();
        original.write(&["before"]);
        original.send(&gateway, &token).await;
        let mut clone = original.clone();
        original.write(&["original 1", "original 2"]);
        clone.write(&["clone 1", "clone 2", "clone 3"]);
        let (first, second) = if original_first {
            (&mut original, &mut clone)
        } else {
            (&mut clone, &mut original)
        };
        first.send(&gateway, &token).await;
        second.send_as_a_copy(&gateway, &token).await;
        for device in [first, second] {
            device.write(&[&format!("after of {}", device.outbox)]);
            device.send(&gateway, &token).await;
        }
        assert_eq!(ids(&gateway).len(), 8);
    }
}

#[tokio::test]
async fn clones_of_an_image_that_never_sent_are_told_apart() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let mut original = Device::new();
    let mut clone = original.clone();
    original.write(&["original"]);
    clone.write(&["clone"]);
    original.post(&gateway, &token).await.ack();
    clone.send_as_a_copy(&gateway, &token).await;
    original.send(&gateway, &token).await;
    assert_eq!(ids(&gateway), ["original", "clone"]);
}

#[tokio::test]
async fn clones_with_rows_that_wait_store_these_once_and_their_own_each() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let mut original = Device::new();
    original.write(&["shared"]);
    let mut clone = original.clone();
    original.write(&["original"]);
    clone.write(&["clone"]);
    original.send(&gateway, &token).await;
    clone.send(&gateway, &token).await;
    original.write(&["original later"]);
    clone.write(&["clone later"]);
    original.send(&gateway, &token).await;
    clone.send_as_a_copy(&gateway, &token).await;
    assert_eq!(
        ids(&gateway),
        ["shared", "original", "clone", "original later", "clone later"]
    );
}

#[tokio::test]
async fn a_copy_at_the_same_moment_does_not_disturb_the_others() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let (mut original, mut other) = (Device::new(), Device::new());
    let mut clone = original.clone();
    original.write(&["original"]);
    clone.write(&["clone"]);
    other.write(&["other"]);
    let (one, two, three) = tokio::join!(
        original.post(&gateway, &token),
        clone.post(&gateway, &token),
        other.post(&gateway, &token)
    );
    let mut told = [one.status, two.status];
    told.sort_unstable();
    assert_eq!((told, three.status), ([200, 409], 200));
    assert_eq!(ids(&gateway).len(), 2);
}

#[tokio::test]
async fn dead_letters_of_a_copy_are_kept_beside_those_of_the_original() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let mut original = Device::new();
    let mut clone = original.clone();
    original
        .rows
        .push(one_run(1, "Note", &[doc! {"_id": "o", "text": 1}]));
    clone
        .rows
        .push(one_run(1, "Note", &[doc! {"_id": "c", "text": 2}]));
    original.send(&gateway, &token).await;
    clone.send_as_a_copy(&gateway, &token).await;
    let letters = gateway.letters();
    assert_eq!(letters.len(), 2);
    assert_ne!(letters[0].document, letters[1].document);
}

#[tokio::test]
async fn dead_letters_of_clones_with_rows_that_wait_are_kept_each() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let mut original = Device::new();
    original.write(&["shared"]);
    let mut clone = original.clone();
    for (device, text) in [(&mut original, 1), (&mut clone, 2)] {
        let bad = [doc! {"_id": "bad", "text": text}];
        device.rows.push(one_run(2, "Note", &bad));
        device.next = 3;
    }
    original.send(&gateway, &token).await;
    clone.send_as_a_copy(&gateway, &token).await;
    let documents: Vec<_> = gateway.letters().into_iter().map(|one| one.document).collect();
    let bad = |text: i32| doc! {"_id": "bad", "text": text}.to_vec().unwrap();
    assert_eq!(documents, [bad(1), bad(2)]);
    assert_eq!(ids(&gateway), ["shared"]);
}
