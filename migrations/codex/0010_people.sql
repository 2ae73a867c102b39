-- Searching people and devices, and two records of one person that were made one.

-- What the search of a list looks at, in small letters, the fields apart by a sign that nobody searches. Stored, since writing eighty thousand names in
-- small letters takes longer than a search may.
alter table contacts add column search_text text not null generated always as (
    lower(name || E'\x01' || email || E'\x01' || coalesce(mobile_phone_number, '') || E'\x01' || coalesce(work_phone_number, ''))
) stored;
alter table assets add column search_text text not null generated always as (
    lower(hostname || E'\x01' || coalesce(description, '') || E'\x01' || coalesce(rmm_site_name, ''))
) stored;

-- Where the server has trigrams, three letters find their rows by an index; the owner of a database may add them without
-- further rights. Where it has none a search reads the column above, which is slower and right as well.
do $$
begin
    if exists (select from pg_available_extensions where name = 'pg_trgm') then
        create extension if not exists pg_trgm;
        create index idx_contact_search on contacts using gin (search_text gin_trgm_ops);
        create index idx_asset_search on assets using gin (search_text gin_trgm_ops);
    end if;
exception
    when insufficient_privilege or undefined_object or undefined_file then
        raise notice 'No trigram index: %', sqlerrm;
end
$$;

-- The orders of the lists.
create index idx_contact_email_order on contacts (lower(email), id);
create index idx_asset_hostname on assets (lower(hostname), id);
create index idx_asset_hardware on assets (lower(hardware_type), id);
create index idx_asset_system on assets (lower(operating_system), id);
create index idx_asset_online on assets (online, id);

-- The tickets of a person.
create index idx_ticket_requester_email on ticket_details (lower(requester_email), last_updated_at desc);
create index idx_ticket_requester on ticket_details (requester_id, last_updated_at desc) where requester_id is not null;

-- Records of a vendor that a person declared to be somebody we have already. A sync passes them over. When that contact
-- goes, so does the memory, and the other record comes back.
create table contact_aliases (
    external_source  text not null,
    external_id      bigint not null,
    contact_id       bigint not null references contacts (id) on delete cascade,
    merged_at        timestamptz not null,
    merged_by        text not null,
    primary key (external_source, external_id)
);
create index idx_contact_alias on contact_aliases (contact_id);

-- As in 0004; the column above repeats what other columns say.
create or replace function log_change() returns trigger language plpgsql as $$
declare
    before jsonb := to_jsonb(old);
    after  jsonb := to_jsonb(new);
begin
    insert into change_log (entity, entity_id, field, old_value, new_value, actor)
    select tg_table_name, after ->> tg_argv[0], field, before ->> field, after ->> field,
        coalesce(nullif(current_setting('codex.actor', true), ''), 'sync')
    from jsonb_object_keys(after) as field
    where before -> field is distinct from after -> field
        and case when tg_nargs > 1 then field = any (tg_argv)
            else field not in ('updated_at', 'edited_fields', 'has_logged_in', 'search_text') end;
    return null;
end
$$;
