//! One search over companies, contacts and devices.

use sqlx::PgPool;

/// Most rows of a kind.
pub const MOST: i64 = 20;

/// Something that was found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// `company`, `contact` or `asset`.
    pub kind: String,
    /// Account number of a company, Codex's id of the others.
    pub key: String,
    /// Name.
    pub name: String,
    /// What tells it from others of that name.
    pub note: String,
    /// Whether it is in use: a company always, a contact that is active, a device that is online. None when nobody knows.
    pub active: Option<bool>,
}

/// What contains a text, at most [`MOST`] of a kind and one more that says there are others. Names that begin with the text
/// come first.
///
/// # Errors
/// When the database cannot be read.
pub async fn everywhere(pool: &PgPool, search: &str, only: Option<&[String]>) -> sqlx::Result<Vec<Hit>> {
    let Some(pattern) = super::containing(search) else { return Ok(Vec::new()) };
    // Planned anew each time: a rare word and a single letter need other plans.
    let found: Vec<(String, String, String, String, Option<bool>)> = sqlx::query_as(
        "(select 'company', account_number, name, account_number, true from companies
            where (lower(name) like lower($1) or lower(account_number) like lower($1)
                    or lower(description) like lower($1) or lower(domains::text) like lower($1))
                and ($2::text[] is null or account_number = any ($2))
            order by starts_with(lower(name), lower($3)) desc, lower(name), account_number limit $4)
         union all
         (select 'contact', c.id::text, c.name, c.email || coalesce(', ' || (
                select string_agg(k.name, ', ' order by lower(k.name)) from contact_company_link l
                join companies k on k.account_number = l.company_account_number
                where l.contact_id = c.id and ($2::text[] is null or k.account_number = any ($2))), ''), c.active
            from contacts c
            where c.search_text like lower($1) and ($2::text[] is null or c.id in (
                select contact_id from contact_company_link where company_account_number = any ($2)))
            order by c.active desc, starts_with(lower(c.name), lower($3)) desc, lower(c.name), c.id limit $4)
         union all
         (select 'asset', a.id::text, a.hostname, k.name || coalesce(', ' || a.operating_system, ''), a.online
            from assets a join companies k on k.account_number = a.company_account_number
            where (a.search_text like lower($1) or lower(a.int_ip_address) = lower($3) or lower(a.ext_ip_address) = lower($3))
                and ($2::text[] is null or a.company_account_number = any ($2))
            order by starts_with(lower(a.hostname), lower($3)) desc, lower(a.hostname), a.id limit $4)",
    )
    .persistent(false)
    .bind(pattern)
    .bind(only)
    .bind(search)
    .bind(MOST + 1)
    .fetch_all(pool)
    .await?;
    Ok(found
        .into_iter()
        .map(|(kind, key, name, note, active)| Hit { kind, key, name, note, active })
        .collect())
}
