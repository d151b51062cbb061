//! What monitoring is told of devices and dead letters.

use bson::{DateTime, Document, doc};
use realm_ingest_gateway::sink::mongodb::{DataSources, MongoSink};
use realm_ingest_gateway::sink::{Amount, Sink};

use crate::server::Server;

#[tokio::test]
async fn outboxes_are_counted_by_when_they_were_heard_and_those_of_other_apps_are_not() {
    let server = Server::shared().await;
    let database = server.database().await;
    let sink = MongoSink::new(&database, DataSources::new(server.cluster().await));
    let census = sink.census("app", 0).await.unwrap().unwrap();
    assert_eq!(
        (census.outboxes, census.dead_letters),
        ([0; 4], Amount::default())
    );
    let (now, minute) = (1_800_000_000_000, 60_000);
    let outboxes = database.collection::<Document>("outboxes");
    let ages = [Some(-1), Some(4), Some(6), Some(61), Some(1_500), None];
    for (number, (app, age)) in (0..).zip(
        ages.map(|age| ("app", age))
            .into_iter()
            .chain([("other", Some(0))]),
    ) {
        let id = doc! {"app": app, "user": "user", "outbox": format!("{number:032x}")};
        let heard = age.map(|age| DateTime::from_millis(now - age * minute));
        outboxes
            .insert_one(doc! {"_id": id, "heard": heard})
            .await
            .unwrap();
    }
    let counts = database.collection::<Document>("letter_counts");
    for (app, user, letters) in [("app", "", 5_i64), ("app", "user", 5), ("other", "", 7)] {
        let record = doc! {"_id": {"app": app, "user": user}, "letters": letters, "bytes": 10 * letters};
        counts.insert_one(record).await.unwrap();
    }
    let census = sink.census("app", now).await.unwrap().unwrap();
    assert_eq!(census.outboxes, [2, 1, 1, 2]);
    let (letters, bytes) = (5, 50);
    assert_eq!(census.dead_letters, Amount { letters, bytes });
}
