//! Files and gateways that were turned back to an earlier state.

use super::*;

#[tokio::test]
async fn a_file_turned_back_and_written_on_keeps_both_pasts() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let mut device = Device::new();
    device.write(&["1", "2"]);
    device.send(&gateway, &token).await;
    let empty = device.clone();
    device.write(&["3"]);
    let waiting = device.clone();
    device.write(&["4"]);
    device.send(&gateway, &token).await;

    // More was written than was lost, so the numbers alone look like a future.
    let mut turned_back = empty;
    turned_back.write(&["3 anew", "4 anew", "5 anew"]);
    turned_back.send_as_a_copy(&gateway, &token).await;
    turned_back.write(&["6 anew"]);
    turned_back.send(&gateway, &token).await;

    // One that still has a row which arrived: up to there it is the same batch.
    let mut turned_back = waiting;
    turned_back.write(&["4 again", "5 again"]);
    turned_back.send(&gateway, &token).await;
    assert_eq!(
        ids(&gateway),
        [
            "1", "2", "3", "4", "3 anew", "4 anew", "5 anew", "6 anew", "4 again", "5 again"
        ]
    );
}

#[tokio::test]
async fn a_file_turned_back_beyond_several_batches_keeps_both_pasts() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let mut device = Device::new();
    device.write(&["1"]);
    let mut old = device.clone();
    for id in ["2", "3", "4"] {
        device.send(&gateway, &token).await;
        device.write(&[id]);
    }
    device.send(&gateway, &token).await;
    old.write(&["2 anew", "3 anew"]);
    old.send_as_a_copy(&gateway, &token).await;
    assert_eq!(ids(&gateway), ["1", "2", "3", "4", "2 anew", "3 anew"]);
}

#[tokio::test]
async fn a_restored_gateway_takes_what_comes_and_counts_what_it_forgot() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let (mut device, mut steady, mut later) = (Device::new(), Device::new(), Device::new());
    device.write(&["1"]);
    device.send(&gateway, &token).await;
    steady.write(&["steady"]);
    steady.send(&gateway, &token).await;
    let backup = tempfile::tempdir().unwrap();
    let data = gateway.close();
    copy_files(data.path(), backup.path());
    let gateway = Local::over(data, Settings::default()).await;
    device.write(&["2"]);
    device.send(&gateway, &token).await;
    later.write(&["3"]);
    later.send(&gateway, &token).await;
    drop(gateway);

    let gateway = Local::over(Arc::new(backup), Settings::default()).await;
    let setbacks = || gateway.reader().stats().unwrap().setbacks;
    device.write(&["4"]);
    device.send(&gateway, &token).await;
    assert_eq!(setbacks(), 1, "transaction 2 is not here any more");
    later.write(&["5"]);
    later.send(&gateway, &token).await;
    assert_eq!(setbacks(), 2, "an outbox that the backup has not heard of");
    for id in ["6", "7"] {
        device.write(&[id]);
        device.send(&gateway, &token).await;
        steady.write(&[&format!("steady {id}")]);
        steady.send(&gateway, &token).await;
    }
    assert_eq!(setbacks(), 2, "each is counted once");
    assert_eq!(
        ids(&gateway),
        ["1", "steady", "4", "5", "6", "steady 6", "7", "steady 7"]
    );
}

#[tokio::test]
async fn setbacks_that_a_sender_makes_up_take_no_room() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let file = Connection::open(gateway.data().join("documents.sqlite")).unwrap();
    let pages = || -> i64 { file.query_one("PRAGMA page_count", [], |row| row.get(0)).unwrap() };
    let mut device = Device::new();
    let mut before = 0;
    for setbacks in 1..=200 {
        (device.acked, device.next) = (device.next, device.next + 1);
        device.write(&["always the same"]);
        device.send(&gateway, &token).await;
        if setbacks == 1 {
            before = pages();
        }
    }
    let stats = gateway.reader().stats().unwrap();
    assert_eq!((stats.setbacks, stats.set_back_outboxes), (200, 1));
    assert_eq!(pages(), before);
}
