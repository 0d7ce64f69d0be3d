-- name: count_again
-- Counts the given records that are stored as waiting already.
SELECT count(*)
  FROM unnest($2::text[], $3::text[], $4::text[]) AS named (reference, source, record)
 WHERE EXISTS (
   SELECT
     FROM daycare_waiting
    WHERE daycare_waiting.person_id = $1
      AND daycare_waiting.reference = named.reference
      AND daycare_waiting.source = named.source
      AND daycare_waiting.record = named.record);

-- name: waiting_keys
SELECT reference, source, record, shown_name
  FROM daycare_waiting
 WHERE person_id = $1
   AND received_at >= $2;

-- name: waiting_bodies
SELECT reference, source, record, body
  FROM unnest($2::text[], $3::text[], $4::text[]) AS named (reference, source, record)
  JOIN daycare_waiting USING (reference, source, record)
 WHERE person_id = $1;

-- name: waiting_by_id
SELECT record, body
  FROM daycare_waiting
 WHERE person_id = $1
   AND source = $2
   AND record = ANY ($3::text[]);

-- name: links_to
SELECT child_id, reference
  FROM daycare_child
 WHERE person_id = $1
   AND child_id = ANY ($2::uuid[]);

-- name: take_back
-- Replaces waiting records by withdrawals. Adds no rows.
UPDATE daycare_waiting
   SET revised_at = gone.revised_at, body = gone.body
  FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bytea[])
         AS gone (reference, source, record, revised_at, body)
 WHERE daycare_waiting.person_id = $1
   AND daycare_waiting.reference = gone.reference
   AND daycare_waiting.source = gone.source
   AND daycare_waiting.record = gone.record
   AND daycare_waiting.revised_at <= gone.revised_at;
