//! What people may change about a contact by hand, and what such a change means (codex-api.md §4.6).

use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

/// Longest line, such as a name; vendors take no more than 255.
const LINE: usize = 255;
/// Longest text of several lines.
const TEXT: usize = 20_000;
/// Most further addresses.
const ADDRESSES: usize = 100;

/// The part of a contact that people may change.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Person {
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// First and last name, else the local part of the address.
    pub name: String,
    /// Address, unique among contacts in any case of letters.
    pub email: String,
    /// Further addresses.
    pub secondary_emails: Vec<String>,
    /// Job title.
    pub job_title: Option<String>,
    /// Whether the contact is still there.
    pub active: bool,
    /// Whether tickets of the contact deserve attention.
    pub vip_user: bool,
    /// Whether the contact is an agent of the PSA.
    pub is_agent: bool,
    /// Mobile number.
    pub mobile_phone_number: Option<String>,
    /// Number at work.
    pub work_phone_number: Option<String>,
    /// Place of work.
    pub location_name: Option<String>,
    /// IANA name.
    pub time_zone: Option<String>,
    /// Postal address.
    pub address: Option<String>,
    /// What staff should know.
    pub background_information: Option<String>,
}

/// A change of a contact: fields that are absent stay; empty text and `null` empty a field.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct PersonChange {
    /// First name. The full name is built anew from both.
    #[serde(default, deserialize_with = "given")]
    pub first_name: Option<Option<String>>,
    /// Last name. The full name is built anew from both.
    #[serde(default, deserialize_with = "given")]
    pub last_name: Option<Option<String>>,
    /// Address; cannot be emptied.
    #[serde(default, deserialize_with = "given")]
    pub email: Option<Option<String>>,
    /// Further addresses: a list, or one text with commas.
    #[serde(default, deserialize_with = "given")]
    pub secondary_emails: Option<Option<Addresses>>,
    /// Job title.
    #[serde(default, deserialize_with = "given")]
    pub job_title: Option<Option<String>>,
    /// Whether the contact is still there.
    pub active: Option<bool>,
    /// Whether tickets of the contact deserve attention.
    pub vip_user: Option<bool>,
    /// Whether the contact is an agent of the PSA.
    pub is_agent: Option<bool>,
    /// Mobile number.
    #[serde(default, deserialize_with = "given")]
    pub mobile_phone_number: Option<Option<String>>,
    /// Number at work.
    #[serde(default, deserialize_with = "given")]
    pub work_phone_number: Option<Option<String>>,
    /// Place of work.
    #[serde(default, deserialize_with = "given")]
    pub location_name: Option<Option<String>>,
    /// IANA name of the time zone.
    #[serde(default, deserialize_with = "given")]
    pub time_zone: Option<Option<String>>,
    /// Postal address.
    #[serde(default, deserialize_with = "given")]
    pub address: Option<Option<String>>,
    /// What staff should know.
    #[serde(default, deserialize_with = "given")]
    pub background_information: Option<Option<String>>,
}

/// Addresses as a list, or as one text with commas.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Addresses {
    /// A list.
    List(Vec<String>),
    /// One text.
    Text(String),
}

/// Tells `null` from absent.
pub fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

impl Addresses {
    fn parts(&self) -> Vec<&str> {
        match self {
            Self::List(list) => list.iter().map(String::as_str).collect(),
            Self::Text(text) => text.split([',', ';', '\n']).collect(),
        }
    }
}

impl Person {
    /// Applies a change and answers the names of the columns that have another value now. Nothing is changed on an error,
    /// which is a sentence for people.
    ///
    /// # Errors
    /// An address that is none or missing, a value that is too long.
    pub fn apply(&mut self, change: &PersonChange) -> Result<Vec<&'static str>, String> {
        let mut new = self.clone();
        let mut changed = Vec::new();
        let mut set = |field: &'static str,
                       name: &str,
                       old: &mut Option<String>,
                       value: &Option<Option<String>>,
                       most| {
            let Some(value) = value else { return Ok(()) };
            let value = text(value.as_deref());
            if value.as_ref().is_some_and(|value| value.chars().count() > most) {
                return Err(format!("{name} is too long: at most {most} characters."));
            }
            if *old != value {
                *old = value;
                changed.push(field);
            }
            Ok(())
        };
        set("first_name", "The first name", &mut new.first_name, &change.first_name, LINE)?;
        set("last_name", "The last name", &mut new.last_name, &change.last_name, LINE)?;
        set("job_title", "The title", &mut new.job_title, &change.job_title, LINE)?;
        set(
            "mobile_phone_number",
            "The mobile number",
            &mut new.mobile_phone_number,
            &change.mobile_phone_number,
            LINE,
        )?;
        set(
            "work_phone_number",
            "The work number",
            &mut new.work_phone_number,
            &change.work_phone_number,
            LINE,
        )?;
        set("location_name", "The location", &mut new.location_name, &change.location_name, LINE)?;
        set("time_zone", "The time zone", &mut new.time_zone, &change.time_zone, LINE)?;
        set("address", "The address", &mut new.address, &change.address, TEXT)?;
        set(
            "background_information",
            "The background information",
            &mut new.background_information,
            &change.background_information,
            TEXT,
        )?;
        if let Some(email) = &change.email {
            let email = text(email.as_deref()).ok_or("A contact needs an e-mail address.")?;
            if new.email != email {
                new.email = address(&email)?;
                changed.push("email");
            }
        }
        if let Some(list) = &change.secondary_emails {
            let list = further(list.as_ref(), &new.email)?;
            if new.secondary_emails != list {
                new.secondary_emails = list;
                changed.push("secondary_emails");
            }
        }
        for (field, old, value) in [
            ("active", &mut new.active, change.active),
            ("vip_user", &mut new.vip_user, change.vip_user),
            ("is_agent", &mut new.is_agent, change.is_agent),
        ] {
            if let Some(value) = value
                && *old != value
            {
                *old = value;
                changed.push(field);
            }
        }
        // A first name alone leaves the name as it is (codex-api.md §4.6).
        let named = changed.iter().any(|field| matches!(*field, "first_name" | "last_name"));
        if new.name.is_empty() || (named && change.last_name.is_some()) {
            new.name = full_name(new.first_name.as_deref(), new.last_name.as_deref(), &new.email);
        }
        *self = new;
        Ok(changed)
    }

    /// Takes over what another record of the same person knows and this one does not, and its addresses. Answers the names
    /// of the columns that have another value now.
    pub fn absorb(&mut self, other: &Self) -> Vec<&'static str> {
        let mut changed = Vec::new();
        for (field, mine, theirs) in [
            ("job_title", &mut self.job_title, &other.job_title),
            ("mobile_phone_number", &mut self.mobile_phone_number, &other.mobile_phone_number),
            ("work_phone_number", &mut self.work_phone_number, &other.work_phone_number),
            ("location_name", &mut self.location_name, &other.location_name),
            ("time_zone", &mut self.time_zone, &other.time_zone),
            ("address", &mut self.address, &other.address),
            ("background_information", &mut self.background_information, &other.background_information),
        ] {
            if mine.is_none() && theirs.is_some() {
                mine.clone_from(theirs);
                changed.push(field);
            }
        }
        let before = self.secondary_emails.len();
        for email in std::iter::once(&other.email).chain(&other.secondary_emails) {
            let known = |one: &String| one.eq_ignore_ascii_case(email);
            if !known(&self.email) && !self.secondary_emails.iter().any(known) {
                self.secondary_emails.push(email.clone());
            }
        }
        if self.secondary_emails.len() != before {
            changed.push("secondary_emails");
        }
        changed
    }
}

/// First and last name, else the local part of the address.
fn full_name(first: Option<&str>, last: Option<&str>, email: &str) -> String {
    let parts: Vec<&str> = [first, last].into_iter().flatten().collect();
    if parts.is_empty() { email.split('@').next().unwrap_or(email).to_owned() } else { parts.join(" ") }
}

/// Text without the blanks around it; none when nothing is left.
pub fn text(value: Option<&str>) -> Option<String> {
    value.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
}

/// An address as far as it can be judged without sending to it: something, one `@`, a host, no blanks.
fn address(email: &str) -> Result<String, String> {
    let refusal = || format!("\u{201c}{email}\u{201d} is no e-mail address.");
    let (local, host) = email.split_once('@').ok_or_else(refusal)?;
    let sound = !local.is_empty()
        && !host.is_empty()
        && !host.contains('@')
        && email.chars().count() <= LINE
        && !email.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';'));
    if sound { Ok(email.to_owned()) } else { Err(refusal()) }
}

/// Each further address once, without the first one.
fn further(list: Option<&Addresses>, email: &str) -> Result<Vec<String>, String> {
    let mut found: Vec<String> = Vec::new();
    let parts = list.map(Addresses::parts).unwrap_or_default();
    // Each one is compared with all others.
    if parts.len() > ADDRESSES {
        return Err(format!("A contact may have at most {ADDRESSES} further addresses."));
    }
    for part in parts {
        let Some(part) = text(Some(part)) else { continue };
        let part = address(&part)?;
        if !part.eq_ignore_ascii_case(email) && !found.iter().any(|known| known.eq_ignore_ascii_case(&part)) {
            found.push(part);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn jo() -> Person {
        Person {
            first_name: Some("Jo".into()),
            last_name: Some("Doe".into()),
            name: "Jo Doe".into(),
            email: "jo@acme.example".into(),
            secondary_emails: vec!["jd@acme.example".into()],
            active: true,
            ..Person::default()
        }
    }

    fn change(body: Value) -> PersonChange {
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn nobody_has_countless_addresses() {
        let many = |count: usize| change(json!({"secondary_emails": vec!["a@b.example"; count]}));
        assert!(jo().apply(&many(ADDRESSES)).is_ok());
        assert!(jo().apply(&many(ADDRESSES + 1)).unwrap_err().contains("at most 100"));
    }

    #[test]
    fn a_change_names_the_fields_that_differ() {
        for (body, changed, name) in [
            (json!({}), vec![], "Jo Doe"),
            (json!({"first_name": "Jo", "active": true, "email": "jo@acme.example"}), vec![], "Jo Doe"),
            (json!({"first_name": " Joanna "}), vec!["first_name"], "Jo Doe"),
            (json!({"first_name": "Joanna", "last_name": "Doe"}), vec!["first_name"], "Joanna Doe"),
            (json!({"last_name": ""}), vec!["last_name"], "Jo"),
            (json!({"first_name": null, "last_name": null}), vec!["first_name", "last_name"], "jo"),
            (json!({"job_title": "", "address": null}), vec![], "Jo Doe"),
            (json!({"job_title": "Head", "vip_user": true}), vec!["job_title", "vip_user"], "Jo Doe"),
            (json!({"secondary_emails": "JO@acme.example, jd@acme.example"}), vec![], "Jo Doe"),
            (json!({"secondary_emails": ""}), vec!["secondary_emails"], "Jo Doe"),
            (json!({"secondary_emails": ["a@b.example", "A@b.example"]}), vec!["secondary_emails"], "Jo Doe"),
        ] {
            let mut person = jo();
            assert_eq!(person.apply(&change(body.clone())), Ok(changed), "{body}");
            assert_eq!(person.name, name, "{body}");
        }
    }

    #[test]
    fn what_is_no_address_or_too_long_changes_nothing() {
        for body in [
            json!({"email": ""}),
            json!({"email": null}),
            json!({"email": "jo"}),
            json!({"email": "jo@"}),
            json!({"email": "a b@c.example"}),
            json!({"email": "a@b@c.example"}),
            json!({"email": "Jo <jo@c.example>"}),
            json!({"secondary_emails": "a@b.example, nonsense"}),
            json!({"first_name": "x".repeat(256)}),
            json!({"job_title": "Head", "background_information": "x".repeat(20_001)}),
        ] {
            let mut person = jo();
            assert!(person.apply(&change(body.clone())).is_err(), "{body}");
            assert_eq!(person, jo(), "{body}");
        }
    }

    #[test]
    fn who_takes_over_another_record_keeps_what_it_knows_itself() {
        let mut person = Person { mobile_phone_number: Some("1".into()), ..jo() };
        let other = Person {
            email: "joanna@acme.example".into(),
            secondary_emails: vec!["JD@acme.example".into(), "x@acme.example".into()],
            mobile_phone_number: Some("2".into()),
            work_phone_number: Some("3".into()),
            ..jo()
        };
        assert_eq!(person.absorb(&other), ["work_phone_number", "secondary_emails"]);
        assert_eq!(
            (person.mobile_phone_number.as_deref(), person.work_phone_number.as_deref()),
            (Some("1"), Some("3"))
        );
        assert_eq!(person.secondary_emails, ["jd@acme.example", "joanna@acme.example", "x@acme.example"]);
        assert_eq!(person.clone().absorb(&other), [""; 0], "a second time nothing is new");
    }
}
