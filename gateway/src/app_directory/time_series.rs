//! `time_series.json`, which is our own: options of a time-series collection under MongoDB's names.

use super::Store;
use super::reading::Reading;
use crate::definition::{Granularity, TimeSeries};

pub(super) fn read(reading: &Reading<'_>, file: &str) -> Option<TimeSeries> {
    let document = reading.document(file)?;
    let object = document.root().object()?;
    let time_field = object.text("timeField");
    let meta_field = object.get("metaField").and_then(|node| node.string());
    let granularity = object.one_of("granularity", &["seconds", "minutes", "hours"]);
    let expire_after_seconds = object.get("expireAfterSeconds").and_then(|node| node.count());
    object.finish();
    let options = TimeSeries {
        time_field: time_field?.to_owned(),
        meta_field: meta_field.map(str::to_owned),
        granularity: granularity.map(|name| match name {
            "hours" => Granularity::Hours,
            "minutes" => Granularity::Minutes,
            _ => Granularity::Seconds,
        }),
        expire_after_seconds,
    };
    let text = format!("time series by '{}', kept by MongoDB", options.time_field);
    match reading.store {
        Store::MongoDb => reading.honoured(file, text),
        Store::Embedded => reading.warn(file, format!("{text}; the embedded store has no time series")),
    }
    Some(options)
}
