//! Writing rows of one table: all at once, and when the database refuses that, in halves down to the ones at fault.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use sqlx::{Acquire as _, AssertSqlSafe, PgConnection, Row as _, types::Json};

use super::{
    numbers::FreeNumbers,
    report::Refused,
    table::{Conflict, Row, Table},
};
use crate::sync::batches::is_about_rows;

/// A row and its key in the source.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Key in the source.
    pub key: String,
    /// Its values.
    pub row: Row,
}

/// What was done to the rows of a batch.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// Keys here of new rows.
    pub new: Vec<String>,
    /// Keys here of changed rows.
    pub updated: Vec<String>,
    /// Rows that were the same.
    pub unchanged: u64,
    /// Rows that were left as they are here.
    pub kept: u64,
    /// Rows that cannot be stored.
    pub refused: Vec<Refused>,
    /// Every key here, and its key in the source.
    pub taken: Vec<(String, String)>,
}

impl Done {
    fn add(&mut self, other: Self) {
        self.new.extend(other.new);
        self.updated.extend(other.updated);
        self.unchanged += other.unchanged;
        self.kept += other.kept;
        self.refused.extend(other.refused);
        self.taken.extend(other.taken);
    }
}

/// Stores a batch. `taken` has the rows of this table that earlier batches have written.
///
/// # Errors
/// When the database fails for another reason than the rows.
pub async fn store(
    conn: &mut PgConnection,
    table: &Table,
    batch: &[Candidate],
    taken: &HashMap<String, String>,
    free: &mut FreeNumbers,
) -> sqlx::Result<Done> {
    let mut done = Done::default();
    let mut open = vec![batch];
    while let Some(batch) = open.pop() {
        if batch.is_empty() {
            continue;
        }
        let mut attempt = conn.begin().await?;
        let known = |key: &str| {
            let earlier = || done.taken.iter().find(|(ours, _)| ours == key).map(|(_, source)| source);
            taken.get(key).or_else(earlier).cloned()
        };
        match write(&mut attempt, table, batch, known, free).await {
            Ok(more) => {
                attempt.commit().await?;
                done.add(more);
            }
            Err(error) if is_about_rows(&error) => {
                attempt.rollback().await?;
                match batch {
                    [one] => done.refused.push(refusal(table, &one.key, &error)),
                    _ => {
                        let (first, second) = batch.split_at(batch.len() / 2);
                        open.push(second);
                        open.push(first);
                    }
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// The database's own words; it names the values that are at fault.
fn refusal(table: &Table, key: &str, error: &sqlx::Error) -> Refused {
    // The detail of a broken check repeats the whole row, which may hold what does not belong on a terminal.
    let telling =
        |code: Option<std::borrow::Cow<'_, str>>| code.is_some_and(|code| code != "23514" && code != "23502");
    let reason = error.as_database_error().map_or_else(
        || error.to_string(),
        |error| {
            let postgres = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>();
            match postgres.and_then(sqlx::postgres::PgDatabaseError::detail) {
                Some(detail) if telling(error.code()) => format!("{}: {detail}", error.message()),
                _ => error.message().to_owned(),
            }
        },
    );
    Refused { table: table.name, key: key.to_owned(), reason: reason.chars().take(500).collect() }
}

async fn write(
    conn: &mut PgConnection,
    table: &Table,
    batch: &[Candidate],
    taken: impl Fn(&str) -> Option<String>,
    free: &mut FreeNumbers,
) -> sqlx::Result<Done> {
    let mut done = Done::default();
    let mut rows = batch.to_vec();
    if table.has_id() {
        number(conn, table, &mut rows, free).await?;
    }
    // Two rows of the source can be one here: the same address in other letters, the same term in another spelling.
    let mut within: HashMap<String, String> = HashMap::new();
    rows.retain(|candidate| {
        let key = key_of(table, &candidate.row);
        match taken(&key).or_else(|| within.get(&key).cloned()) {
            Some(other) => {
                let reason = format!("row {other} of the source is the same record");
                done.refused.push(Refused { table: table.name, key: candidate.key.clone(), reason });
                false
            }
            None => within.insert(key, candidate.key.clone()).is_none(),
        }
    });
    if rows.is_empty() {
        return Ok(done);
    }
    done.taken = within.into_iter().collect();
    let sql = Statements::new(table, &rows);
    let values: Vec<Value> = rows
        .iter()
        .map(|candidate| {
            let mut row = candidate.row.clone();
            row.insert(SOURCE_KEY.to_owned(), candidate.key.clone().into());
            Value::Object(row)
        })
        .collect();
    let values = Json(values);
    let mut written = HashSet::new();
    for row in sqlx::query(AssertSqlSafe(sql.upsert)).bind(&values).fetch_all(&mut *conn).await? {
        let key: String = row.try_get(0)?;
        written.insert(key.clone());
        let list = if row.try_get(1)? { &mut done.new } else { &mut done.updated };
        list.push(key);
    }
    let same: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(sql.same)).bind(&values).fetch_all(&mut *conn).await?;
    done.unchanged = same.iter().filter(|key| !written.contains(*key)).count() as u64;
    done.kept = rows.len() as u64 - written.len() as u64 - done.unchanged;
    if table.conflict == Conflict::Remember {
        sqlx::query(AssertSqlSafe(sql.remember)).bind(&values).execute(&mut *conn).await?;
    }
    Ok(done)
}

/// The member under which a row carries its key in the source; no column has this name.
const SOURCE_KEY: &str = "~source";

/// Gives every row the `id` of the record it is here, or a new one when another record has its number.
async fn number(
    conn: &mut PgConnection,
    table: &Table,
    rows: &mut [Candidate],
    free: &mut FreeNumbers,
) -> sqlx::Result<()> {
    let name = table.name;
    let sql = format!(
        "select (e.row ->> 'id')::bigint, coalesce(
             (select t.id from imported_rows r join {name} t on t.id = r.key::bigint
              where r.entity = '{name}' and r.source_key = e.row ->> 'id'),
             (select t.id from {name} t where {same} order by (t.id = i.id) desc, t.id limit 1)),
             exists (select from {name} t where t.id = i.id)
         from jsonb_array_elements($1) as e (row), jsonb_populate_record(null::{name}, e.row) i",
        same = table.same,
    );
    let values: Vec<Value> = rows.iter().map(|candidate| Value::Object(candidate.row.clone())).collect();
    let found = sqlx::query(AssertSqlSafe(sql)).bind(Json(values)).fetch_all(&mut *conn).await?;
    let mut numbers = HashMap::new();
    for row in &found {
        let Some(source) = row.try_get::<Option<i64>, _>(0)? else { continue };
        let ours = match row.try_get::<Option<i64>, _>(1)? {
            Some(ours) => ours,
            None if row.try_get(2)? => free.next(conn).await?,
            None => source,
        };
        if source != ours {
            numbers.insert(source, ours);
        }
    }
    for candidate in rows {
        let source = candidate.row.get("id").and_then(Value::as_i64);
        if let Some(ours) = source.and_then(|source| numbers.get(&source)) {
            candidate.row.insert("id".to_owned(), (*ours).into());
        }
    }
    Ok(())
}

/// The key of a row here, as text.
fn key_of(table: &Table, row: &Row) -> String {
    let part = |name: &&str| match row.get(*name) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    table.key.iter().map(part).collect::<Vec<_>>().join(":")
}

/// The SQL for a table and the columns its rows have. All names are our own.
struct Statements {
    upsert: String,
    same: String,
    remember: String,
}

impl Statements {
    fn new(table: &Table, rows: &[Candidate]) -> Self {
        let name = table.name;
        let has = |column: &str| rows.iter().any(|candidate| candidate.row.contains_key(column));
        let columns: Vec<&str> =
            table.columns.iter().map(|column| column.name).filter(|column| has(column)).collect();
        let list = |prefix: &str, names: &[&str]| {
            names.iter().map(|column| format!("{prefix}{column}")).collect::<Vec<_>>().join(", ")
        };
        let all: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        let key = table
            .key
            .iter()
            .map(|column| format!("t.{column}::text"))
            .collect::<Vec<_>>()
            .join(" || ':' || ");
        let digest = format!("md5(row({})::text)", list("t.", &all));
        let values: Vec<&str> =
            columns.iter().copied().filter(|column| !table.key.contains(column)).collect();
        let incoming =
            format!("jsonb_array_elements($1) as e (row), jsonb_populate_record(null::{name}, e.row) i");
        let on = table
            .key
            .iter()
            .map(|column| format!("t.{column} = i.{column}"))
            .collect::<Vec<_>>()
            .join(" and ");

        // Edits count unless they are those that the import itself has found in the source.
        let edited = format!(
            "coalesce((select '{{}}'::text[] from imported_rows r
                 where r.entity = '{name}' and r.key = {key} and r.digest = {digest} limit 1), t.edited_fields)"
        );
        let set = values.iter().map(|column| {
            if matches!(name, "companies" | "contacts") {
                format!("{column} = unless_edited({edited}, '{column}', t.{column}, excluded.{column})")
            } else {
                format!("{column} = excluded.{column}")
            }
        });
        let action = if table.conflict == Conflict::Keep || values.is_empty() {
            "do nothing".to_owned()
        } else {
            let condition = match table.conflict {
                Conflict::Newer => "(excluded.last_updated_at >= t.last_updated_at) is not false".to_owned(),
                _ => format!(
                    "not exists (select from imported_rows r
                         where r.entity = '{name}' and r.key = {key} and r.digest <> {digest})"
                ),
            };
            format!(
                "do update set {} where ({}) is distinct from ({}) and {condition}",
                set.collect::<Vec<_>>().join(", "),
                list("t.", &values),
                list("excluded.", &values)
            )
        };
        let upsert = format!(
            "insert into {name} as t ({}) select {} from {incoming} on conflict ({}) {action} returning {key}, (t.xmax = 0)",
            list("", &columns),
            list("i.", &columns),
            list("", table.key)
        );
        let equal = if values.is_empty() {
            "true".to_owned()
        } else {
            format!("row({}) is not distinct from row({})", list("t.", &values), list("i.", &values))
        };
        let same = format!("select {key} from {incoming} join {name} t on {on} where {equal}");
        let remember = format!(
            "insert into imported_rows (entity, source_key, key, digest)
             select '{name}', e.row ->> '{SOURCE_KEY}', {key}, {digest} from {incoming} join {name} t on {on}
             where {equal}
             on conflict (entity, source_key) do update set key = excluded.key, digest = excluded.digest"
        );
        Self { upsert, same, remember }
    }
}
