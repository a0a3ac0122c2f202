-- Records, tokens, jobs and fingerprints. Sign-in tokens become tokens of one purpose.

CREATE TABLE record (
    key INTEGER NOT NULL,
    tail INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    company BLOB NOT NULL,
    version INTEGER NOT NULL,
    subject BLOB,
    name TEXT,
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX record_id ON record (kind, key, tail);
CREATE UNIQUE INDEX record_name ON record (company, kind, name) WHERE name IS NOT NULL;
CREATE INDEX record_list ON record (company, kind, key);
CREATE INDEX record_subject ON record (company, kind, subject, key) WHERE subject IS NOT NULL;

CREATE TABLE token (
    hash BLOB PRIMARY KEY,
    company BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    -- Its purpose.
    doc TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX token_expiry ON token (expires_at);
INSERT INTO token (hash, company, expires_at, doc)
    SELECT hash, company, expires_at, json_object('name', 'sign_in', 'user_id', lower(hex(user)))
    FROM sign_in_token;
DROP TABLE sign_in_token;

CREATE TABLE job (
    key INTEGER PRIMARY KEY,
    tail INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE INDEX job_due ON job (due_at);

-- Four rows for each photo, one for each 16 of its 64 bits: of two fingerprints that differ in at most
-- three bits, at least one band is the same. A band is its place (0 to 3) above its 16 bits.
CREATE TABLE fingerprint (
    company BLOB NOT NULL,
    band INTEGER NOT NULL,
    image BLOB NOT NULL,
    inspection BLOB NOT NULL,
    bits INTEGER NOT NULL,
    PRIMARY KEY (company, band, image)
) STRICT, WITHOUT ROWID;

CREATE INDEX member_user ON member (user);
