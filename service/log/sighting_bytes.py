"""A sighting as it is kept. JSON, because MessagePack has no place for a time's offset from UTC, which its sender chose."""

import msgspec

from events.ids import ChildId, MemberId
from projections.first_saw import Sighting

encode_sighting = msgspec.json.Encoder().encode
decode_sighting = msgspec.json.Decoder(Sighting).decode


def own_subject(sighting: Sighting, member: MemberId) -> tuple[ChildId, str] | tuple[None, None]:
    """What a member's own sighting is looked up by; other people's are not."""
    return (sighting.child, sighting.milestone) if sighting.author == member else (None, None)
