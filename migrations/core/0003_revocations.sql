-- Sessions that have to end and could not be ended at once, because the session store did not answer. Who was signed out is
-- told so; a row goes when it is done.
CREATE TABLE pending_revocations (
    -- What ends: all sessions of a user, or those of one browser of the identity provider.
    kind     text NOT NULL CHECK (kind IN ('user', 'browser')),
    -- The user's `sub`, or the browser's `sid`.
    subject  text NOT NULL,
    -- Sessions made later are not meant.
    asked_at timestamptz NOT NULL,
    PRIMARY KEY (kind, subject)
);

-- Ended sessions whose tokens have not expired, where the session store is the memory of one process: its successor still
-- tells the other services about them.
CREATE TABLE revocations (
    jti        text PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX revocations_by_expiry ON revocations (expires_at);
