//! Tickets as bills and reports read them (codex-api.md §4.2).

use chrono::{DateTime, NaiveDate, Utc};
use futures::{Stream, TryStreamExt};
use hivematrix_shared::contracts::codex::{CompanyTicket, Detail, PsaId, TimeEntry};
use serde_json::value::RawValue;
use sqlx::{PgExecutor, types::Json};

/// A ticket and its company.
#[derive(Clone, Debug)]
pub struct TicketOfCompany {
    /// The company.
    pub account_number: String,
    /// The ticket.
    pub ticket: CompanyTicket,
}

/// Which tickets are read, and how much of each.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only those of these companies; tickets without a company are never among them.
    pub only: Option<Vec<String>>,
    /// Only those changed in this year, or with work done in it.
    pub year: Option<i32>,
    /// Only those changed since then.
    pub updated_since: Option<DateTime<Utc>>,
    /// Without descriptions, conversations and notes.
    pub billing: bool,
    /// For a customer: what agents write for each other is left out.
    pub public: bool,
}

/// Streams tickets in the order of [`companies::list`](super::super::companies::list), within a company by id.
pub fn stream<'e>(
    executor: impl PgExecutor<'e> + 'e,
    selection: Selection,
) -> impl Stream<Item = sqlx::Result<TicketOfCompany>> + Send + 'e {
    let billing = selection.billing;
    let start = selection.year.and_then(start_of_year);
    let end = selection.year.and_then(|year| start_of_year(year.checked_add(1)?));
    sqlx::query!(
        r#"
        select t.company_account_number as "account_number!", t.id as "id!", t.external_id as "external_id!", t.ticket_number, t.subject,
            case when $5 then null else t.description end as description,
            case when $5 then null else t.description_text end as description_text,
            t.status, t.priority, c.compliance_level, t.requester_email, t.requester_name, t.created_at, t.last_updated_at, t.closed_at,
            t.total_hours_spent as "total_hours_spent!",
            case when $5 then null else t.conversations end as "conversations: Json<Box<RawValue>>",
            case when $5 then null when $6 then '[]' else t.notes end as "notes: Json<Box<RawValue>>",
            e.entries as "entries!: Json<Vec<TimeEntry>>"
        from ticket_details t
        join companies c on c.account_number = t.company_account_number
        cross join lateral (select coalesce(jsonb_agg(jsonb_build_object('id', id, 'hours', hours, 'billable', billable,
                'executed_at', executed_at, 'agent_id', agent_id, 'updated_at', updated_at) order by id), '[]') as entries
            from ticket_time_entries where ticket_id = t.id) e
        where ($1::text[] is null or t.company_account_number = any($1))
            and ($2::timestamptz is null or (t.last_updated_at >= $2 and t.last_updated_at < $3)
                or exists (select from ticket_time_entries w
                    where w.ticket_id = t.id and w.executed_at >= $2 and w.executed_at < $3))
            and ($4::timestamptz is null or t.last_updated_at >= $4)
        order by lower(c.name), c.account_number, t.id
        "#,
        selection.only.as_deref(),
        start,
        end,
        selection.updated_since,
        billing,
        selection.public
    )
    .fetch(executor)
    .map_ok(move |row| {
        let detail = |text: Option<String>| if billing { Detail::LeftOut } else { Detail::from_option(text) };
        let array = |json: Option<Json<Box<RawValue>>>| match json {
            Some(Json(raw)) => Detail::Value(raw),
            None => Detail::LeftOut,
        };
        TicketOfCompany {
            account_number: row.account_number,
            ticket: CompanyTicket {
                ticket_id: row.id,
                external_id: Some(PsaId(row.external_id)),
                ticket_number: row.ticket_number,
                subject: row.subject,
                description: detail(row.description),
                description_text: detail(row.description_text),
                status: row.status,
                priority: row.priority,
                company_compliance_level: Some(row.compliance_level),
                requester_email: row.requester_email,
                requester_name: row.requester_name,
                created_at: row.created_at,
                last_updated_at: row.last_updated_at,
                closed_at: row.closed_at,
                total_hours_spent: row.total_hours_spent,
                conversations: array(row.conversations),
                notes: array(row.notes),
                time_entries: row.entries.0,
            },
        }
    })
}

fn start_of_year(year: i32) -> Option<DateTime<Utc>> {
    Some(NaiveDate::from_ymd_opt(year, 1, 1)?.and_hms_opt(0, 0, 0)?.and_utc())
}
