//! What a GraphQL answer means: the vendor reports nearly every failure as 200 with `errors` (codex-api.md §13.3).

use serde_json::{Map, Value};

/// Codes of records that do not exist.
const MISSING: &str = "entity_does_not_exist";
/// Code of the rate limit.
const LIMITED: &str = "rate_limit_exceeded";

/// What an answer is.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// The data; records that do not exist are `null` or absent.
    Data(Value),
    /// Too many requests.
    Limited,
    /// The vendor understands and refuses; asking again changes nothing.
    Refused(String),
    /// Something failed over there; worth another try.
    Broken(String),
}

/// One error, as far as it matters.
struct Fault<'a> {
    codes: Vec<(&'a str, Option<&'a str>)>,
    message: Option<&'a str>,
    /// The query itself is wrong.
    invalid: bool,
}

/// Judges a 200 answer. Data beside an error other than a missing record is not trusted: a list with a hole in it would
/// look like a shorter list.
pub(super) fn judge(mut answer: Value) -> Verdict {
    let errors = answer.get("errors").filter(|errors| !errors.is_null());
    let Some(errors) = errors else {
        return match answer.get_mut("data").map(Value::take) {
            Some(data @ Value::Object(_)) => Verdict::Data(data),
            _ => Verdict::Broken("JSON without 'data'".to_owned()),
        };
    };
    let faults: Vec<Fault<'_>> = errors.as_array().into_iter().flatten().map(fault).collect();
    let mut codes = faults.iter().flat_map(|fault| &fault.codes);
    if codes.clone().any(|(code, _)| *code == LIMITED) {
        return Verdict::Limited;
    }
    let only_missing = !faults.is_empty()
        && faults.iter().all(|fault| !fault.codes.is_empty())
        && codes.all(|(code, _)| *code == MISSING);
    if only_missing {
        return Verdict::Data(match answer.get_mut("data").map(Value::take) {
            Some(data @ Value::Object(_)) => data,
            _ => Value::Object(Map::new()),
        });
    }
    let refused = faults.iter().any(|fault| fault.invalid || !fault.codes.is_empty());
    let what = format!("an error: {}", words(&faults));
    if refused { Verdict::Refused(what) } else { Verdict::Broken(what) }
}

fn fault(error: &Value) -> Fault<'_> {
    let extensions = error.get("extensions");
    let client = extensions.and_then(|extensions| extensions.get("clientError")).and_then(Value::as_array);
    let codes = client
        .into_iter()
        .flatten()
        .filter_map(|entry| Some((entry.get("code")?.as_str()?, entry.get("param").and_then(Value::as_str))));
    let classification = extensions.and_then(|extensions| extensions.get("classification"));
    Fault {
        codes: codes.collect(),
        message: error.get("message").and_then(Value::as_str),
        invalid: matches!(classification.and_then(Value::as_str), Some("ValidationError" | "InvalidSyntax")),
    }
}

fn words(faults: &[Fault<'_>]) -> String {
    let texts = faults.iter().flat_map(|fault| {
        let codes = fault.codes.iter().map(|(code, param)| match param {
            Some(param) => format!("{code} ({param})"),
            None => (*code).to_owned(),
        });
        codes.chain(fault.message.map(|message| message.chars().take(200).collect()))
    });
    let text = texts.take(5).collect::<Vec<_>>().join(", ");
    if text.is_empty() { "without a reason".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_inside_an_answer_are_told_apart() {
        let error = |code: &str| json!({"message": null, "extensions": {"clientError": [{"code": code, "param": "x"}]}});
        for (case, answer, expected) in [
            ("data", json!({"data": {"a": 1}}), Verdict::Data(json!({"a": 1}))),
            ("null errors", json!({"data": {"a": 1}, "errors": null}), Verdict::Data(json!({"a": 1}))),
            ("no data", json!({"data": null}), Verdict::Broken("JSON without 'data'".to_owned())),
            ("a list", json!([]), Verdict::Broken("JSON without 'data'".to_owned())),
            ("limit", json!({"data": null, "errors": [error("rate_limit_exceeded")]}), Verdict::Limited),
            (
                "missing",
                json!({"data": {"a": null}, "errors": [error("entity_does_not_exist")]}),
                Verdict::Data(json!({"a": null})),
            ),
            (
                "missing, no data",
                json!({"errors": [error("entity_does_not_exist")]}),
                Verdict::Data(json!({})),
            ),
            (
                "forbidden",
                json!({"data": null, "errors": [error("forbidden")]}),
                Verdict::Refused("an error: forbidden (x)".to_owned()),
            ),
            (
                "missing and more",
                json!({"data": {"a": null}, "errors": [error("entity_does_not_exist"), error("forbidden")]}),
                Verdict::Refused("an error: entity_does_not_exist (x), forbidden (x)".to_owned()),
            ),
            (
                "invalid query",
                json!({"errors": [{"message": "Sub selection not allowed",
                "extensions": {"classification": "ValidationError"}}]}),
                Verdict::Refused("an error: Sub selection not allowed".to_owned()),
            ),
            (
                "their failure",
                json!({"data": {"a": null}, "errors": [{"message": "Internal Server Error"}]}),
                Verdict::Broken("an error: Internal Server Error".to_owned()),
            ),
            ("nothing said", json!({"errors": []}), Verdict::Broken("an error: without a reason".to_owned())),
        ] {
            assert_eq!(judge(answer), expected, "{case}");
        }
    }
}
