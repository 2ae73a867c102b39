//! `ListInfoInput`: conditions, order and pages, as the vendor applies them.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

/// Largest page.
const LARGEST: u64 = 100;

/// A refusal inside an answer: one of the vendor's codes, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub code: String,
    /// The argument or attribute.
    pub param: String,
}

impl Refusal {
    /// A refusal of an argument.
    pub fn new(code: &str, param: impl Into<String>) -> Self {
        Self { code: code.to_owned(), param: param.into() }
    }

    /// No such record.
    pub fn missing(param: &str) -> Self {
        Self::new("entity_does_not_exist", param)
    }
}

/// A row that is made up only when somebody looks at it.
pub trait Row {
    /// One attribute, without making up the rest where that is possible.
    fn attribute(&self, name: &str) -> Value;
    /// All of it.
    fn whole(self) -> Value;
}

impl Row for Value {
    fn attribute(&self, name: &str) -> Value {
        let mut value = self;
        for part in name.split('.') {
            match value.get(part) {
                Some(inner) => value = inner,
                None => return Value::Null,
            }
        }
        // A reference by its bare name matches nothing; the path to its member is needed.
        if value.is_object() { Value::Null } else { value.clone() }
    }

    fn whole(self) -> Value {
        self
    }
}

/// What a list must do wrong for this one request.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListFault {
    /// Answer no rows and no next page.
    pub empty: bool,
    /// Begin a later page with the last row of the one before.
    pub repeat: bool,
}

/// One page of `rows` under `member`, with `listInfo`. `known` are the attributes that rows have.
///
/// # Errors
/// What the vendor does not accept.
pub fn page<R: Row>(
    member: &str,
    info: Option<&Value>,
    known: impl Fn(&str) -> bool + Copy,
    rows: Vec<R>,
    fault: ListFault,
) -> Result<Value, Refusal> {
    let empty = Map::new();
    let info = info.and_then(Value::as_object).unwrap_or(&empty);
    let number = |name: &str, default: u64, most: u64| match info.get(name).filter(|value| !value.is_null()) {
        None => Ok(default),
        Some(value) => value
            .as_u64()
            .filter(|number| (1..=most).contains(number))
            .ok_or_else(|| Refusal::new("type_validation_failed", name)),
    };
    let (at, size) = (number("page", 1, u64::from(u32::MAX))?, number("pageSize", LARGEST, LARGEST)?);
    let mut rows = rows;
    if let Some(condition) = info.get("condition").filter(|value| !value.is_null()) {
        let mut refusal = None;
        rows.retain(|row| match holds(condition, row, known) {
            Ok(holds) => holds,
            Err(refused) => {
                refusal = Some(refused);
                false
            }
        });
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
    }
    for order in info.get("sort").and_then(Value::as_array).into_iter().flatten().rev() {
        let attribute = order.get("attribute").and_then(Value::as_str).unwrap_or_default();
        if !known(attribute) {
            return Err(Refusal::new("referred_value_does_not_exist", attribute));
        }
        let descending = order.get("order").and_then(Value::as_str) == Some("DESC");
        let mut keyed: Vec<(Value, R)> =
            rows.into_iter().map(|row| (row.attribute(attribute), row)).collect();
        keyed.sort_by(|(a, _), (b, _)| if descending { compare(b, a) } else { compare(a, b) });
        rows = keyed.into_iter().map(|(_, row)| row).collect();
    }
    let total = rows.len();
    let start = usize::try_from((at - 1) * size).unwrap_or(usize::MAX);
    let shift = usize::from(fault.repeat && start > 0);
    let size = usize::try_from(size).unwrap_or(100);
    let (taken, has_more): (Vec<Value>, bool) = if fault.empty {
        (Vec::new(), false)
    } else {
        let taken = rows.into_iter().skip(start - shift).take(size).map(Row::whole).collect();
        (taken, start - shift + size < total)
    };
    let info = json!({"page": at, "pageSize": size, "hasMore": has_more, "totalCount": total,
        "sort": info.get("sort").cloned().unwrap_or_default()});
    Ok(Value::Object(Map::from_iter([
        (member.to_owned(), Value::Array(taken)),
        ("listInfo".to_owned(), info),
    ])))
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a.as_str(), b.as_str()) {
        // Ids are numbers in text.
        (Some(a), Some(b)) => match (a.parse::<i64>(), b.parse::<i64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            _ => a.cmp(b),
        },
        _ => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => a.is_null().cmp(&b.is_null()).reverse(),
        },
    }
}

fn holds(condition: &Value, row: &impl Row, known: impl Fn(&str) -> bool + Copy) -> Result<bool, Refusal> {
    let text = |name: &str| condition.get(name).and_then(Value::as_str);
    if let Some(operands) = condition.get("operands").and_then(Value::as_array) {
        let mut results = operands.iter().map(|operand| holds(operand, row, known));
        return match text("joinOperator") {
            Some("AND") => results.try_fold(true, |all, next| Ok(all & next?)),
            Some("OR") => results.try_fold(false, |any, next| Ok(any | next?)),
            _ => Err(Refusal::new("type_validation_failed", "joinOperator")),
        };
    }
    let attribute =
        text("attribute").ok_or_else(|| Refusal::new("mandatory_validation_failed", "attribute"))?;
    if !known(attribute.split('.').next().unwrap_or_default()) {
        return Err(Refusal::new("referred_value_does_not_exist", attribute));
    }
    let wanted = condition.get("value").unwrap_or(&Value::Null);
    let actual = row.attribute(attribute);
    let fold = |value: &Value| match value {
        Value::String(text) => text.to_lowercase(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let (have, want) = (fold(&actual), fold(wanted));
    let listed = || -> Result<bool, Refusal> {
        let values = wanted.as_array().ok_or_else(|| Refusal::new("type_validation_failed", attribute))?;
        Ok(values.iter().any(|value| fold(value) == have))
    };
    Ok(match text("operator") {
        Some("is") => have == want,
        Some("isNot") => have != want,
        Some("contains") => have.contains(&want),
        Some("notContains") => !have.contains(&want),
        Some("startsWith") => have.starts_with(&want),
        Some("endsWith") => have.ends_with(&want),
        Some("includes") => listed()?,
        Some("notIncludes") => !listed()?,
        Some("after" | "greaterThan") => !actual.is_null() && compare(&actual, wanted) == Ordering::Greater,
        Some("before" | "lessThan") => !actual.is_null() && compare(&actual, wanted) == Ordering::Less,
        Some("between") => {
            let bounds = wanted.as_array().filter(|bounds| bounds.len() == 2);
            let bounds = bounds.ok_or_else(|| Refusal::new("type_validation_failed", attribute))?;
            compare(&actual, &bounds[0]) != Ordering::Less
                && compare(&actual, &bounds[1]) != Ordering::Greater
        }
        _ => return Err(Refusal::new("type_validation_failed", "operator")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Value> {
        (1..=5)
            .map(|n| json!({"id": n.to_string(), "name": format!("Row {n}"), "at": format!("2025-11-0{n}T00:00:00"),
                "client": {"accountId": (n % 2).to_string()}}))
            .collect()
    }

    fn ids(info: Value) -> Result<(Vec<String>, bool, u64), Refusal> {
        let known = |name: &str| ["id", "name", "at", "client"].contains(&name);
        let answer = page("rows", Some(&info), known, rows(), ListFault::default())?;
        let ids = answer["rows"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned());
        let info = &answer["listInfo"];
        Ok((ids.collect(), info["hasMore"].as_bool().unwrap(), info["totalCount"].as_u64().unwrap()))
    }

    #[test]
    fn conditions_order_and_pages_are_applied() {
        let condition = |attribute: &str, operator: &str, value: Value| json!({"condition": {"attribute": attribute, "operator": operator, "value": value}});
        for (info, expected) in [
            (json!({}), "12345"),
            (condition("name", "is", json!("row 3")), "3"),
            (condition("at", "after", json!("2025-11-03T00:00:00")), "45"),
            (condition("at", "before", json!("2025-11-02T00:00:00")), "1"),
            (condition("client.accountId", "is", json!("1")), "135"),
            (condition("client", "is", json!("1")), ""),
            (condition("id", "includes", json!(["2", "5"])), "25"),
            (condition("id", "notIncludes", json!(["2", "5"])), "134"),
            (
                json!({"condition": {"joinOperator": "AND", "operands": [
                {"attribute": "at", "operator": "after", "value": "2025-11-01T00:00:00"},
                {"attribute": "client.accountId", "operator": "is", "value": "1"}]}}),
                "35",
            ),
            (json!({"sort": [{"attribute": "at", "order": "DESC"}]}), "54321"),
            (json!({"sort": [{"attribute": "at", "order": "DESC"}], "pageSize": 2, "page": 2}), "32"),
        ] {
            assert_eq!(ids(info.clone()).unwrap().0.concat(), expected, "{info}");
        }
        assert_eq!(ids(json!({"pageSize": 2})).unwrap(), (vec!["1".to_owned(), "2".to_owned()], true, 5));
        assert!(!ids(json!({"pageSize": 2, "page": 3})).unwrap().1);
    }

    #[test]
    fn what_the_vendor_does_not_know_is_refused() {
        for (info, code) in [
            (json!({"pageSize": 101}), "type_validation_failed"),
            (json!({"page": 0}), "type_validation_failed"),
            (json!({"sort": [{"attribute": "mood"}]}), "referred_value_does_not_exist"),
            (
                json!({"condition": {"attribute": "mood", "operator": "is", "value": 1}}),
                "referred_value_does_not_exist",
            ),
            (
                json!({"condition": {"attribute": "id", "operator": "equals", "value": "1"}}),
                "type_validation_failed",
            ),
            (json!({"condition": {"joinOperator": "and", "operands": []}}), "type_validation_failed"),
        ] {
            assert_eq!(ids(info.clone()).unwrap_err().code, code, "{info}");
        }
    }
}
