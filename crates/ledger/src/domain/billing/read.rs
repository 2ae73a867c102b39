//! Reading JSON of other programs: numbers may come as texts, members may be null or missing, members may be more than we
//! know. Numbers are read from their own digits, never through a binary fraction. Functions for `#[serde(deserialize_with)]`.

mod times;

use std::{
    fmt::{self, Display},
    marker::PhantomData,
    ops::Deref,
};

use rust_decimal::{Decimal, prelude::ToPrimitive as _};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;

pub(crate) use times::stamp;
pub use times::time;

use super::number::{BadNumber, Hours, Money, parse};

/// What was read together with the JSON it was read from, which a bill repeats as it came (section 4.4).
#[derive(Clone, Debug)]
pub struct Kept<T> {
    value: T,
    json: Box<RawValue>,
}

impl<T> Kept<T> {
    /// The JSON.
    pub fn json(&self) -> &RawValue {
        &self.json
    }
}

impl<T> Deref for Kept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Serialize for Kept<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl<'de, T: for<'a> Deserialize<'a>> Deserialize<'de> for Kept<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        if !json.get().starts_with('{') {
            return Err(D::Error::custom("must be an object"));
        }
        let mut inner = serde_json::Deserializer::from_str(json.get());
        let value = serde_path_to_error::deserialize(&mut inner).map_err(|error| {
            let path = error.path().to_string();
            D::Error::custom(format!("{path}: {}", plain(error.inner())))
        })?;
        Ok(Self { value, json })
    }
}

/// The text of an error without the place in the document, which counts from the beginning of a part.
pub fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(place) if error.line() > 0 => text[..place].to_owned(),
        _ => text,
    }
}

fn read<'de, D, T, E>(deserializer: D, reader: impl FnOnce(&str) -> Result<T, E>) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    E: Display,
{
    let json = Box::<RawValue>::deserialize(deserializer)?;
    reader(json.get()).map_err(D::Error::custom)
}

/// A number, `None` for null and the empty text.
fn number(json: &str) -> Result<Option<Decimal>, BadNumber> {
    let text = if json.starts_with('"') {
        serde_json::from_str::<String>(json).map_err(|_| BadNumber::NoNumber)?
    } else {
        json.to_owned()
    };
    match text.trim() {
        "null" if text == json => Ok(None),
        "" => Ok(None),
        text => parse(text).map(Some),
    }
}

/// A number for a reader of [`number`]s.
fn number_as<T>(
    json: &str,
    reader: impl FnOnce(Decimal) -> Result<T, BadNumber>,
) -> Result<Option<T>, BadNumber> {
    number(json)?.map(reader).transpose()
}

/// Reads an amount that may be a credit.
pub(crate) fn money<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Money>, D::Error> {
    read(deserializer, |json| number_as(json, Money::new))
}

/// An amount per something, from its JSON.
pub(super) fn rate_of(json: &RawValue) -> Result<Option<Money>, BadNumber> {
    number_as(json.get(), Money::rate)
}

/// Prepaid hours, from their JSON.
pub(super) fn prepaid_of(json: &RawValue) -> Result<Option<Hours>, BadNumber> {
    number_as(json.get(), Hours::prepaid)
}

/// Reads hours; none for null.
pub(crate) fn hours<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Hours, D::Error> {
    read(deserializer, |json| number_as(json, Hours::new)).map(Option::unwrap_or_default)
}

/// Reads a whole number.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    read(deserializer, |json| number_as(json, whole_number))
}

/// Reads a number of bytes, 0 for null. At most 10^18, so that sums of any fleet stay exact.
pub(crate) fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let bytes = read(deserializer, |json| {
        number_as(json, |number| match whole_number(number)? {
            bytes @ -1_000_000_000_000_000_000..=1_000_000_000_000_000_000 => Ok(bytes),
            _ => Err(BadNumber::OutOfRange),
        })
    })?;
    Ok(bytes.unwrap_or_default())
}

fn whole_number(number: Decimal) -> Result<i64, BadNumber> {
    if number.fract().is_zero() {
        number.to_i64().ok_or(BadNumber::OutOfRange)
    } else {
        Err(BadNumber::NotWhole)
    }
}

/// Reads a text; numbers become their digits.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    read(deserializer, text_of_json)
}

/// Reads a text and remembers whether the member was there at all.
pub(crate) fn given_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    text(deserializer).map(Some)
}

/// A text, from its JSON.
pub(super) fn text_of(json: &RawValue) -> Result<Option<String>, &'static str> {
    text_of_json(json.get())
}

fn text_of_json(json: &str) -> Result<Option<String>, &'static str> {
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str(json).map(Some).map_err(|_| "must be a text"),
        Some(b'n') => Ok(None),
        Some(b'[' | b'{') | None => Err("must be a text"),
        Some(_) => Ok(Some(json.to_owned())),
    }
}

/// Reads yes or no; no for null. Numbers and the texts that stand for them count too.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    maybe_flag(deserializer).map(Option::unwrap_or_default)
}

/// Reads yes, no or nothing said.
pub(crate) fn maybe_flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    read(deserializer, flag_of_json)
}

/// Yes or no, from its JSON.
pub(super) fn flag_of(json: &RawValue) -> Result<bool, &'static str> {
    flag_of_json(json.get()).map(Option::unwrap_or_default)
}

fn flag_of_json(json: &str) -> Result<Option<bool>, &'static str> {
    match json.trim_matches('"').trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(Some(true)),
        "false" | "0" | "no" => Ok(Some(false)),
        "null" | "" => Ok(None),
        _ => Err("must be true or false"),
    }
}

/// Reads an object that is empty when it is null.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<Object<T>>::deserialize(deserializer)?.map(|object| object.0).unwrap_or_default())
}

/// Reads a list of objects, empty for null.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    given_list(deserializer).map(Option::unwrap_or_default)
}

/// Reads a list of objects, or nothing for null.
pub(crate) fn given_list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let list = Option::<Vec<Object<T>>>::deserialize(deserializer)?;
    Ok(list.map(|list| list.into_iter().map(|object| object.0).collect()))
}

/// Reads a list of objects that are kept as they came, empty for null.
pub(crate) fn kept_list<'de, D, T>(deserializer: D) -> Result<Vec<Kept<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: for<'a> Deserialize<'a>,
{
    Option::<Vec<Kept<T>>>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// What is read from an object and from nothing else: serde would take a list for the members of a struct in their order.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members))
            }
        }

        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Sample {
        #[serde(default, deserialize_with = "money")]
        fee: Option<Money>,
        #[serde(default, deserialize_with = "hours")]
        hours: Hours,
        #[serde(default, deserialize_with = "bytes")]
        bytes: i64,
        #[serde(default, deserialize_with = "given_text")]
        kind: Option<Option<String>>,
    }

    fn sample(json: &str) -> Result<Kept<Sample>, String> {
        serde_json::from_str(json).map_err(|error| plain(&error))
    }

    #[test]
    fn numbers_may_be_texts_and_members_may_be_missing() {
        let read = sample(
            r#"{"fee": " 0.30000000000000004", "hours": 0.3333333333333333, "bytes": "1e3", "kind": null}"#,
        );
        let read = read.unwrap();
        assert_eq!(read.fee.unwrap().to_string(), "0.30");
        assert_eq!(read.hours.to_string(), "0.3333333333333333");
        assert_eq!((read.bytes, &read.kind), (1000, &Some(None)));
        let read = sample(r#"{"more": [1]}"#).unwrap();
        assert_eq!((read.fee, read.hours, read.bytes, &read.kind), (None, Hours::ZERO, 0, &None));
        assert_eq!(read.json().get(), r#"{"more": [1]}"#);
    }

    #[test]
    fn bad_members_are_named() {
        for (json, expected) in [
            (r#"{"fee": "abc"}"#, "fee: must be a number"),
            (r#"{"fee": 1.005}"#, "fee: must have at most two decimal places"),
            (r#"{"fee": true}"#, "fee: must be a number"),
            (r#"{"hours": 1e300}"#, "hours: must be between -99,999,999.99 and 99,999,999.99"),
            (r#"{"bytes": 0.5}"#, "bytes: must be a whole number"),
            (r#"{"bytes": 9223372036854775807}"#, "bytes: is out of range"),
            (r#"{"kind": {}}"#, "kind: must be a text"),
            ("[]", "must be an object"),
        ] {
            assert_eq!(sample(json).unwrap_err(), expected, "{json}");
        }
    }
}
