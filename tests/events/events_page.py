"""Reads docs/events.md: the declarations and fields of each event type. A reviewer sees each change of the types on this page.

Reads no Python type, and shares no code with `events.describe`, which makes the page.
"""

import re
from pathlib import Path
from typing import Any, Final, NamedTuple

PAGE: Final = Path(__file__).parents[2] / "docs" / "events.md"
FACTS: Final = re.compile(
    r"^Version (?P<version>\d+)\. Authors: (?P<authors>[a-z, ]+)\. Audience: `?(?P<audience>[^.`]+)`?\. "
    r"Refers to: (?:nothing|`(?P<refers>\w+)` \((?P<refers_to>[^)]+)\))\.\n\n"
    r"(?:Can be neither amended nor withdrawn|Can be withdrawn\. Can be amended: (?P<amendable>[^.]+))\. "
    r"Can spoil a surprise: (?P<spoils>[^.]+)\.$",
    re.MULTILINE,
)
ROW: Final = re.compile(r"^\| `(?P<name>\w+)` \| (?P<type>.+?) \| .+ \|$", re.MULTILINE)


class Agreed(NamedTuple):
    """The declarations and fields of a type, as the page states them."""

    version: int
    authors: set[str]
    audience: str
    refers: str | None
    refers_to: set[str]
    """The names of the event types to which the type may refer, and words for other targets."""
    amendable: set[str] | None
    """The fields that may be amended. None means that an event of the type can be neither amended nor withdrawn."""
    spoils: str
    fields: dict[str, Any]
    """The fields of the type, in the notation of `tests.service.protocol_page`."""


def _types_below(heading: str) -> dict[str, Agreed]:
    _, _, chapter = PAGE.read_text("utf-8").partition(f"\n## {heading}\n")
    sections = chapter.partition("\n## ")[0].split("\n### ")[1:]
    return {section.partition("\n")[0]: _agreed(section) for section in sections}


def _agreed(section: str) -> Agreed:
    facts = FACTS.search(section)
    assert facts is not None, section
    return Agreed(
        version=int(facts["version"]),
        authors=set(facts["authors"].split(", ")),
        audience={"that of its target": "as_target"}.get(facts["audience"], facts["audience"]),
        refers=facts["refers"],
        refers_to=set((facts["refers_to"] or "").split(", ")) - {""},
        amendable=None if facts["amendable"] is None else set(re.findall(r"`(\w+)`", facts["amendable"])),
        spoils=facts["spoils"],
        fields=_fields(section),
    )


def _fields(section: str) -> dict[str, Any]:
    own, _, changes = section.partition("\n`changes`: ")
    fields: dict[str, Any] = {}
    for row in ROW.finditer(own):
        optional, many = "?" if "; optional" in row["type"] else "", "*" if row["type"].startswith("list of ") else ""
        fields[row["name"] + optional + many] = None
    if changes:
        fields["changes"] = {f"{row['name']}?": None for row in ROW.finditer(changes)}
    return fields


DEVICE_TYPES: Final = _types_below("Types that a device sends")
SERVICE_TYPES: Final = _types_below("Types that the service writes")
AGREED: Final = DEVICE_TYPES | SERVICE_TYPES
