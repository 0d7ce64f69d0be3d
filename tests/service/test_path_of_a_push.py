"""Tests that a push takes the path through the code that docs/architecture.md shows, and that the path does not get longer.

The push is a first sighting in a family where a parent waits. A *move* is a step from one file to another, in the order in which
functions are first called. Functions of one statement, properties and `__init__` are not counted for moves: a reader knows by
their name what they do.
"""

import ast
import itertools
import re
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from tests.service.conftest import Village, keeps, push

ROOT = Path(__file__).parents[2]
FOLDERS = ("service", "projections", "events")
IN_BACKGROUND = {"service/feed/poller.py", "service/webhooks/sender.py", "service/surprise/clock.py"}
"""The files of tasks that run beside all requests. Their calls belong to no request."""
FILES_MAX = 30
MOVES_MAX = 45
MOVES_BETWEEN_RUNS = 2
"""The moves by which two runs may differ, because the body arrives together with the head or after the head."""
PAGE = ROOT / "docs" / "architecture.md"


class Trace:
    """The functions of the project that were called since `begin`, each once, in the order of the first calls."""

    def __init__(self) -> None:
        self.is_on = False
        self.calls: dict[tuple[str, str], None] = {}

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if not self.is_on or event != "call" or (file := file_of(frame.f_code)) is None:
            return
        if began_in(frame) not in IN_BACKGROUND:
            self.calls[file, frame.f_code.co_qualname] = None


@cache
def file_of(code: CodeType) -> str | None:
    """Returns the project's file that defines a function; None for the code of libraries and tests."""
    path = Path(code.co_filename)
    if not path.is_relative_to(ROOT):
        return None
    file = path.relative_to(ROOT)
    return str(file) if file.parts[0] in FOLDERS else None


def began_in(frame: FrameType) -> str | None:
    """Returns the outermost file of the project on the stack of a frame."""
    began = None
    at: FrameType | None = frame
    while at is not None:
        began = file_of(at.f_code) or began
        at = at.f_back
    return began


@cache
def longer_functions(file: str) -> set[str]:
    """Returns the names of the functions in a file that have two statements or more. A docstring does not count."""
    found = set()

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                name = prefix + child.name
                if len(child.body) - (ast.get_docstring(child) is not None) > 1 and child.name != "__init__":
                    found.add(name)
                visit(child, f"{name}.<locals>.")
            else:
                visit(child, f"{prefix}{child.name}." if isinstance(child, ast.ClassDef) else prefix)

    visit(ast.parse((ROOT / file).read_text()), "")
    return found


@pytest.fixture(autouse=True)
def trace() -> Iterator[Trace]:
    """Traces the calls in each thread that starts during the test: the service runs in such a thread."""
    tracing = Trace()
    threading.setprofile(tracing)
    yield tracing
    threading.setprofile(None)


async def test_a_push_takes_the_path_that_the_page_shows(trace: Trace, village: Village) -> None:
    await keeps(village.ben)
    await push(village.sam, village.saw("hands.claps"))
    trace.is_on = True
    await push(village.sam, village.saw("movement.first-steps"))
    trace.is_on = False
    files = list(dict.fromkeys(file for file, _ in trace.calls))
    followed = [file for file, name in trace.calls if name in longer_functions(file)]
    moves = sum(one != other for one, other in itertools.pairwise(followed))
    path = "\n".join(f"{file}: {', '.join(name for other, name in trace.calls if other == file)}" for file in files)
    assert len(files) <= FILES_MAX, path
    assert moves <= MOVES_MAX, path
    page = PAGE.read_text("utf-8").partition("\n## The path of a push\n")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `([a-z_/]+\.py)`", page, re.MULTILINE)) == sorted(files), path
    stated = re.search(r"\*\*(\d+) files, (\d+) moves\.\*\*", page)
    assert stated is not None
    assert int(stated[1]) == len(files), path
    assert abs(int(stated[2]) - moves) <= MOVES_BETWEEN_RUNS, path
