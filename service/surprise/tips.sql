-- name: children
-- Returns the children and their birth dates. Tips depend on nothing else of a family.
SELECT child_id, born
  FROM child
 WHERE family_id = $1
   AND ($2::uuid IS NULL OR child_id = $2)
 ORDER BY child_id;
