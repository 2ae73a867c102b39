//! The query language of `/tickets/filter`: `"(status:2 OR status:3) AND created_at:>'2025-11-01'"`.
//!
//! `AND` binds tighter than `OR`; `:` is equal, `:>` greater or equal, `:<` less or equal; texts and dates stand in
//! single quotes, `null` for an empty field. The whole query stands in double quotes, at most 512 characters.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number or an id.
    Number,
    /// A number or an id that may be asked for `null`.
    NumberOrNull,
    /// A text, compared without case.
    Text,
    /// A time.
    Time,
}

/// A field's value in one row.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// Number.
    Number(Option<u64>),
    /// Texts: one of them has to fit.
    Text(Vec<String>),
    /// Time.
    Time(Option<DateTime<Utc>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    Equal,
    AtLeast,
    AtMost,
}

#[derive(Debug, Clone, PartialEq)]
enum Wanted {
    Number(u64),
    Null,
    Text(String),
    /// From and before: a whole day, or one second.
    Span(DateTime<Utc>, DateTime<Utc>),
}

/// A parsed query.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Both hold.
    And(Box<Filter>, Box<Filter>),
    /// One holds.
    Or(Box<Filter>, Box<Filter>),
    /// A comparison.
    #[expect(private_interfaces, reason = "only this module looks inside")]
    Test(&'static str, Compare, Wanted),
}

impl Filter {
    /// Reads a query over the known fields.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for people.
    pub fn parse(query: &str, fields: &'static [(&'static str, Kind)]) -> Result<Self, String> {
        if query.chars().count() > 512 {
            return Err("The query is longer than 512 characters".to_owned());
        }
        let inner = query
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .ok_or("The query has to stand in double quotes")?;
        let mut parser = Parser { rest: inner, fields };
        let filter = parser.any()?;
        parser.skip_space();
        if parser.rest.is_empty() { Ok(filter) } else { Err(format!("Unexpected '{}'", parser.rest)) }
    }

    /// Whether a row fits.
    pub fn matches(&self, row: &impl Fn(&'static str) -> Field) -> bool {
        match self {
            Self::And(a, b) => a.matches(row) && b.matches(row),
            Self::Or(a, b) => a.matches(row) || b.matches(row),
            Self::Test(name, compare, wanted) => test(row(name), *compare, wanted),
        }
    }
}

fn test(field: Field, compare: Compare, wanted: &Wanted) -> bool {
    match (field, wanted) {
        (Field::Number(None), Wanted::Null) => true,
        (Field::Number(Some(value)), Wanted::Number(wanted)) => match compare {
            Compare::Equal => value == *wanted,
            Compare::AtLeast => value >= *wanted,
            Compare::AtMost => value <= *wanted,
        },
        (Field::Text(values), Wanted::Text(wanted)) => {
            values.iter().any(|value| value.to_lowercase() == wanted.to_lowercase())
        }
        (Field::Time(Some(at)), Wanted::Span(from, before)) => match compare {
            Compare::Equal => (*from..*before).contains(&at),
            Compare::AtLeast => at >= *from,
            Compare::AtMost => at < *before,
        },
        _ => false,
    }
}

struct Parser<'a> {
    rest: &'a str,
    fields: &'static [(&'static str, Kind)],
}

impl Parser<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn keyword(&mut self, word: &str) -> bool {
        self.skip_space();
        let ends = self.rest.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '(']));
        ends && self.eat(word)
    }

    fn any(&mut self) -> Result<Filter, String> {
        let mut filter = self.all()?;
        while self.keyword("OR") {
            filter = Filter::Or(Box::new(filter), Box::new(self.all()?));
        }
        Ok(filter)
    }

    fn all(&mut self) -> Result<Filter, String> {
        let mut filter = self.one()?;
        while self.keyword("AND") {
            filter = Filter::And(Box::new(filter), Box::new(self.one()?));
        }
        Ok(filter)
    }

    fn one(&mut self) -> Result<Filter, String> {
        self.skip_space();
        if self.eat("(") {
            let filter = self.any()?;
            self.skip_space();
            return if self.eat(")") { Ok(filter) } else { Err("A parenthesis is not closed".to_owned()) };
        }
        let (name, rest) = self.rest.split_once(':').ok_or_else(|| format!("Unexpected '{}'", self.rest))?;
        let (field, kind) = self
            .fields
            .iter()
            .find(|(field, _)| *field == name.trim())
            .copied()
            .ok_or_else(|| format!("Unknown field '{}'", name.trim()))?;
        self.rest = rest;
        let compare = match (self.eat(">"), self.rest) {
            (true, _) => Compare::AtLeast,
            (false, _) if self.eat("<") => Compare::AtMost,
            _ => Compare::Equal,
        };
        let wanted = self.value(field, kind)?;
        Ok(Filter::Test(field, compare, wanted))
    }

    fn value(&mut self, field: &str, kind: Kind) -> Result<Wanted, String> {
        self.skip_space();
        if self.eat("'") {
            let (text, rest) = self.rest.split_once('\'').ok_or("A quote is not closed")?;
            self.rest = rest;
            return match kind {
                Kind::Text => Ok(Wanted::Text(text.to_owned())),
                Kind::Time => span(text).ok_or_else(|| format!("'{text}' is not a date")),
                _ => Err(format!("'{field}' takes a number")),
            };
        }
        let end = self.rest.find([' ', ')']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match (kind, word) {
            (Kind::NumberOrNull, "null") => Ok(Wanted::Null),
            (Kind::Number | Kind::NumberOrNull, _) => word
                .parse()
                .map(Wanted::Number)
                .map_err(|_| format!("'{field}' takes a number, not '{word}'")),
            _ => Err(format!("The value of '{field}' has to stand in single quotes")),
        }
    }
}

/// A day, or one second of it. Times of day are not documented by the vendor, but callers rely on them.
fn span(text: &str) -> Option<Wanted> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        let from = day.and_time(NaiveTime::MIN).and_utc();
        return Some(Wanted::Span(from, from + TimeDelta::days(1)));
    }
    let at = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    Some(Wanted::Span(at, at + TimeDelta::seconds(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[(&str, Kind)] = &[
        ("status", Kind::Number),
        ("priority", Kind::Number),
        ("agent_id", Kind::NumberOrNull),
        ("email", Kind::Text),
        ("tag", Kind::Text),
        ("created_at", Kind::Time),
    ];

    fn row(name: &'static str) -> Field {
        match name {
            "status" => Field::Number(Some(2)),
            "priority" => Field::Number(Some(3)),
            "agent_id" => Field::Number(None),
            "email" => Field::Text(vec!["Ada@Acme.example".to_owned()]),
            "tag" => Field::Text(vec!["vip".to_owned(), "on site".to_owned()]),
            _ => Field::Time(Some("2025-11-22T09:15:00Z".parse().unwrap())),
        }
    }

    #[test]
    fn queries_find_what_they_ask_for() {
        let cases = [
            ("status:2", true),
            ("status:3", false),
            ("status:3 OR status:2", true),
            ("(status:3 OR status:2) AND priority:1", false),
            ("status:2 OR status:3 AND priority:1", true),
            ("(status:2 OR status:3) AND (priority:>3)", true),
            ("priority:<2", false),
            ("priority:<3", true),
            ("agent_id:null", true),
            ("agent_id:5", false),
            ("email:'ada@acme.example'", true),
            ("tag:'on site'", true),
            ("created_at:'2025-11-22'", true),
            ("created_at:>'2025-11-22'", true),
            ("created_at:<'2025-11-22'", true),
            ("created_at:<'2025-11-21'", false),
            ("created_at:>'2025-11-22T09:15:00Z'", true),
            ("created_at:>'2025-11-22T09:15:01Z'", false),
        ];
        for (query, fits) in cases {
            let filter = Filter::parse(&format!("\"{query}\""), FIELDS).unwrap();
            assert_eq!(filter.matches(&row), fits, "{query}");
        }
    }

    #[test]
    fn wrong_queries_are_refused_with_a_reason() {
        let long = format!("\"status:2{}\"", " OR status:2".repeat(60));
        let cases = [
            ("status:2", "double quotes"),
            ("\"\"", "Unexpected"),
            ("\"status:x\"", "takes a number"),
            ("\"status:'2'\"", "takes a number"),
            ("\"status:null\"", "takes a number"),
            ("\"colour:2\"", "Unknown field"),
            ("\"(status:2\"", "not closed"),
            ("\"status:2)\"", "Unexpected"),
            ("\"status:2 AND\"", "Unexpected"),
            ("\"email:ada\"", "single quotes"),
            ("\"email:'ada\"", "not closed"),
            ("\"created_at:'yesterday'\"", "not a date"),
            (long.as_str(), "512"),
        ];
        for (query, reason) in cases {
            let error = Filter::parse(query, FIELDS).unwrap_err();
            assert!(error.contains(reason), "{query}: {error}");
        }
    }
}
