-- The central log (helm.md §5.1): the seed's columns, upstream's two extra ones, one partition per day.
CREATE TABLE log_entries (
    id              bigint GENERATED ALWAYS AS IDENTITY,
    service         varchar(50)  NOT NULL,
    level           varchar(20)  NOT NULL,
    message         text         NOT NULL,
    "timestamp"     timestamptz  NOT NULL DEFAULT CURRENT_TIMESTAMP,
    correlation_id  varchar(100),
    user_email      varchar(255),
    extra_data      jsonb,
    created_at      timestamptz  NOT NULL DEFAULT CURRENT_TIMESTAMP,
    hostname        varchar(255),
    process_id      integer,
    PRIMARY KEY (id, "timestamp")
) PARTITION BY RANGE ("timestamp");

COMMENT ON TABLE log_entries IS 'Log lines of all services; rows are never changed';
COMMENT ON COLUMN log_entries."timestamp" IS 'When it happened';
COMMENT ON COLUMN log_entries.created_at IS 'When it was stored';

-- Odd dates; ordinary days get a partition of their own before they begin.
CREATE TABLE log_entries_default PARTITION OF log_entries DEFAULT;

CREATE INDEX idx_log_service ON log_entries (service);
CREATE INDEX idx_log_level ON log_entries (level);
CREATE INDEX idx_log_timestamp ON log_entries ("timestamp");
CREATE INDEX idx_log_correlation ON log_entries (correlation_id) WHERE correlation_id IS NOT NULL;
CREATE INDEX idx_log_user ON log_entries (user_email) WHERE user_email IS NOT NULL;
CREATE INDEX idx_log_service_timestamp ON log_entries (service, "timestamp");
CREATE INDEX idx_log_level_timestamp ON log_entries (level, "timestamp");
CREATE INDEX idx_log_message ON log_entries USING gin (to_tsvector('simple', message));

-- Makes the partition of one UTC day; rows of that day that already lie in the default partition move along.
CREATE FUNCTION ensure_log_partition(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    partition text := 'log_entries_' || to_char(day, 'YYYYMMDD');
    starts timestamptz := day::timestamp AT TIME ZONE 'UTC';
    ends timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ensure_log_partition'));
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN;
    END IF;
    LOCK TABLE log_entries_default IN SHARE ROW EXCLUSIVE MODE;
    EXECUTE format('CREATE TABLE %I (LIKE log_entries INCLUDING DEFAULTS)', partition);
    EXECUTE format('WITH moved AS (DELETE FROM log_entries_default WHERE "timestamp" >= %L AND "timestamp" < %L RETURNING *)
                    INSERT INTO %I SELECT * FROM moved', starts, ends, partition);
    EXECUTE format('ALTER TABLE log_entries ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition, starts, ends);
END $$;
