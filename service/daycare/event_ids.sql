-- name: secrets
SELECT family_id, secret
  FROM family_secret
 WHERE family_id = ANY ($1::uuid[]);

-- name: add_secrets
-- Adds secrets. Of two writers at the same time, the first writer's secret is stored, and both writers read it afterwards.
INSERT INTO family_secret (family_id, secret)
SELECT *
  FROM unnest($1::uuid[], $2::bytea[])
    ON CONFLICT (family_id) DO NOTHING;
