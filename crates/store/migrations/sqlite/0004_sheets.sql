-- Lists of inspections are read from sheets, which hold what lists are filtered by, packed. They say nothing
-- that `inspection` does not; while `lists` in `meta` is 'stale' they are made anew when the database is
-- opened.

CREATE TABLE facts_sheet (
    id INTEGER PRIMARY KEY,
    company BLOB NOT NULL,
    -- No inspection in it has a smaller key; all have smaller keys than the next sheet's.
    first INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    doc BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX facts_sheet_list ON facts_sheet (company, first, rows);

CREATE TABLE texts_sheet (
    id INTEGER PRIMARY KEY,
    company BLOB NOT NULL,
    first INTEGER NOT NULL,
    -- Tell most sheets apart that do not hold a plate or an identification.
    marks BLOB NOT NULL,
    searches BLOB NOT NULL,
    names BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX texts_sheet_list ON texts_sheet (company, first, marks);

CREATE TABLE inspection_without_lists (
    key INTEGER PRIMARY KEY,
    tail INTEGER NOT NULL,
    company BLOB NOT NULL,
    -- `version` and `event_count` stand for those inside `doc`.
    version INTEGER NOT NULL,
    event_count INTEGER NOT NULL,
    status INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    doc TEXT NOT NULL
) STRICT;
INSERT INTO inspection_without_lists (key, tail, company, version, event_count, status, expires_at, doc)
    SELECT key, tail, company, version, event_count, status, expires_at, doc FROM inspection ORDER BY key;
DROP TABLE inspection;
ALTER TABLE inspection_without_lists RENAME TO inspection;
CREATE INDEX inspection_lapse ON inspection (expires_at) WHERE status IN (0, 1);

INSERT INTO meta (name, value) VALUES ('lists', 'stale');
