-- name: head
-- Returns the log's id, the feed's last place, and the chain there, which is null where the feed is empty.
SELECT family.log_id, coalesce(last.place, 0) AS place, last.chain
  FROM family
  LEFT JOIN LATERAL feed_end($1, $2) AS last ON true
 WHERE family.family_id = $1;

-- name: page
-- Returns the entries from place $3 on, at most $4, and before them those of the run that contains place $3: the chain is hashed on
-- from the run's beginning. That makes at most 255 entries more.
SELECT entry.*
  FROM (SELECT coalesce(max(first_place), 1) AS place
          FROM feed_run
         WHERE family_id = $1
           AND member_id = $2
           AND first_place <= $3) AS start
 CROSS JOIN LATERAL feed_entries($1, $2, start.place, $3 + $4) AS entry
 ORDER BY entry.place;
