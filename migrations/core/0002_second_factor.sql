-- The second factor (core.md §7.5): one authenticator app per account, and recovery codes for the day it is lost.

CREATE TABLE totp_credentials (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    -- The key shared with the app. Codes have to be computed from it, so it is encrypted (with a key derived from
    -- SECRET_KEY), not hashed.
    secret     text NOT NULL,
    label      text NOT NULL,
    created_at timestamptz NOT NULL,
    -- Time step of the last code that was accepted: no code counts twice.
    last_step  bigint NOT NULL
);

-- Single use; stored as SHA-256, like everything else that only its owner holds.
CREATE TABLE recovery_codes (
    user_id   uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash bytea NOT NULL,
    used_at   timestamptz,
    PRIMARY KEY (user_id, code_hash)
);

-- Set by an administrator: the next sign-in has to set up an authenticator app.
ALTER TABLE users ADD COLUMN configure_totp boolean NOT NULL DEFAULT false;
