-- name: take_member
-- Locks the member, so that two concurrent requests cannot exceed the bound on webhooks. Waits for a concurrent departure.
SELECT member_id
  FROM member
 WHERE family_id = $1
   AND member_id = $2
   AND NOT has_left
   FOR UPDATE;

-- name: count_own
SELECT count(*)
  FROM webhook
 WHERE family_id = $1
   AND member_id = $2;

-- name: add
INSERT INTO webhook (family_id, member_id, webhook_id, url, name, secret, created_at, place, next_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $7);

-- name: own
-- Returns a member's webhooks, or only the webhook with the id $3.
SELECT webhook_id, url, name, created_at, place, failing_since, failed_as, next_at, disabled_at, disabled_as
  FROM webhook
 WHERE family_id = $1
   AND member_id = $2
   AND ($3::uuid IS NULL OR webhook_id = $3)
 ORDER BY created_at, webhook_id;

-- name: drop
DELETE FROM webhook
 WHERE family_id = $1
   AND member_id = $2
   AND webhook_id = $3
RETURNING webhook_id;

-- name: drop_all
DELETE FROM webhook
 WHERE family_id = $1
   AND member_id = $2;

-- name: rotate
-- Stores a new secret, and keeps the previous secret until $5. An older secret no longer signs.
UPDATE webhook
   SET before = secret, before_until = $5, secret = $4
 WHERE family_id = $1
   AND member_id = $2
   AND webhook_id = $3
RETURNING webhook_id;

-- name: resume
-- Enables a webhook. Does nothing if the webhook is not disabled.
UPDATE webhook
   SET disabled_at = NULL, disabled_as = NULL, attempts = 0, failing_since = NULL, failed_as = NULL, next_at = $4
 WHERE family_id = $1
   AND member_id = $2
   AND webhook_id = $3
   AND disabled_at IS NOT NULL;

-- name: all_after
-- Returns at most $5 webhooks after a key that are not disabled, or whose member has left, and whether an entry is due at $4.
-- A held event has no place in the feed, so it does not make a webhook due.
SELECT webhook.family_id, webhook.member_id, webhook.webhook_id, webhook.url, webhook.attempts > 0 AS is_failing,
       coalesce(member.has_left, true) AS has_left,
       webhook.next_at <= $4
       AND coalesce(webhook.leased_until <= $4, true)
       AND EXISTS (
             SELECT
               FROM feed_end(webhook.family_id, webhook.member_id) AS last
              WHERE last.place > webhook.place) AS is_due
  FROM webhook
  LEFT JOIN member ON member.family_id = webhook.family_id AND member.member_id = webhook.member_id
 WHERE (webhook.family_id, webhook.member_id, webhook.webhook_id) > ($1::uuid, $2::uuid, $3::uuid)
   AND (webhook.disabled_at IS NULL OR member.has_left)
 ORDER BY webhook.family_id, webhook.member_id, webhook.webhook_id
 LIMIT $5;

-- name: claim
-- Claims a webhook. Of several concurrent claims the first succeeds; the others wait for the row, and then find the lease.
UPDATE webhook
   SET lease_id = $4, leased_until = $6
 WHERE family_id = $1
   AND member_id = $2
   AND webhook_id = $3
   AND disabled_at IS NULL
   AND next_at <= $5
   AND coalesce(leased_until <= $5, true)
   AND EXISTS (
         SELECT
           FROM member
          WHERE member.family_id = webhook.family_id
            AND member.member_id = webhook.member_id
            AND NOT member.has_left)
RETURNING url, secret, CASE WHEN before_until > $5 THEN before END AS before, place, attempts, failing_since;

-- name: still_valid
-- Returns the ordinals of the given claims that are still valid: the member has not left, and the lease is the same.
SELECT listed.number
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[])
       WITH ORDINALITY AS listed (family_id, member_id, webhook_id, lease_id, number)
  JOIN webhook USING (family_id, member_id, webhook_id, lease_id)
  JOIN member USING (family_id, member_id)
 WHERE NOT member.has_left;

-- name: delivered
-- Stores the place that was delivered last, and returns whether the turn may continue.
UPDATE webhook
   SET place = $5, attempts = 0, failing_since = NULL, failed_as = NULL, next_at = $6
 WHERE family_id = $1
   AND member_id = $2
   AND webhook_id = $3
   AND lease_id = $4
RETURNING EXISTS (
            SELECT
              FROM member
             WHERE member.family_id = webhook.family_id
               AND member.member_id = webhook.member_id
               AND NOT member.has_left);

-- name: failed
UPDATE webhook
   SET attempts = $5, failing_since = $6, failed_as = $7, next_at = $8, disabled_as = $9, disabled_at = $10,
       lease_id = NULL, leased_until = NULL
 WHERE family_id = $1
   AND member_id = $2
   AND webhook_id = $3
   AND lease_id = $4;

-- name: release
UPDATE webhook
   SET lease_id = NULL, leased_until = NULL
 WHERE family_id = $1
   AND member_id = $2
   AND webhook_id = $3
   AND lease_id = $4;
