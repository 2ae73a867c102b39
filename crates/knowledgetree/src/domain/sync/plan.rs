//! What the tree should hold for a company.

use std::collections::{HashMap, HashSet};

use super::ids::{Wanted, assign_names};
use super::input::{Asset, Company, Contact, Ticket};
use super::texts;

/// The name of the folder of all companies.
pub const COMPANIES: &str = "Companies";

/// Where a synced item comes from; stored as its `source`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Source {
    /// The folder of all companies.
    Companies,
    /// The folder of a company.
    Company,
    /// Its folder of people.
    Users,
    /// The folder of a person.
    Contact,
    /// `Contact.md` of a person.
    ContactCard,
    /// The folder of devices.
    Assets,
    /// The article of a device.
    Asset,
    /// The folder of tickets.
    Tickets,
    /// The article of a ticket.
    Ticket,
}

impl Source {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Companies => "codex:companies",
            Self::Company => "codex:company",
            Self::Users => "codex:users",
            Self::Contact => "codex:contact",
            Self::ContactCard => "codex:contact_card",
            Self::Assets => "codex:assets",
            Self::Asset => "codex:asset",
            Self::Tickets => "codex:tickets",
            Self::Ticket => "codex:ticket",
        }
    }
}

/// What a synced item is known by.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Key {
    /// Stored as `source`.
    pub source: Source,
    /// Stored as `source_id`: Codex's id; for what belongs to a company `<company>/<id>`, since a person may belong
    /// to several.
    pub id: String,
}

/// An item as it should be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Planned {
    /// What it is known by.
    pub key: Key,
    /// The item it is in, which stands before it in the plan or is [`companies_folder`]; none for that one, which is
    /// below the root.
    pub parent: Option<Key>,
    /// Its name; no other of the plan in the same folder has it. Where a person's item has it, the store asks
    /// [`assign_names`] again.
    pub name: String,
    /// Markdown; empty for folders.
    pub content: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Whether the folder is attached.
    pub is_attached: bool,
    /// Whether it is protected.
    pub read_only: bool,
}

/// A ticket with the articles it knows (`HAS_CONTEXT`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LinkedTicket {
    /// The number of the `Ticket` node.
    pub number: String,
    /// Its article.
    pub article: Key,
    /// `Contact.md` of the requester, where the address is known at the company.
    pub requester: Option<Key>,
}

/// The folder of all companies; the only synced one that is not protected.
pub fn companies_folder() -> Planned {
    let key = Key { source: Source::Companies, id: String::new() };
    Planned { read_only: false, ..folder(key, None, COMPANIES.to_owned()) }
}

/// A company with its people and devices, parents before children. `folder_name` is the name that [`assign_names`]
/// found for it among all companies. None for a company without id and number. A person or device that comes twice
/// counts once, as it came first.
pub fn company(
    company: &Company,
    folder_name: &str,
    contacts: &[Contact],
    assets: &[Asset],
) -> Option<Vec<Planned>> {
    let id = company.key()?;
    let key = |source, id: &str| Key { source, id: id.to_owned() };
    let of = |child: &str| format!("{id}/{child}");
    let top = key(Source::Company, id);
    let users = key(Source::Users, id);
    let devices = key(Source::Assets, id);
    let companies = companies_folder().key;
    let mut plan = vec![
        folder(top.clone(), Some(companies), folder_name.to_owned()),
        folder(users.clone(), Some(top.clone()), "Users".to_owned()),
        folder(devices.clone(), Some(top), "Assets".to_owned()),
    ];

    let contacts = once(contacts, Contact::key);
    let wanted: Vec<Wanted<'_>> = contacts
        .iter()
        .map(|(id, contact)| Wanted {
            source_id: id,
            name: contact.shown_name(),
            ending: "",
            otherwise: "Unnamed",
        })
        .collect();
    for ((id, contact), name) in contacts.iter().zip(assign_names(&wanted, &HashSet::new())) {
        let person = key(Source::Contact, &of(id));
        plan.push(folder(person.clone(), Some(users.clone()), name));
        let card = key(Source::ContactCard, &of(id));
        plan.push(article(card, person, "Contact.md".to_owned(), texts::contact_article(contact)));
    }

    let assets = once(assets, Asset::key);
    let wanted: Vec<Wanted<'_>> = assets
        .iter()
        .map(|(id, asset)| {
            let name = asset.hostname.as_deref().unwrap_or_default();
            Wanted { source_id: id, name, ending: ".md", otherwise: "Unnamed" }
        })
        .collect();
    for ((id, asset), name) in assets.iter().zip(assign_names(&wanted, &HashSet::new())) {
        plan.push(article(key(Source::Asset, &of(id)), devices.clone(), name, texts::asset_article(asset)));
    }
    Some(plan)
}

/// The tickets of a company: their folder first, then an article each, and what each ticket is linked with. None for
/// a company without id and number. Tickets without id and number are left out; one that comes twice counts as it
/// came first.
pub fn tickets(
    company: &Company,
    contacts: &[Contact],
    tickets: &[Ticket],
) -> Option<(Vec<Planned>, Vec<LinkedTicket>)> {
    let id = company.key()?;
    let folder_key = Key { source: Source::Tickets, id: id.to_owned() };
    let parent = Key { source: Source::Company, id: id.to_owned() };
    let mut plan =
        vec![Planned { is_attached: true, ..folder(folder_key.clone(), Some(parent), "Tickets".to_owned()) }];
    let mut links = Vec::new();

    let mut people: HashMap<String, &str> = HashMap::new();
    for (person, contact) in once(contacts, Contact::key) {
        for address in contact.email.iter().chain(&contact.secondary_emails) {
            people.entry(address.trim().to_lowercase()).or_insert(person);
        }
    }

    let tickets = once(tickets, Ticket::key);
    let names: Vec<String> = tickets.iter().map(|(id, _)| format!("Ticket_{id}")).collect();
    let wanted: Vec<Wanted<'_>> = tickets
        .iter()
        .zip(&names)
        .map(|((id, _), name)| Wanted { source_id: id, name, ending: ".md", otherwise: "Ticket" })
        .collect();
    for ((ticket_id, ticket), name) in tickets.iter().zip(assign_names(&wanted, &HashSet::new())) {
        // A ticket that moves to another company stays the same ticket, and its article the same article.
        let key = Key { source: Source::Ticket, id: (*ticket_id).to_owned() };
        plan.push(article(key.clone(), folder_key.clone(), name, texts::ticket_article(ticket)));
        let address = ticket.requester_email.as_ref().map(|address| address.trim().to_lowercase());
        let requester = address
            .and_then(|address| people.get(&address))
            .map(|person| Key { source: Source::ContactCard, id: format!("{id}/{person}") });
        let number = ticket.number().unwrap_or(ticket_id).to_owned();
        links.push(LinkedTicket { number, article: key, requester });
    }
    Some((plan, links))
}

/// What has a key, each key once.
fn once<'a, T>(list: &'a [T], key: fn(&T) -> Option<&str>) -> Vec<(&'a str, &'a T)> {
    let mut seen = HashSet::new();
    list.iter().filter_map(|one| Some((key(one)?, one))).filter(|(key, _)| seen.insert(*key)).collect()
}

fn folder(key: Key, parent: Option<Key>, name: String) -> Planned {
    Planned {
        key,
        parent,
        name,
        content: String::new(),
        is_folder: true,
        is_attached: false,
        read_only: true,
    }
}

fn article(key: Key, parent: Key, name: String, content: String) -> Planned {
    Planned {
        key,
        parent: Some(parent),
        name,
        content,
        is_folder: false,
        is_attached: false,
        read_only: true,
    }
}
