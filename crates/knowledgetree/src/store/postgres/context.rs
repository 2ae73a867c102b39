//! What belongs to tickets and companies.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, PgPool};

use super::{
    connection::{Change, begin},
    rows::{self, hidden, is_hidden, items, unstorable},
};
use crate::{
    domain::{
        item::{Item, Visibility},
        order::by_name,
        synced::{CompanyRow, ContextOwner, TicketRow},
    },
    store::{Entity, Result, StoreError, retry::Attempt},
};

pub(super) async fn link(pool: &PgPool, owner: ContextOwner<'_>, item_id: &str) -> Attempt<()> {
    let mut transaction = begin(pool, Change::Adds).await?;
    let item = rows::spot(&mut transaction, item_id).await?.ok_or_else(|| StoreError::no_item(item_id))?;
    match owner {
        ContextOwner::Ticket(number) => {
            if unstorable(number) {
                return Err(StoreError::missing(Entity::Context, number).into());
            }
            sqlx::query!(
                "insert into ticket_context (ticket_number, item_key) values ($1, $2) on conflict do nothing",
                number,
                item.key
            )
            .execute(&mut *transaction)
            .await?;
        }
        ContextOwner::Company(id) => {
            let company = company(&mut *transaction, id).await?;
            let company = company.ok_or_else(|| StoreError::missing(Entity::Company, id))?;
            sqlx::query!(
                "insert into company_context (company_id, item_key) values ($1, $2) on conflict do nothing",
                company,
                item.key
            )
            .execute(&mut *transaction)
            .await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// Id of the company with this id or account number.
pub(super) async fn company(executor: impl PgExecutor<'_>, id: &str) -> sqlx::Result<Option<String>> {
    if unstorable(id) {
        return Ok(None);
    }
    sqlx::query_scalar!(
        "select id from companies where id = $1 or account_number = $1 order by id = $1 desc, id limit 1",
        id
    )
    .fetch_optional(executor)
    .await
}

pub(super) async fn unlink(pool: &PgPool, owner: ContextOwner<'_>, item_id: &str) -> Attempt<()> {
    let missing = || StoreError::missing(Entity::Context, item_id);
    if unstorable(item_id) {
        return Err(missing().into());
    }
    let gone = match owner {
        ContextOwner::Ticket(number) if unstorable(number) => 0,
        ContextOwner::Ticket(number) => sqlx::query!(
            "delete from ticket_context where ticket_number = $1 and item_key = (select key from context_items where id = $2)",
            number,
            item_id
        )
        .execute(pool)
        .await?
        .rows_affected(),
        ContextOwner::Company(id) => sqlx::query!(
            "delete from company_context where company_id = $1 and item_key = (select key from context_items where id = $2)",
            company(pool, id).await?.unwrap_or_default(),
            item_id
        )
        .execute(pool)
        .await?
        .rows_affected(),
    };
    if gone == 0 { Err(missing().into()) } else { Ok(()) }
}

pub(super) async fn of(pool: &PgPool, owner: ContextOwner<'_>, visibility: Visibility) -> Result<Vec<Item>> {
    let hidden = hidden(pool, visibility).await?;
    let rows = match owner {
        ContextOwner::Ticket(number) if unstorable(number) => Vec::new(),
        ContextOwner::Ticket(number) => {
            items!("join ticket_context c on c.item_key = i.key where c.ticket_number = $1", number)
                .fetch_all(pool)
                .await?
        }
        ContextOwner::Company(id) => {
            let company = company(pool, id).await?.unwrap_or_default();
            items!("join company_context c on c.item_key = i.key where c.company_id = $1", company)
                .fetch_all(pool)
                .await?
        }
    };
    let seen = rows.into_iter().filter(|row| !is_hidden(&row.path, &hidden));
    let mut items: Vec<Item> = seen.map(Item::from).collect();
    items.sort_by(|a, b| by_name(&a.name, &b.name).then_with(|| a.id.cmp(&b.id)));
    Ok(items)
}

pub(super) async fn merge_companies(
    pool: &PgPool,
    companies: &[CompanyRow],
    at: DateTime<Utc>,
) -> Attempt<()> {
    let column = |value: fn(&CompanyRow) -> &String| {
        companies.iter().map(|row| value(row).clone()).collect::<Vec<_>>()
    };
    let (ids, names, numbers) =
        (column(|row| &row.id), column(|row| &row.name), column(|row| &row.account_number));
    let folders: Vec<Option<String>> = companies.iter().map(|row| row.folder_id.clone()).collect();
    let mut transaction = begin(pool, Change::Adds).await?;
    sqlx::query!(
        r#"
        insert into companies (id, name, account_number, updated_at)
        select distinct on (id) id, name, account_number, $4 from unnest($1::text[], $2::text[], $3::text[]) as c (id, name, account_number)
        order by id
        on conflict (id) do update set name = excluded.name, account_number = excluded.account_number, updated_at = excluded.updated_at
        "#,
        &ids,
        &names,
        &numbers,
        at
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        r#"
        insert into company_context (company_id, item_key)
        select c.id, i.key from unnest($1::text[], $2::text[]) as c (id, folder_id) join context_items i on i.id = c.folder_id
        on conflict do nothing
        "#,
        &ids,
        &folders as &[Option<String>]
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

pub(super) async fn keep_companies(pool: &PgPool, ids: &[String]) -> Attempt<u64> {
    let gone = sqlx::query!("delete from companies where id <> all($1)", ids).execute(pool).await?;
    Ok(gone.rows_affected())
}

pub(super) async fn merge_tickets(pool: &PgPool, tickets: &[TicketRow]) -> Attempt<()> {
    let links = tickets
        .iter()
        .flat_map(|ticket| ticket.item_ids.iter().map(|id| (ticket.number.clone(), id.clone())));
    let (numbers, ids): (Vec<String>, Vec<String>) = links.unzip();
    let mut transaction = begin(pool, Change::Adds).await?;
    sqlx::query!(
        r#"
        insert into ticket_context (ticket_number, item_key)
        select t.number, i.key from unnest($1::text[], $2::text[]) as t (number, id) join context_items i on i.id = t.id
        join tree_paths p on p.item_key = i.key and p.path >= '1.' and p.path < '1/'
        order by t.number, i.key
        on conflict do nothing
        "#,
        &numbers,
        &ids
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}
