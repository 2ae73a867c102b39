//! What belongs to tickets and companies, and what context texts are made of.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, PgPool};

use super::{
    connection::{Change, begin},
    files,
    read::{breadcrumbs, visible},
    rows::{self, format, hidden, is_hidden, items, unstorable},
};
use crate::{
    domain::{
        item::{Item, Named, Visibility},
        material::{ContextArticle, ContextMaterial, ContextStep, MaterialQuery, SubtreeMaterial},
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

pub(super) async fn material(
    pool: &PgPool,
    id: &str,
    query: MaterialQuery<'_>,
    visibility: Visibility,
) -> Result<ContextMaterial> {
    let item = visible(pool, id, visibility).await?;
    let hidden = hidden(pool, visibility).await?;
    let way = breadcrumbs(pool, id, visibility).await?;
    let excluded = storable_ids(query.excluded);
    let limit = i64::try_from(query.limit_bytes).unwrap_or(i64::MAX);
    let rows = sqlx::query!(
        r#"
        with way as (
            select key, number from unnest(string_to_array(rtrim($1, '.'), '.')::bigint[]) with ordinality as step (key, number)
        ), beside as (
            select way.number, c.key, null::bigint as folder_key, null::text as folder_id, null::text as folder_name
            from way join context_items c on c.parent_key = way.key and not c.is_folder
            union all
            select way.number, a.key, f.key, f.id, f.name
            from way join context_items f on f.parent_key = way.key and f.is_folder and f.is_attached and f.id <> all($2)
            join tree_paths fp on fp.item_key = f.key
            join tree_paths ap on ap.path > fp.path and ap.path < rtrim(fp.path, '.') || '/'
            join context_items a on a.key = ap.item_key and not a.is_folder
        ), once as (
            select distinct on (key) * from beside order by key, folder_key is not null, number, folder_name collate "C", folder_key
        ), seen as (
            select o.number, o.folder_id, o.folder_name, i.id, i.name, i.content, i.content_format,
                row_number() over by_place as place,
                sum(octet_length(i.content)) over by_place - octet_length(i.content) as before
            from once o join context_items i on i.key = o.key join tree_paths p on p.item_key = i.key
            where not exists (select from unnest($3::text[]) hidden where starts_with(p.path, hidden))
            window by_place as (
                order by o.number, o.folder_id is not null, lower(o.folder_name) collate "C", o.folder_id, lower(i.name) collate "C", i.id
                rows unbounded preceding
            )
        )
        select number::int as "number!", folder_id, folder_name, id as "id!", name as "name!", content_format, place as "place!",
            case when before <= $4 then content else '' end as "content!", before <= $4 as "fits!"
        from seen where before <= $4 or place = (select min(place) from seen where before > $4)
        order by place
        "#,
        item.path,
        &excluded,
        &hidden,
        limit as _
    )
    .fetch_all(pool)
    .await?;
    let mut steps: Vec<ContextStep> =
        way.into_iter().map(|item| ContextStep { item, articles: Vec::new() }).collect();
    let complete = rows.iter().all(|row| row.fits);
    for row in rows.into_iter().filter(|row| row.fits) {
        let step = usize::try_from(row.number - 1).ok().and_then(|number| steps.get_mut(number));
        // A step that is not there was moved away between the two looks.
        let Some(step) = step else { continue };
        step.articles.push(ContextArticle {
            id: row.id,
            name: row.name,
            content: row.content,
            content_format: format(row.content_format.as_deref()),
            attached_folder: row.folder_id.zip(row.folder_name).map(|(id, name)| Named { id, name }),
        });
    }
    Ok(ContextMaterial { path: steps, files: files::of_item(pool, id, visibility).await?, complete })
}

pub(super) fn storable_ids(ids: &[String]) -> Vec<String> {
    ids.iter().filter(|id| !unstorable(id)).cloned().collect()
}

pub(super) async fn subtree(
    pool: &PgPool,
    id: &str,
    query: MaterialQuery<'_>,
    visibility: Visibility,
) -> Result<SubtreeMaterial> {
    let item = visible(pool, id, visibility).await?;
    let hidden = hidden(pool, visibility).await?;
    let limit = i64::try_from(query.limit_bytes).unwrap_or(i64::MAX);
    let rows = sqlx::query!(
        r#"
        with recursive below as (
            select i.key, i.parent_key, i.is_folder, array[i.name] as names, array['1' || lower(i.name) || e'\x01' || i.id] as place
            from context_items i where i.key = $1
            union all
            select c.key, c.parent_key, c.is_folder, below.names || c.name,
                -- A folder's articles come before its folders.
                below.place || (case when c.is_folder then '1' else '0' end || lower(c.name) || e'\x01' || c.id)
            from below join context_items c on c.parent_key = below.key and below.is_folder
            where not (c.is_folder and c.is_attached and c.id = any($2))
        ), seen as (
            select b.names, b.place, i.id, i.name, i.content, i.content_format,
                sum(octet_length(i.content)) over (order by b.place collate "C" rows unbounded preceding) - octet_length(i.content) as before
            from below b join context_items i on i.key = b.key join tree_paths p on p.item_key = i.key
            where not b.is_folder and not exists (select from unnest($3::text[]) hidden where starts_with(p.path, hidden))
        )
        select names as "names!", id as "id!", name as "name!", content_format, case when before <= $4 then content else '' end as "content!",
            before <= $4 as "fits!"
        from seen where before <= $4 or place = (select min(place collate "C") from seen where before > $4)
        order by place collate "C"
        "#,
        item.key,
        &storable_ids(query.excluded),
        &hidden,
        limit as _
    )
    .fetch_all(pool)
    .await?;
    let complete = rows.iter().all(|row| row.fits);
    let fitting = rows.into_iter().filter(|row| row.fits);
    let articles = fitting.map(|mut row| {
        // The last name is the article's own.
        if row.names.len() > 1 {
            row.names.pop();
        }
        let article = ContextArticle {
            id: row.id,
            name: row.name,
            content: row.content,
            content_format: format(row.content_format.as_deref()),
            attached_folder: None,
        };
        (row.names, article)
    });
    Ok(SubtreeMaterial { articles: articles.collect(), complete })
}

pub(super) async fn attached_folders(pool: &PgPool, id: &str, visibility: Visibility) -> Result<Vec<Named>> {
    let item = visible(pool, id, visibility).await?;
    let hidden = hidden(pool, visibility).await?;
    let rows = sqlx::query!(
        r#"
        select i.id, i.name, p.path from context_items i join tree_paths p on p.item_key = i.key
        where i.parent_key = any(string_to_array(rtrim($1, '.'), '.')::bigint[]) and i.is_folder and i.is_attached
        "#,
        item.path
    )
    .fetch_all(pool)
    .await?;
    let seen = rows.into_iter().filter(|row| !is_hidden(&row.path, &hidden));
    let mut folders: Vec<Named> = seen.map(|row| Named { id: row.id, name: row.name }).collect();
    folders.sort_by(|a, b| by_name(&a.name, &b.name).then_with(|| a.id.cmp(&b.id)));
    Ok(folders)
}

pub(super) async fn merge_companies(pool: &PgPool, companies: &[CompanyRow], at: DateTime<Utc>) -> Attempt<()> {
    let column = |value: fn(&CompanyRow) -> &String| companies.iter().map(|row| value(row).clone()).collect::<Vec<_>>();
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
    let links = tickets.iter().flat_map(|ticket| ticket.item_ids.iter().map(|id| (ticket.number.clone(), id.clone())));
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
