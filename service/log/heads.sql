-- name: take_heads
-- Locks the families, so that seq is assigned in the order of commit. An update, because Citus refuses to lock several
-- families by SELECT FOR UPDATE. Two batches that share two families may deadlock; then the whole batch is tried again.
UPDATE family
   SET last_seq = family.last_seq + taken.count
  FROM unnest($1::uuid[], $2::bigint[]) AS taken (family_id, count)
 WHERE family.family_id = taken.family_id
RETURNING family.family_id, family.last_seq - taken.count AS seq, family.log_id, family.mended;

-- name: take_free_heads
-- As `take_heads`, but only for families that no other transaction holds: it never waits for a lock.
WITH free AS (
  SELECT family.family_id, taken.count
    FROM unnest($1::uuid[], $2::bigint[]) AS taken (family_id, count)
    JOIN family USING (family_id)
     FOR NO KEY UPDATE OF family SKIP LOCKED)
UPDATE family
   SET last_seq = family.last_seq + free.count
  FROM free
 WHERE family.family_id = free.family_id
RETURNING family.family_id, family.last_seq - free.count AS seq, family.log_id, family.mended;

-- name: having_heads
SELECT family_id
  FROM family
 WHERE family_id = ANY ($1::uuid[]);

-- name: give_back
-- Lowers the heads by the seqs that were taken for drafts which were then refused, or had been sent before.
UPDATE family
   SET last_seq = family.last_seq - unused.count
  FROM unnest($1::uuid[], $2::bigint[]) AS unused (family_id, count)
 WHERE family.family_id = unused.family_id;

-- name: open_family
INSERT INTO family (family_id, log_id, founded_at)
VALUES ($1, $2, $3);
