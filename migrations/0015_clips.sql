-- Clips: resumable uploads, the queue of the cleaner, cleaned files, and the events that they are attached to.
-- depends: 0014_feed_functions

-- migrate: apply

-- An upload and, once it is cleaned, its clip have the same id.
CREATE TABLE clip_upload (
  family_id    uuid        NOT NULL,
  clip_id      uuid        NOT NULL,
  member_id    uuid        NOT NULL,
  filetype     text        NOT NULL CHECK (octet_length(filetype) <= 40),
  length       bigint      NOT NULL CHECK (length > 0),
  received     bigint      NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND length),
  lease        integer     NOT NULL DEFAULT 0,
  state        text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'whole', 'cleaned', 'refused')),
  refused_as   text        CHECK (octet_length(refused_as) <= 40),
  created_at   timestamptz NOT NULL,
  byte_at      timestamptz NOT NULL,
  attempts     integer     NOT NULL DEFAULT 0,
  cleaner      uuid,
  cleaned_until timestamptz,
  PRIMARY KEY (family_id, clip_id),
  CHECK ((state = 'open') = (received < length)),
  CHECK ((state = 'refused') = (refused_as IS NOT NULL)),
  CHECK ((cleaner IS NULL) = (cleaned_until IS NULL))
) WITH (fillfactor = 50);

CREATE INDEX clip_upload_of_member ON clip_upload (family_id, member_id);
CREATE INDEX clip_upload_to_clean ON clip_upload (family_id, byte_at) WHERE state = 'whole';
CREATE INDEX clip_upload_to_expire ON clip_upload (family_id, byte_at) WHERE state IN ('open', 'refused');

COMMENT ON COLUMN clip_upload.received IS 'the durable bytes: the offset of the next one';
COMMENT ON COLUMN clip_upload.lease IS 'grows with each request that sends bytes; the pieces of an earlier request are refused';
COMMENT ON COLUMN clip_upload.byte_at IS 'when the last byte arrived, or the file was refused: the upload ends a while after it';
COMMENT ON COLUMN clip_upload.cleaner IS 'the one attempt to clean it, until cleaned_until';

-- The bytes of an upload are objects until it is cleaned: one object a piece.
CREATE TABLE clip_piece (
  family_id  uuid    NOT NULL,
  clip_id    uuid    NOT NULL,
  first_byte bigint  NOT NULL,
  length     integer NOT NULL CHECK (length > 0),
  lease      integer NOT NULL,
  PRIMARY KEY (family_id, clip_id, first_byte),
  FOREIGN KEY (family_id, clip_id) REFERENCES clip_upload ON DELETE CASCADE
);

-- The files that are served: the cleaned file, its stills, and a second rendition where few browsers play the first.
CREATE TABLE clip_file (
  family_id  uuid        NOT NULL,
  clip_id    uuid        NOT NULL,
  rendition  text        NOT NULL CHECK (rendition IN ('clip', 'h264', 'poster-320', 'poster-1280')),
  sha256     bytea       NOT NULL CHECK (octet_length(sha256) = 32),
  length     bigint      NOT NULL CHECK (length > 0),
  media_type text        NOT NULL,
  width      integer     NOT NULL,
  height     integer     NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (family_id, clip_id, rendition)
);

CREATE INDEX clip_file_by_content ON clip_file (family_id, sha256);

CREATE TABLE clip (
  family_id    uuid        NOT NULL,
  clip_id      uuid        NOT NULL,
  member_id    uuid        NOT NULL,
  length_ms    bigint      CHECK (length_ms >= 0),
  codec        text,
  captured_at  text,
  offset_known boolean,
  cleaned_at   timestamptz NOT NULL,
  second_film  text        CHECK (second_film IN ('due', 'made', 'refused')),
  rendered_until timestamptz,
  PRIMARY KEY (family_id, clip_id),
  CHECK ((captured_at IS NULL) = (offset_known IS NULL))
);

CREATE INDEX clip_to_render ON clip (family_id, cleaned_at) WHERE second_film = 'due';

COMMENT ON COLUMN clip.second_film IS 'null: all browsers play the first one, or an operator wants no second films';
COMMENT ON COLUMN clip.rendered_until IS 'an attempt to make the second film has the clip until then';
COMMENT ON COLUMN clip.length_ms IS 'null: a picture';
COMMENT ON COLUMN clip.captured_at IS 'the time of the camera''s clock, a suggestion for the uploader alone';

-- The events that attach a clip: written in the transaction of the event.
CREATE TABLE clip_attachment (
  family_id uuid   NOT NULL,
  clip_id   uuid   NOT NULL,
  seq       bigint NOT NULL,
  PRIMARY KEY (family_id, clip_id, seq)
);

-- The attachments of a clip that count: neither the attachment nor the event that it is attached to was withdrawn by the
-- attachment's author. A withdrawal by anybody else takes nobody's clip away (law 20).
CREATE FUNCTION clip_attachments(of_family uuid, of_clip uuid)
RETURNS TABLE (seq bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
SELECT attachment.seq
  FROM clip_attachment AS attachment
  JOIN event AS attached ON attached.family_id = attachment.family_id AND attached.seq = attachment.seq
 WHERE attachment.family_id = of_family
   AND attachment.clip_id = of_clip
   AND NOT EXISTS (
         SELECT
           FROM event AS withdrawn
          WHERE withdrawn.family_id = of_family
            AND withdrawn.kind = 'Withdrawn'
            AND withdrawn.target_seq = ANY (ARRAY[attached.seq, attached.target_seq])
            AND withdrawn.author_id = attached.author_id)
$$;

REVOKE EXECUTE ON FUNCTION clip_attachments FROM PUBLIC;

DO $$
BEGIN
  GRANT EXECUTE ON FUNCTION clip_attachments TO stillnew_app;
  GRANT SELECT, INSERT, UPDATE, DELETE ON clip_upload, clip_piece, clip_file, clip, clip_attachment TO stillnew_app;
EXCEPTION
  WHEN undefined_object THEN RAISE NOTICE 'no role stillnew_app to grant to';
END
$$;

-- migrate: rollback

DROP FUNCTION clip_attachments;
DROP TABLE clip_attachment;
DROP TABLE clip;
DROP TABLE clip_file;
DROP TABLE clip_piece;
DROP TABLE clip_upload;
