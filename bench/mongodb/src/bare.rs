//! A plain client of the official driver.

use std::time::Instant;

use bson::RawDocumentBuf;
use mongodb::options::InsertManyOptions;
use realm_ingest_gateway::cluster::Cluster;

use crate::{COLLECTION, DATABASE, Failure, Load, rate, reading};

/// Documents per second that it stores.
pub async fn inserts(cluster: &Cluster, load: Load) -> Result<f64, Failure> {
    let Load { size, time, .. } = load;
    let collection = cluster
        .database(DATABASE)
        .collection::<RawDocumentBuf>(COLLECTION);
    let options = InsertManyOptions::builder().ordered(false).build();
    let device = |_| {
        let (collection, options) = (collection.clone(), options.clone());
        async move {
            let (started, mut stored) = (Instant::now(), 0);
            while started.elapsed() < time {
                let documents = (0..size).map(|_| Ok(RawDocumentBuf::from_bytes(reading()?)?));
                let documents: Vec<_> = documents.collect::<Result<_, Failure>>()?;
                let inserting = collection.insert_many(documents);
                inserting.with_options(options.clone()).await?;
                stored += size as u64;
            }
            Ok(stored)
        }
    };
    rate(load, device).await
}
