-- name: claim
-- Claims the film that has waited longest for its second film. The claim of a killed process ends.
UPDATE clip
   SET rendered_until = $2
 WHERE (family_id, clip_id) = (
         SELECT family_id, clip_id
           FROM clip
          WHERE second_film = 'due'
            AND (rendered_until IS NULL OR rendered_until < $1)
          ORDER BY cleaned_at
          LIMIT 1
            FOR UPDATE SKIP LOCKED)
RETURNING family_id, clip_id, length_ms;

-- name: first_film
SELECT sha256, length
  FROM clip_file
 WHERE family_id = $1
   AND clip_id = $2
   AND rendition = 'clip';

-- name: end
-- Ends a claim. A clip that was swept meanwhile, or that another process has ended, gets no second film.
UPDATE clip
   SET second_film = $3, rendered_until = NULL
 WHERE family_id = $1
   AND clip_id = $2
   AND second_film = 'due'
RETURNING clip_id;

-- name: give_back
UPDATE clip
   SET rendered_until = NULL
 WHERE family_id = $1
   AND clip_id = $2
   AND second_film = 'due';
