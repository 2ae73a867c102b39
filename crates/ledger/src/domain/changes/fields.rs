//! Reading the members of a request one by one, and what is wrong with each of them.

use std::{collections::BTreeMap, ops::RangeInclusive};

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use crate::domain::billing::number::{BadNumber, Hours, Money, parse};

/// What is wrong with which member.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Invalid(pub BTreeMap<String, String>);

impl Invalid {
    /// One sentence for people.
    pub fn sentence(&self) -> String {
        let parts: Vec<String> = self.0.iter().map(|(field, fault)| format!("{field} {fault}")).collect();
        parts.join("; ")
    }
}

/// The members of a request. `None` is a member that is not there, `Some(None)` one that is null or empty.
pub struct Fields<'a> {
    members: &'a Map<String, Value>,
    invalid: Invalid,
}

impl<'a> Fields<'a> {
    /// Of this object.
    pub fn of(members: &'a Map<String, Value>) -> Self {
        Self { members, invalid: Invalid::default() }
    }

    /// What was read, unless something was wrong.
    ///
    /// # Errors
    /// Says what is wrong with each member.
    pub fn done<T>(self, read: T) -> Result<T, Invalid> {
        if self.invalid.0.is_empty() { Ok(read) } else { Err(self.invalid) }
    }

    /// Notes a fault.
    pub fn refuse(&mut self, field: &str, fault: impl Into<String>) {
        self.invalid.0.entry(field.to_owned()).or_insert_with(|| fault.into());
    }

    /// Whether there is such a member.
    pub fn has(&self, field: &str) -> bool {
        self.members.contains_key(field)
    }

    /// A text without spaces around it, at most `most` characters, in one line.
    pub fn text(&mut self, field: &str, most: usize) -> Option<Option<String>> {
        let text = self.words(field, most)?;
        if text.as_deref().is_some_and(|text| text.chars().any(char::is_control)) {
            self.refuse(field, "must not contain line breaks or control characters");
            return Some(None);
        }
        Some(text)
    }

    /// A text of several lines.
    pub fn words(&mut self, field: &str, most: usize) -> Option<Option<String>> {
        let text = match self.members.get(field)? {
            Value::Null => return Some(None),
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => {
                self.refuse(field, "must be a text");
                return Some(None);
            }
        };
        if text.chars().count() > most {
            self.refuse(field, format!("must have at most {most} characters"));
        } else if text.contains('\0') {
            self.refuse(field, "must not contain control characters");
        }
        Some(Some(text).filter(|text| !text.is_empty()))
    }

    /// One of these words, whatever its case.
    pub fn choice(&mut self, field: &str, known: &[&'static str]) -> Option<Option<&'static str>> {
        let Some(word) = self.text(field, 50)? else { return Some(None) };
        let found = known.iter().find(|name| name.eq_ignore_ascii_case(&word)).copied();
        if found.is_none() {
            self.refuse(field, format!("must be one of {}", known.join(", ")));
        }
        Some(found)
    }

    /// An amount that must not be negative.
    pub fn rate(&mut self, field: &str) -> Option<Option<Money>> {
        self.number(field, Money::rate)
    }

    /// An amount that may be a discount.
    pub fn fee(&mut self, field: &str) -> Option<Option<Money>> {
        self.number(field, Money::new)
    }

    /// Prepaid hours.
    pub fn prepaid(&mut self, field: &str) -> Option<Option<Hours>> {
        self.number(field, Hours::prepaid)
    }

    /// A whole number within a range.
    pub fn whole(&mut self, field: &str, range: RangeInclusive<i32>) -> Option<Option<i32>> {
        let bounds = format!("must be a whole number from {} to {}", range.start(), range.end());
        let number = self.number(field, Ok)?;
        let Some(number) = number else { return Some(None) };
        let whole = Some(number)
            .filter(|number| number.fract().is_zero())
            .and_then(|number| i32::try_from(number).ok());
        let fitting = whole.filter(|whole| range.contains(whole));
        if fitting.is_none() {
            self.refuse(field, bounds);
        }
        Some(fitting)
    }

    fn number<T>(
        &mut self,
        field: &str,
        reader: impl FnOnce(Decimal) -> Result<T, BadNumber>,
    ) -> Option<Option<T>> {
        // The shortest digits that mean this number: what the client wrote, as far as anybody can know.
        let digits = match self.members.get(field)? {
            Value::Null => return Some(None),
            Value::String(text) if text.trim().is_empty() => return Some(None),
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => {
                self.refuse(field, BadNumber::NoNumber.to_string());
                return Some(None);
            }
        };
        match parse(&digits).and_then(reader) {
            Ok(value) => Some(Some(value)),
            Err(fault) => {
                self.refuse(field, fault.to_string());
                Some(None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn members(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn amounts_are_numbers_or_their_texts_and_faults_are_named() {
        let given = members(json!({
            "a": 12.5, "b": " 9.95 ", "c": null, "d": "", "e": -1, "f": 1.005, "g": "NaN", "h": true, "i": 1e30, "j": [1]
        }));
        let mut fields = Fields::of(&given);
        assert_eq!(fields.rate("a").flatten().unwrap().to_string(), "12.50");
        assert_eq!(fields.rate("b").flatten().unwrap().to_string(), "9.95");
        assert_eq!((fields.rate("c"), fields.rate("d"), fields.rate("z")), (Some(None), Some(None), None));
        assert_eq!(fields.fee("e").flatten().unwrap().to_string(), "-1.00");
        for field in ["e", "f", "g", "h", "i", "j"] {
            fields.rate(field);
        }
        let invalid = fields.done(()).unwrap_err();
        assert_eq!(invalid.0.keys().collect::<Vec<_>>(), ["e", "f", "g", "h", "i", "j"]);
        assert_eq!(invalid.0["e"], "must not be negative");
        assert!(
            invalid.sentence().starts_with("e must not be negative; f must have at most two decimal places")
        );
    }

    #[test]
    fn words_and_whole_numbers_are_held_to_their_range() {
        let given = members(json!({
            "type": "no charge", "other": "Workstatoin", "month": 13, "year": "2025", "half": 1.5, "name": "a\nb", "long": "ääää"
        }));
        let mut fields = Fields::of(&given);
        assert_eq!(fields.choice("type", &super::super::ASSET_TYPES), Some(Some("No Charge")));
        assert_eq!(fields.whole("year", 1..=9999), Some(Some(2025)));
        fields.choice("other", &super::super::ASSET_TYPES);
        fields.whole("month", 1..=12);
        fields.whole("half", 1..=12);
        fields.text("name", 150);
        fields.text("long", 3);
        let invalid = fields.done(()).unwrap_err();
        assert_eq!(invalid.0.keys().collect::<Vec<_>>(), ["half", "long", "month", "name", "other"]);
    }
}
