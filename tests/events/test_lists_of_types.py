"""Tests that no file outside of events/ lists event types. Such a list is a fact about the types, and belongs beside them.

A `match` over event types is no such list: it decides what each type means.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from events.wire import BODY_BY_NAME

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = ("projections", "service", "client")

LISTED_FOR_A_REASON: Final = {
    "service/daycare/cloud_events.py": "the types of the daycares' own protocol, each with a shape of its own",
    "service/log/admit.py": "who may amend or withdraw an event is the rule of admission itself",
    "service/surprise/handover_card.sql": "the predicate of the index event_names_and_sortings",
}
QUOTED: Final = re.compile(r"'([A-Z]\w+)'")


def members(node: ast.AST) -> list[ast.expr]:
    """Returns the expressions that a tuple, list, set, dictionary (its keys) or union contains; of other nodes, none."""
    match node:
        case ast.Tuple() | ast.List() | ast.Set():
            return node.elts
        case ast.Dict():
            return [key for key in node.keys if key is not None]
        case ast.BinOp(op=ast.BitOr()):
            return [*(members(node.left) or [node.left]), *(members(node.right) or [node.right])]
        case _:
            return []


def type_named(node: ast.expr) -> str | None:
    """Returns the event type that an expression names by its class or by a string; None if it names none."""
    name = node.id if isinstance(node, ast.Name) else node.value if isinstance(node, ast.Constant) else None
    return name if isinstance(name, str) and name in BODY_BY_NAME else None


def lists_in(path: Path) -> Iterator[set[str]]:
    """Yields a set of event types for each list in a file that names two or more event types."""
    text = path.read_text("utf-8")
    if path.suffix == ".sql":
        found = [set(QUOTED.findall(statement)) & BODY_BY_NAME.keys() for statement in text.split("-- name: ")]
    else:
        found = [{kind for one in members(node) if (kind := type_named(one))} for node in ast.walk(ast.parse(text))]
    yield from (kinds for kinds in found if len(kinds) > 1)


def test_no_file_outside_of_events_lists_types() -> None:
    """Law 10: only files in `LISTED_FOR_A_REASON` list event types. Other files select types by declarations (`events.kinds`)."""
    paths = [path for folder in FOLDERS for suffix in ("py", "sql") for path in (ROOT / folder).rglob(f"*.{suffix}")]
    listing = {str(path.relative_to(ROOT)) for path in paths if any(lists_in(path))}
    assert listing == LISTED_FOR_A_REASON.keys()
