-- How services stand and what they used (helm.md §5.2, §5.3).
CREATE TABLE service_status (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service_name  varchar(50) NOT NULL UNIQUE,
    status        varchar(20) NOT NULL CHECK (status IN ('running', 'stopped', 'error', 'unknown')),
    pid           integer,
    port          integer,
    started_at    timestamptz,
    last_checked  timestamptz NOT NULL,
    health_status varchar(20) CHECK (health_status IN ('healthy', 'unhealthy', 'degraded')),
    health_message text,
    cpu_percent   double precision,
    memory_mb     double precision
);

COMMENT ON TABLE service_status IS 'The last sample of each service; one row a service';
COMMENT ON COLUMN service_status.health_status IS 'Null while nobody has asked; what does not answer is unhealthy';

CREATE TABLE service_metrics (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service_name varchar(50)      NOT NULL,
    "timestamp"  timestamptz      NOT NULL,
    metric_name  varchar(100)     NOT NULL,
    metric_value double precision NOT NULL,
    tags         jsonb
);

COMMENT ON TABLE service_metrics IS 'Samples of the last day; what is older is rolled up to one row for five minutes';
COMMENT ON COLUMN service_metrics.tags IS 'Null for a sample; of a rolled-up row the samples in it, their least and their most';

CREATE INDEX idx_metric_service ON service_metrics (service_name);
CREATE INDEX idx_metric_timestamp ON service_metrics ("timestamp");
CREATE INDEX idx_metric_service_timestamp ON service_metrics (service_name, "timestamp");
-- What is not rolled up yet.
CREATE INDEX idx_metric_samples ON service_metrics ("timestamp") WHERE tags IS NULL;
