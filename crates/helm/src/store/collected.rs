//! Lines out of process logs: stored together with how far the file was read, so that each is stored once.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};

use super::logs;
use crate::{
    domain::{log_entry::NewLogEntry, process_line::Stream},
    instance::process_logs::Place,
};

/// A service that ships its log by itself has done so by this time after it wrote a line.
pub const SHIPPED_AFTER: TimeDelta = TimeDelta::seconds(10);
/// A shorter message stands in too many lines by chance.
const TELLING: i32 = 8;

/// How far a file was read.
///
/// # Errors
/// When the database refuses or is away.
pub async fn place(pool: &PgPool, service: &str, stream: Stream) -> sqlx::Result<Option<Place>> {
    let row = sqlx::query!(
        r#"SELECT inode, "offset" FROM collected_logs WHERE service = $1 AND stream = $2"#,
        service,
        stream.as_str()
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.and_then(|row| {
        Some(Place { inode: u64::try_from(row.inode).ok()?, offset: u64::try_from(row.offset).ok()? })
    }))
}

/// Stores entries of a file and the place after them, both or neither. With `may_be_known`, entries whose message the
/// service has sent by itself meanwhile are left out.
///
/// # Errors
/// When the database refuses or is away.
pub async fn store(
    pool: &PgPool,
    service: &str,
    stream: Stream,
    entries: Vec<NewLogEntry>,
    place: Place,
    may_be_known: bool,
) -> sqlx::Result<()> {
    let mut transaction = pool.begin().await?;
    let entries = match may_be_known && !entries.is_empty() {
        true => unknown(&mut transaction, service, entries).await?,
        false => entries,
    };
    logs::insert_in(&mut transaction, &entries).await?;
    let inode = i64::try_from(place.inode).unwrap_or(i64::MAX);
    let offset = i64::try_from(place.offset).unwrap_or(i64::MAX);
    sqlx::query!(
        r#"INSERT INTO collected_logs (service, stream, inode, "offset") VALUES ($1, $2, $3, $4)
           ON CONFLICT (service, stream) DO UPDATE SET inode = excluded.inode, "offset" = excluded."offset""#,
        service,
        stream.as_str(),
        inode,
        offset
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

/// The entries that did not come from the service itself: no row that it sent has the same message, or one that the line
/// only adds a time and a level to.
async fn unknown(
    connection: &mut PgConnection,
    service: &str,
    entries: Vec<NewLogEntry>,
) -> sqlx::Result<Vec<NewLogEntry>> {
    let messages: Vec<String> = entries.iter().map(|entry| entry.message.clone()).collect();
    let times: Vec<DateTime<Utc>> = entries.iter().map(|entry| entry.timestamp).collect();
    let margin = SHIPPED_AFTER * 2;
    let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else { return Ok(entries) };
    let known = sqlx::query_scalar!(
        r#"SELECT line.position AS "position!"
             FROM unnest($2::text[], $3::timestamptz[]) WITH ORDINALITY AS line (message, at, position)
            WHERE EXISTS (
                SELECT FROM log_entries sent
                 WHERE sent.service = $1 AND sent."timestamp" BETWEEN $4 AND $5
                   AND sent."timestamp" BETWEEN line.at - $6::interval AND line.at + $6::interval
                   AND (sent.message = line.message
                        OR (length(sent.message) >= $7 AND position(sent.message IN line.message) > 0))
                   AND sent.extra_data->>'source' IS DISTINCT FROM 'stdout'
                   AND sent.extra_data->>'source' IS DISTINCT FROM 'stderr')"#,
        service,
        &messages,
        &times,
        *first - margin,
        *last + margin,
        sqlx::postgres::types::PgInterval::try_from(margin).unwrap_or_default(),
        TELLING
    )
    .fetch_all(connection)
    .await?;
    let is_known = |index: usize| i64::try_from(index + 1).is_ok_and(|position| known.contains(&position));
    Ok(entries
        .into_iter()
        .enumerate()
        .filter(|(index, _)| !is_known(*index))
        .map(|(_, entry)| entry)
        .collect())
}
