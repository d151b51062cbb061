//! Changesets as realm-core made them, with other numbers and keys in them.

use serde_json::Value;

/// The changeset of this name among the vectors.
pub fn vector(name: &str) -> Vec<u8> {
    let text = include_str!("../data/device_sync/vectors.json");
    let all: Value = serde_json::from_str(text).unwrap();
    let found = all.as_array().unwrap().iter().find(|one| one["name"] == name);
    let digits = found.unwrap()["hex"].as_str().unwrap().as_bytes();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The classes of the objects below.
pub fn schema() -> Vec<u8> {
    vector("small: schema")
}

/// Key of the object in the vector.
const KEY: [u8; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/// A number as the last bytes of an object id.
pub fn key(number: u32) -> [u8; 12] {
    let mut key = [7; 12];
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}

/// An object of class `Reading` with this number in its key, and `n` below 64.
pub fn object(number: u32, n: u8) -> Vec<u8> {
    assert!(n < 64);
    let bytes = replaced(&vector("small: object"), &KEY, &key(number));
    // Int 300, not a default.
    replaced(&bytes, &[1, 0xac, 2, 0], &[1, 0x80 | n, 0, 0])
}

/// Class `Reading` gets a text that may be null.
pub fn another_property(name: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [
        &[0x3f, 0][..],
        &text("Reading"),
        &[0x3f, 1],
        &text(name),
        // AddColumn: class, property, String, nullable, single.
        &[6, 0, 1, 3, 1, 0],
    ]
    .concat()
}

/// An object of class `Reading` with so many bytes in its property `text`.
pub fn heavy(number: u32, bytes: usize) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let key = [&[0x0a][..], &key(number)].concat();
    [
        &[0x3f, 0][..],
        &text("Reading"),
        &[2, 0],
        &key,
        &[0x3f, 1],
        &text("text"),
        // Update: class, key, property, no path, String.
        &[4, 0],
        &key,
        &[1, 0, 3],
        &integer(bytes),
        &vec![b'x'; bytes],
        &[0],
    ]
    .concat()
}

/// A positive integer as changesets have it.
fn integer(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while value > 63 {
        out.push(0x80 | u8::try_from(value & 0x7f).unwrap());
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
    out
}

/// A regular class `Top` with an object.
pub fn regular() -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [
        &[0x3f, 0][..],
        &text("Top"),
        &[0x3f, 1],
        &text("_id"),
        // AddTable: class, top level, key, Int, not nullable; CreateObject: class, Int 5.
        &[0, 0, 0, 1, 1, 0, 2, 0, 1, 5],
    ]
    .concat()
}

/// The same bytes with others in all places where some stood.
pub fn replaced(bytes: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), bytes);
    while let Some((first, others)) = rest.split_first() {
        if rest.starts_with(what) {
            out.extend(by);
            rest = &rest[what.len()..];
        } else {
            out.push(*first);
            rest = others;
        }
    }
    out
}

/// The body of an upload with changesets by their versions.
pub fn body(changesets: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (version, changeset) in changesets {
        out.extend(format!("{version} 0 375325657408 0 {} ", changeset.len()).bytes());
        out.extend(changeset);
    }
    out
}
