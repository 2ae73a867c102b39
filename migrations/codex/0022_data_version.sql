-- How far the data of companies has come: what GET /api/companies and /api/companies/bulk answer changes only when one of
-- these sums does, so that a reader who has the answer already is told so without it being made again. Every transaction that
-- changes something adds one row for each part it touches. Nobody updates a row, so writers never wait for each other, and a
-- row becomes visible in the moment in which the changes do. Steps are random: after a restore from a backup the sums take
-- another way, and an old answer is not taken for a new one. Rows are added up from time to time; that changes no sum.
-- Another instance may be writing: the tables are locked at once, so that nobody waits crosswise.
lock table companies, assets, contacts, contact_company_link, locations, ticket_details, ticket_time_entries
    in share row exclusive mode;

create table data_changes (
    part  text not null,                            -- companies, belongings, tickets
    step  bigint not null default (1 + random() * 1000000000)::bigint
);

create function count_change() returns trigger language plpgsql as $$
declare
    counted constant text := 'codex.counted_' || tg_argv[0];
    this_one constant text := pg_current_xact_id()::text;
begin
    if current_setting(counted, true) is distinct from this_one then
        insert into data_changes (part) values (tg_argv[0]);
        perform set_config(counted, this_one, true);
    end if;
    return null;
end
$$;

do $$
declare
    source record;
begin
    for source in
        select * from (values
            ('companies', 'companies'),
            ('assets', 'belongings'), ('contacts', 'belongings'), ('contact_company_link', 'belongings'),
            ('locations', 'belongings'),
            ('ticket_details', 'tickets'), ('ticket_time_entries', 'tickets')
        ) as t (name, part)
    loop
        execute format('create trigger data_added_or_removed after insert or delete on %I
            for each row execute function count_change(%L)', source.name, source.part);
        execute format('create trigger data_changed after update on %I
            for each row when (old.* is distinct from new.*) execute function count_change(%L)', source.name, source.part);
        execute format('create trigger data_truncated after truncate on %I
            for each statement execute function count_change(%L)', source.name, source.part);
    end loop;
end
$$;

-- Remote commands of the last minute, by a digest of device, command, caller and the caller's own name of the order, so that
-- no instance runs one a second time.
create table recent_commands (
    digest  uuid primary key,
    at      timestamptz not null
);
