-- The local realm (core.md §7.5): people, groups, passwords, sign-in sessions and what was issued from them.
-- Secrets that a browser or client holds (session cookies, codes, refresh tokens) are stored only as SHA-256.

CREATE TABLE users (
    id              uuid PRIMARY KEY,
    username        text NOT NULL UNIQUE CHECK (username = lower(username) AND username <> ''),
    email           text UNIQUE CHECK (email = lower(email) AND email <> ''),
    first_name      text,
    last_name       text,
    enabled         boolean NOT NULL DEFAULT true,
    email_verified  boolean NOT NULL DEFAULT false,
    -- Set for generated and temporary passwords: the next sign-in has to choose a new one.
    update_password boolean NOT NULL DEFAULT false,
    attributes      jsonb NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL
);

-- Kept apart from `users`, so that no listing ever carries a hash.
CREATE TABLE passwords (
    user_id    uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    hash       text NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE TABLE groups (
    id   uuid PRIMARY KEY,
    name text NOT NULL UNIQUE
);

CREATE TABLE group_members (
    group_id uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    user_id  uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, group_id)
);
CREATE INDEX group_members_by_group ON group_members (group_id);

-- A browser that is signed in at the realm (single sign-on).
CREATE TABLE sign_on_sessions (
    id             uuid PRIMARY KEY,
    user_id        uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    secret_hash    bytea NOT NULL UNIQUE,
    authenticated_at timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    client_address text NOT NULL,
    user_agent     text NOT NULL
);
CREATE INDEX sign_on_sessions_by_user ON sign_on_sessions (user_id);
CREATE INDEX sign_on_sessions_by_expiry ON sign_on_sessions (expires_at);

-- What one client was given from one sign-on session. Deleting it ends its access and refresh tokens.
CREATE TABLE grants (
    id         uuid PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sign_on_sessions (id) ON DELETE CASCADE,
    client_id  text NOT NULL,
    issuer     text NOT NULL,
    scope      text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX grants_by_session ON grants (session_id);

CREATE TABLE authorization_codes (
    code_hash      bytea PRIMARY KEY,
    session_id     uuid NOT NULL REFERENCES sign_on_sessions (id) ON DELETE CASCADE,
    client_id      text NOT NULL,
    redirect_uri   text NOT NULL,
    issuer         text NOT NULL,
    scope          text NOT NULL,
    nonce          text,
    code_challenge text,
    expires_at     timestamptz NOT NULL,
    used_at        timestamptz,
    -- The grant made from it, so that a second use of the code can take everything back. No foreign key: the grant may
    -- be gone before the code is cleaned up.
    grant_id       uuid
);
CREATE INDEX authorization_codes_by_session ON authorization_codes (session_id);
CREATE INDEX authorization_codes_by_expiry ON authorization_codes (expires_at);

CREATE TABLE refresh_tokens (
    token_hash bytea PRIMARY KEY,
    grant_id   uuid NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);

-- Failed sign-ins per account name (existing or not) and per address; decides the growing delay.
CREATE TABLE sign_in_failures (
    subject      text PRIMARY KEY,
    failures     integer NOT NULL,
    locked_until timestamptz,
    updated_at   timestamptz NOT NULL
);

-- Audit of sign-ins. `user_id` has no foreign key: the row outlives the user.
CREATE TABLE sign_ins (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at             timestamptz NOT NULL,
    username       text NOT NULL,
    user_id        uuid,
    client_id      text,
    outcome        text NOT NULL,
    client_address text NOT NULL,
    user_agent     text NOT NULL,
    correlation_id text NOT NULL
);
CREATE INDEX sign_ins_by_time ON sign_ins (at);
CREATE INDEX sign_ins_by_user ON sign_ins (user_id, at);
