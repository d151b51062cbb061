//! `functions/`: what there is, and who may call it.

use std::collections::BTreeMap;

use super::json::Node;
use super::reading::Reading;
use crate::definition::Function;

const FOLDER: &str = "functions/";
const CONFIG: &str = "functions/config.json";
const PACKAGES: [&str; 2] = ["functions/package.json", "functions/package-lock.json"];

pub(super) type Functions = BTreeMap<String, Function>;

pub(super) fn read(reading: &Reading<'_>) -> Functions {
    let mut functions = Functions::new();
    for file in reading.files.below(FOLDER) {
        let name = file
            .strip_prefix(FOLDER)
            .and_then(|name| name.strip_suffix(".js"));
        let Some(name) = name else { continue };
        if name.contains("node_modules/") {
            continue;
        }
        if let Some(source) = reading.text(file) {
            let function = Function {
                source,
                ..Function::default()
            };
            functions.insert(name.to_owned(), function);
        }
    }
    configure(reading, &mut functions);
    for file in PACKAGES {
        if reading.files.has(file) {
            reading.files.ask(file);
            reading.warn(
                file,
                "packages are not installed; functions have the built-in modules alone",
            );
        }
    }
    if !functions.is_empty() {
        reading.warn(
            "functions",
            format!(
                "{} functions are read and checked, and not run by this version",
                functions.len()
            ),
        );
    }
    functions
}

fn configure(reading: &Reading<'_>, functions: &mut Functions) {
    let Some(document) = reading.document(CONFIG) else {
        return;
    };
    let Some(list) = document.root().list() else {
        return;
    };
    let mut seen = Vec::new();
    for node in &list {
        let Some((name, found)) = read_one(node) else {
            continue;
        };
        if seen.contains(&name) {
            node.refuse(format!("the function '{name}' is configured a second time"));
        }
        match functions.get_mut(&name) {
            Some(function) => {
                *function = Function {
                    source: std::mem::take(&mut function.source),
                    ..found
                };
            }
            None => node.refuse(format!("there is no {FOLDER}{name}.js")),
        }
        seen.push(name);
    }
    reading.honoured(CONFIG, format!("functions: {}", list.len()));
}

fn read_one(node: &Node<'_>) -> Option<(String, Function)> {
    let object = node.object()?;
    let name = object.text("name")?;
    let text = |key| {
        object
            .string(key)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let function = Function {
        source: String::new(),
        private: object.flag("private"),
        can_evaluate: object.get("can_evaluate").map(|node| node.value.clone()),
        run_as_system: object.flag("run_as_system"),
        run_as_user: text("run_as_user_id"),
        run_as_user_script: text("run_as_user_id_script_source"),
        hide_arguments: object.flag("disable_arg_logs"),
    };
    object.ignore(&["id", "_id"]);
    object.finish();
    if function.run_as_user.is_some() && function.run_as_user_script.is_some() {
        node.refuse("'run_as_user_id' and 'run_as_user_id_script_source' exclude each other");
    }
    Some((name.to_owned(), function))
}

/// A function that something names; refused where it is not there.
pub(super) fn named(node: &Node<'_>, functions: &Functions) -> Option<String> {
    let name = node.string()?;
    if !functions.contains_key(name) {
        node.refuse(format!("there is no {FOLDER}{name}.js"));
    }
    Some(name.to_owned())
}
