-- name: perhaps_due
-- Families after $1, at most $3, in which somebody who waits for so many days at most is kept from something that is older, at
-- $2. The days are the least of all their choices: whether the wait for that very thing is over is asked of the rule.
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
