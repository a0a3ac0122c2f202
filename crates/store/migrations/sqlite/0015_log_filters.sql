-- Events are listed by their type, deliveries by how they ended, without reading those of other types and
-- ends. One entry for each row as before: a list of all types puts those of each type together.

CREATE INDEX event_type ON event (company, type);
DROP INDEX event_company;

DROP INDEX delivery_unsuccessful;
CREATE INDEX delivery_unsuccessful ON delivery (company, status) WHERE status IN (2, 3);

-- Deliveries that were not made together with their event: their keys are further apart than 10 ms. The
-- others are found by their events.
CREATE INDEX delivery_late ON delivery (company) WHERE abs(key - event) > 41943040;
