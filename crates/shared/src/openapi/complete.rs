//! What follows from a route's shape, written into the document once instead of at each route: how it refuses, and the name
//! of its operation.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::problem::MEDIA_TYPE;

/// Name of the schema of problem documents.
const PROBLEM: &str = "Problem";

/// Answered while a request is read, before any of our own code sees it.
const TOO_LONG: &str = "414";

/// Members of a path that are no operations.
const NO_OPERATIONS: [&str; 5] = ["summary", "description", "parameters", "servers", "$ref"];

/// Adds the answers of the common layers and extractors to each operation, unless it words them itself, and the problem
/// document as the body of all errors that name none. Names of handlers repeat from file to file, those of operations may
/// not, so that each is named by its method and path.
pub(super) fn complete(document: &mut Value) {
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                if !NO_OPERATIONS.contains(&method.as_str()) {
                    operation["operationId"] = name(method, path).into();
                    add_refusals(operation);
                }
            }
        }
    }
    document["components"]["schemas"][PROBLEM] = problem();
}

/// `get_api_companies_by_account_number` for `GET /api/companies/{account_number}`.
fn name(method: &str, path: &str) -> String {
    let path = path.replace('{', "by_").replace('}', "");
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

fn add_refusals(operation: &mut Value) {
    let common: Vec<_> = common(operation).collect();
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, description) in common {
        responses.entry(status).or_insert_with(|| json!({ "description": description }));
    }
    for (status, response) in responses {
        if response["description"].as_str().is_none_or(str::is_empty) {
            response["description"] = reason(status).into();
        }
        let is_problem = status.starts_with(['4', '5']) || status == "default";
        if is_problem && status != TOO_LONG && response.get("content").is_none() {
            let schema = json!({ "$ref": format!("#/components/schemas/{PROBLEM}") });
            response["content"] = json!({ MEDIA_TYPE: { "schema": schema } });
        }
    }
}

/// A status in words, for answers of which nothing else is to be said.
fn reason(status: &str) -> &'static str {
    let code = status.parse().ok().and_then(|code| StatusCode::from_u16(code).ok());
    code.and_then(|code| code.canonical_reason()).unwrap_or("Answer")
}

/// Status and meaning of what this operation may answer because of its parameters, its body and who may call it.
fn common(operation: &Value) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
    let parameters = operation["parameters"].as_array();
    let has = |place: &str| parameters.is_some_and(|all| all.iter().any(|one| one["in"] == place));
    let (path, body) = (has("path"), operation.get("requestBody").is_some());
    let guarded = operation["security"].as_array().is_none_or(|all| !all.contains(&json!({})));
    [
        (path || body || has("query"), "400", "A value cannot be understood or is not allowed"),
        (guarded, "401", "No valid token"),
        (guarded, "403", "Not for this caller"),
        (path, "404", "There is no such record"),
        (body, "413", "The body is too large"),
        (path || has("query"), TOO_LONG, "The address is longer than 64 KiB; without a body"),
        (body, "415", "The body has another media type"),
        (guarded, "429", "Too many requests; `Retry-After` says when to come back"),
        (guarded, "500", "A fault of the service; its log tells the cause"),
        (guarded, "503", "Something the service needs is away; `Retry-After` says when to come back"),
        (guarded, "504", "It took too long"),
    ]
    .into_iter()
    .filter_map(|(applies, status, description)| applies.then_some((status, description)))
}

fn problem() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let properties = Map::from_iter([
        ("type".to_owned(), json!({ "type": "string", "format": "uri" })),
        ("title".to_owned(), text("The status in words.")),
        (
            "status".to_owned(),
            json!({ "type": "integer", "format": "int32", "minimum": 400, "maximum": 599 }),
        ),
        ("detail".to_owned(), text("What is wrong, for people.")),
        ("instance".to_owned(), text("The path of the request.")),
        ("error".to_owned(), text("The detail once more, in upstream's words.")),
        ("retry_after".to_owned(), json!({ "type": "integer", "description": "Seconds to wait." })),
    ]);
    json!({
        "type": "object",
        "description": "What went wrong (RFC 7807). Routes add members of their own.",
        "required": ["type", "title", "status"],
        "properties": properties,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(operation: Value) -> Value {
        let mut document = json!({ "paths": { "/x/{id}": { "put": operation } } });
        complete(&mut document);
        document["paths"]["/x/{id}"]["put"]["responses"].take()
    }

    #[test]
    fn an_operation_is_named_by_method_and_path() {
        assert_eq!(name("get", "/api/plans/{name}/copy-terms"), "get_api_plans_by_name_copy_terms");
        assert_eq!(name("get", "/assets/export.csv"), "get_assets_export_csv");
    }

    #[test]
    fn an_operation_declares_what_its_shape_lets_happen() {
        let statuses = |operation: Value| -> Vec<String> {
            completed(operation).as_object().unwrap().keys().cloned().collect()
        };
        let ok = json!({ "200": { "description": "" } });
        assert_eq!(statuses(json!({ "responses": ok, "security": [{}] })), ["200"]);
        assert_eq!(statuses(json!({ "responses": ok })), ["200", "401", "403", "429", "500", "503", "504"]);
        let path = json!([{ "in": "path", "name": "id" }]);
        assert_eq!(
            statuses(json!({ "responses": ok, "security": [{}], "parameters": path, "requestBody": {} })),
            ["200", "400", "404", "413", "414", "415"]
        );
    }

    #[test]
    fn the_words_and_bodies_of_a_route_stay_and_other_errors_are_problems() {
        let body = json!({ "application/json": {} });
        let responses = completed(json!({ "responses": {
            "200": { "description": "Done" },
            "201": { "description": "" },
            "403": { "description": "Only for admins" },
            "503": { "description": "Not ready", "content": body },
        } }));
        assert_eq!(responses["403"]["description"], "Only for admins");
        assert_eq!(responses["403"]["content"][MEDIA_TYPE]["schema"]["$ref"], "#/components/schemas/Problem");
        assert_eq!(responses["503"]["content"], body);
        assert_eq!(responses["200"], json!({ "description": "Done" }));
        assert_eq!(responses["201"], json!({ "description": "Created" }));
    }
}
