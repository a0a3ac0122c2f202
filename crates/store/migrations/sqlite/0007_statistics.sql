-- What was counted, a row for each bucket of time in which something happened. By time first: rows are
-- written at the end and deleted at the beginning.

CREATE TABLE statistic (
    resolution INTEGER NOT NULL,
    -- When the bucket begins.
    start INTEGER NOT NULL,
    company BLOB NOT NULL,
    -- Empty: the whole company's.
    webhook BLOB NOT NULL,
    figures TEXT NOT NULL,
    PRIMARY KEY (resolution, start, company, webhook)
) STRICT, WITHOUT ROWID;
