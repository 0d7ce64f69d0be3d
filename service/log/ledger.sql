-- name: revisions
SELECT family_id, member_id, source, record, revision
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS asked (family_id, member_id, source, record)
  JOIN ledger USING (family_id, member_id, source, record);

-- name: put
INSERT INTO ledger (family_id, member_id, source, record, revision, said)
SELECT *
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::integer[], $6::bytea[])
    ON CONFLICT (family_id, member_id, source, record) DO UPDATE SET revision = excluded.revision, said = excluded.said;
