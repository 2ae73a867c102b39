//! The API document is whole.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::PgPool;

use crate::support::Suite;

/// Operations that need no token.
const OPEN: [&str; 3] = ["get /health", "get /livez", "get /readyz"];

async fn document(pool: PgPool) -> Value {
    Suite::start(pool).await.client.get("/static/openapi.json").send().await.json()
}

fn operations(document: &Value) -> impl Iterator<Item = (String, &str, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        let of = move |(method, operation)| (format!("{method} {path}"), path.as_str(), operation);
        item.as_object().unwrap().iter().map(of)
    })
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
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
            let empty = ["302", "304", "414"].contains(&status.as_str());
            assert_eq!(response.get("content").is_none(), empty, "{operation} {status}");
        }
        let declared = |statuses: &[&str]| statuses.iter().all(|status| responses.contains_key(*status));
        if described["security"].is_array() {
            open.push(operation.clone());
        } else {
            assert!(declared(&["401", "403", "429", "503"]), "{operation}");
            let words = responses["403"]["description"].as_str().unwrap();
            assert_ne!(words, "Not for this caller", "{operation}: for whom is it?");
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
#[sqlx::test(migrations = "../../migrations/knowledgetree")]
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

/// The paths that others call, and what they are called with: a change here is a change of the contract.
#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn the_operations_are_those_of_the_contract(pool: PgPool) {
    let document = document(pool).await;
    let mut lines: Vec<String> = operations(&document)
        .map(|(operation, _, described)| {
            let mut names: Vec<&str> = described["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|one| one["in"] == "query")
                .map(|one| one["name"].as_str().unwrap())
                .collect();
            names.sort_unstable();
            let body = described["requestBody"]["content"].as_object();
            let body = body.and_then(|kinds| kinds.keys().next()).map_or("", String::as_str);
            format!("{operation} {} {body}", names.join(",")).trim_end().to_owned()
        })
        .collect();
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"));
}
