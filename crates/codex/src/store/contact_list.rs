//! Contacts as the list and its JSON show them (codex-api.md §4.6).

use serde::{Deserialize, Serialize};
use sqlx::{PgPool, Postgres, QueryBuilder, types::Json};
use utoipa::ToSchema;

use super::{Counted, Page, expected};
use crate::domain::listing::Listing;

/// Sort keys, the default first; columns of the same name.
pub const SORT_KEYS: &[&str] = &["name", "email", "active", "phone", "job_title", "vip_user", "company"];

/// Which contacts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection<'a> {
    /// Only those of these companies.
    pub only: Option<&'a [String]>,
    /// Only those of this company.
    pub company: Option<&'a str>,
    /// Inactive ones too.
    pub inactive: bool,
    /// Only those with this mark.
    pub vip: Option<bool>,
    /// Only those who lack a company. Agents of the MSP need none.
    pub without_company: bool,
}

/// A contact in the list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ContactRow {
    /// Codex's id.
    pub id: i64,
    /// Full name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Job title, for the file.
    #[serde(skip)]
    pub job_title: Option<String>,
    /// Mobile number.
    pub mobile_phone_number: Option<String>,
    /// Number at work.
    pub work_phone_number: Option<String>,
    /// Whether the contact is still there.
    pub active: bool,
    /// Whether its tickets deserve attention, for the page.
    #[serde(skip)]
    pub vip_user: bool,
    /// Number of its companies that may be seen.
    pub company_count: usize,
    /// Those companies, by name.
    pub companies: Vec<CompanyName>,
}

/// A company by number and name.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct CompanyName {
    /// Account number.
    pub account_number: String,
    /// Name.
    pub name: String,
}

/// A page of contacts and how many there are. Planned anew each time: a rare word and a single letter need other plans.
///
/// # Errors
/// When the database cannot be read.
pub async fn page(
    pool: &PgPool,
    selection: Selection<'_>,
    listing: &Listing,
) -> sqlx::Result<Page<ContactRow>> {
    let mut are_few = false;
    if !listing.search.is_empty() {
        let mut explain = QueryBuilder::new("explain (format json) select from contacts c");
        narrow(&mut explain, selection, &listing.search);
        are_few = expected::are_few(pool, explain).await?;
    }
    let found = found(pool, selection, listing, are_few).await?;
    let total = match found.first().and_then(|found| found.total) {
        Some(total) => total,
        None => {
            let mut count = QueryBuilder::new("select count(*) from contacts c");
            narrow(&mut count, selection, &listing.search);
            count.build_query_scalar().persistent(false).fetch_one(pool).await?
        }
    };
    Ok(Page { items: found.into_iter().map(ContactRow::from).collect(), total })
}

/// The contacts of a page.
///
/// # Errors
/// When the database cannot be read.
pub async fn rows(
    pool: &PgPool,
    selection: Selection<'_>,
    listing: &Listing,
) -> sqlx::Result<Vec<ContactRow>> {
    let found = found(pool, selection, listing, false).await?;
    Ok(found.into_iter().map(ContactRow::from).collect())
}

/// A page of contacts. Where `are_few` of them, all are fetched, counted and sorted; else they are looked for along an index.
async fn found(
    pool: &PgPool,
    selection: Selection<'_>,
    listing: &Listing,
    are_few: bool,
) -> sqlx::Result<Vec<Found>> {
    // Only keys are sorted; the few rows of the page are read afterwards.
    let mut query = QueryBuilder::new(
        "with page as materialized (select id, total, row_number() over () as place from (select c.id, ",
    );
    let join = if listing.sort == "company" { FIRST_COMPANY } else { "" };
    if are_few {
        // The offset keeps the order outside from choosing the way inside.
        query.push("count(*) over () as total from (select c.* from contacts c");
        narrow(&mut query, selection, &listing.search);
        query.push(" offset 0) c").push(join);
    } else {
        query.push("null::bigint as total from contacts c").push(join);
        narrow(&mut query, selection, &listing.search);
    }
    query.push(order(listing.sort, listing.descending)).push(" limit ").push_bind(listing.per_page);
    query.push(" offset ").push_bind(listing.offset()).push(
        ") c) select c.id, c.name, c.email, coalesce(c.job_title, c.title) as job_title, c.mobile_phone_number, \
         c.work_phone_number, c.active, c.vip_user, p.total, \
         (select coalesce(jsonb_agg(jsonb_build_object('account_number', k.account_number, 'name', k.name) \
         order by lower(k.name), k.account_number), '[]') \
         from contact_company_link l join companies k on k.account_number = l.company_account_number \
         where l.contact_id = c.id",
    );
    if let Some(only) = selection.only {
        query.push(" and k.account_number = any (").push_bind(only).push(")");
    }
    query.push(") as companies from page p join contacts c using (id) order by p.place");
    query.build_query_as().persistent(false).fetch_all(pool).await
}

#[derive(sqlx::FromRow)]
struct Found {
    id: i64,
    name: String,
    email: String,
    job_title: Option<String>,
    mobile_phone_number: Option<String>,
    work_phone_number: Option<String>,
    active: bool,
    vip_user: bool,
    companies: Json<Vec<CompanyName>>,
    /// Contacts on all pages, where they were counted.
    total: Option<i64>,
}

impl From<Found> for ContactRow {
    fn from(row: Found) -> Self {
        Self {
            id: row.id,
            name: row.name,
            email: row.email,
            job_title: row.job_title,
            mobile_phone_number: row.mobile_phone_number,
            work_phone_number: row.work_phone_number,
            active: row.active,
            vip_user: row.vip_user,
            company_count: row.companies.0.len(),
            companies: row.companies.0,
        }
    }
}

/// How many contacts each choice of each filter leaves, whatever is chosen of that filter itself.
///
/// # Errors
/// When the database cannot be read.
pub async fn counts(pool: &PgPool, selection: Selection<'_>, search: &str) -> sqlx::Result<Vec<Counted>> {
    let of_any_company = Selection { company: None, without_company: false, ..selection };
    let mut query = QueryBuilder::new(
        "select 'vip' as of, case when c.vip_user then '1' else '0' end as value, count(*) as count from contacts c",
    );
    narrow(&mut query, Selection { vip: None, ..selection }, search);
    query.push(
        " group by c.vip_user union all select 'company', l.company_account_number, count(*) from contacts c \
         join contact_company_link l on l.contact_id = c.id",
    );
    narrow(&mut query, of_any_company, search);
    if let Some(only) = selection.only {
        query.push(" and l.company_account_number = any (").push_bind(only.to_vec()).push(")");
    }
    query.push(" group by l.company_account_number");
    if selection.only.is_none() {
        query.push(" union all select 'company', 'none', count(*) from contacts c");
        narrow(&mut query, Selection { without_company: true, ..of_any_company }, search);
    }
    query.build_query_as().persistent(false).fetch_all(pool).await
}

fn narrow(query: &mut QueryBuilder<Postgres>, selection: Selection<'_>, search: &str) {
    query.push(" where true");
    if !selection.inactive {
        query.push(" and c.active");
    }
    if let Some(vip) = selection.vip {
        query.push(" and c.vip_user = ").push_bind(vip);
    }
    if let Some(pattern) = super::containing(search) {
        query.push(" and c.search_text like lower(").push_bind(pattern).push(")");
    }
    let linked = "select from contact_company_link l where l.contact_id = c.id";
    if selection.without_company {
        query.push(format!(" and not c.is_agent and not exists ({linked})"));
    }
    if let Some(company) = selection.company {
        query.push(
            " and c.id in (select l.contact_id from contact_company_link l where l.company_account_number = ",
        );
        query.push_bind(company.to_owned()).push(")");
    }
    if let Some(only) = selection.only {
        query.push(" and c.id in (select l.contact_id from contact_company_link l where l.company_account_number = any (");
        query.push_bind(only.to_vec()).push("))");
    }
}

/// The place of each contact's first company in the order of all.
const FIRST_COMPANY: &str = " left join (select l.contact_id, min(k.place) as place from contact_company_link l \
    join (select account_number, row_number() over (order by lower(name), account_number) as place from companies) k \
    on k.account_number = l.company_account_number group by l.contact_id) f on f.contact_id = c.id";

/// The order of a sort key; by number for none. The expressions are those of the indexes.
fn order(key: &str, descending: bool) -> String {
    let way = if descending { "desc" } else { "asc" };
    match key {
        "name" => format!(" order by lower(c.name) {way}, c.id {way}"),
        "email" => format!(" order by lower(c.email) {way}, c.id {way}"),
        "active" => format!(" order by c.active {way}, lower(c.name), c.id"),
        "vip_user" => format!(" order by c.vip_user {way}, lower(c.name), c.id"),
        "job_title" => {
            format!(" order by lower(coalesce(c.job_title, c.title)) {way} nulls last, lower(c.name), c.id")
        }
        "phone" => format!(
            " order by coalesce(nullif(c.mobile_phone_number, ''), nullif(c.work_phone_number, '')) {way} nulls last, lower(c.name), c.id"
        ),
        "company" => format!(" order by f.place {way} nulls last, lower(c.name), c.id"),
        _ => " order by c.id".to_owned(),
    }
}
