"""Converts events of old versions to the current version, with one pure step from each version to the next.

A step takes the fields of version n and returns those of version n + 1. Does not decode or encode bytes.
"""

from collections.abc import Callable, Mapping
from typing import Any

Fields = dict[str, Any]


def _parent_first_saw_2(fields: Fields) -> Fields:
    """Returns the fields with `how` instead of `seen`. A video of version 1 was a live call: clips did not exist yet."""
    rest = {name: value for name, value in fields.items() if name != "seen"}
    return rest | {"how": "live_video" if fields["seen"] == "video" else fields["seen"]}


def _milestone_observed_2(fields: Fields) -> Fields:
    """Returns the fields unchanged: before version 2, a person named every milestone."""
    return fields


def _note_written_2(fields: Fields) -> Fields:
    """Returns the fields unchanged: the service did not search notes of version 1 for milestones."""
    return fields


STEPS: Mapping[tuple[str, int], Callable[[Fields], Fields]] = {
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
