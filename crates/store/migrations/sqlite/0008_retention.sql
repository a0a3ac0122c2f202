-- The last number of each inspection that runs elsewhere and whose events were all deleted for their age: its
-- next event goes on from there.

CREATE TABLE last_sequence (
    company BLOB NOT NULL,
    inspection BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (company, inspection)
) STRICT, WITHOUT ROWID;
