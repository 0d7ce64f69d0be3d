-- name: list_families
-- Returns ids and counts only: an operator needs no names.
SELECT family.family_id, family.founded_at, family.last_seq,
       (SELECT count(*) FROM member WHERE member.family_id = family.family_id AND NOT member.has_left) AS members,
       (SELECT count(*) FROM child WHERE child.family_id = family.family_id) AS children
  FROM family
 WHERE family.family_id > $1
 ORDER BY family.family_id
 LIMIT $2;

-- name: show_family
SELECT family_id, log_id, founded_at, last_seq
  FROM family
 WHERE family_id = $1;

-- name: show_members
SELECT member.member_id, member.role, member.sees, member.has_left,
       coalesce((SELECT place FROM feed_end(member.family_id, member.member_id)), 0) AS places,
       (SELECT count(*) FROM feed_run
         WHERE feed_run.family_id = member.family_id AND feed_run.member_id = member.member_id) AS runs
  FROM member
 WHERE member.family_id = $1
 ORDER BY member.member_id;

-- name: new_log
UPDATE family
   SET log_id = $2
 WHERE family_id = $1
RETURNING log_id;

-- name: new_logs
UPDATE family
   SET log_id = gen_random_uuid();
