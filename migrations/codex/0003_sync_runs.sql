-- Which tickets a full run has met so far. Kept in the database, so that a run that goes on after an interruption still
-- knows in the end what the vendor no longer lists.
create table sync_seen (
    run_id       uuid not null,
    external_id  bigint not null,
    primary key (run_id, external_id)
);

-- The value a synced column gets: a person's own value stays, everything else follows the vendor.
create function unless_edited(edited text[], field text, current anyelement, incoming anyelement)
    returns anyelement language sql immutable
    as $$ select case when field = any (edited) then current else incoming end $$;

-- Newest job of a kind, for the scheduler and GET /sync/last.
create index idx_sync_job_kind on sync_jobs (script, provider, sync_type, started_at desc);
