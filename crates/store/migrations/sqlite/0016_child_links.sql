-- The children of an inspection are found at it by a record each (kind 17). Children that were made before there were
-- such records get theirs. What cannot be read has no parent.

INSERT OR IGNORE INTO record (key, tail, kind, company, version, subject, doc)
    SELECT key, tail, 17, company, 1, unhex(parent),
        json_object('id', json_extract(doc, '$.id'), 'parent_id', parent, 'company_id', lower(hex(company)))
    FROM (
        SELECT key, tail, company, doc,
            CASE WHEN json_valid(doc) THEN json_extract(doc, '$.parent_id') END AS parent
        FROM inspection
    )
    WHERE unhex(parent) IS NOT NULL;
