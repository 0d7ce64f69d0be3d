-- name: ping
-- Shows that the database answers a query.
SELECT 1;
