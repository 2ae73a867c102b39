-- Other services remember devices, people and time entries by our ids: Ledger keeps which device has a price of its own, and
-- which hours were billed. What a vendor sends again after it was removed here (data was cleared, or the vendor had lost it
-- for a while) is the same thing, so it gets the id that it had.
create table kept_ids (
    kind             text not null,                 -- the table
    external_source  text not null,
    external_id      text not null,
    -- By what it is known again: another account of the same vendor has small numbers, too. The host name of a device, the
    -- address of a person, when a ticket or an entry was made.
    mark             text,
    id               bigint not null,
    primary key (kind, external_source, external_id)
);

-- The arguments name the columns with the source of an external id, and with the mark.
create function keep_ids() returns trigger language plpgsql as $$
begin
    execute format(
        'insert into kept_ids (kind, external_source, external_id, mark, id)
         select %L, %I, external_id::text, %I::text, id from gone where external_id is not null and %I is not null
         on conflict (kind, external_source, external_id) do update set mark = excluded.mark, id = excluded.id',
        tg_table_name, tg_argv[0], tg_argv[1], tg_argv[0]);
    return null;
end
$$;

create function take_kept_id() returns trigger language plpgsql as $$
declare
    -- A name is compared by another order of letters, which no index of texts has; a text of its own is not.
    of_table text := tg_table_name;
    source   text;
    marked   text;
    kept     bigint;
    taken    boolean;
begin
    -- An import brings ids of its own, by which its other tables go.
    if new.external_id is null or current_setting('codex.own_ids', true) = 'on' then
        return new;
    end if;
    if of_table = 'assets' then
        source := new.rmm_provider;
        marked := new.hostname;
    elsif of_table = 'contacts' then
        source := new.external_source;
        marked := new.email;
    else
        source := new.external_source;
        marked := new.created_at;
    end if;
    select k.id into kept from kept_ids k
    where k.kind = of_table and k.external_source = source and k.external_id = new.external_id::text
        and k.mark is not distinct from marked;
    if kept is not null then
        execute format('select exists (select from %I where id = $1)', tg_table_name) using kept into taken;
        if not taken then
            new.id := kept;
        end if;
    end if;
    return new;
end
$$;

do $$
declare
    source record;
begin
    for source in
        select * from (values
            ('assets', 'rmm_provider', 'hostname'), ('contacts', 'external_source', 'email'),
            ('ticket_details', 'external_source', 'created_at'),
            ('ticket_time_entries', 'external_source', 'created_at')
        ) as t (name, source, mark)
    loop
        execute format('create trigger ids_are_kept after delete on %I referencing old table as gone
            for each statement execute function keep_ids(%L, %L)', source.name, source.source, source.mark);
        execute format('create trigger kept_id_is_taken before insert on %I
            for each row execute function take_kept_id()', source.name);
    end loop;
end
$$;
