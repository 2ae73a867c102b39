-- Data that a person clears as a whole stands in a backup file; instead of a stone for every row there is one for each
-- table, which the transaction that clears writes itself.
create or replace function bury() returns trigger language plpgsql as $$
begin
    if current_setting('codex.clearing', true) = 'on' then
        return null;
    end if;
    insert into tombstones (kind, key, name, reason, record)
    values (tg_table_name, to_jsonb(old) ->> tg_argv[0], to_jsonb(old) ->> tg_argv[1],
        nullif(current_setting('codex.removal_reason', true), ''), to_jsonb(old));
    return null;
end
$$;
