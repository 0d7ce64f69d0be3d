"""Makes clean clips as rows, for tests that attach clips and fetch none of their bytes."""

from typing import Final
from uuid import UUID

import asyncpg

from events.ids import FamilyId, MemberId

ADD: Final = """
WITH upload AS (
  INSERT INTO clip_upload (family_id, clip_id, member_id, filetype, length, received, state, created_at, byte_at)
  VALUES ($1, $3, $2, 'video/mp4', 1000, 1000, 'cleaned', now(), now())
), made AS (
  INSERT INTO clip (family_id, clip_id, member_id, length_ms, codec, cleaned_at)
  VALUES ($1, $3, $2, 2000, 'h264', now())
)
INSERT INTO clip_file (family_id, clip_id, rendition, sha256, length, media_type, width, height, created_at)
VALUES ($1, $3, 'clip', sha256('clip'), 900, 'video/mp4', 320, 240, now())
"""


async def add_clean_clip(pool: asyncpg.Pool, family: FamilyId, member: MemberId, clip: UUID) -> None:
    """Adds an upload of a member that is cleaned, so that the member may attach it to an event."""
    await pool.execute(ADD, family, member, clip)
