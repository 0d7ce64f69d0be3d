"""Defines a type for each kind of id, so that the type checker refuses a member's id in place of a child's id. Makes no ids."""

import re
from typing import Annotated, NewType
from uuid import UUID

import msgspec

FamilyId = NewType("FamilyId", UUID)
HouseholdId = NewType("HouseholdId", UUID)
MemberId = NewType("MemberId", UUID)
PersonId = NewType("PersonId", UUID)
DeviceId = NewType("DeviceId", UUID)
ChildId = NewType("ChildId", UUID)
EventId = NewType("EventId", UUID)
ClipId = NewType("ClipId", UUID)
LogId = NewType("LogId", UUID)

Seq = NewType("Seq", int)
"""The position of an event in its family's log: 1, 2, 3, ... A seq is never sent to a device."""

Place = NewType("Place", int)
"""The position of an entry in one member's feed: 1, 2, 3, ..."""

OWN_PREFIX = "own."
OWN_MILESTONE = r"own\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

MilestoneKey = Annotated[
    str,
    msgspec.Meta(
        pattern=rf"^(?:(?:movement|hands|talking|thinking|feelings|life)\.[a-z0-9]+(?:-[a-z0-9]+)*|{OWN_MILESTONE})\Z",
        max_length=80,
        description="A key of the catalogue (movement.first-steps) or of the family's own (own.<uuid>)",
    ),
]
"""The key of a milestone of the catalogue, or of a family's own milestone."""

OwnMilestoneKey = Annotated[
    str, msgspec.Meta(pattern=rf"^{OWN_MILESTONE}\Z", max_length=40, description="A milestone of the family's own")
]

CANONICAL_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""The only accepted spelling of an id in a URL: lower case, with dashes, without braces."""
