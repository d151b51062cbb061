//! `values/*.json`: what rules and functions may ask for by name.

use std::collections::BTreeMap;

use serde_json::Value;

use super::reading::Reading;

pub(super) fn read(reading: &Reading<'_>) -> BTreeMap<String, Value> {
    let mut values = BTreeMap::new();
    let files: Vec<_> = reading
        .files
        .below("values/")
        .filter(|name| name.ends_with(".json"))
        .collect();
    for file in files {
        if let Some((name, value)) = read_one(reading, file, &values)
            && let Some(value) = value
        {
            values.insert(name, value);
        }
    }
    values
}

/// A name and its value, which is not there where its secret is not.
fn read_one(
    reading: &Reading<'_>,
    file: &str,
    others: &BTreeMap<String, Value>,
) -> Option<(String, Option<Value>)> {
    let document = reading.document(file)?;
    let object = document.root().object()?;
    let node = object.required("name")?;
    let name = node.string()?;
    let fits = |char: char| char.is_ascii_alphanumeric() || "_-".contains(char);
    if !(1..=64).contains(&name.len()) || !name.chars().all(fits) {
        node.expected("1 to 64 letters, digits, '_' and '-'");
    }
    if others.contains_key(name) {
        node.refuse(format!("'{name}' is a value of another file as well"));
    }
    let from_secret = object.flag("from_secret");
    let value = object.required("value");
    object.ignore(&["id", "_id", "private"]);
    object.finish();
    if !from_secret {
        reading.honoured(file, format!("value '{name}'"));
        return Some((name.to_owned(), Some(value?.value.clone())));
    }
    let value = value?.hidden();
    let secret = reading.secret(value.string()?, "values", name);
    match &secret {
        Some(_) => reading.honoured(file, format!("value '{name}', from a secret")),
        None => value.warn(format!(
            "names a secret that is not there, so '{name}' has no value"
        )),
    }
    Some((name.to_owned(), secret.map(|secret| secret.expose().into())))
}
