//! The format of the file: what leads to it from each that there was.

/// Format of the file, in `user_version`.
pub(crate) const FORMAT: i32 = 2;

/// What leads from each format to the next, from an empty file on.
pub(super) const STEPS: &[&str] = &[FORMAT_1, FORMAT_2];

const FORMAT_1: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE users (
        id TEXT PRIMARY KEY, identity TEXT NOT NULL, provider TEXT NOT NULL,
        email TEXT UNIQUE, password_hash TEXT, created INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users, device TEXT NOT NULL, created INTEGER NOT NULL
    ) WITHOUT ROWID;
    -- Canonical JSON.
    CREATE TABLE schemas (fingerprint TEXT PRIMARY KEY, json TEXT NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
";

/// The key of 0.1.0 is the first of several. What lets a user in is not in his own row, as it may be several things, or nothing
/// once he is `gone`. A session ends with its refresh token and knows when it was `used`. Of schemas, `number` is the order in
/// which they came, `user` who sent one first, `accepted` the definition of each class that holds; see `schemas.rs`.
const FORMAT_2: &str = "
    -- The newest signs.
    CREATE TABLE keys (id INTEGER PRIMARY KEY, secret BLOB NOT NULL, created INTEGER NOT NULL);
    INSERT INTO keys SELECT 1, value, coalesce((SELECT min(created) FROM users), unixepoch() * 1000)
        FROM meta WHERE name = 'signing_key';
    DELETE FROM meta WHERE name = 'signing_key';

    ALTER TABLE users RENAME TO users_1;
    ALTER TABLE sessions RENAME TO sessions_1;
    CREATE TABLE users (
        id TEXT PRIMARY KEY, type TEXT NOT NULL, disabled INTEGER NOT NULL DEFAULT 0, custom_data TEXT,
        created INTEGER NOT NULL, last_login INTEGER NOT NULL,
        -- Nothing holds that was given to him before.
        revoked INTEGER,
        gone INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE INDEX users_created ON users (created, id);
    CREATE INDEX users_revoked ON users (revoked) WHERE revoked IS NOT NULL;
    -- Numbered in the order in which they came.
    CREATE TABLE identities (
        number INTEGER PRIMARY KEY, provider TEXT NOT NULL, id TEXT NOT NULL, user TEXT NOT NULL REFERENCES users,
        data TEXT NOT NULL, UNIQUE (provider, id)
    );
    CREATE INDEX identities_user ON identities (user, number);
    CREATE TABLE registrations (
        email TEXT PRIMARY KEY, identity TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL, confirmed INTEGER NOT NULL,
        created INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE tokens (
        id TEXT PRIMARY KEY, email TEXT NOT NULL REFERENCES registrations, purpose TEXT NOT NULL, hash BLOB NOT NULL,
        expires INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX tokens_email ON tokens (email, purpose);
    -- Without a user it is a server's. Numbered in the order in which they came.
    CREATE TABLE api_keys (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, user TEXT REFERENCES users, name TEXT NOT NULL,
        hash BLOB NOT NULL UNIQUE, disabled INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL
    );
    CREATE INDEX api_keys_user ON api_keys (user, number);
    -- `key` is what signed its refresh token, `api_key` what it was opened with.
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users, device TEXT NOT NULL, api_key TEXT, key INTEGER NOT NULL,
        created INTEGER NOT NULL, used INTEGER NOT NULL, expires INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX sessions_user ON sessions (user);
    CREATE INDEX sessions_api_key ON sessions (api_key) WHERE api_key IS NOT NULL;
    CREATE INDEX sessions_expires ON sessions (expires);
    -- Sessions whose access tokens hold no more, while there may be some.
    CREATE TABLE ended_sessions (id TEXT PRIMARY KEY, time INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO users (id, type, created, last_login) SELECT id, 'normal', created, created FROM users_1;
    INSERT INTO identities (provider, id, user, data)
        SELECT provider, identity, id, iif(email IS NULL, '{}', json_object('email', email)) FROM users_1 ORDER BY created, id;
    INSERT INTO registrations SELECT email, identity, password_hash, 1, created FROM users_1 WHERE email IS NOT NULL;
    -- 50 years for anonymous users, 60 days for others.
    INSERT INTO sessions SELECT sessions_1.id, user, device, NULL, 1, sessions_1.created, sessions_1.created,
        sessions_1.created + 86400000 * iif(provider = 'anon-user', 18250, 60)
        FROM sessions_1 JOIN users_1 ON users_1.id = user;
    DROP TABLE sessions_1;
    DROP TABLE users_1;

    ALTER TABLE schemas ADD COLUMN number INTEGER;
    ALTER TABLE schemas ADD COLUMN user TEXT NOT NULL DEFAULT '';
    ALTER TABLE schemas ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
    -- Whether somebody has written under it; who knows of those of format 1.
    ALTER TABLE schemas ADD COLUMN used INTEGER NOT NULL DEFAULT 1;
    -- Canonical JSON of what is compared with others, where that is not all of it.
    ALTER TABLE schemas ADD COLUMN compared TEXT;
    UPDATE schemas SET number = ordered.number, bytes = length(CAST(json AS BLOB)) FROM (
        SELECT fingerprint AS name, row_number() OVER (ORDER BY created, fingerprint) AS number FROM schemas
    ) AS ordered WHERE fingerprint = ordered.name;
    DELETE FROM meta WHERE name = 'merged';
    CREATE INDEX schemas_user ON schemas (user);
    -- What is asked of all of them, so that their JSON is not read for it.
    CREATE INDEX schemas_used ON schemas (used, number, bytes);
    CREATE TABLE accepted (class TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE choices (class TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, time INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE conflicts (
        fingerprint TEXT NOT NULL, class TEXT NOT NULL, since INTEGER NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (fingerprint, class)
    ) WITHOUT ROWID;
    -- `registry` is packed, and was set for the `revision`-th time.
    CREATE TABLE client_files (
        ident INTEGER NOT NULL, salt INTEGER NOT NULL, user TEXT NOT NULL, generation INTEGER NOT NULL DEFAULT 0,
        revision INTEGER NOT NULL DEFAULT 0, registry BLOB, client TEXT NOT NULL, created INTEGER NOT NULL,
        seen INTEGER NOT NULL, PRIMARY KEY (ident, salt)
    );
    CREATE INDEX client_files_user ON client_files (user, seen);
";
