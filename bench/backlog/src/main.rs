//! What a backlog costs the device. Prints, for backlogs of several sizes, peaks of memory, the time it takes to open
//! and to encrypt one, and how fast it is sent; and what one of many realms takes.
//!
//! ```text
//! backlog-bench      # in a folder on the disk that is to be measured
//! ```
//!
//! `BACKLOG_TRANSACTIONS`: sizes, in transactions of one object, such as `20000,200000`. `BACKLOG_MEGABYTES`: sizes, in MB
//! of transactions of 1,000 objects. `BACKLOG_REALMS`: how many realms. `BACKLOG_URL`: the gateway that takes them; without
//! it, a server within the process that costs nothing.

mod roles;
mod server;

use std::error::Error;
use std::path::Path;
use std::process::Command;

/// Whatever ends the measurement.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Objects of a large transaction.
const BULK: u32 = 1_000;

/// Bytes of one object, about.
const OBJECT_BYTES: i64 = 125;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => measure(),
        [role, path, ref rest @ ..] => {
            let figures = play(role, Path::new(path), rest)?;
            println!("{} {figures}", roles::memory("VmHWM")?);
            Ok(())
        }
        _ => Err("backlog-bench takes no arguments".into()),
    }
}

fn play(role: &str, path: &Path, rest: &[&str]) -> Result<String, Failure> {
    Ok(match (role, rest) {
        ("fill", [count, objects]) => {
            roles::fill(path, count.parse()?, objects.parse()?)?;
            String::new()
        }
        ("pack", []) => {
            roles::pack(path)?;
            String::new()
        }
        ("open", []) => roles::open_only(path)?.to_string(),
        ("rekey", []) => roles::rekey(path)?.to_string(),
        ("drain", []) => roles::drain(path)?.to_string(),
        ("realms", [count]) => {
            let (files, memory) = roles::realms(path, count.parse()?)?;
            format!("{files} {memory}")
        }
        _ => return Err(format!("unknown: {role}").into()),
    })
}

/// What a role says: its peak of memory in MiB, and its figures.
fn run(role: &[&str]) -> Result<(f64, Vec<f64>), Failure> {
    let output = Command::new(std::env::current_exe()?).args(role).output()?;
    if !output.status.success() {
        return Err(format!("{role:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let text = String::from_utf8(output.stdout)?;
    let numbers = text
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<Vec<f64>, _>>()?;
    let (peak, figures) = numbers.split_first().ok_or("no figures")?;
    Ok((peak / 1024.0, figures.to_vec()))
}

fn sizes(name: &str, otherwise: &str) -> Result<Vec<i64>, Failure> {
    let text = std::env::var(name).unwrap_or_else(|_| otherwise.to_owned());
    Ok(text
        .split(',')
        .map(|size| size.trim().parse())
        .collect::<Result<_, _>>()?)
}

fn measure() -> Result<(), Failure> {
    println!(
        "backlogs                          file MB  fill MiB  opened ms  rekeyed s  rekey MiB  drain MiB  objects/s sent"
    );
    let bulk = sizes("BACKLOG_MEGABYTES", "20,100")?;
    let mut of_bulk = 0.0;
    for megabytes in &bulk {
        let count = megabytes * 1_000_000 / OBJECT_BYTES / i64::from(BULK);
        of_bulk = backlog(&format!("{megabytes} MB in bulk"), count, BULK, false)?;
    }
    for count in sizes("BACKLOG_TRANSACTIONS", "20000,100000")? {
        let single = backlog(&format!("{count} of one object"), count, 1, false)?;
        println!("  {:.2} of the rate in bulk", single / of_bulk);
        let packed = backlog(&format!("{count} of one object, packed"), count, 1, true)?;
        println!("  {:.2} of the rate in bulk", packed / of_bulk);
    }
    let count = sizes("BACKLOG_REALMS", "100")?[0].to_string();
    let folder = tempfile::TempDir::new_in(".")?;
    let path = folder.path().join("0.realm");
    let (_, figures) = run(&["realms", &path.to_string_lossy(), &count])?;
    if let [files, memory] = figures[..] {
        println!("one of {count} realms: {files:.1} descriptors, {memory:.0} KiB");
    }
    Ok(())
}

/// Fills, opens, encrypts and sends one; returns objects a second.
fn backlog(name: &str, count: i64, objects: u32, packed: bool) -> Result<f64, Failure> {
    let folder = tempfile::TempDir::new_in(".")?;
    let path = folder.path().join("backlog.realm");
    let file = path.to_string_lossy();
    let (fill, _) = run(&["fill", &file, &count.to_string(), &objects.to_string()])?;
    if packed {
        run(&["pack", &file])?;
    }
    let bytes = std::fs::metadata(&path)?.len();
    let (_, opened) = run(&["open", &file])?;
    let (rekey, rekeyed) = run(&["rekey", &file])?;
    let (drain, seconds) = run(&["drain", &file])?;
    let rate = count as f64 * f64::from(objects) / seconds.first().ok_or("no time")?;
    let opened = opened.first().ok_or("no time")?;
    let rekeyed = rekeyed.first().ok_or("no time")?;
    println!(
        "{name:<33} {:>8.1} {fill:>9.1} {opened:>10.2} {rekeyed:>10.2} {rekey:>10.1} {drain:>10.1} {rate:>15.0}",
        bytes as f64 / 1e6
    );
    Ok(rate)
}
