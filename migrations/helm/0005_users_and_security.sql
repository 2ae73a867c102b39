-- Who changed which user of the realm, and what the audits of this machine found (helm.md §4.4, §9).
CREATE TABLE user_changes (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at              timestamptz  NOT NULL,
    action          varchar(20)  NOT NULL,
    outcome         varchar(10)  NOT NULL CHECK (outcome IN ('done', 'partial', 'refused')),
    by_id           varchar(100) NOT NULL,
    by_name         varchar(255) NOT NULL,
    user_id         uuid,
    username        varchar(255) NOT NULL,
    details         jsonb        NOT NULL DEFAULT '{}',
    correlation_id  varchar(100)
);

COMMENT ON TABLE user_changes IS 'Changes of users made through Helm; rows are never changed and never hold a password';
COMMENT ON COLUMN user_changes.by_id IS 'The acting user at the identity provider';
COMMENT ON COLUMN user_changes.user_id IS 'The user at the identity provider; none where the provider did not tell it';
COMMENT ON COLUMN user_changes.username IS 'Login name at that time: a removed user has no other';
COMMENT ON COLUMN user_changes.details IS 'What was changed: members with from and to, groups added and removed';

CREATE INDEX idx_user_changes_user ON user_changes (user_id, id);

CREATE TABLE security_audits (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at              timestamptz  NOT NULL,
    by_name         varchar(255) NOT NULL,
    severity        varchar(10)  NOT NULL,
    findings        jsonb        NOT NULL
);

COMMENT ON TABLE security_audits IS 'What each audit found, as GET /api/security/audit answers it';
COMMENT ON COLUMN security_audits.severity IS 'The worst of services and further checks';
