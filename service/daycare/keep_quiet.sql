-- name: wishes
-- What members of these families have chosen not to be told: most often nobody has.
SELECT family_id, member_id, body
  FROM waiting
 WHERE family_id = ANY ($1::uuid[]);

-- name: members
SELECT family_id, member_id, household_id, name, role, sees, has_left
  FROM member
 WHERE family_id = ANY ($1::uuid[]);
