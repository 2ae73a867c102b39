//! Companies with everything small that belongs to them, one after the other (codex-api.md §4.2, bulk).

use futures::{Stream, TryStreamExt};
use hivematrix_shared::contracts::codex::{Asset, BulkCompany, Company, Contact, Location};
use sqlx::{PgExecutor, types::Json};

/// Streams companies by name, without tickets, so that only a few of them are in memory at a time.
pub fn stream<'e>(
    executor: impl PgExecutor<'e> + 'e,
    only: Option<Vec<String>>,
) -> impl Stream<Item = sqlx::Result<BulkCompany>> + Send + 'e {
    sqlx::query!(
        r#"
        select c.account_number, c.name, c.description, c.compliance_level,
            coalesce(nullif(c.billing_plan, ''), c.plan_selected) as billing_plan, c.contract_term_length, c.contract_start_date,
            c.contract_end_date, c.support_level, c.profit_or_non_profit, c.company_main_number, c.company_start_date,
            c.domains::text as domains, c.phone_system, c.email_system,
            (select coalesce(json_agg(json_build_object('id', a.id, 'hostname', a.hostname, 'hardware_type', a.hardware_type,
                    'operating_system', a.operating_system, 'device_type', a.device_type,
                    'last_logged_in_user', a.last_logged_in_user, 'antivirus_product', a.antivirus_product,
                    'ext_ip_address', a.ext_ip_address, 'int_ip_address', a.int_ip_address, 'domain', a.domain,
                    'online', a.online, 'last_seen', a.last_seen, 'backup_usage_tb', round(a.backup_usage_tb, 2)::text,
                    'backup_data_bytes',
                        trunc(greatest(least(coalesce(a.backup_usage_tb, 0), 1048576), 0) * 1099511627776)::bigint)
                    order by lower(a.hostname), a.id), '[]')
                from assets a where a.company_account_number = c.account_number) as "assets!: Json<Vec<Asset>>",
            (select coalesce(json_agg(json_build_object('id', p.id, 'name', p.name, 'email', p.email, 'title', p.title,
                    'employment_type', p.employment_type, 'active', p.active,
                    'mobile_phone_number', p.mobile_phone_number, 'work_phone_number', p.work_phone_number,
                    'secondary_emails', p.secondary_emails::text) order by lower(p.name), p.id), '[]')
                from contact_company_link l join contacts p on p.id = l.contact_id
                where l.company_account_number = c.account_number) as "contacts!: Json<Vec<Contact>>",
            (select coalesce(json_agg(json_build_object('id', l.id, 'name', l.name, 'address', l.address,
                    'phone_number', l.phone_number) order by l.id), '[]')
                from locations l where l.company_account_number = c.account_number) as "locations!: Json<Vec<Location>>"
        from companies c
        where $1::text[] is null or c.account_number = any($1)
        order by lower(c.name), c.account_number
        "#,
        only.as_deref()
    )
    .fetch(executor)
    .map_ok(|row| BulkCompany {
        assets: row.assets.0,
        users: row.contacts.0.clone(),
        contacts: row.contacts.0,
        locations: row.locations.0,
        tickets: None,
        company: Company {
            id: row.account_number.clone(),
            account_number: row.account_number,
            name: row.name,
            description: row.description,
            compliance_level: Some(row.compliance_level),
            billing_plan: row.billing_plan,
            contract_term_length: row.contract_term_length,
            contract_start_date: row.contract_start_date,
            contract_end_date: row.contract_end_date,
            support_level: row.support_level,
            profit_or_non_profit: row.profit_or_non_profit,
            company_main_number: row.company_main_number,
            company_start_date: row.company_start_date,
            domains: row.domains,
            phone_system: row.phone_system,
            email_system: row.email_system,
        },
    })
}
