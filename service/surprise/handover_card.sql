-- name: wishes
-- Returns the surprise choices of the first $4 members after $3, without those of $2. Other members can see choices, so that they
-- do not mention a kept milestone.
SELECT member_id, body
  FROM waiting
 WHERE family_id = $1
   AND member_id <> $2
   AND member_id > $3
 ORDER BY member_id
 LIMIT $4;

-- name: words
-- Returns the events MilestoneNamed and Sorted in a member's feed. A log has few of them, so each event is looked up in the feed.
-- A scan of the feed would take longer if more events are held between its entries, so the time would reveal held events.
SELECT event.kind, event.version, event.body
  FROM event
 WHERE event.family_id = $1
   AND event.kind IN ('Sorted', 'MilestoneNamed')
   AND EXISTS (SELECT FROM place_in_feed($1, $2, event.seq));

-- name: received
-- Returns when the log received these events of these authors.
SELECT event.author_id, event.event_id, event.received_at
  FROM unnest($2::uuid[], $3::uuid[]) AS asked (author_id, event_id)
  JOIN event
    ON event.family_id = $1
   AND event.event_id = asked.event_id
   AND event.author_id = asked.author_id;
