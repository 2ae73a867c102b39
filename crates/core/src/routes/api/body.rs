//! Request bodies as the token routes accept them (core.md §2.6).

use hivematrix_shared::{
    auth::bearer,
    problem::{Problem, Result},
};
use http::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::routes::request::{media_type, wrong_media_type};

/// The members of a JSON object: other media types are 415, other content 400.
pub fn object(headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>> {
    if !is_json(headers) {
        return Err(wrong_media_type("application/json"));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Problem::bad_request("The body must be a JSON object.")),
        Err(_) => Err(Problem::bad_request("The body is not valid JSON.")),
    }
}

/// A JSON object as what a route takes; what does not fit is told.
pub fn typed<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T> {
    let members = Value::Object(object(headers, body)?);
    serde_json::from_value(members).map_err(|error| Problem::bad_request(format!("{error}.")))
}

/// A member that must be a string if it is there; `null` counts as absent.
pub fn string<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Problem::bad_request(format!("`{name}` must be a string."))),
    }
}

/// The token in the body's member `name`, else in the bearer header. The body may be left out where the header is there.
pub fn token(headers: &HeaderMap, body: &[u8], name: &str) -> Result<Option<String>> {
    let in_header = bearer(headers);
    if in_header.is_some() && (!is_json(headers) || body.is_empty()) {
        return Ok(in_header);
    }
    let members = object(headers, body)?;
    let in_body = string(&members, name)?.filter(|token| !token.is_empty());
    Ok(in_body.map(str::to_owned).or(in_header))
}

fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|kind| kind == "application/json" || kind.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_token_comes_from_the_body_or_the_header_and_malformed_input_has_its_status() {
        let json = Some("application/json");
        for (kind, bearer, body, expected) in [
            (json, None, r#"{"token":"t"}"#, Ok(Some("t"))),
            (json, Some("h"), r#"{"token":"t"}"#, Ok(Some("t"))),
            (json, Some("h"), "{}", Ok(Some("h"))),
            (json, Some("h"), r#"{"token":""}"#, Ok(Some("h"))),
            (json, Some("h"), "", Ok(Some("h"))),
            (None, Some("h"), "", Ok(Some("h"))),
            (Some("text/plain"), Some("h"), "x", Ok(Some("h"))),
            (json, None, "{}", Ok(None)),
            (json, None, r#"{"token":null}"#, Ok(None)),
            (json, None, r#"{"token":""}"#, Ok(None)),
            (json, None, "", Err(400)),
            (json, None, "{", Err(400)),
            (json, None, "null", Err(400)),
            (json, Some("h"), "[1]", Err(400)),
            (json, None, r#"{"token":5}"#, Err(400)),
            (None, None, r#"{"token":"t"}"#, Err(415)),
            (Some("application/x-www-form-urlencoded"), None, "token=t", Err(415)),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(kind) = kind {
                headers.insert("content-type", HeaderValue::from_static(kind));
            }
            if let Some(bearer) = bearer {
                headers.insert("authorization", HeaderValue::from_str(&format!("Bearer {bearer}")).unwrap());
            }
            let found =
                token(&headers, body.as_bytes(), "token").map_err(|problem| problem.status().as_u16());
            assert_eq!(found, expected.map(|token| token.map(str::to_owned)), "{kind:?} {bearer:?} {body}");
        }
    }
}
