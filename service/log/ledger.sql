-- name: revisions
SELECT family_id, member_id, source, record, revision
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS asked (family_id, member_id, source, record)
  JOIN ledger USING (family_id, member_id, source, record);

-- name: put
INSERT INTO ledger (family_id, member_id, source, record, revision, said)
SELECT *
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::integer[], $6::bytea[])
    ON CONFLICT (family_id, member_id, source, record) DO UPDATE SET revision = excluded.revision, said = excluded.said;

-- name: revisions_of_importers
-- The revisions of these records that the importers of their source have.
SELECT asked.family_id, asked.source, asked.record, ledger.member_id, ledger.revision
  FROM unnest($1::uuid[], $2::text[], $3::text[]) AS asked (family_id, source, record)
  JOIN importer USING (family_id, source)
  JOIN ledger ON ledger.family_id = asked.family_id
                 AND ledger.member_id = importer.member_id
                 AND ledger.source = asked.source
                 AND ledger.record = asked.record;
