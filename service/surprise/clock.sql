-- name: perhaps_due
-- Returns the families after $1, at most $3, in which a member's wait may be over at time $2: something held from them is
-- older than the smallest limit of all their choices. The surprise rule then decides for each held event.
SELECT DISTINCT waiting.family_id
  FROM waiting
 WHERE waiting.at_most_days IS NOT NULL
   AND waiting.family_id > $1
   AND EXISTS (
         SELECT
           FROM held
          WHERE held.family_id = waiting.family_id
            AND held.member_id = waiting.member_id
            AND held.since <= $2::timestamptz - waiting.at_most_days * interval '24 hours')
 ORDER BY waiting.family_id
 LIMIT $3;
