-- The archive (ledger.md §2.3, §7): written once, never changed. A correction is a credit note.

-- Snapshots and credit notes of a company form one chain, in this order.
create sequence archive_position;

create table billing_snapshots (
    id                      serial primary key,
    company_account_number  varchar(50) not null,
    company_name            varchar(255) not null,
    invoice_number          varchar(100) not null unique,
    billing_year            integer not null check (billing_year between 1 and 9999),
    billing_month           integer not null check (billing_month between 1 and 12),
    invoice_date            varchar(50) not null,
    due_date                varchar(50),
    archived_at             timestamptz not null,
    billing_plan            varchar(100),
    contract_term           varchar(50),
    support_level           varchar(100),
    total_amount            numeric(14, 2) not null,
    total_user_charges      numeric(14, 2) not null default 0,
    total_asset_charges     numeric(14, 2) not null default 0,
    total_backup_charges    numeric(14, 2) not null default 0,
    total_ticket_charges    numeric(14, 2) not null default 0,
    total_line_item_charges numeric(14, 2) not null default 0,
    user_count              integer not null default 0,
    asset_count             integer not null default 0,
    billable_hours          numeric(12, 2) not null default 0,
    billing_data_json       text not null,
    invoice_csv             text not null,
    created_by              varchar(255) not null default 'admin',
    notes                   text,
    -- Taken over from the archive of the original suite, whose roundings do not always add up.
    taken_over              boolean not null default false,
    position                bigint not null unique default nextval('archive_position'),
    -- SHA-256 over everything above, the lines, and the hash before it in the chain of the company; lower-case hexadecimal.
    content_hash            varchar(64) not null,
    previous_hash           varchar(64),
    constraint unique_company_period unique (company_account_number, billing_year, billing_month)
);
create index idx_billing_snapshots_account on billing_snapshots (company_account_number);
create index idx_billing_snapshots_year on billing_snapshots (billing_year);
create index idx_billing_snapshots_month on billing_snapshots (billing_month);
create index idx_company_period on billing_snapshots (company_account_number, billing_year, billing_month);
create index idx_archived_at on billing_snapshots (archived_at);

create table snapshot_line_items (
    id          serial primary key,
    snapshot_id integer not null references billing_snapshots (id),
    line_type   varchar(50) not null check (line_type in ('user', 'asset', 'backup', 'ticket', 'custom')),
    item_name   text not null,
    description text,
    quantity    numeric(12, 2) not null default 1,
    rate        numeric(14, 2) not null,
    amount      numeric(14, 2) not null
);
create index idx_snapshot_line_items_snapshot on snapshot_line_items (snapshot_id);
create index idx_line_items_type on snapshot_line_items (line_type, item_name);

-- Which hours a bill has charged or taken off an allowance, so that no hour is billed twice (rule 48).
create table billed_hours (
    id                     bigint generated always as identity primary key,
    snapshot_id            integer not null references billing_snapshots (id),
    company_account_number varchar(50) not null,
    ticket_number          varchar(100) not null,
    -- Null: hours of a ticket without dated entries.
    time_entry_id          bigint unique,
    -- All digits: what is not remembered would be billed again.
    hours                  numeric not null
);
create index idx_billed_hours_company on billed_hours (company_account_number);
create index idx_billed_hours_snapshot on billed_hours (snapshot_id);

create table credit_notes (
    id            serial primary key,
    -- `<invoice number>-C<n>`
    number        varchar(110) not null unique,
    snapshot_id   integer not null references billing_snapshots (id),
    company_account_number varchar(50) not null,
    issued_at     timestamptz not null,
    issued_by     varchar(255) not null,
    reason        text not null,
    -- What is taken off, positive.
    total_amount  numeric(14, 2) not null check (total_amount > 0),
    position      bigint not null unique default nextval('archive_position'),
    content_hash  varchar(64) not null,
    previous_hash varchar(64)
);
create index idx_credit_notes_snapshot on credit_notes (snapshot_id);
create index idx_credit_notes_company on credit_notes (company_account_number);

create table credit_note_lines (
    id             serial primary key,
    credit_note_id integer not null references credit_notes (id),
    -- The line of the invoice that it takes back, where it is one.
    line_item_id   integer references snapshot_line_items (id),
    description    text not null,
    amount         numeric(14, 2) not null check (amount > 0)
);
create index idx_credit_note_lines_note on credit_note_lines (credit_note_id);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the archive is never changed: % on %', tg_op, tg_table_name
        using errcode = 'integrity_constraint_violation', hint = 'Corrections are credit notes.';
end $$;

do $$
declare
    archived text;
begin
    foreach archived in array array['billing_snapshots', 'snapshot_line_items', 'billed_hours', 'credit_notes', 'credit_note_lines',
        'rate_changes'] loop
        execute format('create trigger never_changed before update or delete on %I for each row execute function refuse_change()', archived);
        execute format('create trigger never_emptied before truncate on %I for each statement execute function refuse_change()', archived);
    end loop;
end $$;

-- Whoever empties a table of rates at once would leave no trace of it.
do $$
declare
    rates text;
begin
    foreach rates in array array['client_billing_overrides', 'asset_billing_overrides', 'user_billing_overrides', 'manual_assets',
        'manual_users', 'custom_line_items', 'client_feature_overrides', 'device_type_mappings', 'billing_settings'] loop
        execute format('create trigger never_emptied before truncate on %I for each statement execute function refuse_change()', rates);
    end loop;
end $$;

-- Lines belong to a document of the same transaction: none can be added to one that is in the archive already.
create function refuse_later_line() returns trigger language plpgsql as $$
declare
    document_id bigint := (to_jsonb(new) ->> tg_argv[1])::bigint;
    is_new boolean;
begin
    -- One that is seen and whose transaction has not ended is of this transaction, or of a part of it. Numbers of transactions
    -- are stored without their upper half.
    execute format('select pg_xact_status(((pg_current_xact_id()::text::bigint & ~4294967295) | xmin::text::bigint)::text::xid8)
                      = ''in progress'' from %I where id = $1', tg_argv[0])
       into is_new using document_id;
    if is_new is not true then
        raise exception 'the archive is never changed: a line for % %', tg_argv[0], document_id
            using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
create trigger of_a_new_document before insert on snapshot_line_items
    for each row execute function refuse_later_line('billing_snapshots', 'snapshot_id');
create trigger of_a_new_document before insert on billed_hours
    for each row execute function refuse_later_line('billing_snapshots', 'snapshot_id');
create trigger of_a_new_document before insert on credit_note_lines
    for each row execute function refuse_later_line('credit_notes', 'credit_note_id');

create table scheduled_snapshots (
    id                     serial primary key,
    enabled                boolean not null default true,
    day_of_month           integer not null default 1 check (day_of_month between 1 and 31),
    hour                   integer not null default 2 check (hour between 0 and 23),
    snapshot_previous_month boolean not null default true,
    snapshot_all_companies boolean not null default true,
    last_run_at            timestamptz,
    last_run_status        varchar(50) check (last_run_status in ('success', 'partial', 'failed')),
    last_run_count         integer not null default 0,
    last_run_log           text,
    created_at             timestamptz not null default now(),
    updated_at             timestamptz
);
insert into scheduled_snapshots default values;

create table snapshot_jobs (
    id                     uuid primary key,
    job_type               varchar(50) not null check (job_type in ('manual', 'scheduled', 'bulk')),
    status                 varchar(20) not null check (status in ('running', 'completed', 'failed')),
    target_year            integer not null check (target_year between 1 and 9999),
    target_month           integer not null check (target_month between 1 and 12),
    -- A JSON array; null is all companies.
    target_account_numbers text,
    total_companies        integer not null default 0,
    completed_companies    integer not null default 0,
    failed_companies       integer not null default 0,
    started_at             timestamptz not null,
    completed_at           timestamptz,
    output                 text,
    error                  text,
    success                boolean,
    triggered_by           varchar(255)
);
create index idx_snapshot_jobs_started on snapshot_jobs (started_at desc);
-- Two jobs for one month may not overlap, whoever starts them.
create unique index unique_running_job on snapshot_jobs (target_year, target_month) where status = 'running';

-- What became of each company, as it happens.
create table snapshot_job_companies (
    job_id                 uuid not null references snapshot_jobs (id) on delete cascade,
    company_account_number varchar(50) not null,
    company_name           varchar(255),
    outcome                varchar(20) not null check (outcome in ('archived', 'already', 'skipped', 'failed')),
    reason                 text,
    primary key (job_id, company_account_number)
);
