//! Devices as the list and its JSON show them (codex-api.md §4.6).

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use hivematrix_shared::contracts::codex::wire;
use serde::Serialize;
use sqlx::{PgPool, Postgres, QueryBuilder};
use utoipa::ToSchema;

use super::{Counted, Page, Value, expected};
use crate::domain::listing::Listing;

/// Sort keys, the default first.
pub const SORT_KEYS: &[&str] = &[
    "hostname",
    "hardware_type",
    "operating_system",
    "online",
    "company",
    "antivirus_product",
    "int_ip_address",
    "ext_ip_address",
    "domain",
    "last_logged_in_user",
    "last_seen",
    "patch_status",
];

/// Which devices.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection<'a> {
    /// Only those of these companies.
    pub only: Option<&'a [String]>,
    /// Only those of this company.
    pub company: Option<&'a str>,
    /// Only those of this kind.
    pub kind: Option<&'a str>,
    /// Only those that are online, or offline.
    pub online: Option<bool>,
    /// Only those with this patch status.
    pub patch: Option<&'a str>,
}

/// A device in the list.
#[derive(Clone, Debug, Serialize, sqlx::FromRow, ToSchema)]
pub struct AssetRow {
    /// Codex's id.
    pub id: i64,
    /// Name of the device.
    pub hostname: String,
    /// What it is for.
    pub description: Option<String>,
    /// Kind as the RMM calls it.
    pub hardware_type: Option<String>,
    /// Operating system.
    pub operating_system: Option<String>,
    /// Antivirus product.
    pub antivirus_product: Option<String>,
    /// Whether it is online; `null` when nobody knows.
    pub online: Option<bool>,
    /// Who worked on it last.
    pub last_logged_in_user: Option<String>,
    /// Where to take it over; `null` for those who may not.
    pub web_remote_url: Option<String>,
    /// Address inside.
    pub int_ip_address: Option<String>,
    /// Address outside.
    pub ext_ip_address: Option<String>,
    /// Domain or workgroup.
    pub domain: Option<String>,
    /// When the RMM last heard of it.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_seen: Option<DateTime<Utc>>,
    /// How it stands with patches.
    pub patch_status: Option<String>,
    /// Name of the company.
    pub company_name: String,
    /// Account number of the company.
    pub company_account_number: String,
}

/// A page of devices and how many there are. Planned anew each time: a rare word and a single letter need other plans.
///
/// # Errors
/// When the database cannot be read.
pub async fn page(
    pool: &PgPool,
    selection: Selection<'_>,
    listing: &Listing,
) -> sqlx::Result<Page<AssetRow>> {
    let search = Search::of(pool, &listing.search).await?;
    let search = search.as_ref();
    let are_few = match search {
        None => false,
        Some(_) => {
            let mut explain = QueryBuilder::new("explain (format json) select from assets a");
            narrow(&mut explain, selection, search);
            expected::are_few(pool, explain).await?
        }
    };
    let found = found(pool, selection, listing, search, are_few).await?;
    let total = match found.first().and_then(|found| found.total) {
        Some(total) => total,
        None => {
            let mut count = QueryBuilder::new("select count(*) from assets a");
            narrow(&mut count, selection, search);
            count.build_query_scalar().persistent(false).fetch_one(pool).await?
        }
    };
    Ok(Page { items: found.into_iter().map(|found| found.asset).collect(), total })
}

/// The devices of a page.
///
/// # Errors
/// When the database cannot be read.
pub async fn rows(pool: &PgPool, selection: Selection<'_>, listing: &Listing) -> sqlx::Result<Vec<AssetRow>> {
    let search = Search::of(pool, &listing.search).await?;
    let found = found(pool, selection, listing, search.as_ref(), false).await?;
    Ok(found.into_iter().map(|found| found.asset).collect())
}

#[derive(sqlx::FromRow)]
struct Found {
    #[sqlx(flatten)]
    asset: AssetRow,
    /// Devices on all pages, where they were counted.
    total: Option<i64>,
}

/// A page of devices. Where `are_few` of them, all are fetched, counted and sorted; else they are looked for along an index.
async fn found(
    pool: &PgPool,
    selection: Selection<'_>,
    listing: &Listing,
    search: Option<&Search>,
    are_few: bool,
) -> sqlx::Result<Vec<Found>> {
    // Only keys are sorted; the few rows of the page are read afterwards.
    let mut query = QueryBuilder::new(
        "with page as materialized (select id, total, row_number() over () as place from (select a.id, ",
    );
    let join = match listing.sort {
        "company" => " join companies k on k.account_number = a.company_account_number",
        _ => "",
    };
    if are_few {
        // The offset keeps the order outside from choosing the way inside.
        query.push("count(*) over () as total from (select a.* from assets a");
        narrow(&mut query, selection, search);
        query.push(" offset 0) a").push(join);
    } else {
        query.push("null::bigint as total from assets a").push(join);
        narrow(&mut query, selection, search);
    }
    query.push(order(listing.sort, listing.descending)).push(" limit ").push_bind(listing.per_page);
    query.push(" offset ").push_bind(listing.offset()).push(
        ") a) select a.id, a.hostname, a.description, a.hardware_type, a.operating_system, a.antivirus_product, a.online, \
         a.last_logged_in_user, a.web_remote_url, a.int_ip_address, a.ext_ip_address, a.domain, a.last_seen, a.patch_status, \
         k.name as company_name, a.company_account_number, p.total \
         from page p join assets a using (id) join companies k on k.account_number = a.company_account_number \
         order by p.place",
    );
    query.build_query_as().persistent(false).fetch_all(pool).await
}

/// What is searched: a pattern, and the companies whose name it fits. They are looked up first, so that the devices are
/// found by their indexes.
struct Search {
    pattern: String,
    companies: Vec<String>,
    /// The text, when it is an address of the network: then devices are found by theirs.
    address: Option<String>,
}

impl Search {
    async fn of(pool: &PgPool, search: &str) -> sqlx::Result<Option<Self>> {
        let Some(pattern) = super::containing(search) else { return Ok(None) };
        let companies = sqlx::query_scalar!(
            "select account_number from companies where lower(name) like lower($1)",
            pattern
        )
        .fetch_all(pool)
        .await?;
        let address = search.parse::<IpAddr>().ok().map(|_| search.to_lowercase());
        Ok(Some(Self { pattern, companies, address }))
    }
}

fn narrow(query: &mut QueryBuilder<Postgres>, selection: Selection<'_>, search: Option<&Search>) {
    query.push(" where true");
    if let Some(Search { pattern, companies, address }) = search {
        query.push(" and (a.search_text like lower(").push_bind(pattern.clone()).push(")");
        if !companies.is_empty() {
            query.push(" or a.company_account_number = any (").push_bind(companies.clone()).push(")");
        }
        if let Some(address) = address {
            query.push(" or ").push_bind(address.clone());
            query.push(" in (lower(a.int_ip_address), lower(a.ext_ip_address))");
        }
        query.push(")");
    }
    if let Some(kind) = selection.kind {
        query.push(" and lower(a.hardware_type) = lower(").push_bind(kind.to_owned()).push(")");
    }
    if let Some(online) = selection.online {
        // Of which nobody knows is neither.
        query.push(" and a.online = ").push_bind(online);
    }
    if let Some(patch) = selection.patch {
        query.push(" and lower(a.patch_status) = lower(").push_bind(patch.to_owned()).push(")");
    }
    if let Some(company) = selection.company {
        query.push(" and a.company_account_number = ").push_bind(company.to_owned());
    }
    if let Some(only) = selection.only {
        query.push(" and a.company_account_number = any (").push_bind(only.to_vec()).push(")");
    }
}

/// The order of a sort key; by number for none. The expressions of the first four are those of the indexes.
fn order(key: &str, descending: bool) -> String {
    let way = if descending { "desc" } else { "asc" };
    match key {
        "hostname" => format!(" order by lower(a.hostname) {way}, a.id {way}"),
        "hardware_type" | "operating_system" => format!(" order by lower(a.{key}) {way}, a.id {way}"),
        "online" => format!(" order by a.online {way}, a.id {way}"),
        "company" => format!(" order by lower(k.name) {way}, lower(a.hostname), a.id"),
        "last_seen" => format!(" order by a.last_seen {way} nulls last, lower(a.hostname), a.id"),
        "antivirus_product"
        | "int_ip_address"
        | "ext_ip_address"
        | "domain"
        | "last_logged_in_user"
        | "patch_status" => {
            format!(" order by lower(a.{key}) {way} nulls last, lower(a.hostname), a.id")
        }
        _ => " order by a.id".to_owned(),
    }
}

/// The kinds and patch states of the devices somebody may see, each once whatever the case of its letters.
///
/// # Errors
/// When the database cannot be read.
pub async fn values(pool: &PgPool, only: Option<&[String]>) -> sqlx::Result<Vec<Value>> {
    match only {
        None => all_values(pool).await,
        Some(only) => values_of(pool, only).await,
    }
}

/// Of all devices: from each value straight to the next one, along the index.
async fn all_values(pool: &PgPool) -> sqlx::Result<Vec<Value>> {
    sqlx::query_as!(
        Value,
        r#"
        with recursive
            kinds (key) as (
                (select lower(hardware_type) from assets where lower(hardware_type) > '' order by 1 limit 1)
                union all
                select (select lower(a.hardware_type) from assets a where lower(a.hardware_type) > k.key order by 1 limit 1)
                from kinds k where k.key is not null),
            patches (key) as (
                (select lower(patch_status) from assets where lower(patch_status) > '' order by 1 limit 1)
                union all
                select (select lower(a.patch_status) from assets a where lower(a.patch_status) > p.key order by 1 limit 1)
                from patches p where p.key is not null)
        select 'type' as "of!", (select a.hardware_type from assets a where lower(a.hardware_type) = key limit 1) as "value!"
        from kinds where key is not null
        union all
        select 'patch', (select a.patch_status from assets a where lower(a.patch_status) = key limit 1)
        from patches where key is not null
        order by 1, 2
        "#
    )
    .fetch_all(pool)
    .await
}

async fn values_of(pool: &PgPool, only: &[String]) -> sqlx::Result<Vec<Value>> {
    sqlx::query_as!(
        Value,
        r#"
        with found as materialized (
            select hardware_type, patch_status from assets
            where company_account_number = any ($1)
            group by hardware_type, patch_status)
        select 'type' as "of!", min(hardware_type) as "value!" from found
        where hardware_type <> '' group by lower(hardware_type)
        union all
        select 'patch', min(patch_status) from found
        where patch_status <> '' group by lower(patch_status)
        order by 1, 2
        "#,
        only
    )
    .fetch_all(pool)
    .await
}

/// How many devices each choice of each filter leaves, whatever is chosen of that filter itself.
///
/// # Errors
/// When the database cannot be read.
pub async fn counts(pool: &PgPool, selection: Selection<'_>, search: &str) -> sqlx::Result<Vec<Counted>> {
    let search = Search::of(pool, search).await?;
    let facets = [
        ("company", "a.company_account_number", Selection { company: None, ..selection }),
        ("type", "lower(a.hardware_type)", Selection { kind: None, ..selection }),
        ("patch", "lower(a.patch_status)", Selection { patch: None, ..selection }),
        (
            "online",
            "case a.online when true then '1' when false then '0' end",
            Selection { online: None, ..selection },
        ),
    ];
    let mut query = QueryBuilder::new("");
    for (place, (of, value, selection)) in facets.into_iter().enumerate() {
        let union = if place == 0 { "" } else { " union all " };
        query.push(format!("{union}select '{of}' as of, {value} as value, count(*) as count from assets a"));
        narrow(&mut query, selection, search.as_ref());
        query.push(format!(" and {value} <> '' group by {value}"));
    }
    query.build_query_as().persistent(false).fetch_all(pool).await
}
