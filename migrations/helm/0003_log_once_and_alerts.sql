-- An entry that comes twice is kept once: the run of a process that wrote it, and its place among that run's entries. Of one
-- service: whoever learns the run of another's process swallows nothing of it.
ALTER TABLE log_entries ADD COLUMN source uuid, ADD COLUMN seq bigint;
COMMENT ON COLUMN log_entries.source IS 'The run of a process that wrote it; null where the writer does not number its entries';
CREATE UNIQUE INDEX idx_log_source ON log_entries (service, source, seq, "timestamp") WHERE source IS NOT NULL;

-- Parts of messages are found by trigrams where the server has them and this role may add them. Since PostgreSQL 13 owning
-- the database is enough. Elsewhere a search reads the messages, which is slower and right as well.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm') THEN
        CREATE EXTENSION IF NOT EXISTS pg_trgm;
        CREATE INDEX idx_log_message_part ON log_entries USING gin (message gin_trgm_ops);
    END IF;
EXCEPTION
    WHEN insufficient_privilege OR undefined_object OR undefined_file THEN
        RAISE NOTICE 'No trigram index: %', sqlerrm;
END
$$;

-- How far the files of processes have been read. Written in the transaction that stores their lines.
CREATE TABLE collected_logs (
    service varchar(50) NOT NULL,
    stream  varchar(10) NOT NULL CHECK (stream IN ('stdout', 'stderr')),
    inode   bigint      NOT NULL,
    "offset" bigint     NOT NULL,
    PRIMARY KEY (service, stream)
);

-- What is wrong now, and what was.
CREATE TABLE alerts (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule             varchar(50)  NOT NULL,
    subject          varchar(100) NOT NULL,
    severity         varchar(20)  NOT NULL CHECK (severity IN ('warning', 'critical')),
    message          text         NOT NULL,
    fired_at         timestamptz  NOT NULL,
    last_seen        timestamptz  NOT NULL,
    resolved_at      timestamptz,
    -- Whom the webhook has told; null while nobody was, or nobody is to be told.
    fire_told_at     timestamptz,
    resolve_told_at  timestamptz
);

COMMENT ON TABLE alerts IS 'One row for each time a rule fired; rows stay for the retention of the log';
CREATE UNIQUE INDEX idx_alert_firing ON alerts (rule, subject) WHERE resolved_at IS NULL;
CREATE INDEX idx_alert_fired ON alerts (fired_at);
