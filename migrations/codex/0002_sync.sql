-- Sync jobs, how far each provider has been read, and the version of what the board shows.

create table sync_jobs (
    id                uuid primary key,
    script            text not null,
    provider          text,
    sync_type         text,
    status            text not null check (status in ('running', 'completed', 'failed')),
    started_at        timestamptz not null,
    completed_at      timestamptz,
    output            text,
    error             text,
    success           boolean,
    progress          jsonb,
    requested_by      text,
    -- Named while the job must be alone; released or changed when it enters another phase.
    exclusive_key     text,
    -- A running job whose worker stopped beating is dead.
    heartbeat_at      timestamptz,
    cancel_requested  boolean not null default false
);
create unique index unique_running_job on sync_jobs (exclusive_key) where status = 'running';
create index idx_sync_job_script on sync_jobs (script, started_at desc);
create index idx_sync_job_started on sync_jobs (started_at);

create table sync_state (
    provider           text not null,
    kind               text not null,               -- companies, contacts, agents, groups, tickets
    high_water_mark    timestamptz,                 -- start of the last successful run
    last_completed_at  timestamptz,                 -- end of the last list phase or accepted event
    cursor             jsonb,                       -- where an interrupted run goes on
    primary key (provider, kind)
);

-- One number that grows with every committed change of what GET /api/tickets/active shows. It is raised by deferred
-- triggers, that is at commit time: the row is locked last and briefly, so writers neither wait for each other's
-- transactions nor deadlock, and whoever reads a version can also read everything it stands for.
create table board_version (
    only_row  boolean primary key default true check (only_row),
    version   bigint not null
);
insert into board_version (version) values (1);

create function raise_board_version() returns trigger language plpgsql as $$
begin
    if current_setting('codex.board_version_raised_by', true) is distinct from pg_current_xact_id()::text then
        update board_version set version = version + 1;
        perform set_config('codex.board_version_raised_by', pg_current_xact_id()::text, true);
    end if;
    return null;
end
$$;

create constraint trigger ticket_added after insert on ticket_details deferrable initially deferred
    for each row when (new.is_active) execute function raise_board_version();
create constraint trigger ticket_removed after delete on ticket_details deferrable initially deferred
    for each row when (old.is_active) execute function raise_board_version();
create constraint trigger ticket_changed after update on ticket_details deferrable initially deferred
    for each row when ((old.is_active or new.is_active) and (
        old.status, old.priority, old.status_id, old.priority_id, old.subject, old.description, old.description_text,
        old.ticket_type, old.ticket_number, old.company_account_number, old.requester_id, old.requester_email,
        old.requester_name, old.responder_id, old.group_id, old.created_at, old.last_updated_at, old.fr_due_by,
        old.due_by, old.first_responded_at, old.agent_responded_at, old.total_hours_spent, old.tags
    ) is distinct from (
        new.status, new.priority, new.status_id, new.priority_id, new.subject, new.description, new.description_text,
        new.ticket_type, new.ticket_number, new.company_account_number, new.requester_id, new.requester_email,
        new.requester_name, new.responder_id, new.group_id, new.created_at, new.last_updated_at, new.fr_due_by,
        new.due_by, new.first_responded_at, new.agent_responded_at, new.total_hours_spent, new.tags
    )) execute function raise_board_version();

create constraint trigger company_changed after update on companies deferrable initially deferred
    for each row when ((old.account_number, old.name, old.compliance_level)
        is distinct from (new.account_number, new.name, new.compliance_level))
    execute function raise_board_version();

create constraint trigger contact_added_or_removed after insert or delete on contacts deferrable initially deferred
    for each row execute function raise_board_version();
create constraint trigger contact_changed after update on contacts deferrable initially deferred
    for each row when ((old.external_id, old.external_source, old.name)
        is distinct from (new.external_id, new.external_source, new.name))
    execute function raise_board_version();

create constraint trigger psa_agent_added_or_removed after insert or delete on psa_agents deferrable initially deferred
    for each row execute function raise_board_version();
create constraint trigger psa_agent_changed after update on psa_agents deferrable initially deferred
    for each row when ((old.external_id, old.external_source, old.first_name, old.last_name, old.active)
        is distinct from (new.external_id, new.external_source, new.first_name, new.last_name, new.active))
    execute function raise_board_version();

create constraint trigger sync_finished after insert or update on sync_state deferrable initially deferred
    for each row execute function raise_board_version();
