//! What of another answer is missing here, or says something else.

use std::fmt;

use hivematrix_shared::contracts::codex::wire::parse_time;
use serde_json::Value;

/// One value that is not as it was.
pub struct Difference {
    /// Where, such as `.plans[].id`.
    pub path: String,
    theirs: String,
    ours: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {} and was {}", self.path, self.ours, self.theirs)
    }
}

/// All of them. Members that only we have are none.
pub fn differences(theirs: &Value, ours: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    match (board(theirs, "id"), board(ours, "external_id")) {
        (Some(theirs), Some(ours)) => compare("", &theirs, &ours, &mut found),
        _ => compare("", theirs, ours, &mut found),
    }
    found
}

/// A board by the PSA's ids of its tickets, each with the section in which it stands.
fn board(answer: &Value, id: &str) -> Option<Value> {
    let mut board = answer.as_object()?.clone();
    let mut tickets = serde_json::Map::new();
    for name in ["section1", "section2", "section3", "section4"] {
        let section = board.remove(name)?;
        // Of a long section some tickets are recorded.
        for ticket in section.get("$some").unwrap_or(&section).as_array()? {
            let mut ticket = ticket.as_object()?.clone();
            ticket.insert("section".to_owned(), name.into());
            tickets.insert(ticket[id].to_string(), ticket.into());
        }
    }
    board.insert("tickets".to_owned(), tickets.into());
    Some(board.into())
}

fn compare(path: &str, theirs: &Value, ours: &Value, found: &mut Vec<Difference>) {
    let same = match (theirs, ours) {
        (Value::Object(members), _) if members.contains_key("$kind") => match members["$kind"].as_str() {
            Some("number") => ours.is_number(),
            _ => ours.is_string(),
        },
        (Value::Object(members), Value::Array(rows)) if members.contains_key("$rows") => {
            if members["$rows"] != rows.len() {
                note(&format!("{path}.$rows"), &members["$rows"], &rows.len().into(), found);
            }
            return rows_of(path, members["$some"].as_array().into_iter().flatten(), rows, found);
        }
        (Value::Array(theirs), Value::Array(rows)) => {
            if theirs.len() != rows.len() {
                note(&format!("{path}.$rows"), &theirs.len().into(), &rows.len().into(), found);
            }
            return rows_of(path, theirs.iter(), rows, found);
        }
        (Value::Object(theirs), Value::Object(ours)) => {
            for (name, value) in theirs {
                // Keys of plans hold their terms.
                let mine = ours.get(name).or_else(|| ours.get(&one_spelling(name)));
                match mine {
                    Some(mine) => compare(&format!("{path}.{name}"), value, mine, found),
                    None => note(&format!("{path}.{name}"), value, &"missing".into(), found),
                }
            }
            return;
        }
        (Value::Number(theirs), Value::Number(ours)) => theirs.as_f64() == ours.as_f64(),
        // What cannot be read as a time was none.
        (Value::String(text), Value::Null) => path_is_time(path) && parse_time(text).is_none(),
        (Value::String(theirs), Value::String(ours)) => {
            let seconds = |text: &str| parse_time(text).map(|time| time.timestamp());
            let number = |text: &str| text.parse::<f64>().ok();
            theirs == ours
                || one_spelling(theirs) == *ours
                || (seconds(theirs).is_some() && seconds(theirs) == seconds(ours))
                || (number(theirs).is_some() && number(theirs) == number(ours))
        }
        _ => theirs == ours,
    };
    if !same {
        note(path, theirs, ours, found);
    }
}

fn rows_of<'a>(
    path: &str,
    theirs: impl Iterator<Item = &'a Value>,
    rows: &[Value],
    found: &mut Vec<Difference>,
) {
    for row in theirs {
        // Lists come in another order here.
        match rows.iter().find(|mine| same_row(row, mine)) {
            Some(mine) => compare(&format!("{path}[]"), row, mine, found),
            None => note(&format!("{path}[]"), row, &"missing".into(), found),
        }
    }
}

/// Rows are the same when what identifies them is.
fn same_row(theirs: &Value, ours: &Value) -> bool {
    const IDS: [&str; 6] =
        ["/company/account_number", "/account_number", "/ticket_id", "/id", "/keycloak_id", "/option_value"];
    let term =
        |row: &Value| Some((row.get("plan_name")?.clone(), one_spelling(row.get("term_length")?.as_str()?)));
    let by_id = IDS.iter().find_map(|id| Some(theirs.pointer(id)? == ours.pointer(id)?));
    by_id.or_else(|| Some(term(theirs)? == term(ours)?)).unwrap_or(theirs == ours)
}

/// Terms have one spelling (codex-api.md §6.5).
fn one_spelling(text: &str) -> String {
    text.replace("-Year", " Year")
}

fn path_is_time(path: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or_default();
    ["_at", "_seen", "_by", "_reboot", "_str", "_iso"].iter().any(|end| name.ends_with(end))
}

fn note(path: &str, theirs: &Value, ours: &Value, found: &mut Vec<Difference>) {
    let short = |value: &Value| value.to_string().chars().take(200).collect();
    found.push(Difference { path: path.to_owned(), theirs: short(theirs), ours: short(ours) });
}
