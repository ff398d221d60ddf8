"""The steps that bring a database file to the present shape.

Step n takes ``PRAGMA user_version`` from n-1 to n. A step that was released is never edited: add another.
"""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
        """
        CREATE TABLE keys (
            id TEXT PRIMARY KEY,
            display_name TEXT NOT NULL,
            methods TEXT NOT NULL,      -- JSON array
            models TEXT NOT NULL,       -- JSON array
            concurrent_calls INTEGER NOT NULL,
            labels TEXT NOT NULL,       -- JSON object
            expires_at REAL,
            disabled INTEGER NOT NULL,
            created_at REAL NOT NULL,   -- all times are Unix seconds
            revoked_at REAL,
            last_used_at REAL
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE key_secrets (
            key_id TEXT NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
            digest BLOB NOT NULL,       -- HMAC-SHA256 under the pepper, which is not in this file
            redacted TEXT NOT NULL,
            created_at REAL NOT NULL,
            expires_at REAL,
            PRIMARY KEY (key_id, digest)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX key_secrets_by_end ON key_secrets (expires_at) WHERE expires_at IS NOT NULL",
    ),
)
