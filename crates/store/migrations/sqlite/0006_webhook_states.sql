-- What of a webhook decides on its events, and since when: one row for each version in which it differs from
-- the version before. Of webhooks older than this only the present state is known, since their last change.

CREATE TABLE webhook_state (
    webhook BLOB NOT NULL,
    since INTEGER NOT NULL,
    version INTEGER NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (webhook, since, version)
) STRICT, WITHOUT ROWID;
INSERT INTO webhook_state (webhook, since, version, doc)
    SELECT unhex(printf('%016x%08x', CASE WHEN key < 0 THEN key & ~(1 << 63) ELSE key | (1 << 63) END, tail)),
           updated_at, version,
           json_object('status', settings ->> 'status', 'events', json(settings -> 'events'))
    FROM webhook;
