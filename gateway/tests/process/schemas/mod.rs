//! The operator decides between releases that contradict each other, while devices go on sending.

mod decided;
mod earlier_release;
mod replayed;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use bson::doc;
use realm_ingest_protocol::Schema;
use serde_json::{Value, json};

use crate::common::server::{Server, command, lines, post};
use crate::common::{batch, copy_files, format_1, note, one_run, outbox, schema};

/// A class 'Sample' whose value has this type, with an embedded class.
fn sample(value: &str, more: &str) -> Schema {
    Schema::parse(&format!(
        r#"{{"classes":[{{"name":"Unit","kind":"embedded","properties":[{{"name":"u","type":"{value}"}}]}},
        {{"name":"Sample","kind":"asymmetric","primary_key":"_id","properties":[
            {{"name":"_id","type":"int"}},{{"name":"value","type":"{value}"}},
            {{"name":"unit","type":"object","object":"Unit"}}{more}]}},
        {{"name":"Other","kind":"asymmetric","primary_key":"_id","properties":[{{"name":"_id","type":"int"}}]}}]}}"#
    ))
    .unwrap()
}

fn ints(id: i64) -> bson::Document {
    doc! {"_id": id, "value": 1_i64, "unit": {"u": 1_i64}}
}

fn doubles(id: i64) -> bson::Document {
    doc! {"_id": id, "value": 1.5, "unit": {"u": 1.5}}
}

/// A server, a user of it, and devices that send one transaction each.
struct Field {
    server: Server,
    token: String,
    devices: u64,
}

impl Field {
    fn new(data: &Path) -> Self {
        let server = Server::start(data);
        let token = server.token();
        Self {
            server,
            token,
            devices: 100,
        }
    }

    fn put(&self, schema: &Schema) {
        assert_eq!(self.server.put_schema(&self.token, schema), 204);
    }

    /// The codes of the refusals of one transaction of another device.
    fn send(&mut self, schema: &Schema, documents: &[bson::Document]) -> Vec<String> {
        self.devices += 1;
        let body = batch(&outbox(self.devices), schema, &[one_run(1, "Sample", documents)]);
        let ack = post(&mut self.server.client(), &self.token, &body).unwrap().ack();
        ack.refused.into_iter().map(|one| one.code).collect()
    }
}

fn parsed(data: &Path, arguments: &[&str]) -> Vec<Value> {
    let parse = |line: &String| serde_json::from_str(line).unwrap();
    lines(data, arguments).iter().map(parse).collect()
}

/// What `dead-letters replay` counts: stored, already stored, left.
fn replay(data: &Path, arguments: &[&str]) -> [u64; 3] {
    let all: Vec<_> = ["dead-letters", "replay"]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    let numbers: Vec<u64> = lines(data, &all)
        .iter()
        .map(|line| line.split_whitespace().last().unwrap().parse().unwrap())
        .collect();
    numbers.try_into().unwrap()
}

const NONE: [&str; 0] = [];
