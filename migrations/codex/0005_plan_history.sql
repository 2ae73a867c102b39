-- Prices and features are money: who changed them is remembered like changes of companies (0004), and removed plans are
-- kept whole.

create trigger billing_plan_change after update on billing_plans
    for each row when (old.* is distinct from new.*) execute function log_change('id');
create trigger billing_plan_removed after delete on billing_plans for each row execute function bury('id', 'plan_name');

-- A feature is written down with what has it: arguments are the table of the owner, the column that names the owner and
-- the columns of key and value. Nothing is written when the owner itself goes.
create function log_feature_change() returns trigger language plpgsql as $$
declare
    before  jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    after   jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
    owner   text := coalesce(after, before) ->> tg_argv[1];
    feature text := coalesce(after, before) ->> tg_argv[2];
    was     text := case when coalesce((before ->> 'override_enabled')::boolean, true) then before ->> tg_argv[3] end;
    is_now  text := case when coalesce((after ->> 'override_enabled')::boolean, true) then after ->> tg_argv[3] end;
begin
    if was is not distinct from is_now then
        return null;
    end if;
    if tg_op = 'DELETE' then
        if tg_argv[0] = 'companies' and not exists (select from companies where account_number = owner)
            or tg_argv[0] = 'billing_plans' and not exists (select from billing_plans where id = owner::bigint) then
            return null;
        end if;
    end if;
    insert into change_log (entity, entity_id, field, old_value, new_value, actor)
    values (tg_argv[0], owner, 'feature:' || feature, was, is_now,
        coalesce(nullif(current_setting('codex.actor', true), ''), 'sync'));
    return null;
end
$$;

create trigger plan_feature_change after insert or update or delete on plan_features
    for each row execute function log_feature_change('billing_plans', 'plan_id', 'feature_type', 'feature_value');
create trigger feature_override_change after insert or update or delete on company_feature_overrides
    for each row execute function log_feature_change('companies', 'company_account_number', 'feature_key', 'value');

-- Companies of a plan, and plans that offer an option.
create index idx_company_plan on companies (coalesce(billing_plan, plan_selected));
create index idx_plan_feature_value on plan_features (feature_type, feature_value);
