//! An element of the answer about all companies, taken apart while it is still coming: the tickets of a company can be more than
//! memory should hold.

use std::fmt;

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Head, Piece};
use crate::domain::sync::input::{Asset, Company, Contact, Ticket};

/// Takes the pieces of the array of companies; says no when nobody wants more.
pub(super) struct Companies<'a> {
    pub(super) take: &'a mut dyn FnMut(Piece) -> bool,
}

impl Companies<'_> {
    fn hand_over<E: serde::de::Error>(&mut self, piece: Piece) -> Result<(), E> {
        if (self.take)(piece) { Ok(()) } else { Err(E::custom("nobody reads on")) }
    }
}

impl<'de> Visitor<'de> for Companies<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of companies")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(Element(&mut self))?.is_some() {}
        Ok(())
    }
}

/// One company with what belongs to it.
struct Element<'a, 'b>(&'a mut Companies<'b>);

impl<'de> DeserializeSeed<'de> for Element<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Element<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a company with what belongs to it")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut parts = Parts::default();
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "company" => parts.company = Some(members.next_value()?),
                "contacts" => parts.contacts = Some(members.next_value()?),
                "assets" => parts.assets = Some(members.next_value()?),
                "tickets" => {
                    // Both Codexes send them last; the company is known by then.
                    let is_known = parts.company.is_some() && parts.contacts.is_some();
                    if !is_known {
                        return Err(A::Error::custom("the tickets of a company stand before the company"));
                    }
                    parts.hand_over(self.0)?;
                    members.next_value_seed(Tickets { companies: &mut *self.0, is_wanted: parts.is_good })?;
                }
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        parts.hand_over(self.0)
    }
}

/// What has come of an element.
#[derive(Default)]
struct Parts {
    company: Option<Box<RawValue>>,
    contacts: Option<Box<RawValue>>,
    assets: Option<Box<RawValue>>,
    is_over: bool,
    is_good: bool,
}

impl Parts {
    /// Hands the company over, once.
    fn hand_over<E: serde::de::Error>(&mut self, companies: &mut Companies<'_>) -> Result<(), E> {
        if std::mem::replace(&mut self.is_over, true) {
            return Ok(());
        }
        let head = self.head();
        self.is_good = head.is_ok();
        companies.hand_over(match head {
            Ok(head) => Piece::Company(Box::new(head)),
            Err(reason) => Piece::Bad(reason),
        })
    }

    fn head(&mut self) -> Result<Head, String> {
        let missing = |what: &str| format!("a company without {what}");
        let company = self.company.take().ok_or_else(|| missing("its own data"))?;
        let contacts = self.contacts.take().ok_or_else(|| missing("people"))?;
        let company: Company = read(&company, "a company")?;
        let whose = company.key().unwrap_or("without a number").to_owned();
        let contacts: Vec<Contact> = read(&contacts, &format!("the people of company {whose}"))?;
        let assets: Vec<Asset> = match self.assets.take() {
            Some(assets) => read(&assets, &format!("the devices of company {whose}"))?,
            None => return Err(format!("company {whose} without devices")),
        };
        checked(Head { company, contacts, assets })
    }
}

/// Without id and number a company has no key.
pub(super) fn checked(head: Head) -> Result<Head, String> {
    match head.company.key() {
        Some(_) => Ok(head),
        None => Err("a company without id and account number".to_owned()),
    }
}

/// A ticket from its JSON.
pub(super) fn ticket(json: &RawValue) -> Piece {
    match read::<Ticket>(json, "a ticket") {
        Ok(ticket) if ticket.key().is_some() => Piece::Ticket(Box::new(ticket)),
        Ok(_) => Piece::Bad("a ticket without an id and a number".to_owned()),
        Err(reason) => Piece::Bad(reason),
    }
}

fn read<T: for<'de> Deserialize<'de>>(json: &RawValue, what: &str) -> Result<T, String> {
    serde_json::from_str(json.get()).map_err(|error| format!("{what}: {error}"))
}

/// The tickets of a company, one by one.
struct Tickets<'a, 'b> {
    companies: &'a mut Companies<'b>,
    is_wanted: bool,
}

impl<'de> DeserializeSeed<'de> for Tickets<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Tickets<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of tickets")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(json) = elements.next_element::<Box<RawValue>>()? {
            if self.is_wanted {
                self.companies.hand_over(ticket(&json))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        let mut take = |piece: Piece| {
            found.push(match piece {
                Piece::Company(head) => {
                    let (people, devices) = (head.contacts.len(), head.assets.len());
                    format!("{} {people} {devices}", head.company.name.unwrap_or_default())
                }
                Piece::Ticket(ticket) => format!("#{}", ticket.ticket_number.unwrap_or_default()),
                Piece::Bad(reason) => format!("bad: {reason}"),
            });
            true
        };
        let mut json = serde_json::Deserializer::from_str(text);
        let read = json.deserialize_seq(Companies { take: &mut take }).and_then(|()| json.end());
        read.map(|()| found).map_err(|error| error.to_string())
    }

    #[test]
    fn companies_come_before_their_tickets_in_the_order_of_both_codexes() {
        let ours = r#"[{"company":{"account_number":"1","name":"A"},"assets":[{}],"contacts":[{},{}],"users":[],
            "locations":[],"tickets":[{"ticket_number":"5"},{"ticket_number":"6"}]},
            {"company":{"account_number":"2","name":"B"},"assets":[],"contacts":[],"users":[],"locations":[]}]"#;
        assert_eq!(taken(ours).unwrap(), ["A 2 1", "#5", "#6", "B 0 0"]);
        let theirs = r#"[{"assets":[],"company":{"account_number":"1","name":"A"},"contacts":[],"locations":[],
            "tickets":[{"ticket_id":7,"ticket_number":null}]}]"#;
        assert_eq!(taken(theirs).unwrap(), ["A 0 0", "#"]);
    }

    #[test]
    fn one_that_cannot_be_read_is_told_and_the_others_are_read() {
        let text = r#"[{"company":{"name":"A"},"assets":[],"contacts":[],"tickets":[{"ticket_number":"5"}]},
            {"company":{"account_number":"2","name":"B"},"assets":[],"contacts":[],"tickets":[{"subject":"x"},8]},
            {"company":{"account_number":"3","name":"C"},"contacts":[]}]"#;
        let found = taken(text).unwrap();
        assert_eq!(
            found[..3],
            [
                "bad: a company without id and account number",
                "B 0 0",
                "bad: a ticket without an id and a number"
            ]
        );
        assert!(found[3].starts_with("bad: a ticket: "), "{found:?}");
        assert_eq!(found[4..], ["bad: company 3 without devices"]);
    }

    #[test]
    fn half_an_answer_is_an_error() {
        for bad in [
            r#"[{"company":{"account_number":"1","name":"A"},"assets":[],"contacts":[]"#,
            "[",
            "",
            "null",
            "{}",
        ] {
            taken(bad).unwrap_err();
        }
    }
}
