"""Measures which notes are held and which milestones are recorded, on labelled notes.

"The reader" is the code that reads notes. Both sets were written by one author, without knowing the reader's cues. The reader may
be tuned on `notes/tuning.toml`, whose errors are printed. It was never tuned on the held-out set `notes/apart.toml`, whose errors
are not printed: the figures of this set are the better estimate. New notes were added to the tuning set three times. Before the
reader was changed for these notes, 0.8 of them were held.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import pytest

from events.catalogue import CATALOGUE
from service.daycare.prose.reader import Findings, findings_in

HERE = Path(__file__).parent
HELD_MIN, PRECISION_MIN, HELD_IN_ERROR_MAX = 0.97, 0.95, 0.10
HELD_OUT_HELD_MIN = 0.96
"""The least share of great firsts that must be held in the held-out set. At present 121 of 125 are held; the aim is 0.97."""
GREAT_FIRSTS: Final = {
    "steps": "movement.first-steps",
    "crawling": "movement.crawls",
    "army": "movement.crawls-on-tummy",
    "rolling": "movement.rolls-over",
    "sitting": "movement.sits-without-support",
    "standing": "movement.stands-for-a-moment",
    "pulling": "movement.pulls-to-stand",
    "tooth": "life.first-tooth",
    "word": "talking.first-word",
    "wave": "talking.waves",
    "clap": "hands.claps",
}


class Note(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A note, with the milestones that may be recorded, and those whose keepers the note must be held from (see tuning.toml)."""

    text: str
    keys: tuple[str, ...] = ()
    spoils: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    names: tuple[str, ...] = ("Mia",)
    language: str = ""
    kind: str = ""

    @property
    def is_nothing(self) -> bool:
        return not (self.keys or self.spoils or self.may)


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Labelled notes of one kind and one language."""

    kind: str
    language: str
    notes: tuple[Note, ...]


class NoteFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of one file of labelled notes."""

    group: tuple[Group, ...]


def labelled_notes(name: str) -> tuple[Note, ...]:
    groups = msgspec.toml.decode((HERE / "notes" / f"{name}.toml").read_bytes(), type=NoteFile).group
    return tuple(
        msgspec.structs.replace(note, kind=group.kind, language=note.language or group.language)
        for group in groups
        for note in group.notes
    )


TUNING, HELD_OUT = labelled_notes("tuning"), labelled_notes("apart")


def with_implied(keys: Sequence[str]) -> set[str]:
    """Returns the milestones and all that they imply: a note that tells of `keys` tells of each of these."""
    return {one for key in keys for one in (key, *CATALOGUE.implied_by(key))}


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one set of notes: three shares from 0 to 1, a line for each error, and the errors by kind of note."""

    held: float
    precision: float
    held_in_error: float
    lines: tuple[str, ...]
    in_error_by_kind: dict[str, str]

    def summary(self, name: str, notes: int) -> str:
        kinds = ", ".join(f"{kind} {count}" for kind, count in self.in_error_by_kind.items())
        return (
            f"{name}: {notes} notes; {self.held:.3f} of revealed firsts are held, {self.precision:.3f} of recorded are right, "
            f"{self.held_in_error:.3f} of plain notes are held in error (of each kind: {kinds})"
        )


def _errors(note: Note, findings: Findings) -> Iterator[str]:
    held = with_implied((*findings.found, *findings.possible))
    yield from (f"  not held   {one}: {note.text!r}" for one in note.spoils if GREAT_FIRSTS[one] not in held)
    yield from (f"  not right  {key}: {note.text!r}" for key in findings.found if key not in with_implied(note.keys))
    if note.is_nothing and held:
        yield f"  held in error ({note.kind}) {sorted((*findings.found, *findings.possible))}: {note.text!r}"


def measured(notes: Sequence[Note]) -> Figures:
    read = [(note, findings_in(note.text, names=note.names)) for note in notes]
    kept = [(note, with_implied((*findings.found, *findings.possible))) for note, findings in read]
    held = [GREAT_FIRSTS[one] in keys for note, keys in kept for one in note.spoils]
    right = [key in with_implied(note.keys) for note, findings in read for key in findings.found]
    in_error: dict[str, list[bool]] = {}
    for note, findings in read:
        if note.is_nothing:
            in_error.setdefault(note.kind, []).append(bool(findings.found or findings.possible))
    return Figures(
        held=sum(held) / len(held),
        precision=sum(right) / len(right),
        held_in_error=sum(in_error["plain"]) / len(in_error["plain"]),
        lines=tuple(line for note, findings in read for line in _errors(note, findings)),
        in_error_by_kind={kind: f"{sum(of)}/{len(of)}" for kind, of in in_error.items()},
    )


def test_revealing_notes_are_held_and_recorded_milestones_are_right(
    capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    """Both sets reach the required shares. Each run prints the shares of both, and each error of the tuning set."""
    tuning, held_out = measured(TUNING), measured(HELD_OUT)
    with capsys.disabled():
        summaries = (tuning.summary("for tuning", len(TUNING)), *tuning.lines, held_out.summary("held out", len(HELD_OUT)))
        print("\n" + "\n".join(summaries))
    for name, figures in (("tuning", tuning), ("apart", held_out)):
        record_property(f"{name} held", figures.held)
        record_property(f"{name} precision", figures.precision)
        record_property(f"{name} held in error", figures.held_in_error)
    assert tuning.held >= HELD_MIN
    assert held_out.held >= HELD_OUT_HELD_MIN
    assert min(tuning.precision, held_out.precision) >= PRECISION_MIN
    assert max(tuning.held_in_error, held_out.held_in_error) <= HELD_IN_ERROR_MAX


def test_the_labelled_set_is_large_in_every_kind_and_a_third_of_it_is_held_out() -> None:
    """The sets have at least 600 notes in five languages. No note is in both sets. At least a quarter have no milestone."""
    everything = (*TUNING, *HELD_OUT)
    assert len({note.text for note in everything}) == len(everything) >= 600
    assert len(HELD_OUT) >= 200
    assert len(HELD_OUT) / len(everything) >= 0.25
    assert sum(note.is_nothing for note in everything) >= len(everything) / 4
    assert {"en", "de", "es", "fr", "nl"} <= {note.language for note in everything}
    assert {note.kind for note in HELD_OUT} == {note.kind for note in TUNING}
    assert {key for note in everything for key in note.keys} - CATALOGUE.by_key.keys() == set()
