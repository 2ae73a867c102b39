//! What is as it should be, and what is not.

use std::collections::BTreeSet;

use serde_json::Value;

/// Names of the members of `wanted` that `found` has otherwise or not at all. Members that nobody wants do not matter,
/// nor does the order of lists of texts, which Keycloak does not keep.
#[must_use]
pub fn differences(wanted: &Value, found: &Value) -> Vec<String> {
    let Value::Object(wanted) = wanted else { return Vec::new() };
    let mut names = Vec::new();
    for (name, value) in wanted {
        match (value, &found[name]) {
            (Value::Object(_), found) => {
                names.extend(differences(value, found).into_iter().map(|inner| format!("{name}.{inner}")));
            }
            (Value::Array(wanted), Value::Array(found)) if are_same_texts(wanted, found) => {}
            (wanted, found) if wanted == found => {}
            _ => names.push(name.clone()),
        }
    }
    names
}

fn are_same_texts(one: &[Value], other: &[Value]) -> bool {
    let texts = |list: &[Value]| list.iter().map(|text| text.as_str().map(str::to_owned)).collect();
    let (one, other): (Option<BTreeSet<String>>, Option<BTreeSet<String>>) = (texts(one), texts(other));
    one.is_some() && one == other
}

/// `below` with the members of `above` in place of its own; objects in both are laid over each other.
#[must_use]
pub fn overlaid(below: &Value, above: &Value) -> Value {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            let mut both = below.clone();
            for (name, value) in above {
                let laid = below.get(name).map_or_else(|| value.clone(), |own| overlaid(own, value));
                both.insert(name.clone(), laid);
            }
            Value::Object(both)
        }
        _ => above.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_wanted_is_compared() {
        let found = json!({
            "enabled": true, "secret": "s", "uris": ["b", "a"], "more": 1, "attributes": {"a": "1", "b": "2"},
            "lists": [1]
        });
        for (wanted, expected) in [
            (json!({"enabled": true, "uris": ["a", "b"], "attributes": {"a": "1"}}), vec![]),
            (json!({"enabled": false}), vec!["enabled"]),
            (json!({"uris": ["a"]}), vec!["uris"]),
            (json!({"uris": ["a", "b", "c"], "secret": "t"}), vec!["secret", "uris"]),
            (json!({"attributes": {"a": "2", "c": "3", "b": "2"}}), vec!["attributes.a", "attributes.c"]),
            (json!({"absent": 1, "object": {"x": 1}}), vec!["absent", "object.x"]),
            (json!({"lists": [1]}), vec![]),
            (json!({"lists": [2]}), vec!["lists"]),
        ] {
            let mut names = differences(&wanted, &found);
            names.sort_unstable();
            assert_eq!(names, expected, "{wanted}");
        }
    }

    #[test]
    fn what_is_laid_over_keeps_what_is_not_covered() {
        let both = overlaid(&json!({"a": {"x": 1, "y": 2}, "b": [1]}), &json!({"a": {"y": 3}, "b": [2]}));
        assert_eq!(both, json!({"a": {"x": 1, "y": 3}, "b": [2]}));
    }
}
