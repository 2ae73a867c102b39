-- Upstream's tables as its application creates them (codex-api.md section 3): no defaults, times and JSON as text.
create schema upstream;
set search_path to upstream;

create table companies (
    account_number varchar(50) primary key, psa_provider varchar(50), compliance_level varchar(20),
    external_id bigint unique, external_source varchar(50), name varchar(150) not null, description text, address text,
    domains text, created_at varchar(100), updated_at varchar(100), head_user_id bigint, prime_user_id bigint,
    head_name varchar(150), prime_user_name varchar(150), workspace_id integer, plan_selected varchar(100),
    managed_users varchar(100), managed_devices varchar(100), managed_network varchar(100),
    contract_start_date varchar(100), contract_end_date varchar(100), company_start_date varchar(100),
    contract_term varchar(50), profit_or_non_profit varchar(50), company_main_number varchar(50),
    billing_plan varchar(100), contract_term_length varchar(50), support_level varchar(100),
    phone_system varchar(100), email_system varchar(100), datto_portal_url varchar(255));

create table contacts (
    id serial primary key, external_id bigint unique, external_source varchar(50), first_name varchar(150),
    last_name varchar(150), name varchar(150) not null, primary_email varchar(150), email varchar(150) unique not null,
    job_title varchar(150), title varchar(150), active boolean, is_agent boolean, vip_user boolean,
    has_logged_in boolean, can_see_all_tickets_from_associated_departments boolean,
    can_see_all_changes_from_associated_departments boolean, mobile_phone_number varchar(50),
    work_phone_number varchar(50), user_number varchar(50), address text, background_information text,
    department_names text, secondary_emails text, department_ids text, employment_type varchar(100),
    reporting_manager_id bigint, location_id bigint, location_name varchar(150), work_schedule_id bigint,
    language varchar(10), time_zone varchar(100), time_format varchar(10), created_at varchar(100),
    updated_at varchar(100));

create table assets (
    id serial primary key, hostname varchar(150) not null,
    company_account_number varchar(50) not null references companies (account_number), hardware_type varchar(100),
    operating_system varchar(100), antivirus_product varchar(100), domain varchar(100),
    last_logged_in_user varchar(150), rmm_site_name varchar(150), description text, enabled_administrators text,
    udf1 text, udf2 text, udf30 text, ext_ip_address varchar(50), int_ip_address varchar(50),
    last_audit_date varchar(50), last_reboot varchar(50), last_seen varchar(50), patch_status varchar(50),
    device_type varchar(50), online boolean, backup_usage_tb varchar(50), portal_url varchar(255),
    web_remote_url varchar(255));

create table contact_company_link (
    contact_id integer references contacts (id), company_account_number varchar(50) references companies (account_number),
    primary key (contact_id, company_account_number));
create table asset_contact_link (
    asset_id integer references assets (id), contact_id integer references contacts (id), primary key (asset_id, contact_id));

create table locations (
    id serial primary key, name varchar(150) not null, address varchar(255), phone_number varchar(50),
    company_account_number varchar(50) not null references companies (account_number));
create table rmm_site_links (
    id serial primary key, company_account_number varchar(50) not null references companies (account_number),
    rmm_site_uid varchar(100) not null, rmm_provider varchar(50) not null,
    constraint unique_rmm_site unique (rmm_site_uid, rmm_provider));
create table company_feature_overrides (
    id serial primary key, company_account_number varchar(50) not null references companies (account_number),
    feature_key varchar(100) not null, value varchar(100) not null, override_enabled boolean not null);
create table psa_agents (
    id serial primary key, external_id bigint not null, external_source varchar(50) not null, email varchar(150),
    first_name varchar(100), last_name varchar(100), active boolean, job_title varchar(150), department_ids text,
    group_ids text, created_at varchar(50), updated_at varchar(50), provider_data json,
    constraint unique_psa_agent unique (external_id, external_source));
create table agents (
    keycloak_id varchar(100) primary key, username varchar(150) unique not null, email varchar(150) unique not null,
    first_name varchar(150), last_name varchar(150), enabled boolean, theme_preference varchar(20),
    preferred_color_theme varchar(20), knowledgetree_view_preference varchar(20), home_page_preference varchar(50),
    created_at varchar(100), updated_at varchar(100), last_synced_at varchar(100));
create table billing_plans (
    id serial primary key, plan_name varchar(100) not null, term_length varchar(50) not null,
    support_level varchar(100) not null, per_user_cost numeric(10,2), per_workstation_cost numeric(10,2),
    per_server_cost numeric(10,2), per_vm_cost numeric(10,2), per_switch_cost numeric(10,2),
    per_firewall_cost numeric(10,2), per_hour_ticket_cost numeric(10,2), backup_base_fee_workstation numeric(10,2),
    backup_base_fee_server numeric(10,2), backup_included_tb numeric(10,2), backup_per_tb_fee numeric(10,2),
    antivirus varchar(100), soc varchar(100), password_manager varchar(100), sat varchar(100),
    email_security varchar(100), network_management varchar(100),
    constraint unique_plan_term unique (plan_name, term_length));
create table plan_features (
    id serial primary key, plan_id integer not null references billing_plans (id) on delete cascade,
    feature_type varchar(100) not null, feature_value varchar(150) not null,
    constraint unique_plan_feature unique (plan_id, feature_type));
create table feature_options (
    id serial primary key, feature_category varchar(100), option_value varchar(100), display_name varchar(150),
    feature_type varchar(100), description text,
    constraint unique_feature_option unique (feature_category, option_value));
-- An older version has no feature_category_config.
create table ticket_details (
    id serial primary key, external_id bigint not null, external_source varchar(50) not null,
    company_account_number varchar(50) references companies (account_number), ticket_number varchar(50), subject text,
    description text, description_text text, status varchar(50), priority varchar(50), status_id integer,
    priority_id integer, ticket_type varchar(50), requester_email varchar(150), requester_name varchar(150),
    requester_id bigint, responder_id bigint, group_id bigint, created_at varchar(50), last_updated_at varchar(50),
    closed_at varchar(50), fr_due_by varchar(50), due_by varchar(50), first_responded_at varchar(50),
    agent_responded_at varchar(50), total_hours_spent float, conversations text, notes text,
    constraint unique_ticket_external unique (external_id, external_source));
create table sync_jobs (
    id varchar(50) primary key, script varchar(50) not null, provider varchar(50), sync_type varchar(50),
    status varchar(20) not null, started_at varchar(50) not null, completed_at varchar(50), output text, error text,
    success boolean);

insert into companies (account_number, name, external_id, compliance_level, domains, created_at, plan_selected,
    billing_plan, contract_term_length, workspace_id) values
    ('100001', 'Northwind', 901, null, '["northwind.example"]', '2024-01-02T03:04:05Z', 'Gold', 'Gold', '1-year', 2),
    ('100002', 'Tilia & Söhne <GmbH>', 902, 'HIPAA', 'not json', '2024-01-02 03:04:05', 'Gold', 'Silver', 'month-to-month', null),
    ('100003', 'Odd', null, 'secret', null, null, null, null, null, null);
insert into contacts (id, external_id, name, first_name, last_name, email, primary_email, secondary_emails, active,
    department_ids, created_at) values
    (7, 5001, 'Jo Doe', 'Jo', 'Doe', 'jo@x.example', 'jo@x.example', '["jo2@x.example"]', true, '[901]', '2024-01-01T00:00:00+02:00'),
    (8, 5002, ' ', 'Bea', null, 'bea@x.example', null, null, null, null, ''),
    (9, 5003, 'Twin', null, null, 'JO@x.example', null, null, true, null, null),
    (10, 5004, 'Blank', null, null, ' ', null, null, true, null, null);
insert into assets (id, hostname, company_account_number, hardware_type, online, last_seen, last_reboot,
    backup_usage_tb, udf1, udf30) values
    (3, 'PC-1', '100001', 'Desktop', true, '2025-11-22T08:00:00', 'three days ago', '1.25', 'u1', 'u30'),
    (4, 'PC-1', '100001', 'Desktop', null, null, null, 'lots', null, null),
    (5, 'PC-9', '100003', null, null, null, null, null, null, null);
insert into contact_company_link values (7, '100001'), (8, '100001'), (9, '100001'), (7, '100003');
insert into asset_contact_link values (3, 7), (3, 9), (5, 7);
insert into locations (id, name, company_account_number) values (1, 'Annex', '100001');
insert into rmm_site_links (id, company_account_number, rmm_site_uid, rmm_provider) values (1, '100001', 'site-1', 'datto');
insert into company_feature_overrides (id, company_account_number, feature_key, value, override_enabled) values
    (1, '100001', 'soc', 'Gold SOC', true), (2, '100001', 'soc', 'Other SOC', false);
insert into psa_agents (id, external_id, external_source, first_name, active, group_ids, provider_data) values
    (1, 7001, 'freshservice', 'Ana', true, '[8, 9]', '{"a": 1}');
insert into agents (keycloak_id, username, email, enabled, theme_preference, home_page_preference, created_at) values
    ('kc-1', 'ada', 'ada@msp.example', true, 'dark', 'ledger', '2024-05-05T05:05:05.123456+00:00'),
    ('kc-2', 'bo', '', null, null, null, null);
insert into billing_plans (id, plan_name, term_length, support_level, per_user_cost, backup_included_tb) values
    (1, 'Gold', '1 Year', 'Gold', 10.50, null), (2, 'Gold', '1-Year', 'Gold', 99, 2), (3, 'Gold', 'monthly', 'Gold', 12, 2);
insert into plan_features (id, plan_id, feature_type, feature_value) values
    (1, 1, 'soc', 'SOC'), (2, 2, 'soc', 'Other'), (3, 3, 'soc', 'SOC');
insert into feature_options (id, feature_category, option_value, display_name, feature_type) values
    (1, 'soc', 'SOC', 'SOC', null), (2, null, null, 'EDR', 'antivirus');
insert into ticket_details (id, external_id, external_source, company_account_number, ticket_number, subject, status,
    status_id, priority, responder_id, created_at, last_updated_at, due_by, total_hours_spent, conversations, notes) values
    (34, 5034, 'freshservice', '100001', '5034', 'Printer', 'open', 2, 'low', 7001, '2025-11-20T16:51:17-05:00',
        '2025-11-22T03:51:17.911', 'soon', 7.333333333333333, '[{"id": 1, "body": "Hi"}]', 'broken ['),
    (35, 5035, 'freshservice', '100003', '5035', 'Of a company that is refused', 'closed', 5, 'low', null, null, null, null, 1.5, null, null),
    (36, 5036, 'freshservice', null, '5036', 'Local time', 'pending', 3, null, null, null, '2025-11-21T10:00:00.5', null, null, null,
        '[{"created_at": "2025-11-21T10:00:00", "text": "called", "user": "ada"}]');
insert into sync_jobs values
    ('0b0f7ad5-5e39-4b7a-9f43-2f3f2b1f6f0a', 'psa', 'freshservice', 'base', 'completed', '2025-11-22T01:00:00+00:00',
        '2025-11-22T01:01:00+00:00', 'ok', null, true),
    ('1b0f7ad5-5e39-4b7a-9f43-2f3f2b1f6f0a', 'psa', 'freshservice', 'tickets', 'running', '2025-11-22T02:00:00', null, null, null, null),
    ('legacy', 'psa', null, null, 'completed', '2025-11-22T01:00:00', null, null, null, true);
