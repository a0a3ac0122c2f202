-- Inspections whose sheets are not written yet: the writer has them in memory as well and writes many at
-- once. What is here when the database is opened was left by a server that stopped.

CREATE TABLE sheet_due (
    key INTEGER PRIMARY KEY
) STRICT;
