-- name: add_person
INSERT INTO person (person_id, created_at)
VALUES ($1, $2);

-- name: add_device
INSERT INTO device (device_id, person_id, name, token_hash, created_at)
VALUES ($1, $2, $3, $4, $5);

-- name: take_person
-- Locks the person and counts their devices, so that two concurrent requests cannot both add the last allowed device.
SELECT (SELECT count(*) FROM device WHERE device.person_id = $1 AND revoked_at IS NULL) AS devices
  FROM person
 WHERE person_id = $1
   FOR UPDATE;

-- name: revoke_device
-- Revokes a device. A repeated request keeps the time of the first request, and returns the same row.
UPDATE device
   SET revoked_at = coalesce(revoked_at, $3)
 WHERE device_id = $1
   AND person_id = $2
RETURNING device_id;

-- name: own_devices
SELECT device_id, name, created_at
  FROM device
 WHERE person_id = $1
   AND revoked_at IS NULL
 ORDER BY created_at, device_id;

-- name: join_family
-- Adds a membership. Runs before the family's head is locked. Of two concurrent requests, the second waits here and adds nothing.
INSERT INTO membership (person_id, family_id, member_id)
VALUES ($1, $2, $3)
ON CONFLICT (person_id, family_id) DO NOTHING
RETURNING member_id;

-- name: hold_membership
-- Locks the membership, so that the member cannot leave meanwhile. A member who has left has no row.
SELECT member.member_id, member.role, member.household_id
  FROM membership
  JOIN member USING (family_id, member_id)
 WHERE membership.person_id = $1
   AND membership.family_id = $2
   AND NOT member.has_left
   FOR SHARE OF membership;

-- name: leave_family
DELETE FROM membership
 WHERE family_id = $1
   AND member_id = $2
RETURNING person_id;

-- name: memberships
SELECT membership.family_id, member.member_id, member.name, member.role, member.household_id
  FROM membership
  JOIN member USING (family_id, member_id)
 WHERE membership.person_id = $1
   AND NOT member.has_left
 ORDER BY membership.family_id;

-- name: hold_head
-- Locks the family, so that no other transaction changes its roster.
SELECT last_seq
  FROM family
 WHERE family_id = $1
   FOR UPDATE;

-- name: member
SELECT member_id AS member, name, role, household_id AS household
  FROM member
 WHERE family_id = $1
   AND member_id = $2
   AND NOT has_left;

-- name: child
SELECT child_id AS child, name, born
  FROM child
 WHERE family_id = $1
   AND child_id = $2;

-- name: household
SELECT household_id AS household, name
  FROM household
 WHERE family_id = $1
   AND household_id = $2;

-- name: counts
SELECT (SELECT count(*) FROM child WHERE family_id = $1) AS children,
       (SELECT count(*) FROM member WHERE family_id = $1 AND NOT has_left) AS members,
       (SELECT count(*) FROM member WHERE family_id = $1 AND NOT has_left AND role = 'parent') AS parents;

-- name: households
SELECT household_id AS household, name
  FROM household
 WHERE family_id = $1
 ORDER BY household_id;

-- name: children
SELECT child_id AS child, name, born
  FROM child
 WHERE family_id = $1
 ORDER BY child_id;

-- name: members
SELECT member_id AS member, name, role, household_id AS household
  FROM member
 WHERE family_id = $1
   AND NOT has_left
 ORDER BY member_id;

-- name: drop_dead_invites
DELETE FROM invite
 WHERE family_id = $1
   AND invited_by = $2
   AND (used_at IS NOT NULL OR expires_at <= $3);

-- name: count_invites
SELECT count(*)
  FROM invite
 WHERE family_id = $1
   AND invited_by = $2;

-- name: add_invite
INSERT INTO invite (code_hash, family_id, invited_by, role, sees, household_id, household_name, name, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: use_invite
-- Uses an invite. An invite works once: of two concurrent requests, the second waits for the first, and then finds no row.
UPDATE invite
   SET used_at = $2
 WHERE code_hash = $1
   AND used_at IS NULL
   AND expires_at > $2
RETURNING family_id, invited_by, role, sees, household_id, household_name;

-- name: drop_invites
DELETE FROM invite
 WHERE family_id = $1
   AND invited_by = $2;

-- name: drop_pair_codes
DELETE FROM pair_code
 WHERE person_id = $1;

-- name: add_pair_code
INSERT INTO pair_code (code_hash, person_id, expires_at)
VALUES ($1, $2, $3);

-- name: use_pair_code
UPDATE pair_code
   SET used_at = $2
 WHERE code_hash = $1
   AND used_at IS NULL
   AND expires_at > $2
RETURNING person_id;
