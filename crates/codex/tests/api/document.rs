//! The API document is whole: what `scripts/check-api.sh` finds with generated requests is not lost again unseen.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::Value;
use sqlx::PgPool;

use crate::support::World;

/// Operations that need no token: probes, and webhooks with their own secret.
const OPEN: [&str; 8] = [
    "get /api/health",
    "get /health",
    "get /livez",
    "get /readyz",
    "get /webhooks/health",
    "post /webhooks/freshservice/ticket",
    "post /webhooks/superops/ticket",
    "post /webhooks/test",
];

async fn document(pool: PgPool) -> Value {
    World::new(pool).client.get("/static/openapi.json").send().await.json()
}

fn operations(document: &Value) -> impl Iterator<Item = (String, &str, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        let of = move |(method, operation)| (format!("{method} {path}"), path.as_str(), operation);
        item.as_object().unwrap().iter().map(of)
    })
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn every_operation_declares_its_parameters_and_all_its_answers(pool: PgPool) {
    let document = document(pool).await;
    let mut open = Vec::new();
    let mut names = BTreeSet::new();
    for (operation, path, described) in operations(&document) {
        assert!(names.insert(described["operationId"].to_string()), "{operation}: the id is another's");
        let responses = described["responses"].as_object().unwrap();
        let said = |described: &Value, member: &str| {
            described[member].as_str().is_some_and(|text| text.trim().len() > 1)
        };
        assert!(said(described, "summary"), "{operation}: what does it do?");
        let parameters = || described["parameters"].as_array().into_iter().flatten();
        for parameter in parameters() {
            assert!(said(parameter, "description"), "{operation}: what is {}?", parameter["name"]);
        }
        for (status, response) in responses {
            assert!(said(response, "description"), "{operation}: what is {status}?");
            let empty = ["204", "302", "304", "414"].contains(&status.as_str());
            assert_eq!(response.get("content").is_none(), empty, "{operation} {status}");
        }
        let declared = |statuses: &[&str]| statuses.iter().all(|status| responses.contains_key(*status));
        if described["security"].is_array() {
            open.push(operation.clone());
        } else {
            assert!(declared(&["401", "403", "429", "503"]), "{operation}");
        }
        let parts: BTreeSet<_> = path.split('{').skip(1).filter_map(|part| part.split('}').next()).collect();
        let of_path = parameters().filter(|one| one["in"] == "path").map(|one| one["name"].as_str().unwrap());
        assert_eq!(of_path.collect::<BTreeSet<_>>(), parts, "{operation}");
        assert!(parts.is_empty() || declared(&["400", "404"]), "{operation}");
        assert!(described.get("requestBody").is_none() || declared(&["400", "413", "415"]), "{operation}");
    }
    open.sort();
    assert_eq!(open, OPEN);
}

/// A client made from the document knows what each member is.
#[sqlx::test(migrations = "../../migrations/codex")]
async fn every_schema_is_there_and_used(pool: PgPool) {
    let document = document(pool).await;
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let text = document.to_string();
    let names = text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
    let used: BTreeSet<_> = names.collect();
    let known: BTreeSet<_> = schemas.keys().map(String::as_str).collect();
    assert_eq!(used.difference(&known).collect::<Vec<_>>(), [&""; 0], "missing");
    assert_eq!(known.difference(&used).collect::<Vec<_>>(), [&""; 0], "used by nothing");
}

/// What a route refuses is told by its class of caller, so that no two say it in other words.
#[sqlx::test(migrations = "../../migrations/codex")]
async fn every_guarded_operation_says_for_whom_it_is(pool: PgPool) {
    let document = document(pool).await;
    for (operation, path, described) in operations(&document) {
        let words = described["responses"]["403"]["description"].as_str();
        // Whose look it is decides there.
        let open = OPEN.contains(&operation.as_str()) || path.starts_with("/api/public/user/");
        assert!(open || words.is_some_and(|words| words != "Not for this caller"), "{operation}: {words:?}");
    }
}

/// Of two schemas with one name the document keeps one, and the other's routes then promise something else.
#[test]
fn no_two_schemas_have_one_name() {
    let mut seen = BTreeMap::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in [root.join("src"), root.join("../shared/src")] {
        each_schema(&folder, &mut |name, file| {
            if let Some(other) = seen.insert(name.to_owned(), file.to_owned()) {
                panic!("`{name}` of {} is also in {}: #[schema(as = …)]", file.display(), other.display());
            }
        });
    }
    assert!(seen.len() > 100 && seen.contains_key("RecordStatistics"), "{seen:?}");
}

fn each_schema(folder: &Path, found: &mut impl FnMut(&str, &Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each_schema(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            for (at, _) in source.match_indices("#[derive(") {
                let derived = &source[at..];
                if derived.split(")]").next().is_some_and(|traits| traits.contains("ToSchema")) {
                    found(schema_name(derived), &path);
                }
            }
        }
    }
}

/// The given name of the first type in `source`, else its own.
fn schema_name(source: &str) -> &str {
    let name = |line| {
        let line: &str = line;
        let declared = line.split_once("struct ").or_else(|| line.split_once("enum "));
        let after = line.strip_prefix("#[schema(as = ").or(declared.map(|(_, name)| name))?;
        (!line.starts_with("//")).then(|| after.split(|c: char| !c.is_alphanumeric()).next())?
    };
    source.lines().map(str::trim).find_map(name).unwrap()
}
