//! What a sync hands over (§9, with the weak points W25 to W31).

use serde::{Deserialize, Serialize};

/// `source_id` of the folder that holds all companies, whatever it is called and wherever it stands; its source is `codex`.
pub const COMPANIES_SOURCE_ID: &str = "companies";

/// What a synced item is at its source.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// A folder that only brings order, such as `Companies`, `Users`, `Assets` and `Tickets`.
    Group,
    /// The folder of a company.
    Company,
    /// The folder of a person.
    Person,
    /// A person's contact card.
    Contact,
    /// A device.
    Asset,
    /// A ticket.
    Ticket,
}

impl SourceKind {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Company => "company",
            Self::Person => "person",
            Self::Contact => "contact",
            Self::Asset => "asset",
            Self::Ticket => "ticket",
        }
    }

    /// From what is stored; what is unknown brings order only.
    pub fn of(stored: &str) -> Self {
        match stored {
            "company" => Self::Company,
            "person" => Self::Person,
            "contact" => Self::Contact,
            "asset" => Self::Asset,
            "ticket" => Self::Ticket,
            _ => Self::Group,
        }
    }
}

/// One run of one sync.
#[derive(Clone, Copy, Debug)]
pub struct SyncRun<'a> {
    /// Whose items these are, such as `codex` and `codex-tickets`. A run removes nothing of another source.
    pub source: &'a str,
    /// Id of the run; every item it sees is marked with it.
    pub run_id: &'a str,
}

/// Where a synced item goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SyncParent {
    /// Below the root.
    Root,
    /// Below the item with this `source_id` of the same source, stored before or standing before in the same call.
    Synced(String),
    /// Below the item with this id.
    Item(String),
}

/// An item as a sync wants it. The name has been made a valid one.
#[derive(Clone, Debug)]
pub struct SyncedItem {
    /// Id at the source; one item has it.
    pub source_id: String,
    /// What it is there.
    pub kind: SourceKind,
    /// Where it goes.
    pub parent: SyncParent,
    /// Its name.
    pub name: String,
    /// The name it gets where a sibling of another origin has that one; a number is added where this is taken too.
    pub second_name: String,
    /// Folder or article.
    pub is_folder: bool,
    /// Attached folder.
    pub is_attached: bool,
    /// Protected.
    pub read_only: bool,
    /// Text as Markdown; empty for folders.
    pub content: String,
}

/// What came of handed over items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncOutcome {
    /// Made.
    pub created: u64,
    /// Changed, moved or fetched out of the trash.
    pub updated: u64,
    /// Already as they should be.
    pub unchanged: u64,
    /// Ids of the items, in the order they were handed over.
    pub ids: Vec<String>,
}

/// A company of the graph.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CompanyRow {
    /// Codex's id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Account number.
    pub account_number: String,
    /// Id of its folder, which becomes its context.
    pub folder_id: Option<String>,
}

/// A ticket of the graph.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TicketRow {
    /// Number, as people know it.
    pub number: String,
    /// Ids of items that belong to its context: its article, its requester's card. Added to what is linked already.
    pub item_ids: Vec<String>,
}

/// Who has context.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ContextOwner<'a> {
    /// The ticket with this number. It need not be known.
    Ticket(&'a str),
    /// The company with this id or, where there is none, this account number.
    Company(&'a str),
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Counts {
    /// Folders in the tree, the root included.
    pub folders: i64,
    /// Articles in the tree.
    pub articles: i64,
    /// Files of items in the tree.
    pub files: i64,
    /// Items below a company's folder or being it, tickets left out (`company_items`).
    pub company_items: i64,
    /// Articles of tickets (`ticket_count`).
    pub tickets: i64,
    /// Companies known.
    pub companies: i64,
    /// Items in the trash.
    pub trash: i64,
}
