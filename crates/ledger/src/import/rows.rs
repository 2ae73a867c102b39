//! Rows of the tables that people change.

use serde_json::{Map, Value};
use sqlx::{Acquire as _, AssertSqlSafe, PgConnection};

use super::{
    has_table, pullers,
    report::{Counts, Refused, Report, SwitchedOff},
    tables::{Table, flag},
};
use crate::domain::changes::{ASSET_TYPES, USER_TYPES};

/// Takes over one table.
pub(super) async fn take(
    source: &mut PgConnection,
    target: &mut PgConnection,
    table: &'static Table,
    report: &mut Report,
) -> sqlx::Result<Counts> {
    let mut counts = Counts { table: table.name, ..Counts::default() };
    if !has_table(source, table.name).await? {
        return Ok(counts);
    }
    counts.in_source = true;
    let query = format!("select to_jsonb(t) from {} t order by id", table.name);
    let rows: Vec<Value> = sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(source).await?;
    for row in rows {
        counts.read += 1;
        let source_id = row["id"].to_string();
        let given: Map<String, Value> = [table.columns, table.at_first]
            .concat()
            .into_iter()
            .map(|column| {
                let value = row.get(column).cloned().unwrap_or_default();
                let value = match flag(column) {
                    Some(flag) if value.is_null() => Value::Bool(flag),
                    _ => value,
                };
                (column.to_owned(), value)
            })
            .collect();
        let (given, switched_off) = match canonical(table, given) {
            Ok(done) => done,
            Err(reason) => {
                counts.refused += 1;
                report.refused.push(Refused { table: table.name, row: source_id, reason });
                continue;
            }
        };
        let job_name = given.get("job_name").and_then(Value::as_str).unwrap_or_default().to_owned();
        // A row that does not fit leaves nothing behind.
        let mut one = target.begin().await?;
        match put(&mut one, table, &source_id, &Value::Object(given)).await {
            Ok(done) => {
                one.commit().await?;
                if let Some(reason) = switched_off.filter(|_| !matches!(done, Put::Kept)) {
                    report.switched_off.push(SwitchedOff { job_name, reason });
                }
                match done {
                    Put::New => counts.new += 1,
                    Put::Updated => counts.updated += 1,
                    Put::Unchanged => counts.unchanged += 1,
                    Put::Kept => counts.kept += 1,
                }
            }
            Err(sqlx::Error::Database(error)) => {
                one.rollback().await?;
                counts.refused += 1;
                report.refused.push(Refused {
                    table: table.name,
                    row: source_id,
                    reason: error.message().to_owned(),
                });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(counts)
}

/// The row with its type written as it is here; a type that there is not would cost nothing, and nobody would see why. Of a job
/// also why it is switched off here.
fn canonical(
    table: &Table,
    mut given: Map<String, Value>,
) -> Result<(Map<String, Value>, Option<String>), String> {
    let known: &[&str] = match table.name {
        "asset_billing_overrides" | "manual_assets" => &ASSET_TYPES,
        "user_billing_overrides" | "manual_users" => &USER_TYPES,
        "scheduler_jobs" => return Ok(pullers::canonical(given)),
        _ => return Ok((given, None)),
    };
    if let Some(Value::String(name)) = given.get("billing_type") {
        let found = known.iter().find(|known| known.eq_ignore_ascii_case(name.trim()));
        let found = found.ok_or_else(|| format!("there is no billing type `{name}`"))?;
        given.insert("billing_type".to_owned(), Value::from(*found));
    }
    Ok((given, None))
}

enum Put {
    New,
    Updated,
    Unchanged,
    Kept,
}

/// Puts one row here, unless it was changed or removed here since the last import.
async fn put(target: &mut PgConnection, table: &Table, source_id: &str, given: &Value) -> sqlx::Result<Put> {
    let (name, columns) = (table.name, table.columns.join(", "));
    let known = sqlx::query!(
        "select our_id, our_row from imported_rows where table_name = $1 and source_id = $2",
        name,
        source_id
    )
    .fetch_optional(&mut *target)
    .await?;
    let picked: Vec<String> = table.columns.iter().map(|column| format!("'{column}', t.{column}")).collect();
    // More than a hundred arguments no function takes.
    let parts: Vec<String> =
        picked.chunks(40).map(|part| format!("jsonb_build_object({})", part.join(", "))).collect();
    let as_row = parts.join(" || ");
    let ours: Option<(i32, Value)> = match (&known, table.key) {
        (Some(known), _) => {
            let query = format!("select id, {as_row} from {name} t where id = $1 for update");
            sqlx::query_as(AssertSqlSafe(query)).bind(known.our_id).fetch_optional(&mut *target).await?
        }
        (None, []) if table.untouched.is_some() => {
            let query = format!("select id, {as_row} from {name} t order by id limit 1 for update");
            sqlx::query_as(AssertSqlSafe(query)).fetch_optional(&mut *target).await?
        }
        (None, []) => None,
        (None, key) => {
            let same: Vec<String> = key.iter().map(|column| format!("t.{column} = g.{column}")).collect();
            let query = format!(
                "select t.id, {as_row} from {name} t, jsonb_populate_record(null::{name}, $1) g where {} for update of t",
                same.join(" and ")
            );
            sqlx::query_as(AssertSqlSafe(query)).bind(given).fetch_optional(&mut *target).await?
        }
    };
    let mut before = known.and_then(|known| known.our_row);
    if let (None, Some(untouched), Some((id, now))) = (&before, table.untouched, &ours) {
        let query = format!("select {untouched} from {name} where id = $1");
        let is_untouched: bool =
            sqlx::query_scalar(AssertSqlSafe(query)).bind(id).fetch_one(&mut *target).await?;
        before = is_untouched.then(|| now.clone());
    }
    let (id, done) = match (before, ours) {
        // Removed here since.
        (Some(_), None) => return Ok(Put::Kept),
        (before, Some((_, now))) if before.as_ref() != Some(&now) => {
            let wanted = settled(target, table, given, &as_row).await?;
            if before.is_some() || now != wanted {
                return Ok(Put::Kept);
            }
            return Ok(Put::Unchanged);
        }
        (_, Some((id, now))) => {
            let wanted = settled(target, table, given, &as_row).await?;
            if now == wanted {
                return Ok(Put::Unchanged);
            }
            let query = format!(
                "update {name} set ({columns}) = (select {columns} from jsonb_populate_record(null::{name}, $2)) where id = $1"
            );
            sqlx::query(AssertSqlSafe(query)).bind(id).bind(given).execute(&mut *target).await?;
            if name == "scheduler_jobs" {
                // A schedule that comes along does not make up for what was before.
                sqlx::query!("update scheduler_jobs set done_until = now() where id = $1", id)
                    .execute(&mut *target)
                    .await?;
            }
            if name == "scheduled_snapshots" {
                sqlx::query("update scheduled_snapshots set updated_at = now() where id = $1")
                    .bind(id)
                    .execute(&mut *target)
                    .await?;
            }
            (id, Put::Updated)
        }
        (None, None) => {
            let columns = [table.columns, table.at_first].concat().join(", ");
            let query = format!(
                "insert into {name} ({columns}) select {columns} from jsonb_populate_record(null::{name}, $1) returning id"
            );
            let id = sqlx::query_scalar(AssertSqlSafe(query)).bind(given).fetch_one(&mut *target).await?;
            (id, Put::New)
        }
    };
    let query = format!("select {as_row} from {name} t where id = $1");
    let now: Value = sqlx::query_scalar(AssertSqlSafe(query)).bind(id).fetch_one(&mut *target).await?;
    sqlx::query!(
        "insert into imported_rows (table_name, source_id, our_id, our_row) values ($1, $2, $3, $4)
         on conflict (table_name, source_id) do update set our_id = excluded.our_id, our_row = excluded.our_row",
        name,
        source_id,
        id,
        now
    )
    .execute(target)
    .await?;
    Ok(done)
}

/// The row as this database would hold it.
async fn settled(
    target: &mut PgConnection,
    table: &Table,
    given: &Value,
    as_row: &str,
) -> sqlx::Result<Value> {
    let query = format!("select {as_row} from jsonb_populate_record(null::{}, $1) t", table.name);
    sqlx::query_scalar(AssertSqlSafe(query)).bind(given).fetch_one(target).await
}
