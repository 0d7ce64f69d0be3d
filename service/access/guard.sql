-- name: device
SELECT device_id, person_id
  FROM device
 WHERE token_hash = $1
   AND revoked_at IS NULL;

-- name: member
-- Checks the token and the membership in one query.
SELECT device.device_id, device.person_id, member.member_id, member.role, member.household_id
  FROM device
  LEFT JOIN membership ON membership.person_id = device.person_id AND membership.family_id = $2
  LEFT JOIN member ON member.family_id = membership.family_id
                  AND member.member_id = membership.member_id
                  AND NOT member.has_left
 WHERE device.token_hash = $1
   AND device.revoked_at IS NULL;
