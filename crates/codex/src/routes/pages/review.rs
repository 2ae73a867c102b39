//! `GET /review`: what people have to decide because a guess could be wrong.

use std::collections::HashMap;

use askama::Template;
use axum::{extract::State, response::Html};
use hivematrix_shared::{
    auth::{StaffOnly, UserOnly},
    pages::Page,
    problem::{Problem, Result},
};

use super::parts::{Moment, capitalised};
use crate::{
    Codex,
    domain::review,
    store::{
        review_subjects::{self, Subject},
        reviews::{self, DUPLICATE_CONTACT, ReviewItem},
    },
};

/// Items on the page; deciding them makes room for others.
const MOST: i64 = 200;

/// A record that an item names.
struct Side {
    /// Key as the item has it.
    key: String,
    /// The stored record, if there is one.
    record: Option<Subject>,
    /// Path of its page.
    path: String,
}

/// Something to decide.
struct Item {
    id: i64,
    detail: String,
    found: Moment,
    sides: Vec<Side>,
    /// Proposed companies: account number and name.
    companies: Vec<(String, String)>,
}

impl Item {
    /// The stored contacts it names.
    fn stored(&self) -> Vec<&Subject> {
        self.sides.iter().filter_map(|side| side.record.as_ref()).collect()
    }
}

/// The items of a kind.
struct Group {
    kind: String,
    title: String,
    decide: &'static str,
    items: Vec<Item>,
}

impl Group {
    fn merges(&self) -> bool {
        self.kind == DUPLICATE_CONTACT
    }

    fn links(&self) -> bool {
        self.kind == review::SITE
    }

    /// Words of the button that says there is nothing to do.
    fn dismiss(&self) -> &'static str {
        match self.kind.as_str() {
            DUPLICATE_CONTACT => "Different people",
            review::DUPLICATE_ASSET => "Different machines",
            review::SITE => "Belongs to no company",
            _ => "Dismiss",
        }
    }
}

#[derive(Template)]
#[template(path = "review.html")]
struct ReviewPage {
    page: Page,
    groups: Vec<Group>,
    total: i64,
    /// Items of the page.
    shown: usize,
    may_decide: bool,
}

/// The page.
pub async fn page(
    State(codex): State<Codex>,
    _: StaffOnly,
    UserOnly(user): UserOnly,
    page: Page,
) -> Result<Html<String>> {
    let open = reviews::list(&codex.pool, None, false, MOST, 0).await?;
    let records = records(&codex, &open.items).await?;
    let shown = open.items.len();
    let mut groups: Vec<Group> = Vec::new();
    for item in open.items {
        let kind = item.kind.clone();
        let item = item_of(item, &records);
        match groups.iter_mut().find(|group| group.kind == kind) {
            Some(group) => group.items.push(item),
            None => {
                let (title, decide) = review::words(&kind);
                groups.push(Group { kind, title, decide, items: vec![item] });
            }
        }
    }
    let html =
        ReviewPage { page, groups, total: open.total, shown, may_decide: user.permission_level.may_edit() };
    html.render().map(Html).map_err(Problem::internal)
}

/// The stored records that the items name, by kind and key.
struct Records {
    contacts: HashMap<String, Subject>,
    assets: HashMap<i64, Subject>,
}

async fn records(codex: &Codex, items: &[ReviewItem]) -> Result<Records> {
    let keys = |kind: &str| -> Vec<&str> {
        let of_kind = items.iter().filter(|item| item.kind == kind);
        of_kind.flat_map(|item| [item.subject.as_str(), item.other.as_str()]).collect()
    };
    let ids: Vec<i64> = keys(review::DUPLICATE_ASSET).iter().filter_map(|key| key.parse().ok()).collect();
    let mut conn = codex.pool.acquire().await?;
    Ok(Records {
        contacts: review_subjects::contacts(&mut conn, &keys(DUPLICATE_CONTACT)).await?,
        assets: review_subjects::assets(&codex.pool, &ids).await?,
    })
}

fn item_of(item: ReviewItem, records: &Records) -> Item {
    let side = |key: &str| {
        let (record, list) = match item.kind.as_str() {
            DUPLICATE_CONTACT => (records.contacts.get(key).cloned(), "contacts"),
            review::DUPLICATE_ASSET => {
                (key.parse().ok().and_then(|id: i64| records.assets.get(&id).cloned()), "assets")
            }
            _ => (None, ""),
        };
        let path = record.as_ref().map(|record| format!("/{list}/{}", record.id)).unwrap_or_default();
        Side { key: key.to_owned(), record, path }
    };
    Item {
        id: item.id,
        sides: [&item.subject, &item.other]
            .into_iter()
            .filter(|key| !key.is_empty())
            .map(|key| side(key))
            .collect(),
        companies: review::proposed_companies(item.proposal.as_ref()),
        found: Moment::of(item.found_at),
        detail: capitalised(&item.detail),
    }
}
