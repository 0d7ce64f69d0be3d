"""Tests that each event type has all required declarations, such as authors and audience, with the agreed values."""

from typing import Any, ClassVar, get_args

import pytest

from events.amend import Changes, Erased
from events.event import REQUIRED_DECLARATIONS, Audience, Body, Effect, Role
from events.kinds import types_with
from events.surprise import TimePassed
from events.wire import BODY_BY_NAME, DeviceBody, ServiceBody
from tests.events.events_page import AGREED

StructMeta: Any = type(Body)

DECLARED: dict[str, Any] = {
    "version": 1, "authors": frozenset({Role.PARENT}), "audience": Audience.ME, "refers": None, "refers_to": (),
    "amendable": None, "completed": (), "effects": Effect.NONE,
}  # fmt: skip

P, C, D = Role.PARENT, Role.CAREGIVER, Role.DAYCARE

# The agreement of design.md, section 3, and the issues: version, authors, default audience and reference. A new type needs no row
# here: its row is on the page, docs/events.md.
DESIGNED = {
    "FamilyFounded": (1, {P}, "family", None),
    "HouseholdOpened": (1, {P}, "family", None),
    "ChildAdded": (1, {P}, "family", None),
    "MemberJoined": (1, {P}, "family", None),
    "ChildCorrected": (1, {P}, "family", None),
    "MemberRenamed": (1, {P, C, D}, "family", None),  # of one's own name
    "HouseholdRenamed": (1, {P, C}, "family", None),
    "MemberLeft": (1, {P, C, D}, "family", None),  # anybody may leave
    "MilestoneObserved": (2, {P, C, D}, "family", None),
    "ParentFirstSaw": (2, {P}, "me", "observation"),
    "ClipAttached": (2, {P, C, D}, "as_target", "target"),
    "NoteWritten": (2, {P, C, D}, "family", "about"),
    "Cheered": (1, {P, C}, "as_target", "about"),
    "MilestoneNamed": (1, {P, C}, "family", None),
    "SurpriseChosen": (1, {P, C}, "me", None),
    "EnvelopeOpened": (1, {P, C}, "me", None),
    "Sorted": (1, {P, C, D}, "as_target", "target"),
    "TimePassed": (1, {P, C}, "me", None),
    "Amended": (1, {P, C, D}, "as_target", "target"),
    "Withdrawn": (1, {P, C, D}, "as_target", "target"),
    "Erased": (1, {P, C, D}, "family", None),
}


# The types to which each of these types may refer, and the fields that its author may amend.
DESIGNED_REFERENCES = {
    "ParentFirstSaw": {"MilestoneObserved"},
    "ClipAttached": {"MilestoneObserved", "ParentFirstSaw", "NoteWritten"},
    "NoteWritten": {"MilestoneObserved", "ParentFirstSaw", "NoteWritten", "ClipAttached"},
    "Cheered": {"MilestoneObserved", "ParentFirstSaw", "NoteWritten", "ClipAttached"},
    "Sorted": {"NoteWritten", "ClipAttached"},
}
DESIGNED_AMENDMENTS: dict[str, set[str]] = {
    "MilestoneObserved": {"occurred_at", "precision", "child", "milestone", "note", "again"},
    "ParentFirstSaw": {"occurred_at", "precision", "child", "milestone", "how", "feelings"},
    "NoteWritten": {"occurred_at", "precision", "child", "text"},
    "Cheered": {"words"},
    "ClipAttached": set(),  # no field may be amended, but a clip may be withdrawn
}


def declare(**declared: Any) -> type[Body]:
    """Defines an event type with these declarations, like a module that is imported."""
    made: type[Body] = StructMeta("Whispered", (Body,), {"__annotations__": {}, **declared}, frozen=True, kw_only=True)
    return made


def test_a_type_that_declares_all_is_defined() -> None:
    """Law 10: a type with all declarations can be defined."""
    assert declare(**DECLARED).__name__ == "Whispered"


@pytest.mark.parametrize("missing", REQUIRED_DECLARATIONS)
def test_a_type_without_one_of_its_declarations_does_not_import(missing: str) -> None:
    """Law 10: the definition of a type that lacks one declaration, such as the audience, raises an error."""
    with pytest.raises(TypeError, match=f"Whispered must declare {missing} beside its fields"):
        declare(**{name: value for name, value in DECLARED.items() if name != missing})


def test_a_type_does_not_inherit_who_sees_it() -> None:
    """A subclass of an event type must declare its own audience (law 10)."""
    whispered = declare(**DECLARED)
    with pytest.raises(TypeError, match=f"must declare {', '.join(REQUIRED_DECLARATIONS)}"):
        StructMeta("WhisperedAgain", (whispered,), {"__annotations__": {}}, frozen=True, kw_only=True)


def test_a_declaration_is_no_field() -> None:
    """No declaration, such as the authors, is a field of its type. So a draft cannot set a declaration (law 10)."""
    for body in BODY_BY_NAME.values():
        assert set(REQUIRED_DECLARATIONS) & set(body.__struct_fields__) == set()
        assert set(REQUIRED_DECLARATIONS) <= set(body.__dict__)


def test_every_type_declares_what_was_agreed() -> None:
    """Version, authors, audience and reference of each type are those on docs/events.md, where a reviewer sees them (law 10)."""
    declared = {
        name: (body.version, set(body.authors), str(body.audience), body.refers) for name, body in BODY_BY_NAME.items()
    }
    assert declared == {name: (one.version, one.authors, one.audience, one.refers) for name, one in AGREED.items()}


def test_the_types_of_the_design_declare_what_was_agreed() -> None:
    """Law 10: the types of the design have the declarations that are written by hand in this file.

    The page docs/events.md could not show a wrong declaration, because it is made from the declarations.
    """
    for name, agreed in DESIGNED.items():
        body = BODY_BY_NAME[name]
        assert (body.version, set(body.authors), str(body.audience), body.refers) == agreed, name
    for name, types in DESIGNED_REFERENCES.items():
        assert set(BODY_BY_NAME[name].refers_to) == types, name
    for name, fields in DESIGNED_AMENDMENTS.items():
        assert set(BODY_BY_NAME[name].amendable or ()) == fields, name


def test_every_type_declares_what_it_may_refer_to_and_what_may_be_amended() -> None:
    """The types to which each type may refer, and its amendable fields, are those on docs/events.md (law 10)."""
    references = {name: one.refers_to & BODY_BY_NAME.keys() for name, one in AGREED.items()}
    assert {name: set(body.refers_to) for name, body in BODY_BY_NAME.items()} == references
    amendable = {name: None if body.amendable is None else set(body.amendable) for name, body in BODY_BY_NAME.items()}
    assert amendable == {name: one.amendable for name, one in AGREED.items()}
    assert [name for name, body in BODY_BY_NAME.items() if not set(body.completed) <= set(body.__struct_fields__)] == []


def test_what_may_be_amended_is_a_field_of_changes() -> None:
    """The amendable fields of all types are exactly the fields of `Changes`, which an amendment states (law 10)."""
    amendable = {field for body in BODY_BY_NAME.values() for field in body.amendable or ()}
    assert amendable == set(Changes.__struct_fields__)


def test_what_a_type_can_spoil_is_in_its_fields() -> None:
    """A type that declares that it can spoil a surprise has the fields that the surprise rule reads (law 10)."""
    about = types_with(Effect.TELLS_OF_SUBJECT)
    assert [body.__name__ for body in about if not {"child", "milestone"} <= set(body.__struct_fields__)] == []
    possibly = types_with(Effect.MAY_TELL)
    assert [body.__name__ for body in possibly if not {"child", "may_tell_of"} <= set(body.__struct_fields__)] == []
    assert {body for body in about if {"child", "milestone"} & set(body.amendable or ())} == types_with(Effect.MAKES_SIGHTING)


def test_a_type_with_a_child_and_a_milestone_can_spoil_a_surprise() -> None:
    """Each type with a child and a milestone declares that it can spoil a surprise. Otherwise nothing would hold it (law 20)."""
    about = {body for body in BODY_BY_NAME.values() if {"child", "milestone"} <= set(body.__struct_fields__)}
    assert about == types_with(Effect.TELLS_OF_SUBJECT)


def test_what_a_type_refers_to_is_a_field_of_it() -> None:
    """Law 10: `refers` of each type names one of its fields. By this field, the service finds the target."""
    assert [name for name, body in BODY_BY_NAME.items() if body.refers and body.refers not in body.__struct_fields__] == []


def test_what_follows_its_target_always_names_one() -> None:
    """In a type that takes the audience of its target, the field with the target is required (law 10)."""
    followers = [body for body in BODY_BY_NAME.values() if str(body.audience) == "as_target"]
    assert followers
    optional = [
        body.__name__ for body in followers if body.refers not in body.__struct_fields__[: -len(body.__struct_defaults__) or None]
    ]
    assert optional == []


def test_a_device_drafts_no_roster_fact_no_tick_and_no_erasure() -> None:
    """Roster facts, TimePassed and Erased are exactly the types that only the service may write (law 10)."""
    drafted, written = set(get_args(DeviceBody)), set(get_args(ServiceBody))
    assert drafted & written == set()
    assert {*types_with(Effect.ROSTER_FACT), TimePassed, Erased} == written
    assert drafted | written == set(BODY_BY_NAME.values())


def test_every_body_is_of_a_union_that_is_read() -> None:
    """Each event type is in `DeviceBody` or `ServiceBody`. Other events could be written but not read (law 10)."""

    def all_of(body: type[Body]) -> set[type[Body]]:
        return {body}.union(*(all_of(inner) for inner in body.__subclasses__()))

    shipped = {body for body in all_of(Body) - {Body} if body.__module__.startswith("events.")}
    assert shipped == set(BODY_BY_NAME.values())


class Noted(Body, frozen=True, kw_only=True):
    """An event type with all declarations, written like a developer would write a new type."""

    version: ClassVar = 1
    authors: ClassVar = frozenset({Role.PARENT})
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    refers_to: ClassVar = ()
    amendable: ClassVar = None
    completed: ClassVar = ()
    effects: ClassVar = Effect.NONE


def test_a_type_is_named_by_its_class() -> None:
    """A type's tag, which the column `kind` of a row stores, is the name of its class (law 4)."""
    assert Noted.__struct_config__.tag == "Noted"
