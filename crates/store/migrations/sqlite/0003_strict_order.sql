-- Deliveries that keep the strict order: in each queue the first one is sent, the others have no time.

ALTER TABLE delivery ADD COLUMN strict INTEGER NOT NULL DEFAULT 0;

CREATE TABLE strict_queue (
    webhook BLOB NOT NULL,
    inspection BLOB NOT NULL,
    -- The event's.
    sequence INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    PRIMARY KEY (webhook, inspection, sequence)
) STRICT, WITHOUT ROWID;
