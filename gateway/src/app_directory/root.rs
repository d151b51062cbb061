//! `root_config.json` or `realm_config.json`, and `.mdb`: what the app is called and where its pages may come from.

use super::files::Files;
use super::json::{Node, Object};
use super::reading::Reading;
use crate::definition::{Deployment, Origin, is_app_id};

/// How a directory is laid out.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    version: u64,
    root: &'static str,
    meta: &'static str,
}

const LAYOUTS: [Layout; 2] = [
    Layout {
        version: 20_230_101,
        root: "root_config.json",
        meta: ".mdb/meta.json",
    },
    Layout {
        version: 20_210_101,
        root: "realm_config.json",
        meta: ".mdb/app_meta.json",
    },
];

/// Root files of layouts that are not read.
const FORMER: [&str; 2] = ["stitch.json", "config.json"];

const ENVIRONMENTS: [&str; 5] = ["", "development", "testing", "qa", "production"];

#[derive(Default)]
pub(super) struct Root {
    pub(super) client_app_id: Option<String>,
    pub(super) name: String,
    pub(super) deployment: Deployment,
    pub(super) allowed_origins: Option<Vec<Origin>>,
}

/// Whether there is a root file.
pub(super) fn is_app(files: &Files) -> bool {
    LAYOUTS.iter().any(|layout| files.has(layout.root))
}

/// Which layout it is.
pub(super) fn layout(reading: &Reading<'_>) -> Option<Layout> {
    let found: Vec<_> = LAYOUTS
        .into_iter()
        .filter(|one| reading.files.has(one.root))
        .collect();
    if let [one] = found[..] {
        return Some(one);
    }
    if found.len() > 1 {
        reading.refuse(
            "realm_config.json",
            "is of another layout than root_config.json; keep one of them",
        );
    } else if let Some(former) = FORMER.into_iter().find(|name| reading.files.has(name)) {
        reading.refuse(
            former,
            "is of a layout before 20210101, which is not read; move the files to the layout of 'init'",
        );
    } else {
        reading.refuse(
            "root_config.json",
            "is missing; name the directory of an exported app, or make one with 'init'",
        );
    }
    None
}

/// The environment that is chosen.
pub(super) fn environment(reading: &Reading<'_>, layout: Layout) -> String {
    let document = reading.document(layout.root);
    let object = document
        .as_ref()
        .and_then(|document| document.root().value.as_object());
    let found = object.and_then(|object| object.get("environment")?.as_str());
    // What it should be otherwise is told where the root is read.
    found
        .filter(|tag| ENVIRONMENTS.contains(tag))
        .unwrap_or_default()
        .to_owned()
}

/// Reads root and meta. What is wrong has been told.
pub(super) fn read(reading: &Reading<'_>, layout: Layout, app_id: Option<&str>) -> Root {
    let Some(document) = reading.document(layout.root) else {
        return Root::default();
    };
    let Some(object) = document.root().object() else {
        return Root::default();
    };
    object.one_of("environment", &ENVIRONMENTS);
    let version = object.get("config_version");
    let root = Root {
        name: name(&object),
        deployment: deployment(&object),
        allowed_origins: allowed_origins(&object),
        client_app_id: None,
    };
    let here = object.get("app_id").and_then(|node| client_app_id(&node));
    object.ignore(&["provider_region"]);
    object.finish();

    let meta = reading.document(layout.meta);
    let meta = meta.as_ref().and_then(|document| document.root().object());
    let there = meta
        .as_ref()
        .and_then(|meta| client_app_id(&meta.get("client_app_id")?));
    let also = meta.as_ref().and_then(|meta| meta.get("config_version"));
    check_version(layout, &object, [version, also]);
    if let Some(meta) = meta {
        meta.ignore(&["app_id", "group_id", "last_pulled"]);
        meta.finish();
        reading.honoured(layout.meta, "client app id");
    }
    if let (Some(here), Some(there)) = (&here, &there)
        && here != there
    {
        let text = format!("found \"{there}\", expected \"{here}\" as in {}", layout.root);
        reading.refuse_at(layout.meta, "$.client_app_id", text);
    }
    let client_app_id = here.or(there).or_else(|| app_id.map(str::to_owned));
    match &client_app_id {
        Some(id) => reading.honoured(layout.root, format!("app '{id}', layout {}", layout.version)),
        None => reading.refuse(
            layout.root,
            format!(
                "no client app id: put \"app_id\" here or \"client_app_id\" into {}, or give --app-id",
                layout.meta
            ),
        ),
    }
    Root {
        client_app_id,
        ..root
    }
}

fn name(root: &Object<'_>) -> String {
    let Some(node) = root.required("name") else {
        return String::new();
    };
    let name = node.string().unwrap_or_default();
    let fits = |char: char| char.is_ascii_alphanumeric() || "_-".contains(char);
    if node.value.is_string() && !((1..=32).contains(&name.len()) && name.chars().all(fits)) {
        node.expected("1 to 32 letters, digits, '_' and '-'");
    }
    name.to_owned()
}

fn deployment(root: &Object<'_>) -> Deployment {
    let default = Deployment::default();
    let model = root.one_of("deployment_model", &["GLOBAL", "LOCAL"]);
    let location = root.string("location");
    Deployment {
        model: model.map_or(default.model, str::to_owned),
        location: location.map_or(default.location, str::to_owned),
    }
}

fn allowed_origins(root: &Object<'_>) -> Option<Vec<Origin>> {
    let list = root.get("allowed_request_origins")?.list()?;
    let origins = list.iter().filter_map(|node| {
        let origin = Origin::parse(node.string()?);
        if origin.is_none() {
            node.expected("an origin such as \"https://app.example\" or \"http://localhost:3000\"");
        }
        origin
    });
    Some(origins.collect())
}

fn client_app_id(node: &Node<'_>) -> Option<String> {
    let id = node.string()?;
    // A directory that was never pushed has an empty one.
    if !id.is_empty() && !is_app_id(id) {
        node.expected("a client app id: 1 to 64 letters, digits, '-' and '_'");
    }
    (!id.is_empty()).then(|| id.to_owned())
}

fn check_version(layout: Layout, root: &Object<'_>, versions: [Option<Node<'_>>; 2]) {
    let versions = versions.into_iter().flatten();
    let mut known = false;
    for node in versions {
        known = true;
        if node.value.as_u64() != Some(layout.version) {
            node.expected(&format!("{}, the layout with {}", layout.version, layout.root));
        }
    }
    if !known && layout.version == 20_210_101 {
        root.node.refuse("'config_version' is missing");
    }
}
