"""Reads the old versions of events for ever: one pure step from each version to the next.

Owns no bytes. A step takes the fields of version n and gives those of version n + 1; the last step's result is today's type.
"""

from collections.abc import Callable, Mapping
from typing import Any

Fields = dict[str, Any]


def _parent_first_saw_2(fields: Fields) -> Fields:
    """`seen` became `how`. A video of version 1 was always a live call: clips could not be attached then."""
    rest = {name: value for name, value in fields.items() if name != "seen"}
    return rest | {"how": "live_video" if fields["seen"] == "video" else fields["seen"]}


def _milestone_observed_2(fields: Fields) -> Fields:
    """What people named before was found in nobody's prose."""
    return fields


def _note_written_2(fields: Fields) -> Fields:
    """Nobody had read the notes of version 1 for what they perhaps tell of."""
    return fields


STEPS: Mapping[tuple[str, int], Callable[[Fields], Fields]] = {
    ("MilestoneObserved", 1): _milestone_observed_2,
    ("NoteWritten", 1): _note_written_2,
    ("ParentFirstSaw", 1): _parent_first_saw_2,
}
"""(type, version) -> the step to version + 1."""


def upcast(kind: str, version: int, fields: Fields, *, to_version: int) -> Fields:
    """Carry the fields of `kind` from `version` to `to_version`.

    Raises:
        LookupError: a step is missing, or the row is newer than this code.
    """
    if version > to_version:
        raise LookupError(f"{kind} version {version} is newer than this release, which knows {to_version}: upgrade it first")
    for step in range(version, to_version):
        fields = STEPS[kind, step](fields)
    return fields
