-- Ids that Heraldo makes are keyed by their first 8 bytes (`key`, order-preserving) with the other 4 in
-- `tail`; references to companies, webhooks and inspections hold all 12 bytes. Times are milliseconds
-- since 1970. Numbers that stand for values are listed in `codes.rs`.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE company (
    key INTEGER PRIMARY KEY,
    tail INTEGER NOT NULL,
    doc TEXT NOT NULL
) STRICT;

CREATE TABLE member (
    company BLOB NOT NULL,
    user BLOB NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (company, user)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
    key INTEGER PRIMARY KEY,
    tail INTEGER NOT NULL,
    company BLOB NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    doc TEXT NOT NULL
) STRICT;
CREATE INDEX api_key_company ON api_key (company);

CREATE TABLE sign_in_token (
    hash BLOB PRIMARY KEY,
    user BLOB NOT NULL,
    company BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook (
    key INTEGER PRIMARY KEY,
    tail INTEGER NOT NULL,
    company BLOB NOT NULL,
    version INTEGER NOT NULL,
    settings TEXT NOT NULL,
    -- Sealed with the master key; the webhook's id is authenticated with it.
    secrets BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_company ON webhook (company);

CREATE TABLE inspection (
    key INTEGER PRIMARY KEY,
    tail INTEGER NOT NULL,
    company BLOB NOT NULL,
    -- `version` and `event_count` stand for those inside `doc`.
    version INTEGER NOT NULL,
    event_count INTEGER NOT NULL,
    status INTEGER NOT NULL,
    type INTEGER NOT NULL,
    veredict INTEGER NOT NULL,
    plate TEXT,
    identification TEXT,
    template TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    doc TEXT NOT NULL
) STRICT;
-- Lists, their filters and their counts read this index alone.
CREATE INDEX inspection_list ON inspection
    (company, key, status, type, veredict, plate, identification, template);
CREATE INDEX inspection_lapse ON inspection (expires_at) WHERE status IN (0, 1);

CREATE TABLE event (
    key INTEGER PRIMARY KEY,
    tail INTEGER NOT NULL,
    company BLOB NOT NULL,
    inspection BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    type INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- The keys of its deliveries, 8 bytes each: they spare the table `delivery` an index.
    deliveries BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX event_sequence ON event (company, inspection, sequence);
CREATE INDEX event_company ON event (company);

CREATE TABLE delivery (
    key INTEGER PRIMARY KEY,
    tail INTEGER NOT NULL,
    company BLOB NOT NULL,
    webhook BLOB NOT NULL,
    event INTEGER NOT NULL,
    status INTEGER NOT NULL DEFAULT 0,
    cause INTEGER NOT NULL,
    -- NULL unless pending.
    next_attempt_at INTEGER,
    -- The epoch that holds it; NULL while it waits or has ended.
    lease INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    scheduled_attempts INTEGER NOT NULL DEFAULT 0,
    first_attempt_at INTEGER,
    fallback INTEGER NOT NULL DEFAULT 0,
    fallback_at INTEGER,
    recovered INTEGER NOT NULL DEFAULT 0,
    interruptions INTEGER NOT NULL DEFAULT 0,
    started INTEGER NOT NULL DEFAULT 0,
    -- One more attempt, asked for while one was under way.
    resend_cause INTEGER,
    resend_at INTEGER,
    last_attempt TEXT
) STRICT;
CREATE INDEX delivery_company ON delivery (company);
CREATE INDEX delivery_webhook ON delivery (webhook);
CREATE INDEX delivery_unsuccessful ON delivery (company) WHERE status IN (2, 3);
CREATE INDEX delivery_waiting ON delivery (webhook, next_attempt_at) WHERE status = 0 AND lease IS NULL;
CREATE INDEX delivery_leased ON delivery (lease) WHERE lease IS NOT NULL;

-- Every attempt of a delivery but its last one.
CREATE TABLE attempt (
    delivery INTEGER NOT NULL,
    number INTEGER NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE answer (
    company BLOB NOT NULL,
    route TEXT NOT NULL,
    name TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    status INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX answer_name ON answer (company, route, name);
CREATE INDEX answer_expiry ON answer (expires_at);

CREATE TABLE audit (
    key INTEGER PRIMARY KEY,
    tail INTEGER NOT NULL,
    company BLOB NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE INDEX audit_company ON audit (company);
