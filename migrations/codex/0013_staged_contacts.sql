-- Contacts as a run has fetched them so far: a complete list is needed before any of them can be stored, and it may be too
-- long for memory. Lost in a crash of the database, which only means to read the list again.
create unlogged table staged_contacts (
    run_id       uuid not null,
    external_id  bigint not null,
    email        text,
    name         text not null,
    contact      jsonb not null,
    primary key (run_id, external_id)
);

-- The run that was begun and has not ended, one of each provider. As short-lived as its rows.
create unlogged table contact_runs (
    provider  text primary key,
    run       jsonb not null
);
