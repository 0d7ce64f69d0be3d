-- name: households
SELECT household_id, name
  FROM household
 WHERE family_id = $1;

-- name: children
SELECT child_id, name, born
  FROM child
 WHERE family_id = $1;

-- name: members
SELECT member_id, household_id, name, role, sees, has_left
  FROM member
 WHERE family_id = $1;

-- name: own_milestones
SELECT milestone, title, domain, named_at, named_by
  FROM own_milestone
 WHERE family_id = $1;

-- name: last_runs
-- The last run of each feed, found by its key: reading all runs would take longer the more was delivered to the others. A person
-- who chooses before they join has a feed, but is not a member yet. None of the functions of feeds is called, because they decode
-- the rows: here the rows themselves are needed, which the next entries make longer.
SELECT one.member_id, run.first_place, run.first_seq, run.length, run.released, run.told_at, run.chain_before, run.chain,
       run.hint, run.seqs
  FROM (SELECT member_id FROM member WHERE family_id = $1
         UNION
        SELECT member_id FROM waiting WHERE family_id = $1) AS one
 CROSS JOIN LATERAL (
       SELECT *
         FROM feed_run
        WHERE feed_run.family_id = $1
          AND feed_run.member_id = one.member_id
        ORDER BY feed_run.first_place DESC
        LIMIT 1) AS run;

-- name: wishes
SELECT member_id, body
  FROM waiting
 WHERE family_id = $1;

-- name: held_names
SELECT member_id, body
  FROM held
 WHERE family_id = $1
   AND is_name
 ORDER BY seq;

-- name: hints
SELECT member_id, hint
  FROM feed_run
 WHERE family_id = $1
   AND hint IS NOT NULL;
