-- Ten thousand companies as a sync stores them, each with eight devices, eight people and twelve tickets of this year with an
-- hour's work, on the plans that the companies have which are there already. Run with `-v month=YYYY-MM-01`, the month billed.
create temporary table plans as
select row_number() over () - 1 as place, count(*) over () as all_of_them, plan.*
from (select distinct billing_plan, contract_term_length from companies
      where billing_plan is not null and lower(billing_plan) <> 'inactive' and contract_term_length is not null) as plan;

insert into companies (account_number, external_id, external_source, name, billing_plan, contract_term_length, contract_start_date)
select 'BENCH-' || n, n, 'bench', 'Bench Company ' || n, billing_plan, contract_term_length, '2020-01-01'
from generate_series(1, 10000) as n join plans on place = n % all_of_them;

insert into assets (external_id, rmm_provider, hostname, company_account_number, hardware_type, device_type, operating_system, online, last_seen)
select 'bench-' || n || '-' || k, 'bench', 'PC-' || n || '-' || k, 'BENCH-' || n,
    (array['Desktop', 'Laptop', 'Server'])[1 + k % 3], (array['Desktop', 'Laptop', 'Server'])[1 + k % 3],
    (array['Microsoft Windows 11 Pro 10.0.22631', 'Microsoft Windows Server 2022'])[1 + k % 2], true, now()
from generate_series(1, 10000) as n, generate_series(1, 8) as k;

with person as (
    insert into contacts (external_id, external_source, name, primary_email, email)
    select n * 10 + k, 'bench', 'Person ' || n || '-' || k, 'p' || k || '@c' || n || '.example', 'p' || k || '@c' || n || '.example'
    from generate_series(1, 10000) as n, generate_series(1, 8) as k
    returning id, external_id)
insert into contact_company_link (contact_id, company_account_number)
select id, 'BENCH-' || external_id / 10 from person;

with ticket as (
    insert into ticket_details (external_id, external_source, company_account_number, ticket_number, subject, status, priority,
        created_at, last_updated_at, closed_at, total_hours_spent)
    select n * 100 + k, 'bench', 'BENCH-' || n, 'B' || n * 100 + k, 'Work ' || k || ' at company ' || n, 'closed', 'medium', at, at, at, 0.75
    from generate_series(1, 10000) as n, generate_series(1, 12) as k,
        lateral (select :'month'::timestamptz + k * interval '1 day') as of_ticket (at)
    returning id, external_id, last_updated_at)
insert into ticket_time_entries (external_id, external_source, ticket_id, hours, billable, executed_at)
select external_id, 'bench', id, 0.75, true, last_updated_at from ticket;

-- What PostgreSQL does by itself within minutes of so many new rows.
vacuum analyze companies, assets, contacts, contact_company_link, ticket_details, ticket_time_entries;
