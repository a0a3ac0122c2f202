-- Zeroes in place of the outcome that is still to come, as many bytes as the row will grow by: a row that keeps
-- its length is overwritten where it stands.

ALTER TABLE delivery ADD COLUMN room BLOB;
