-- name: perhaps_due
-- Returns at most $3 families after $1 in which a member's wait may be over at time $2: an event that is held from the member is
-- older than the smallest limit in the member's choices. The surprise rule then decides for each held event.
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
