-- name: add_events
INSERT INTO event (family_id, seq, event_id, author_id, kind, version, audience, target_seq, received_at,
                   digest, commitment, salt, body, thread_seq)
SELECT *
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::smallint[], $7::text[], $8::bigint[],
              $9::timestamptz[], $10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[], $14::bigint[]);

-- name: add_attachments
INSERT INTO clip_attachment (family_id, clip_id, seq)
SELECT *
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]);

-- name: put_runs
-- Lists of seqs come as text, because the arrays in an array must all have the same length.
INSERT INTO feed_run (family_id, member_id, first_place, first_seq, length, released, told_at, chain_before, chain, hint, seqs)
SELECT family_id, member_id, first_place, first_seq, length, released, told_at, chain_before, chain, hint, seqs::bigint[]
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::integer[], $6::text[], $7::timestamptz[],
              $8::bytea[], $9::bytea[], $10::bytea[], $11::text[])
    AS run (family_id, member_id, first_place, first_seq, length, released, told_at, chain_before, chain, hint, seqs)
    ON CONFLICT (family_id, member_id, first_place) DO UPDATE
       SET length = excluded.length, chain = excluded.chain, seqs = excluded.seqs;

-- name: put_sightings
INSERT INTO sighting (family_id, member_id, seq, body, child_id, milestone)
SELECT *
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bytea[], $5::uuid[], $6::text[])
    ON CONFLICT (family_id, member_id, seq) DO UPDATE
       SET body = excluded.body, child_id = excluded.child_id, milestone = excluded.milestone;

-- name: drop_sightings
DELETE FROM sighting
 USING unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS gone (family_id, member_id, seq)
 WHERE sighting.family_id = gone.family_id
   AND sighting.member_id = gone.member_id
   AND sighting.seq = gone.seq;

-- name: put_waiting
INSERT INTO waiting (family_id, member_id, at_most_days, body)
SELECT *
  FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::bytea[])
    ON CONFLICT (family_id, member_id) DO UPDATE SET at_most_days = excluded.at_most_days, body = excluded.body;

-- name: drop_waiting
DELETE FROM waiting
 USING unnest($1::uuid[], $2::uuid[]) AS gone (family_id, member_id)
 WHERE waiting.family_id = gone.family_id
   AND waiting.member_id = gone.member_id;

-- name: drop_all_held
DELETE FROM held
 USING unnest($1::uuid[], $2::uuid[]) AS gone (family_id, member_id)
 WHERE held.family_id = gone.family_id
   AND held.member_id = gone.member_id;

-- name: put_held
INSERT INTO held (family_id, member_id, seq, since, is_name, body)
SELECT *
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::boolean[], $6::bytea[])
    ON CONFLICT (family_id, member_id, seq) DO UPDATE SET body = excluded.body;

-- name: drop_held
DELETE FROM held
 USING unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS gone (family_id, member_id, seq)
 WHERE held.family_id = gone.family_id
   AND held.member_id = gone.member_id
   AND held.seq = gone.seq;

-- name: put_households
INSERT INTO household (family_id, household_id, name)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[])
    ON CONFLICT (family_id, household_id) DO UPDATE SET name = excluded.name;

-- name: put_children
INSERT INTO child (family_id, child_id, name, born)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[])
    ON CONFLICT (family_id, child_id) DO UPDATE SET name = excluded.name, born = excluded.born;

-- name: put_members
INSERT INTO member (family_id, member_id, household_id, name, role, sees, has_left)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::boolean[])
    ON CONFLICT (family_id, member_id) DO UPDATE SET name = excluded.name, has_left = excluded.has_left;

-- name: put_own_milestones
INSERT INTO own_milestone (family_id, milestone, title, domain, named_at, named_by)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::uuid[])
    ON CONFLICT (family_id, milestone) DO UPDATE
       SET title = excluded.title, domain = excluded.domain, named_at = excluded.named_at, named_by = excluded.named_by;
