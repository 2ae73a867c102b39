//! Whether an answer is what the API document says of it.

use std::collections::BTreeMap;

use hivematrix_shared::testing::{Client, TestResponse};
use http::StatusCode;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

/// An answer that is what the document says of it; pages are no part of that.
pub async fn checked(client: &Client, method: &str, path: &str, answer: TestResponse) -> TestResponse {
    static DOCUMENT: OnceCell<Value> = OnceCell::const_new();
    let read = async || client.get("/static/openapi.json").send().await.json();
    if !answer.header("content-type").starts_with("text/html")
        && answer.status != StatusCode::PERMANENT_REDIRECT
    {
        let complaints = complaints(DOCUMENT.get_or_init(read).await, method, path, &answer);
        assert!(complaints.is_empty(), "{method} {path}: {complaints:#?}");
    }
    answer
}

/// What in an answer the document does not say, or says otherwise.
pub fn complaints(document: &Value, method: &str, path: &str, answer: &TestResponse) -> Vec<String> {
    let path = path.split('?').next().unwrap_or_default();
    let Some(operation) = operation(document, &method.to_lowercase(), path) else {
        // Only what is no route of ours has no place in the document.
        return if answer.status.is_success() { vec!["not in the document".to_owned()] } else { Vec::new() };
    };
    let status = answer.status.as_u16().to_string();
    let responses = &operation["responses"];
    let Some(response) = responses.get(&status).or_else(|| responses.get("default")) else {
        return vec![format!("{status} is not in the document")];
    };
    let kind = answer.header("content-type").split(';').next().unwrap_or_default();
    let content = response["content"].as_object();
    let Some(described) = content.and_then(|content| content.get(kind)) else {
        return if answer.body.is_empty() {
            Vec::new()
        } else {
            vec![format!("{status} as {kind} is not in the document")]
        };
    };
    let mut found = Vec::new();
    if kind.ends_with("json") {
        check(document, &described["schema"], &answer.json(), "", &mut found);
    }
    found
}

/// The operation whose path has the most words of this one.
fn operation<'a>(document: &'a Value, method: &str, path: &str) -> Option<&'a Value> {
    let segments: Vec<_> = path.split('/').collect();
    let paths = document["paths"].as_object()?.iter();
    let fitting = paths.filter_map(|(template, item)| {
        let parts: Vec<_> = template.split('/').collect();
        let fits = |(part, segment): (&&str, &&str)| {
            part == segment || (part.starts_with('{') && !segment.is_empty())
        };
        let same = parts.len() == segments.len() && parts.iter().zip(&segments).all(fits);
        let words = parts.iter().zip(&segments).filter(|(part, segment)| part == segment).count();
        same.then_some((words, item.get(method)?))
    });
    fitting.max_by_key(|(words, _)| *words).map(|(_, operation)| operation)
}

fn check(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = resolved(document, schema);
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let misfits = choices.iter().map(|choice| {
                let mut misfits = Vec::new();
                check(document, choice, value, at, &mut misfits);
                misfits
            });
            let fewest = misfits.min_by_key(Vec::len).unwrap_or_default();
            found.extend(fewest);
            return;
        }
    }
    if let Some(types) = types(schema)
        && !types.iter().any(|kind| is(value, kind))
    {
        found.push(format!("{at} is {value} and no {}", types.join(" or ")));
        return;
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        found.push(format!("{at} is {value}, which is none of its words"));
    }
    match value {
        Value::Object(members) => object(document, schema, members, at, found),
        Value::Array(items) if schema.get("items").is_some() => {
            for item in items {
                check(document, &schema["items"], item, &format!("{at}[]"), found);
            }
        }
        _ => {}
    }
}

fn object(document: &Value, schema: &Value, members: &Map<String, Value>, at: &str, found: &mut Vec<String>) {
    let (mut properties, mut required) = (BTreeMap::new(), Vec::new());
    collect(document, schema, &mut properties, &mut required);
    for name in required.iter().filter(|name| !members.contains_key(**name)) {
        found.push(format!("{at}.{name} is missing"));
    }
    let further = schema.get("additionalProperties").filter(|further| further.is_object());
    // Problems have members of their own, and some objects are described in words.
    let open = properties.is_empty() || properties.contains_key("retry_after");
    for (name, value) in members {
        match properties.get(name.as_str()).copied().or(further) {
            Some(schema) => check(document, schema, value, &format!("{at}.{name}"), found),
            None if open => {}
            None => found.push(format!("{at}.{name} is not in the document")),
        }
    }
}

/// The members of a schema and of those it is made of.
fn collect<'a>(
    document: &'a Value,
    schema: &'a Value,
    properties: &mut BTreeMap<&'a str, &'a Value>,
    required: &mut Vec<&'a str>,
) {
    let schema = resolved(document, schema);
    properties.extend(
        schema["properties"].as_object().into_iter().flatten().map(|(name, one)| (name.as_str(), one)),
    );
    required.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(document, part, properties, required);
    }
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(name) => document.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("{name}")),
        None => schema,
    }
}

fn types(schema: &Value) -> Option<Vec<&str>> {
    match schema.get("type")? {
        Value::String(one) => Some(vec![one]),
        several => several.as_array().map(|several| several.iter().filter_map(Value::as_str).collect()),
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}
