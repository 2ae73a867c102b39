-- The history of a company also tells where it is: one line a location, as it was and as it is.
create function log_location_change() returns trigger language plpgsql as $$
declare
    before jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    after  jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
    owner  text := coalesce(after, before) ->> 'company_account_number';
    was    text := concat_ws(', ', before ->> 'name', before ->> 'address', before ->> 'phone_number');
    is_now text := concat_ws(', ', after ->> 'name', after ->> 'address', after ->> 'phone_number');
begin
    -- Locations that go with their company are no change of it; a company that gets another number keeps them.
    if was <> is_now and exists (select from companies where account_number = owner) then
        insert into change_log (entity, entity_id, field, old_value, new_value, actor)
        values ('companies', owner, 'location', nullif(was, ''), nullif(is_now, ''),
            coalesce(nullif(current_setting('codex.actor', true), ''), 'sync'));
    end if;
    return null;
end
$$;

create trigger location_change after insert or update or delete on locations
    for each row execute function log_location_change();
