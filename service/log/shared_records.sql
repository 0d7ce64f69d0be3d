-- name: importers
-- The importers of these families, each with the member who imported their file.
SELECT family_id, member_id, imported_by
  FROM importer
 WHERE family_id = ANY ($1::uuid[]);

-- name: shares
-- All shared events of each record that shares at least one of these events.
SELECT shared.family_id, shared.member_id, shared.source, shared.record, shared.author_id, event.seq, shared.event_id, shared.own_id
  FROM (SELECT DISTINCT family_id, member_id, source, record
          FROM unnest($1::uuid[], $2::bigint[]) AS asked (family_id, seq)
          JOIN event USING (family_id, seq)
          JOIN shared_record USING (family_id, event_id)) AS hit
  JOIN shared_record AS shared USING (family_id, member_id, source, record)
  JOIN event ON event.family_id = shared.family_id
                AND event.event_id = shared.event_id
                AND event.author_id = shared.author_id
 ORDER BY shared.family_id, shared.member_id, shared.source, shared.record, shared.part;

-- name: second_thoughts
-- The members from whom these events are held, and whether a later event of the kinds $4 changes them.
SELECT asked.family_id, asked.seq,
       ARRAY (
         SELECT member.member_id
           FROM member
           JOIN held USING (family_id, member_id)
          WHERE member.family_id = asked.family_id
            AND held.seq = asked.seq) AS held,
       EXISTS (
         SELECT
           FROM event
          WHERE event.family_id = asked.family_id
            AND event.thread_seq = asked.thread_seq
            AND event.target_seq = asked.seq
            AND event.kind = ANY ($4::text[])) AS is_changed
  FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS asked (family_id, seq, thread_seq);

-- name: add_shares
INSERT INTO shared_record (family_id, member_id, source, record, author_id, event_id, part, own_id)
SELECT *
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::smallint[], $8::uuid[]);

-- name: end_shares
DELETE FROM shared_record
 USING unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS ended (family_id, member_id, source, record)
 WHERE shared_record.family_id = ended.family_id
   AND shared_record.member_id = ended.member_id
   AND shared_record.source = ended.source
   AND shared_record.record = ended.record;

-- name: note_parted
-- Raises the revision, so that drafts which were made of the entry before have to be made again.
UPDATE ledger
   SET revision = ledger.revision + 1
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS parted (family_id, member_id, source, record)
 WHERE ledger.family_id = parted.family_id
   AND ledger.member_id = parted.member_id
   AND ledger.source = parted.source
   AND ledger.record = parted.record;
