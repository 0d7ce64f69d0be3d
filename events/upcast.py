"""Reads rows of the log, of any version that ever existed, with one pure step from each version to the next.

A step takes the fields of version n and returns those of version n + 1. Rows are read tolerantly: an unknown field was written
by another release of Stillnew.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from events.event import Body
from events.wire import BODY_BY_NAME, AnyEvent, bytes_of_event

Fields = dict[str, Any]

_event_of_json: Final = msgspec.json.Decoder(AnyEvent)


def _parent_first_saw_2(fields: Fields) -> Fields:
    """Returns the fields with `how` instead of `seen`. In version 1, `video` was a live call, because clips did not exist yet."""
    rest = {name: value for name, value in fields.items() if name != "seen"}
    return rest | {"how": "live_video" if fields["seen"] == "video" else fields["seen"]}


def _milestone_observed_2(fields: Fields) -> Fields:
    """Returns the fields unchanged, because before version 2 a person chose every milestone."""
    return fields


def _note_written_2(fields: Fields) -> Fields:
    """Returns the fields unchanged, because the service did not search notes of version 1 for milestones."""
    return fields


def _clip_attached_2(fields: Fields) -> Fields:
    """Returns the fields unchanged: before version 2, the service did not measure clips."""
    return fields


STEPS: Mapping[tuple[str, int], Callable[[Fields], Fields]] = {
    ("ClipAttached", 1): _clip_attached_2,
    ("MilestoneObserved", 1): _milestone_observed_2,
    ("NoteWritten", 1): _note_written_2,
    ("ParentFirstSaw", 1): _parent_first_saw_2,
}
"""The steps by type name and version. The step of version n returns the fields of version n + 1."""


def upcast(kind: str, version: int, fields: Fields, *, to_version: int) -> Fields:
    """Returns the fields of the type `kind`, converted from `version` to `to_version`.

    Raises:
        LookupError: a step is missing, or `version` is newer than `to_version`.
    """
    if version > to_version:
        raise LookupError(f"{kind} version {version} is newer than this release, which knows {to_version}: upgrade it first")
    for step in range(version, to_version):
        fields = STEPS[kind, step](fields)
    return fields


def event_of_bytes(body: bytes, *, kind: str, version: int) -> AnyEvent:
    """Reads a row of the log. The version of the event type may be any that ever existed.

    Raises:
        LookupError: the row is newer than this release.
    """
    current = BODY_BY_NAME[kind]
    if version == current.version:
        try:
            return _event_of_json.decode(body)
        except msgspec.ValidationError:
            return _event_of_fields(msgspec.json.decode(body), current, version)
    return _event_of_fields(msgspec.json.decode(body), current, version)


def _event_of_fields(envelope: dict[str, Any], current: type[Body], version: int) -> AnyEvent:
    fields = {name: value for name, value in envelope["event"].items() if name != "type"}
    fields = upcast(current.__name__, version, fields, to_version=current.version)
    return msgspec.convert(envelope | {"event": _known_fields(current, fields) | {"type": current.__name__}}, AnyEvent)


def _known_fields(shape: type[msgspec.Struct], fields: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields that this release knows, also within nested objects. A newer release may have written more fields."""
    types = {field.name: field.type for field in msgspec.structs.fields(shape)}
    return {
        name: _known_fields(types[name], value) if isinstance(value, dict) else value
        for name, value in fields.items()
        if name in types
    }


def current_bytes(body: bytes, *, kind: str, version: int) -> bytes:
    """Returns the canonical JSON of a row, converted from any version to the current version."""
    if version == BODY_BY_NAME[kind].version:
        return body
    return bytes_of_event(event_of_bytes(body, kind=kind, version=version))
