-- Since when and why a webhook is disabled, and the webhooks whose attempts all fail.

ALTER TABLE webhook ADD COLUMN life TEXT NOT NULL DEFAULT '{}';

-- One row for each webhook that fails now. A success deletes it.
CREATE TABLE failing (
    webhook BLOB PRIMARY KEY,
    since INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    -- The delivery of the first failure, whole.
    first BLOB NOT NULL,
    -- Whether others failed as well.
    several INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
