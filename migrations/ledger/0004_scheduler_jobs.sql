-- Jobs that administrators run or schedule: "pullers" (ledger.md §2.2, ledger-pages.md §7.2). Columns are named as in the original.
create table scheduler_jobs (
    id            serial primary key,
    job_name      varchar(150) not null unique,
    -- The name of a job that Ledger has (crates/ledger/src/domain/pullers). Rows of the original may name scripts: those are
    -- shown and never run.
    script_path   varchar(255) not null,
    -- Five fields, by the clock of the machine; null is by hand only.
    schedule_cron varchar(100),
    enabled       boolean not null default true,
    last_run      timestamptz,
    last_status   varchar(50) check (last_status in ('Running', 'Success', 'Failure', 'Timeout', 'Error', 'Cancelled')),
    last_run_log  text,
    description   text,
    -- Moments of the schedule up to this one are done, or were due before anybody had asked for them.
    done_until    timestamptz not null default now()
);

-- The newest runs of each job.
create table scheduler_runs (
    id            uuid primary key,
    job_id        integer not null references scheduler_jobs (id) on delete cascade,
    -- What ran: the job may be changed later.
    script_path   varchar(255) not null,
    -- A person, or `scheduler`.
    triggered_by  varchar(255) not null,
    -- The moment of the schedule; null where a person started it.
    due_at        timestamptz,
    started_at    timestamptz not null,
    ended_at      timestamptz,
    status        varchar(50) not null check (status in ('Running', 'Success', 'Failure', 'Timeout', 'Error', 'Cancelled')),
    -- Of the command that does the same: 0 or 1. Null where it did not come to its end.
    exit_code     integer,
    cancelled_by  varchar(255),
    log           text not null default '',
    check ((status = 'Running') = (ended_at is null))
);
create index idx_scheduler_runs_job on scheduler_runs (job_id, started_at desc);
-- One run of a job at a time, whichever instance began it.
create unique index unique_running_run on scheduler_runs (job_id) where status = 'Running';
-- No moment of a schedule is run twice.
create unique index unique_due_run on scheduler_runs (job_id, due_at);
