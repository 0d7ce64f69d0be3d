"""Generates docs/events.md from the event types; `make docs` runs it.

Owns the description of each field: a field without a description raises an error. Does not read or write files.
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
from events.event import AsTarget, Audience, Body, Draft, Effect, Event, Role
from events.wire import DRAFT_BYTES_MAX, DRAFTS_MAX, DeviceBody, ServiceBody

FIELD_DESCRIPTIONS: Final = {
    "about": "the event that this one is about",
    "again": "whether the child had done it before, as far as the author knows",
    "at_most_days": "hold nothing longer than this many days",
    "audience": "who may see it; where a draft leaves it out, the default of its type",
    "author": "the member who wrote it",
    "born": "the date of birth",
    "changes": "the fields that change, with their new values; see below",
    "child": "the child",
    "claimed_at": "`occurred_at` as the device sent it, where the server corrected it for an error of the device's clock",
    "clip": "the finished upload",
    "domain": "the group of milestones that it belongs to",
    "event": "what happened: one of the types below, named by `type`",
    "feelings": "how the parent felt, in their own words",
    "found_in_prose": "whether the service found the milestone in a daycare's text; a parent may correct it; set by the service",
    "hold_unsorted": "also hold everyday notes and clips of helpers, as long as they name no milestone",
    "height": "set by the service, in pixels",
    "household": "the home",
    "how": "how the parent saw it",
    "id": "made by the device, UUID version 7; the same each time that a draft is sent. For its own events the service makes it",
    "length_bytes": "set by the service",
    "length_ms": "set by the service; none for a picture",
    "may_tell_of": "milestones that the text may mention, but not surely; set by the service",
    "media_type": "set by the service",
    "member": "the member",
    "milestone": "the milestone",
    "mode": "how the member wants to hear of firsts: at once, as a hint, or not before they have seen them",
    "name": "the name",
    "note": "a comment, in free text",
    "observation": "the observation by which the parent saw it, or which records the same moment",
    "occurred_at": "when it happened, as a person states it",
    "precision": "how exactly `occurred_at` is known",
    "received_at": "the time of the server's clock when it arrived, in UTC",
    "recorded_at": "the time of the device's clock when it was written down",
    "role": "the member's role in the family",
    "scope": "which milestones it applies to",
    "sees": "how much of the log the member may see",
    "sha256": "set by the service",
    "target": "the event that this one amends, withdraws, adds a clip to, or sorts",
    "targets": "the events with destroyed content",
    "tells_of": "other milestones that the note mentions; set by the service",
    "text": "the text",
    "title": "the family's name for it",
    "width": "set by the service, in pixels",
    "words": "a short message",
}

SPOILS: Final = {
    Effect.TELLS_OF_SUBJECT: "by its `milestone`",
    Effect.MAY_TELL: "by its `may_tell_of`",
    Effect.EVERYDAY: "as an everyday note",
    Effect.TELLS: "by what it changes or names",
}

HEAD: Final = """\
# Events

*Made by `make docs` from the types in `events/`. Change those, not this page.*

Everything that a family writes is an event of one of the types below. A device sends a **draft**, a claim; the log accepts it
as an **event**, which is never changed. Each type declares, beside its fields, its version, the roles that may author it, its
default audience, the field and the types of the event that it refers to, the fields that its author may amend, and what it can
spoil. A type without one of these declarations cannot be imported. A member who may see an event may also see the event that it
refers to.
"""

TIMES: Final = """\
## Three times

`occurred_at` is stated by a person, with a precision. `recorded_at` is the time of the device's clock when the event was written
down. `received_at` is the time of the server's clock, in whole milliseconds. All have an offset from UTC, and the first two keep
the offset that the device sent. Compare them as times, not as strings: a whole second is written without a fraction.

A push states the time of the device's clock when it was sent (`sent_at`). Where that differs from the server's clock by more
than a minute, the server corrects `occurred_at` by the difference and keeps the device's value in `claimed_at`. It corrects only
a time that came from the device's clock: one of minute precision, at most two minutes from `recorded_at`. A time that a person
typed in is not changed. A time before 1900, or more than a day ahead of the server's clock, is refused.
"""

VERSIONS: Final = """\
## Versions

A row of the log keeps the version of its type. Old versions stay readable for ever: `events/upcast.py` holds one pure step from
each version to the next, and `tests/events/golden/` holds one row for each type and version that ever existed; these rows are
never edited. A release refuses a row of a newer version. Drafts are read strictly: a draft with an unknown field is refused. Rows
are read tolerantly: an unknown field is ignored, because another release of Stillnew wrote it.
"""


def markdown() -> str:
    """Returns the page in Markdown."""
    return "\n".join([*_page()]).rstrip() + "\n"


def _page() -> Iterator[str]:
    yield HEAD
    yield f"## The draft\n\nWhat a device sends, at most {DRAFT_BYTES_MAX // 1024} KiB; 1 to {DRAFTS_MAX} of them in one push.\n"
    yield from _fields(Draft)
    yield "## The event\n\nWhat the log stores and the feeds deliver.\n"
    yield from _fields(Event)
    yield f"`audience` is one of {_type_in_words(Audience)}; `me` means all devices of the author, and nobody else.\n"
    yield TIMES
    yield VERSIONS
    yield "## Types that a device sends\n"
    for body in get_args(DeviceBody):
        yield from _type(body)
    yield "## Types that the service writes\n"
    for body in get_args(ServiceBody):
        yield from _type(body)
    yield from _catalogue()


def _type(body: type[Body]) -> Iterator[str]:
    yield f"### {body.__name__}\n\n{inspect.cleandoc(body.__doc__ or '')}\n"
    audience = "that of its target" if isinstance(body.audience, AsTarget) else f"`{body.audience}`"
    authors = ", ".join(str(role) for role in Role if role in body.authors)
    yield f"Version {body.version}. Authors: {authors}. Audience: {audience}. Refers to: {_reference(body)}.\n"
    yield f"{_changes(body)} Can spoil a surprise: {_spoils(body)}.\n"
    yield from _fields(body)
    if Changes in (field.type for field in msgspec.structs.fields(body)):
        yield f"`changes`: {inspect.cleandoc(Changes.__doc__ or '')}\n"
        yield from _fields(Changes)


def _reference(body: type[Body]) -> str:
    if body.refers is None:
        return "nothing"
    found = ("a MilestoneObserved with `found_in_prose`",) if Effect.REFERS_TO_FOUND in body.effects else ()
    return f"`{body.refers}` ({', '.join((*body.refers_to, *found)) or 'an event that can be amended or withdrawn'})"


def _changes(body: type[Body]) -> str:
    if body.amendable is None:
        return "Can be neither amended nor withdrawn."
    return f"Can be withdrawn. Can be amended: {_names(body.amendable)}."


def _spoils(body: type[Body]) -> str:
    return ", ".join(words for effect, words in SPOILS.items() if effect in body.effects) or "no"


def _names(fields: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in fields) or "nothing"


def _fields(shape: type[msgspec.Struct]) -> Iterator[str]:
    fields = msgspec.structs.fields(shape)
    if not fields:
        yield "It has no fields.\n"
        return
    yield "| field | is | means |\n|---|---|---|"
    for field in fields:
        optional = "" if field.required or field.default is UNSET else f"; optional{_default(field.default)}"
        yield f"| `{field.name}` | {_type_in_words(field.type)}{optional} | {FIELD_DESCRIPTIONS[field.name]} |"
    yield ""


def _default(default: Any) -> str:
    return "" if default is None else f", `{msgspec.json.encode(default).decode()}` if left out"


def _type_in_words(kind: Any) -> str:
    """Returns the description of a type, for readers who do not know Python."""
    origin = get_origin(kind)
    if origin is Annotated:
        base, *metas = get_args(kind)
        return _bounded(base, metas[0])
    if origin in (Union, UnionType):
        kinds = [inner for inner in get_args(kind) if inner is not msgspec.UnsetType]
        words = [_type_in_words(inner) for inner in kinds if inner is not type(None)]
        is_nullable = type(None) in kinds and msgspec.UnsetType in get_args(kind)
        return " or ".join([*words, "null"] if is_nullable else words)
    if origin is tuple:
        return f"list of {_type_in_words(get_args(kind)[0])}"
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
    words = _type_in_words(base)
    if meta.pattern is not None:
        return f"{words} of the form `{meta.pattern.removeprefix('^').removesuffix(chr(92) + 'Z')}`"
    if meta.max_length is not None:
        unit = " characters" if base is str else ""
        return f"{words}, {meta.min_length or 0:,} to {meta.max_length:,}{unit}"
    if meta.ge is not None:
        return f"{words}, {meta.ge:,} to {meta.le:,}"
    return words


CATALOGUE_FIELDS: Final = {
    "key": "domain and name; the value of `milestone` in an event",
    "title": "the title that a device shows",
    "domain": "the group that it belongs to; a member can choose a surprise for a whole group",
    "months": "the age in months, first and last, at which many children do it: a range to look out for it, not a limit",
    "what_counts": "what a person sees when the child does it",
    "sources": "its sources, see above",
    "builds_to": "the bigger steps that this one prepares",
    "implies": "the milestones that a person has also seen when they have seen this one",
    "safety": "what must change at home on the day that the child can do it",
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
        "\nWe wrote the titles and the descriptions. The milestones come from:\n\n"
        f"- `cdc-2022:<age in months>:<domain>`, the CDC's checklist of 2022 ({sources['cdc-2022']} references);\n"
        f"- `who-2006:<name>:<from>-<to>`, the WHO's windows for six motor milestones, 1st to 99th percentile in months "
        f"({sources['who-2006']});\n"
        f"- `stillnew:<kind>`, our own: small steps between the big ones, and a child's other firsts ({sources['stillnew']}).\n"
    )
    yield "The fields of an entry:\n\n| field | means |\n|---|---|"
    yield from (f"| `{name}` | {CATALOGUE_FIELDS[name]} |" for name in Milestone.__struct_fields__)
    yield (
        "\nThere is no score, no percentage and no \"late\". A family's own milestone is `own.<uuid>`, named by a\n"
        "MilestoneNamed; it implies no other milestone, and none implies it.\n"
    )


if __name__ == "__main__":
    print(markdown(), end="")
