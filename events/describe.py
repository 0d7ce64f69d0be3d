"""Describes the vocabulary from the types themselves: `make docs` writes the result to docs/events.md.

Owns the words beside each field, and a field without any is not described but refused. Knows no file.
"""

import inspect
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Final, NewType, Union, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import UNSET

from events.amend import Changes
from events.catalogue import CATALOGUE, Domain, Milestone
from events.event import AsTarget, Audience, Body, Draft, Event, Role
from events.wire import DRAFT_BYTES_MAX, DRAFTS_MAX, DeviceBody, ServiceBody

MEANING: Final = {
    "about": "the event that this is about",
    "again": "the child had done it before, by what the author knows",
    "at_most_days": "keep nothing longer than this",
    "audience": "who it is for; where a draft leaves it out, the default that stands beside the type",
    "author": "the member who wrote it",
    "born": "the date of birth",
    "changes": "the fields that change, with their new values; see below",
    "child": "the child",
    "claimed_at": "`occurred_at` as the device claimed it, where the server corrected it for the device's clock",
    "clip": "the finished upload",
    "domain": "the part of life that it belongs to",
    "event": "what is said: one of the types below, named by `type`",
    "feelings": "what it was like, in the parent's words",
    "found_in_prose": "nobody named it: it stood in a daycare's words, and a parent may put it right; completed by the service",
    "hold_unsorted": "keep everyday notes and clips of helpers too, while they name no milestone",
    "household": "the home",
    "how": "by what means the parent saw it",
    "id": "made by the device, UUID version 7; the same each time that a draft is sent. The service makes its own",
    "length_bytes": "completed by the service",
    "may_tell_of": "milestones of which the words perhaps tell; completed by the service",
    "media_type": "completed by the service",
    "member": "the member",
    "milestone": "which milestone",
    "mode": "how to hear of it",
    "name": "as people call it",
    "note": "what else there is to say",
    "observation": "the observation by which the parent saw it, or which saw the same",
    "occurred_at": "when it happened, by a person's account",
    "precision": "how exactly `occurred_at` is known",
    "received_at": "the server's clock, in UTC",
    "recorded_at": "the device's clock when it was written down",
    "role": "what they are in the family",
    "scope": "what is meant",
    "sees": "how much of the log they are told",
    "sha256": "completed by the service",
    "target": "the event that this changes, takes back, adds to or sorts",
    "targets": "the events whose content is gone",
    "tells_of": "what else the note tells of; completed by the service",
    "text": "the words",
    "title": "as the family calls it",
    "words": "a few words with it",
}

HEAD: Final = """\
# Events

*Made by `make docs` from the types in `events/`. Change those, not this page.*

Everything that a family writes is an event of one of the types below. A device sends a **draft**, a claim; the log accepts it
as an **event**, which is never changed. Each type says beside its fields which version it is, who may author it, whom it is
for when its draft does not say, and which field names the event that it is about. A type without these four does not import.
Whoever is told of an event has been told of the one that it refers to.
"""

TIMES: Final = """\
## Three times

`occurred_at` is claimed by a person, with a precision. `recorded_at` is the device's clock when it was written down.
`received_at` is the server's clock, in whole milliseconds. All have an offset from UTC, and the first two keep the one that their
author lived by.

A push says what the device's clock was when it was sent. Where that is off by more than a minute, the server corrects
`occurred_at` by the difference and keeps the device's claim in `claimed_at`; but only a time that came from that clock: one of
minute precision, at most two minutes from `recorded_at`. A time told by hand stays as it was told. A time before 1900, or more
than a day ahead of the server's clock, is refused.
"""

VERSIONS: Final = """\
## Versions

A row of the log keeps the version of its type. Old versions are read for ever: `events/upcast.py` holds one pure step from each
version to the next, and `tests/events/golden/` one row for each type and version that ever was, never edited. A row newer than
the release that reads it is refused, not guessed at. A draft is read strictly, and an unknown field refuses it; a row is read
tolerantly, and an unknown field in it is passed over, since another release of ours wrote it.
"""


def markdown() -> str:
    """The page."""
    return "\n".join([*_page()]).rstrip() + "\n"


def _page() -> Iterator[str]:
    yield HEAD
    yield f"## The draft\n\nWhat a device sends, at most {DRAFT_BYTES_MAX // 1024} KiB; 1 to {DRAFTS_MAX} of them in one push.\n"
    yield from _fields(Draft)
    yield "## The event\n\nWhat the log keeps, and feeds deliver.\n"
    yield from _fields(Event)
    yield f"`audience` is one of {_told(Audience)}; `me` is all devices of the author, and nobody else.\n"
    yield TIMES
    yield VERSIONS
    yield "## What a device drafts\n"
    for body in get_args(DeviceBody):
        yield from _type(body)
    yield "## What the service writes\n"
    for body in get_args(ServiceBody):
        yield from _type(body)
    yield from _catalogue()


def _type(body: type[Body]) -> Iterator[str]:
    yield f"### {body.__name__}\n\n{inspect.cleandoc(body.__doc__ or '')}\n"
    audience = "that of its target" if isinstance(body.audience, AsTarget) else f"`{body.audience}`"
    refers = f"`{body.refers}`" if body.refers else "nothing"
    authors = ", ".join(str(role) for role in Role if role in body.authors)
    yield f"Version {body.version}. Authors: {authors}. Audience: {audience}. Refers to: {refers}.\n"
    yield from _fields(body)
    if Changes in (field.type for field in msgspec.structs.fields(body)):
        yield f"`changes`: {inspect.cleandoc(Changes.__doc__ or '')}\n"
        yield from _fields(Changes)


def _fields(shape: type[msgspec.Struct]) -> Iterator[str]:
    fields = msgspec.structs.fields(shape)
    if not fields:
        yield "It has no fields.\n"
        return
    yield "| field | is | means |\n|---|---|---|"
    for field in fields:
        optional = "" if field.required or field.default is UNSET else f"; optional{_default(field.default)}"
        yield f"| `{field.name}` | {_told(field.type)}{optional} | {MEANING[field.name]} |"
    yield ""


def _default(default: Any) -> str:
    return "" if default is None else f", `{msgspec.json.encode(default).decode()}` if left out"


def _told(kind: Any) -> str:
    """A type, in words that need no Python."""
    origin = get_origin(kind)
    if origin is Annotated:
        base, *metas = get_args(kind)
        return _bounded(base, metas[0])
    if origin in (Union, UnionType):
        kinds = [inner for inner in get_args(kind) if inner is not msgspec.UnsetType]
        told = [_told(inner) for inner in kinds if inner is not type(None)]
        is_nullable = type(None) in kinds and msgspec.UnsetType in get_args(kind)
        return " or ".join([*told, "null"] if is_nullable else told)
    if origin is tuple:
        return f"list of {_told(get_args(kind)[0])}"
    if isinstance(kind, NewType):
        return f"id of {_with_article(kind.__name__.removesuffix('Id').lower())}"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{member.value}`" for member in kind)
    plain = {str: "text", int: "whole number", bool: "true or false", date: "date", datetime: "time with offset", UUID: "id"}
    return plain.get(kind, "object")


def _with_article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _bounded(base: Any, meta: msgspec.Meta) -> str:
    if meta.description is not None:
        return meta.description[0].lower() + meta.description[1:].replace("<", "\\<")
    told = _told(base)
    if meta.pattern is not None:
        return f"{told} of the form `{meta.pattern.removeprefix('^').removesuffix(chr(92) + 'Z')}`"
    if meta.max_length is not None:
        unit = " characters" if base is str else ""
        return f"{told}, {meta.min_length or 0:,} to {meta.max_length:,}{unit}"
    if meta.ge is not None:
        return f"{told}, {meta.ge:,} to {meta.le:,}"
    return told


ENTRY: Final = {
    "key": "domain and name; what an event says as `milestone`",
    "title": "as a device shows it",
    "domain": "the part of life by which a surprise can be chosen",
    "months": "the age, first and last month, in which many children do it: a range to look out in, not a limit",
    "what_counts": "what somebody sees who sees it",
    "sources": "where it comes from, see above",
    "builds_to": "the bigger steps that this one prepares",
    "implies": "what an eye-witness of this one has seen as well",
    "safety": "what has to change at home on the day that the child can do it",
}


def _catalogue() -> Iterator[str]:
    milestones = CATALOGUE.by_key.values()
    counts = Counter(milestone.domain for milestone in milestones)
    safe = sum(milestone.safety is not None for milestone in milestones)
    yield f"## The catalogue\n\n{len(CATALOGUE.by_key)} milestones in six domains; {safe} of them carry a safety note.\n"
    yield "| domain | milestones |\n|---|---|"
    yield from (f"| {domain} | {counts[domain]} |" for domain in Domain)
    sources = Counter(source.split(":")[0] for milestone in milestones for source in set(milestone.sources))
    yield (
        "\nThe titles and the descriptions are our own words. What there is to see comes from:\n\n"
        f"- `cdc-2022:<age in months>:<domain>`, the CDC's checklist of 2022 ({sources['cdc-2022']} references);\n"
        f"- `who-2006:<name>:<from>-<to>`, the WHO's windows for six motor milestones, 1st to 99th percentile in months "
        f"({sources['who-2006']});\n"
        f"- `stillnew:<kind>`, our own: the run-up between big steps, and life's other firsts ({sources['stillnew']}).\n"
    )
    yield "An entry says:\n\n| field | means |\n|---|---|"
    yield from (f"| `{name}` | {ENTRY[name]} |" for name in Milestone.__struct_fields__)
    yield (
        "\nThere is no score, no percentage and no \"late\". A family's own milestone is `own.<uuid>`, named by a\n"
        "MilestoneNamed; it implies nothing, and nothing implies it.\n"
    )


if __name__ == "__main__":
    print(markdown(), end="")
