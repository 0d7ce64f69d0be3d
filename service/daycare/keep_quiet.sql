-- name: wishes
-- Returns the choices of the members who chose not to be told of firsts. Most families have none.
SELECT family_id, member_id, body
  FROM waiting
 WHERE family_id = ANY ($1::uuid[]);

-- name: members
SELECT family_id, member_id, household_id, name, role, sees, has_left
  FROM member
 WHERE family_id = ANY ($1::uuid[]);
