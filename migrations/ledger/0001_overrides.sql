-- What differs from the plan, by company, device, person and item (ledger.md §2.1, §2.2). The range of amounts is checked here too,
-- since other programs write these tables in a mixed suite.

-- A value counts only while its flag is set.
create table client_billing_overrides (
    id                                     serial primary key,
    company_account_number                 varchar(50) not null unique,
    billing_plan                           varchar(100),
    override_billing_plan_enabled          boolean not null default false,
    support_level                          varchar(100),
    override_support_level_enabled         boolean not null default false,
    per_user_cost                          numeric(10, 2) check (per_user_cost >= 0),
    override_puc_enabled                   boolean not null default false,
    per_workstation_cost                   numeric(10, 2) check (per_workstation_cost >= 0),
    override_pwc_enabled                   boolean not null default false,
    per_server_cost                        numeric(10, 2) check (per_server_cost >= 0),
    override_psc_enabled                   boolean not null default false,
    per_vm_cost                            numeric(10, 2) check (per_vm_cost >= 0),
    override_pvc_enabled                   boolean not null default false,
    per_switch_cost                        numeric(10, 2) check (per_switch_cost >= 0),
    override_pswitchc_enabled              boolean not null default false,
    per_firewall_cost                      numeric(10, 2) check (per_firewall_cost >= 0),
    override_pfirewallc_enabled            boolean not null default false,
    per_hour_ticket_cost                   numeric(10, 2) check (per_hour_ticket_cost >= 0),
    override_phtc_enabled                  boolean not null default false,
    backup_base_fee_workstation            numeric(10, 2) check (backup_base_fee_workstation >= 0),
    override_bbfw_enabled                  boolean not null default false,
    backup_base_fee_server                 numeric(10, 2) check (backup_base_fee_server >= 0),
    override_bbfs_enabled                  boolean not null default false,
    backup_included_tb                     numeric(10, 2) check (backup_included_tb >= 0),
    override_bit_enabled                   boolean not null default false,
    backup_per_tb_fee                      numeric(10, 2) check (backup_per_tb_fee >= 0),
    override_bpt_enabled                   boolean not null default false,
    prepaid_hours_monthly                  numeric(10, 2) check (prepaid_hours_monthly >= 0),
    override_prepaid_hours_monthly_enabled boolean not null default false,
    prepaid_hours_yearly                   numeric(10, 2) check (prepaid_hours_yearly >= 0),
    override_prepaid_hours_yearly_enabled  boolean not null default false
);

-- Keyed by Codex's id alone. The company is noted where it was known, for the history.
create table asset_billing_overrides (
    id                     serial primary key,
    asset_id               bigint not null unique,
    billing_type           varchar(50),
    custom_cost            numeric(10, 2) check (custom_cost >= 0),
    company_account_number varchar(50)
);

create table user_billing_overrides (
    id                     serial primary key,
    user_id                bigint not null unique,
    billing_type           varchar(50),
    custom_cost            numeric(10, 2) check (custom_cost >= 0),
    company_account_number varchar(50)
);

create table manual_assets (
    id                     serial primary key,
    company_account_number varchar(50) not null,
    hostname               varchar(150) not null,
    billing_type           varchar(50) not null,
    custom_cost            numeric(10, 2) check (custom_cost >= 0),
    notes                  text
);
create index idx_manual_assets_company on manual_assets (company_account_number);

create table manual_users (
    id                     serial primary key,
    company_account_number varchar(50) not null,
    full_name              varchar(150) not null,
    billing_type           varchar(50) not null,
    custom_cost            numeric(10, 2) check (custom_cost >= 0),
    notes                  text
);
create index idx_manual_users_company on manual_users (company_account_number);

-- One kind of fee per item; a negative one is a discount.
create table custom_line_items (
    id                     serial primary key,
    company_account_number varchar(50) not null,
    name                   varchar(150) not null,
    description            text,
    monthly_fee            numeric(10, 2),
    one_off_fee            numeric(10, 2),
    one_off_year           integer check (one_off_year between 1 and 9999),
    one_off_month          integer check (one_off_month between 1 and 12),
    yearly_fee             numeric(10, 2),
    yearly_bill_month      integer check (yearly_bill_month between 1 and 12),
    -- Months in which it is billed, as YYYY-MM; null is no limit.
    first_month            varchar(7) check (first_month ~ '^\d{4}-(0[1-9]|1[0-2])$'),
    last_month             varchar(7) check (last_month ~ '^\d{4}-(0[1-9]|1[0-2])$')
);
create index idx_custom_line_items_company on custom_line_items (company_account_number);

create table client_feature_overrides (
    id                     serial primary key,
    company_account_number varchar(50) not null,
    feature_type           varchar(100) not null,
    override_enabled       boolean not null default false,
    value                  varchar(100),
    constraint unique_client_feature unique (company_account_number, feature_type)
);
create index idx_feature_overrides_company on client_feature_overrides (company_account_number);

-- Which rate a kind of device has (rule 45). Kinds are compared without regard to case.
create table device_type_mappings (
    id           serial primary key,
    device_type  varchar(100) not null,
    billing_type varchar(50) not null,
    updated_by   varchar(255),
    updated_at   timestamptz not null default now()
);
create unique index unique_device_type on device_type_mappings (lower(device_type));
insert into device_type_mappings (device_type, billing_type) values
    ('Workstation', 'Workstation'), ('Desktop', 'Workstation'), ('Laptop', 'Workstation'),
    ('Server', 'Server'), ('ESXI Host', 'Server'),
    ('Virtual Machine', 'VM'), ('virtual_machine', 'VM'), ('VM', 'VM'),
    ('Switch', 'Switch'), ('Firewall', 'Firewall');

-- How bills are read, where the contract leaves a choice (rules 47, 48), and what invoices say of their sender. One row.
create table billing_settings (
    id             boolean primary key default true check (id),
    yearly_pool    varchar(10) not null default 'gross' check (yearly_pool in ('gross', 'net')),
    hours          varchar(10) not null default 'dated' check (hours in ('dated', 'original')),
    currency       varchar(3) not null default 'USD' check (currency ~ '^[A-Z]{3}$'),
    sender_name    varchar(255),
    sender_address text,
    sender_email   varchar(255),
    sender_tax_id  varchar(100),
    terms          text,
    paper          varchar(10) not null default 'a4' check (paper in ('a4', 'letter')),
    -- What Xero calls things (docs/billing.md).
    xero_account_code varchar(20) not null default '200',
    xero_tax_type  varchar(100) not null default 'Tax Exempt',
    xero_dates     varchar(20) not null default 'day_first' check (xero_dates in ('day_first', 'month_first')),
    -- For electronic invoices: what the law calls the sender, and why no tax is on them.
    sender_country varchar(2) check (sender_country ~ '^[A-Z]{2}$'),
    sender_vat_id  varchar(50),
    sender_registration varchar(100),
    no_tax         varchar(20) check (no_tax in ('out_of_scope', 'exempt', 'reverse_charge')),
    no_tax_reason  varchar(255),
    logo           bytea check (length(logo) <= 1048576),
    logo_type      varchar(50) check (logo_type in ('image/png', 'image/jpeg')),
    check ((logo is null) = (logo_type is null))
);
insert into billing_settings default values;

-- Who changed what from what to what: one row for each column of a rate that became another one.
create table rate_changes (
    id                     bigint generated always as identity primary key,
    changed_at             timestamptz not null default clock_timestamp(),
    changed_by             varchar(255) not null,
    table_name             varchar(50) not null,
    row_id                 varchar(100) not null,
    company_account_number varchar(50),
    column_name            varchar(100) not null,
    old_value              text,
    new_value              text
);
create index idx_rate_changes_company on rate_changes (company_account_number, id);
comment on table rate_changes is 'Written by triggers; the transaction says who acts by the setting ledger.actor';

create function log_rate_change() returns trigger language plpgsql as $$
declare
    before jsonb := case when tg_op = 'INSERT' then '{}' else to_jsonb(old) end;
    after  jsonb := case when tg_op = 'DELETE' then '{}' else to_jsonb(new) end;
    known  jsonb := before || after;
begin
    insert into rate_changes (changed_by, table_name, row_id, company_account_number, column_name, old_value, new_value)
    select coalesce(nullif(current_setting('ledger.actor', true), ''), session_user), tg_table_name,
           coalesce(known ->> tg_argv[0], ''), known ->> 'company_account_number', name, before ->> name, after ->> name
      from jsonb_object_keys(known) as name
     where name not in ('id', 'updated_by', 'updated_at', 'logo')
       -- Of a new or removed row these say no more than the row's own columns.
       and not (tg_op <> 'UPDATE' and name in ('company_account_number', tg_argv[0]))
       and before ->> name is distinct from after ->> name
       -- A flag that is off in a new row is no change.
       and not (tg_op = 'INSERT' and after ->> name = 'false')
     order by name;
    return null;
end $$;

create trigger rate_change after insert or update or delete on client_billing_overrides
    for each row execute function log_rate_change('company_account_number');
create trigger rate_change after insert or update or delete on asset_billing_overrides
    for each row execute function log_rate_change('asset_id');
create trigger rate_change after insert or update or delete on user_billing_overrides
    for each row execute function log_rate_change('user_id');
create trigger rate_change after insert or update or delete on manual_assets
    for each row execute function log_rate_change('id');
create trigger rate_change after insert or update or delete on manual_users
    for each row execute function log_rate_change('id');
create trigger rate_change after insert or update or delete on custom_line_items
    for each row execute function log_rate_change('id');
create trigger rate_change after insert or update or delete on client_feature_overrides
    for each row execute function log_rate_change('feature_type');
create trigger rate_change after insert or update or delete on device_type_mappings
    for each row execute function log_rate_change('device_type');
create trigger rate_change after update on billing_settings
    for each row execute function log_rate_change('id');
