-- A rehearsal, such as the dry run of an import, does everything and takes it back. Numbers that triggers draw cannot be
-- taken back, so they write no history then.
create function writes_history() returns boolean language sql stable
    as $$ select coalesce(current_setting('codex.rehearsal', true), '') <> 'on' $$;

create or replace trigger company_change after update on companies
    for each row when (old.* is distinct from new.* and writes_history()) execute function log_change('account_number');
create or replace trigger contact_change after update on contacts
    for each row when (old.* is distinct from new.* and writes_history()) execute function log_change('id');
create or replace trigger asset_change after update on assets
    for each row when ((old.hostname, old.company_account_number, old.hardware_type, old.device_type, old.operating_system,
        old.rmm_site_name) is distinct from (new.hostname, new.company_account_number, new.hardware_type, new.device_type,
        new.operating_system, new.rmm_site_name) and writes_history())
    execute function log_change('id', 'hostname', 'company_account_number', 'hardware_type', 'device_type',
        'operating_system', 'rmm_site_name');
create or replace trigger billing_plan_change after update on billing_plans
    for each row when (old.* is distinct from new.* and writes_history()) execute function log_change('id');
create or replace trigger plan_feature_change after insert or update or delete on plan_features
    for each row when (writes_history())
    execute function log_feature_change('billing_plans', 'plan_id', 'feature_type', 'feature_value');
create or replace trigger feature_override_change after insert or update or delete on company_feature_overrides
    for each row when (writes_history())
    execute function log_feature_change('companies', 'company_account_number', 'feature_key', 'value');
create or replace trigger location_change after insert or update or delete on locations
    for each row when (writes_history()) execute function log_location_change();
