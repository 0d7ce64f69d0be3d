-- name: add_key
INSERT INTO daycare (key_id, person_id, name, family_id, secret, created_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: key
SELECT key_id, person_id, name, family_id, secret, before, before_until
  FROM daycare
 WHERE key_id = $1;

-- name: note_call
-- Stores a call, unless the same call is stored already. Of two equal inserts at once, the second adds nothing.
INSERT INTO daycare_call (key_id, call_id, signed_at)
VALUES ($1, $2, $3)
ON CONFLICT (key_id, signed_at, call_id) DO NOTHING
RETURNING call_id;

-- name: came_before
-- Returns whether a call with this id was accepted before, signed at an earlier time: the response of that call may be lost.
SELECT EXISTS (
  SELECT
    FROM daycare_call
   WHERE key_id = $1
     AND call_id = $2
     AND signed_at < $3) AS came_before;

-- name: forget_calls
DELETE FROM daycare_call
 WHERE key_id = $1
   AND signed_at < $2;

-- name: rotate
-- Changes the secret of a key. A repeated call returns the new secret again, because the first response may be lost.
UPDATE daycare
   SET before = CASE WHEN rotated_by = $4 THEN before ELSE secret END,
       before_until = CASE WHEN rotated_by = $4 THEN before_until ELSE $3 END,
       secret = CASE WHEN rotated_by = $4 THEN secret ELSE $2 END,
       rotated_by = $4
 WHERE key_id = $1
RETURNING secret, before_until;

-- name: count_keys
SELECT count(*)
  FROM daycare
 WHERE family_id = $1;

-- name: add_code
INSERT INTO daycare_code (code_hash, family_id, child_id, made_by, household_id, expires_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: drop_dead_codes
DELETE FROM daycare_code
 WHERE family_id = $1
   AND (used_at IS NOT NULL OR expires_at <= $2);

-- name: count_codes
SELECT count(*)
  FROM daycare_code
 WHERE family_id = $1;

-- name: use_code
-- Uses a code once, and only while the member who made it belongs to the family.
UPDATE daycare_code
   SET used_at = $2
 WHERE code_hash = $1
   AND used_at IS NULL
   AND expires_at > $2
   AND EXISTS (
     SELECT
       FROM membership
      WHERE membership.family_id = daycare_code.family_id
        AND membership.member_id = daycare_code.made_by)
RETURNING family_id, child_id, made_by, household_id;

-- name: membership
SELECT member_id
  FROM membership
 WHERE person_id = $1
   AND family_id = $2;

-- name: link
-- Links a reference to a child, unless the reference belongs to another family. If the child changes, its nicknames are dropped.
INSERT INTO daycare_child (person_id, reference, family_id, member_id, child_id)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (person_id, reference) DO UPDATE
   SET child_id = excluded.child_id, member_id = excluded.member_id,
       also_called = CASE WHEN daycare_child.child_id = excluded.child_id THEN daycare_child.also_called ELSE '{}' END
 WHERE daycare_child.family_id = excluded.family_id
RETURNING reference;

-- name: call_also
-- Sets the nicknames of a reference's child.
UPDATE daycare_child
   SET also_called = $3
 WHERE person_id = $1
   AND reference = $2;

-- name: links
-- Returns the links of references. `called` has the child's names in the family.
SELECT daycare_child.reference, daycare_child.family_id, daycare_child.member_id, daycare_child.child_id, EXISTS (
         SELECT
           FROM importer
          WHERE importer.family_id = daycare_child.family_id
            AND importer.member_id = daycare_child.member_id) AS is_imported,
       array_remove(array_prepend(child.name, daycare_child.also_called), NULL) AS called
  FROM daycare_child
  LEFT JOIN child ON child.family_id = daycare_child.family_id AND child.child_id = daycare_child.child_id
 WHERE person_id = $1
   AND reference = ANY ($2::text[]);

-- name: drop_links
-- Removes the links of a daycare that leaves a family.
DELETE FROM daycare_child
 WHERE family_id = $1
   AND member_id = $2;

-- name: drop_family_key
-- Removes a daycare's key if the key serves this family alone.
DELETE FROM daycare
 WHERE family_id = $1
   AND person_id = $2
RETURNING key_id;

-- name: retire_importer
-- Retires an importer. The row stays, because `imported_by` still reads its parent.
UPDATE importer
   SET is_retired = true
 WHERE family_id = $1
   AND member_id = $2
RETURNING source;

-- name: imported_by
-- Returns the parent of an importer. Returns no row if that parent has left the family.
SELECT importer.imported_by
  FROM importer
  JOIN member ON member.family_id = importer.family_id AND member.member_id = importer.imported_by
 WHERE importer.family_id = $1
   AND importer.member_id = $2
   AND NOT member.has_left;

-- name: drop_waiting
DELETE FROM daycare_waiting
 WHERE person_id = $1;

-- name: drop_imported_waiting
-- Removes the waiting records that a leaving parent imported, because no other parent may link these records.
DELETE FROM daycare_waiting
 USING importer
 WHERE importer.family_id = $1
   AND importer.imported_by = $2
   AND daycare_waiting.person_id = importer.person_id;

-- name: daycares
-- Returns the family's daycares. `is_own` states whether this parent may link the daycare's unlinked references; it is never
-- true for the importer of another parent.
SELECT member.member_id, member.name, membership.person_id, importer.imported_by,
       coalesce(importer.imported_by <> $2, false) AS is_anothers,
       importer.imported_by IS NOT DISTINCT FROM $2 OR EXISTS (
         SELECT
           FROM daycare
          WHERE daycare.person_id = membership.person_id
            AND daycare.family_id = member.family_id) AS is_own
  FROM member
  JOIN membership USING (family_id, member_id)
  LEFT JOIN importer USING (family_id, member_id)
 WHERE member.family_id = $1
   AND member.role = 'daycare'
   AND NOT member.has_left
 ORDER BY member.member_id;

-- name: references_of
-- Returns the references of these daycares to this family's children, and the unlinked references of keys for this family alone.
SELECT person_id, reference, NULL AS shown_name, child_id, EXISTS (
         SELECT
           FROM daycare_waiting
          WHERE daycare_waiting.person_id = daycare_child.person_id
            AND daycare_waiting.reference = daycare_child.reference) AS is_waiting, also_called
  FROM daycare_child
 WHERE family_id = $1
   AND person_id = ANY ($2::uuid[])
 UNION ALL
SELECT person_id, reference, max(shown_name), NULL::uuid, true, '{}'::text[]
  FROM daycare_waiting
 WHERE person_id = ANY ($3::uuid[])
   AND NOT EXISTS (
     SELECT
       FROM daycare_child
      WHERE daycare_child.person_id = daycare_waiting.person_id
        AND daycare_child.reference = daycare_waiting.reference)
 GROUP BY person_id, reference
 ORDER BY 1, 2
 LIMIT 1000;

-- name: count_waiting
SELECT count(*)
  FROM daycare_waiting
 WHERE person_id = $1;

-- name: wait
-- Adds waiting records. Of two contents of one record, the content with the later change is kept.
INSERT INTO daycare_waiting (person_id, reference, source, record, revised_at, received_at, shown_name, body)
SELECT *
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::text[], $8::bytea[])
    ON CONFLICT (person_id, reference, source, record) DO UPDATE
   SET revised_at = excluded.revised_at, body = excluded.body
 WHERE daycare_waiting.revised_at <= excluded.revised_at;

-- name: waiting
SELECT source, record, revised_at, body
  FROM daycare_waiting
 WHERE person_id = $1
   AND reference = $2
 ORDER BY received_at, source, record
 LIMIT $3;

-- name: drop_written
DELETE FROM daycare_waiting
 USING unnest($3::text[], $4::text[], $5::timestamptz[]) AS gone (source, record, revised_at)
 WHERE daycare_waiting.person_id = $1
   AND daycare_waiting.reference = $2
   AND daycare_waiting.source = gone.source
   AND daycare_waiting.record = gone.record
   AND daycare_waiting.revised_at = gone.revised_at;

-- name: forget_waiting
DELETE FROM daycare_waiting
 WHERE person_id = $1
   AND received_at < $2;

-- name: importer
SELECT person_id, member_id
  FROM importer
 WHERE family_id = $1
   AND source = $2
   AND imported_by = $3
   AND NOT is_retired;

-- name: add_importer
INSERT INTO importer (family_id, source, person_id, member_id, imported_by)
VALUES ($1, $2, $3, $4, $5);

-- name: said
-- Returns the recorded states of records. `is_shared` states whether a record's events are those of another importer.
SELECT family_id, member_id, source, record, revision, said, EXISTS (
         SELECT
           FROM shared_record
          WHERE shared_record.family_id = ledger.family_id
            AND shared_record.member_id = ledger.member_id
            AND shared_record.source = ledger.source
            AND shared_record.record = ledger.record) AS is_shared
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS asked (family_id, member_id, source, record)
  JOIN ledger USING (family_id, member_id, source, record);

-- name: said_by_others
-- Returns the states of the same records at the other importers of the same source.
SELECT asked.family_id, asked.member_id, asked.source, asked.record,
       ledger.member_id AS other_id, ledger.revision, ledger.said, EXISTS (
         SELECT
           FROM shared_record
          WHERE shared_record.family_id = ledger.family_id
            AND shared_record.member_id = ledger.member_id
            AND shared_record.source = ledger.source
            AND shared_record.record = ledger.record) AS is_shared
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS asked (family_id, member_id, source, record)
  JOIN importer ON importer.family_id = asked.family_id
                   AND importer.source = asked.source
                   AND importer.member_id <> asked.member_id
  JOIN ledger ON ledger.family_id = asked.family_id
                 AND ledger.member_id = importer.member_id
                 AND ledger.source = asked.source
                 AND ledger.record = asked.record
 ORDER BY ledger.member_id;

