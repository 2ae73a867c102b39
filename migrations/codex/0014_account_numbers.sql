-- Account numbers that were given out and whose company is not stored yet: a number is never given out twice.
create table account_numbers (
    number       text primary key,
    reserved_at  timestamptz not null default clock_timestamp()
);

-- A removed device leaves no keys behind (BitLocker, Windows): those are shown one at a time, each with an audit line.
create or replace function bury() returns trigger language plpgsql as $$
begin
    if current_setting('codex.clearing', true) = 'on' then
        return null;
    end if;
    insert into tombstones (kind, key, name, reason, record)
    values (tg_table_name, to_jsonb(old) ->> tg_argv[0], to_jsonb(old) ->> tg_argv[1],
        nullif(current_setting('codex.removal_reason', true), ''), to_jsonb(old) - '{udf2,udf9}'::text[]);
    return null;
end
$$;
update tombstones set record = record - '{udf2,udf9}'::text[] where kind = 'assets';
