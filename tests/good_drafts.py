"""Makes a good draft of any type, from its golden row, for tests that push every type. Lists no type."""

from typing import Final

import msgspec

from events.wire import BODY_BY_NAME
from tests.events.golden_rows import GOLDEN
from tests.families import Draft, Family, drafted

FIELDS_BY_KIND: Final = {
    row.kind: msgspec.json.decode(row.body)["event"] for row in GOLDEN if row.version == BODY_BY_NAME[row.kind].version
}


def drafts_of(kind: str, family: Family) -> list[Draft]:
    """Returns a draft of a type, after the drafts of the events to which this draft has to refer.

    The draft leaves out the fields that only the service fills in. A type that may refer to any type refers to a note.
    """
    body = BODY_BY_NAME[kind]
    required = body.__struct_fields__[: -len(body.__struct_defaults__) or None]
    refers = body.refers if body.refers in required else None
    left_out = {"type", body.refers, *body.completed}
    fields = {name: value for name, value in FIELDS_BY_KIND[kind].items() if name not in left_out}
    if "child" in fields:
        fields["child"] = family.child
    if refers is None:
        return [drafted(kind, **fields)]
    if "changes" in fields:
        fields["changes"] = {name: value for name, value in fields["changes"].items() if name == "text"}
    targets = drafts_of(body.refers_to[0] if body.refers_to else "NoteWritten", family)
    return [*targets, drafted(kind, **fields, **{refers: targets[-1]["id"]})]
