-- Passwords, who signs in with which e-mail address, whose sessions and sign-in links there are, and when keys
-- were last used.

CREATE TABLE password (
    user BLOB PRIMARY KEY,
    hash TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- In lower case; NULL for a person without one.
ALTER TABLE member ADD COLUMN email TEXT;
UPDATE member SET email = CASE WHEN json_valid(doc) THEN nullif(lower(trim(doc ->> '$.email')), '') END;
CREATE INDEX member_email ON member (email) WHERE email IS NOT NULL;

-- Whom a token signs in or keeps signed in.
ALTER TABLE token ADD COLUMN user BLOB;
UPDATE token SET user = CASE WHEN json_valid(doc) THEN
    CASE WHEN doc ->> '$.name' IN ('session', 'sign_in') THEN unhex(doc ->> '$.user_id') END END;
CREATE INDEX token_user ON token (user) WHERE user IS NOT NULL;

ALTER TABLE api_key ADD COLUMN used_at INTEGER;
