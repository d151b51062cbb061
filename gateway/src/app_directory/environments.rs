//! `environments/*.json`, and what stands for its values in other files.

use serde_json::Value;

use super::json::member;
use super::reading::Reading;
use crate::definition::Environment;

const FILES: [(&str, &str); 5] = [
    ("", "environments/no-environment.json"),
    ("development", "environments/development.json"),
    ("testing", "environments/testing.json"),
    ("qa", "environments/qa.json"),
    ("production", "environments/production.json"),
];

/// Findings of one file. Whoever has that many repairs some and looks again.
const MAX_FINDINGS: usize = 100;

const OPENING: &str = "%(%%environment.values.";

/// Reads all of them, and returns the chosen one.
pub(super) fn read(reading: &Reading<'_>, chosen: String) -> Environment {
    let mut environment = Environment {
        tag: chosen,
        ..Environment::default()
    };
    for (tag, file) in FILES {
        let Some(document) = reading.document(file) else {
            continue;
        };
        let Some(object) = document.root().object() else {
            continue;
        };
        let values = object.object("values");
        object.ignore(&["id", "_id"]);
        object.finish();
        if tag != environment.tag {
            reading.ignored(file, "another environment is chosen");
            continue;
        }
        let values = values.map(|values| values.all()).unwrap_or_default();
        reading.honoured(file, format!("values: {}", values.len()));
        let values = values
            .into_iter()
            .map(|(name, node)| (name.to_owned(), node.value.clone()));
        environment.values = values.collect();
    }
    environment
}

/// Replaces `%(%%environment.values.NAME)` in every string, and tells of those that cannot be, each with its path.
pub(super) fn expand(value: &mut Value, environment: &Environment) -> Vec<(String, String)> {
    let mut findings = Vec::new();
    step(value, environment, &mut findings);
    let path = |steps: Vec<String>| {
        steps
            .into_iter()
            .rev()
            .fold("$".to_owned(), |path, step| path + &step)
    };
    findings
        .into_iter()
        .map(|(steps, why)| (path(steps), why))
        .collect()
}

/// Findings are those below, with the steps that lead to them from there, the last one first.
fn step(value: &mut Value, environment: &Environment, findings: &mut Vec<(Vec<String>, String)>) {
    match value {
        Value::String(text) if text.contains(OPENING) => match expanded(text, environment) {
            Ok(new) => *text = new,
            Err(why) if findings.len() < MAX_FINDINGS => findings.push((Vec::new(), why)),
            Err(_) => {}
        },
        Value::Array(list) => {
            for (at, value) in list.iter_mut().enumerate() {
                below(value, environment, findings, || format!("[{at}]"));
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                below(value, environment, findings, || member(name));
            }
        }
        _ => {}
    }
}

fn below(
    value: &mut Value,
    environment: &Environment,
    findings: &mut Vec<(Vec<String>, String)>,
    name: impl Fn() -> String,
) {
    let before = findings.len();
    step(value, environment, findings);
    for (steps, _) in findings.iter_mut().skip(before) {
        steps.push(name());
    }
}

fn expanded(text: &str, environment: &Environment) -> Result<String, String> {
    let mut new = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPENING) {
        let (name, after) = after
            .split_once(')')
            .ok_or_else(|| format!("'{OPENING}' has no end; expected ')' after the name"))?;
        let value = environment.values.get(name).ok_or_else(|| {
            let tag = if environment.tag.is_empty() {
                "no-environment"
            } else {
                &environment.tag
            };
            format!("'{name}' is no value of environments/{tag}.json")
        })?;
        let value = value.as_str().ok_or_else(|| {
            format!("the value '{name}' of the environment is no string, so it cannot stand in one")
        })?;
        new.push_str(before);
        new.push_str(value);
        rest = after;
    }
    new.push_str(rest);
    Ok(new)
}
