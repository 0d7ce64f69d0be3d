-- name: wishes
-- Returns the members' choices not to be told of firsts. In most families there are none.
SELECT family_id, member_id, body
  FROM waiting
 WHERE family_id = ANY ($1::uuid[]);

-- name: members
SELECT family_id, member_id, household_id, name, role, sees, has_left
  FROM member
 WHERE family_id = ANY ($1::uuid[]);
