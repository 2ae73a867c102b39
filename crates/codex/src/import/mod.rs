//! `hivematrix-codex import`: takes over a database of the original Codex. Can be repeated; what was changed here since
//! stays. The source is only read.

pub mod command;
mod numbers;
mod prepare;
pub mod report;
mod source;
mod store;
mod table;
mod tables;
mod value;

use std::collections::HashMap;
use std::pin::pin;

use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use hivematrix_shared::{clock::Clock, config::Secret};
use serde_json::Value;
use sqlx::{Acquire as _, PgConnection, PgPool};

use numbers::FreeNumbers;
use report::{Counts, LeftOut, Refused, Report};
use store::{Candidate, Done};
use table::{Conflict, Row, Table};
use tables::TABLES;

use crate::store::alone::{Alone, Busy};
use crate::store::changes::acting;

/// Rows that are stored at once.
const BATCH: usize = 200;
/// Text after which a batch is stored in any case, in bytes.
const BATCH_BYTES: usize = 2 * 1024 * 1024;

/// What has been read so far that later tables need.
#[derive(Default)]
struct Progress {
    /// Tables that others refer to: the number of every row that was taken, there and here.
    numbers: HashMap<&'static str, HashMap<i64, i64>>,
    report: Report,
}

/// Takes over everything, alone: two at once, or one beside a sync, would each undo what the other has done. With `dry_run`
/// all of it is done and nothing of it stays. `tell` gets a line for every table.
///
/// # Errors
/// When a sync or another import runs, or either database fails. Tables that were finished by then stay.
pub async fn run(
    pool: &PgPool,
    clock: &Clock,
    from: &Secret,
    dry_run: bool,
    tell: impl Fn(&str),
) -> anyhow::Result<Report> {
    let mut progress = Progress::default();
    progress.report.dry_run = dry_run;
    progress.report.started_at = Some(clock.now());
    let mut source = source::open(from).await?;
    let alone = Alone::begin(pool, clock.now()).await?.map_err(in_the_way)?;
    let mut target = pool.acquire().await?;
    if dry_run {
        let mut everything = target.begin().await?;
        // Numbers that are drawn cannot be taken back.
        sqlx::query!("select set_config('codex.rehearsal', 'on', true)").fetch_one(&mut *everything).await?;
        for table in TABLES {
            take(&mut source, &mut everything, table, &mut progress, true).await?;
            tell_last(&progress.report, &tell);
        }
        everything.rollback().await?;
    } else {
        for table in TABLES {
            take(&mut source, &mut target, table, &mut progress, false).await?;
            tell_last(&progress.report, &tell);
        }
    }
    source::close(source).await?;
    alone.end().await?;
    progress.report.ended_at = Some(clock.now());
    Ok(progress.report)
}

fn in_the_way(busy: Busy) -> anyhow::Error {
    match busy {
        Busy::Job(job) => anyhow::anyhow!(
            "nothing was imported: a sync is running (job {job}). Wait for it to end, or cancel it with POST /sync/cancel/{job}"
        ),
        Busy::Alone => {
            anyhow::anyhow!("nothing was imported: another import, or the clearing of data, is running")
        }
    }
}

fn tell_last(report: &Report, tell: &impl Fn(&str)) {
    if let Some(counts) = report.tables.last() {
        tell(&counts.line());
    }
}

/// One table, in one transaction.
async fn take(
    source: &mut PgConnection,
    target: &mut PgConnection,
    table: &'static Table,
    progress: &mut Progress,
    dry_run: bool,
) -> anyhow::Result<()> {
    let mut counts = Counts { table: table.name, ..Counts::default() };
    let Some(columns) = source::columns(source, table).await? else {
        progress.report.tables.push(counts);
        return Ok(());
    };
    counts.in_source = true;
    let mut tx = target.begin().await?;
    acting(&mut tx, "import").await?;
    // Its rows come with ids by which its other tables, and those of other services, go.
    sqlx::raw_sql("set local codex.own_ids = 'on'").execute(&mut *tx).await?;
    let mut taken = HashMap::new();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    let mut free = FreeNumbers::begin(source, &mut tx, table, dry_run).await?;
    let mut rows = pin!(source::rows(source, table, &columns));
    loop {
        let row = rows.next().await.transpose()?;
        let ended = row.is_none();
        if let Some(values) = row {
            counts.read += 1;
            bytes += values.iter().flatten().map(String::len).sum::<usize>();
            match read(table, columns.names(), values, progress) {
                Ok(candidate) => batch.push(candidate),
                Err(refused) => refuse(&mut progress.report, &mut counts, refused),
            }
        }
        if batch.len() >= BATCH || bytes >= BATCH_BYTES || ended {
            let done = store::store(&mut tx, table, &batch, &taken, &mut free).await?;
            account(table, done, &mut counts, &mut taken, progress, &mut tx).await?;
            batch.clear();
            bytes = 0;
        }
        if ended {
            break;
        }
    }
    tx.commit().await?;
    progress.report.tables.push(counts);
    Ok(())
}

async fn account(
    table: &'static Table,
    done: Done,
    counts: &mut Counts,
    taken: &mut HashMap<String, String>,
    progress: &mut Progress,
    conn: &mut PgConnection,
) -> sqlx::Result<()> {
    counts.new += done.new.len() as u64;
    counts.updated += done.updated.len() as u64;
    counts.unchanged += done.unchanged;
    counts.kept += done.kept;
    let written: Vec<String> = done.new.into_iter().chain(done.updated).collect();
    match table.name {
        "companies" => edited_plans(conn, &written).await?,
        "ticket_details" => details_due(conn, &written, progress.report.started_at).await?,
        _ => {}
    }
    for refused in done.refused {
        refuse(&mut progress.report, counts, refused);
    }
    // Keys without a number cannot come twice; and of tickets there are many, but nothing refers to them.
    if table.has_id() && table.conflict != Conflict::Newer {
        let numbers = progress.numbers.entry(table.name).or_default();
        let number = |key: &str| key.parse::<i64>().ok();
        numbers.extend(done.taken.iter().filter_map(|(ours, theirs)| Some((number(theirs)?, number(ours)?))));
        taken.extend(done.taken);
    }
    Ok(())
}

fn refuse(report: &mut Report, counts: &mut Counts, refused: Refused) {
    counts.refused += 1;
    report.refused.push(refused);
}

/// The original's pages edit the plan of a company and nothing else remembers that: a plan that is not the vendor's was
/// chosen by a person, and the next sync must leave it.
async fn edited_plans(conn: &mut PgConnection, numbers: &[String]) -> sqlx::Result<()> {
    sqlx::query!(
        "update companies set edited_fields = array_append(edited_fields, 'billing_plan')
         where account_number = any ($1) and billing_plan is not null and billing_plan is distinct from plan_selected
           and not ('billing_plan' = any (edited_fields))",
        numbers
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The original keeps the sum of a ticket's hours but not the bookings, and at most ten messages: the vendor has to be asked
/// for the details of every ticket that was taken over.
async fn details_due(
    conn: &mut PgConnection,
    keys: &[String],
    now: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    let ids: Vec<i64> = keys.iter().filter_map(|key| key.parse().ok()).collect();
    sqlx::query!(
        "update ticket_details set detail_due_at = $2, detail_attempts = 0
         where id = any ($1) and coalesce(status, '') not in ('deleted', 'spam', 'trash')",
        &ids,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A row of the source in the types of ours, its references under the numbers they have here.
fn read(
    table: &'static Table,
    names: &[&'static str],
    values: Vec<Option<String>>,
    progress: &mut Progress,
) -> Result<Candidate, Refused> {
    let raw: HashMap<&str, Option<String>> = names.iter().copied().zip(values).collect();
    let part = |name: &&str| raw.get(*name).and_then(Option::as_deref).unwrap_or_default();
    let key = table.key.iter().map(part).collect::<Vec<_>>().join(":");
    let refused = |reason: String| Refused { table: table.name, key: key.clone(), reason };
    let mut row = Row::new();
    for column in table.columns {
        let Some(text) = raw.get(column.name) else { continue };
        let needed =
            table.key.contains(&column.name) || table.references.iter().any(|(name, _)| *name == column.name);
        let value = match value::convert(column.kind, text.as_deref().unwrap_or_default()) {
            _ if text.is_none() => Value::Null,
            Ok(value) => value,
            Err(reason) if needed => return Err(refused(format!("{}: {reason}", column.name))),
            Err(reason) => {
                let (table, key) = (table.name, key.clone());
                progress.report.left_out.push(LeftOut { table, key, column: column.name, reason });
                Value::Null
            }
        };
        let value = match (value, column.default) {
            (Value::Null, Some(default)) => value::convert(column.kind, default).unwrap_or_default(),
            (value, _) => value,
        };
        row.insert(column.name.to_owned(), value);
    }
    for name in table.also {
        let text = raw.get(name).cloned().flatten();
        row.insert((*name).to_owned(), text.map_or(Value::Null, Value::from));
    }
    (table.prepare)(&mut row).map_err(&refused)?;
    for (column, of) in table.references {
        let number = row.get(*column).and_then(Value::as_i64).unwrap_or_default();
        // Without this a row that was refused would be taken for whatever has its number here.
        let ours = progress.numbers.get(of).and_then(|numbers| numbers.get(&number));
        let missing = || Refused {
            table: table.name,
            key: key.clone(),
            reason: format!("{column}: row {number} of {of} was not taken"),
        };
        row.insert((*column).to_owned(), (*ours.ok_or_else(missing)?).into());
    }
    Ok(Candidate { key, row })
}
