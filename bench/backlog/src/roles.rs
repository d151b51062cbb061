//! What is measured, each in a process of its own, so that its peak of memory is its own.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use bson::oid::ObjectId;
use realm_ingest::app::{App, AppConfig, Credentials};
use realm_ingest::outbox::{
    self, Durability, KEY_BYTES, Key, Options, Outbox, Run, SqliteOutbox, WriteTransaction,
};
use realm_ingest::realm::{Realm, RealmConfig};

use crate::{Failure, server};

/// Threads that fill an outbox: they share commits.
const WRITERS: i64 = 8;

pub const CLASS: &str = "Reading";
const SCHEMA: &str = r#"{"classes":[{"name":"Reading","kind":"asymmetric","primary_key":"_id","properties":[
    {"name":"_id","type":"objectId"},{"name":"station","type":"string"},{"name":"temperature","type":"double"},
    {"name":"humidity","type":"double"},{"name":"pressure","type":"double"}]}]}"#;

/// A weather reading of some hundred bytes.
fn document(number: i64) -> Result<Vec<u8>, Failure> {
    let value = number as f64;
    Ok(bson::serialize_to_vec(&bson::doc! {
        "_id": ObjectId::new(), "station": format!("station {}", number % 50), "temperature": (value / 7.0).sin() * 20.0,
        "humidity": (value / 11.0).cos().abs(), "pressure": 1000.0 + (value / 13.0).sin() * 30.0,
    })?)
}

fn open(path: &Path) -> Result<SqliteOutbox, Failure> {
    let options = Options {
        durability: Durability::Relaxed,
        ..Options::default()
    };
    Ok(SqliteOutbox::open(path, options)?.0)
}

/// `count` transactions of so many objects.
pub fn fill(path: &Path, count: i64, objects: u32) -> Result<(), Failure> {
    let outbox = open(path)?;
    let schema = realm_ingest_protocol::Schema::parse(SCHEMA)?;
    let schema = outbox.register_schema(&schema.fingerprint(), &schema.to_json())?;
    let next = AtomicI64::new(0);
    let write = || -> Result<(), Failure> {
        let runs = [Run {
            class: CLASS.to_owned(),
            count: objects,
        }];
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(());
            }
            let mut payload = Vec::new();
            for part in 0..i64::from(objects) {
                payload.extend(document(number * i64::from(objects) + part)?);
            }
            outbox.append(&WriteTransaction {
                schema,
                runs: &runs,
                payload: &payload,
            })?;
        }
    };
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(write)).collect();
        for writer in writers {
            writer.join().map_err(|_| "a writer panicked")??;
        }
        Ok(())
    })
}

/// All that waits is packed, as it is while a device is without a network.
pub fn pack(path: &Path) -> Result<(), Failure> {
    let outbox = open(path)?;
    while outbox.tidy()? {}
    Ok(())
}

/// Opens it, and no more. Returns milliseconds.
pub fn open_only(path: &Path) -> Result<f64, Failure> {
    let started = Instant::now();
    let outbox = open(path)?;
    let waits = outbox.pending()?;
    let took = started.elapsed();
    if waits.transactions == 0 {
        return Err("nothing waits".into());
    }
    Ok(took.as_secs_f64() * 1e3)
}

/// Encrypts what waits, and undoes that. Returns seconds of the first.
pub fn rekey(path: &Path) -> Result<f64, Failure> {
    let key = Key::new([1; KEY_BYTES]);
    let started = Instant::now();
    outbox::rekey(path, None, Some(&key))?;
    let took = started.elapsed().as_secs_f64();
    outbox::rekey(path, Some(&key), None)?;
    Ok(took)
}

/// Sends all of it. Returns seconds.
pub fn drain(path: &Path) -> Result<f64, Failure> {
    let app = app(path)?;
    let user = app.login(&Credentials::anonymous())?;
    let started = Instant::now();
    let realm = Realm::open(&user, realm_config(path), None)?;
    realm.session().wait_for_upload_blocking(None)?;
    let took = started.elapsed().as_secs_f64();
    if realm.pending()?.transactions > 0 {
        return Err("not all was sent".into());
    }
    Ok(took)
}

fn app(path: &Path) -> Result<App, Failure> {
    let gateway = std::env::var("BACKLOG_URL").ok();
    Ok(App::open(AppConfig {
        path: Some(path.with_extension("app")),
        transport: gateway.is_none().then(server::start),
        base_url: Some(gateway.unwrap_or_else(|| "http://bench.invalid".to_owned())),
        ..AppConfig::new("bench")
    })?)
}

fn realm_config(path: &Path) -> RealmConfig {
    RealmConfig {
        path: Some(path.to_owned()),
        ..RealmConfig::new(SCHEMA)
    }
}

/// So many realms of one app, each of which writes and sends. Returns descriptors and KiB that one takes.
pub fn realms(path: &Path, count: u64) -> Result<(f64, f64), Failure> {
    let app = app(path)?;
    let user = app.login(&Credentials::anonymous())?;
    let run = || Run {
        class: CLASS.to_owned(),
        count: 1,
    };
    let open = |number: u64| -> Result<Realm, Failure> {
        let realm = Realm::open(
            &user,
            realm_config(&path.with_file_name(format!("{number}.realm"))),
            None,
        )?;
        realm.append(&[run()], &document(number.cast_signed())?)?;
        Ok(realm)
    };
    // What is made once for all.
    let first = open(0)?;
    first.session().wait_for_upload_blocking(None)?;
    let (files, memory) = (open_files()?, memory("VmRSS")?);
    let realms = (1..=count).map(open).collect::<Result<Vec<_>, _>>()?;
    for realm in &realms {
        realm.session().wait_for_upload_blocking(None)?;
    }
    let each = |now: u64, before: u64| (now.saturating_sub(before)) as f64 / count as f64;
    Ok((each(open_files()?, files), each(memory_now()?, memory)))
}

fn memory_now() -> Result<u64, Failure> {
    memory("VmRSS")
}

fn open_files() -> Result<u64, Failure> {
    Ok(std::fs::read_dir("/proc/self/fd")?.count() as u64)
}

/// KiB that the process holds now (`VmRSS`) or has held at most (`VmHWM`).
pub fn memory(which: &str) -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(which));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(number.ok_or("no figures of memory")?.parse()?)
}
