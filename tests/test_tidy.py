"""Style as a unit test: what a reader would otherwise have to say again at every change.

Owns the bounds and their exceptions, each with its reason. Reads every file below the project that .gitignore does not name.
"""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 60

# Path or path:function -> why it is better whole.
LONG_FOR_A_REASON: dict[str, str] = {}

FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "core", "manager", "handler", "misc", "base"}

# What makes a fold depend on when or where it runs.
IMPURE = {"now", "utcnow", "today", "uuid1", "uuid4", "urandom", "getenv", "environ"}

# Written in pieces, so that this file does not name what it forbids.
FORBIDDEN_TEXT = {
    "a registry's host": re.compile("pypi" + r"\.org|files\.python" + r"hosted|registry\.npm" + r"js|deb\.deb" + r"ian\.org"),
    "a path of somebody's machine": re.compile(r"(?<![\w.])/(?:home|Users|root|work)/\w+"),
    "a private key": re.compile("BEGIN [A-Z ]*PRIVATE" + " KEY"),
}


# Read here and not asked of git: a machine that has no git, or a folder that is no clone, is checked all the same.
IGNORED = [".git", *(line.rstrip("/") for line in (ROOT / ".gitignore").read_text("utf-8").splitlines())]


def is_ours(name: str) -> bool:
    return not any(fnmatch(name, pattern) for pattern in IGNORED)


def files() -> Iterator[str]:
    """Yields the path of every file, as it is below the project, in no order."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = filter(is_ours, folders)
        yield from ((Path(folder) / name).relative_to(ROOT).as_posix() for name in names if is_ours(name))


FILES = sorted(files())
PYTHON = [path for path in FILES if path.endswith(".py")]


def tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text("utf-8"))


def functions(path: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("path", PYTHON)
def test_a_file_fits_a_reader(path: str) -> None:
    lines = len((ROOT / path).read_text("utf-8").splitlines())
    assert lines <= FILE_LINES_MAX or path in LONG_FOR_A_REASON, f"{path} has {lines} lines"


@pytest.mark.parametrize("path", PYTHON)
def test_a_function_fits_a_screen(path: str) -> None:
    long = {f"{path}:{node.name}" for node in functions(path) if (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX}
    assert long - set(LONG_FOR_A_REASON) == set()


@pytest.mark.parametrize("path", PYTHON)
def test_a_module_says_what_it_owns(path: str) -> None:
    assert ast.get_docstring(tree(path)), f"{path} opens without a docstring"


@pytest.mark.parametrize("path", PYTHON)
def test_nothing_is_caught_and_forgotten(path: str) -> None:
    caught = [node for node in ast.walk(tree(path)) if isinstance(node, ast.ExceptHandler)]
    assert [node.lineno for node in caught if all(isinstance(line, ast.Pass) for line in node.body)] == []


@pytest.mark.parametrize("path", [path for path in PYTHON if path.startswith(("events/", "projections/"))])
def test_a_pure_module_asks_no_clock_and_draws_no_number(path: str) -> None:
    """Law 11: the same events fold to the same rows, whenever and wherever."""
    asked = {
        f"{path}:{node.lineno} {node.attr}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in IMPURE
    }
    assert asked == set()


@pytest.mark.parametrize("path", [path for path in PYTHON if path.startswith("tests/")])
def test_a_skip_says_why(path: str) -> None:
    silent = [
        node.lineno
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"skip", "skipif", "xfail"}
        if not any(isinstance(arg, ast.Constant | ast.JoinedStr) for arg in [*node.args, *(word.value for word in node.keywords)])
    ]
    bare = [
        decorator.lineno
        for node in functions(path)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Attribute) and decorator.attr in {"skip", "xfail"}
    ]
    assert silent + bare == []


@pytest.mark.parametrize("path", [path for path in PYTHON if path.startswith("tests/")])
def test_a_test_names_the_programs_that_it_looks_for(path: str) -> None:
    """With `pytest.mark.needs`, which no run in CI passes over. A test that looks on the PATH by itself is skipped unseen."""
    looked_for = [node.lineno for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute) and node.attr == "which"]
    assert looked_for == [] or path == "tests/programs.py"


def test_no_name_is_a_drawer_for_odds_and_ends() -> None:
    assert [path for path in FILES if FORBIDDEN_NAMES & {Path(part).stem for part in Path(path).parts}] == []


@pytest.mark.parametrize("what", FORBIDDEN_TEXT)
def test_no_file_names(what: str) -> None:
    here = Path(__file__).relative_to(ROOT).as_posix()
    texts = ((path, (ROOT / path).read_bytes().decode("utf-8", errors="replace")) for path in FILES if path != here)
    assert [path for path, text in texts if FORBIDDEN_TEXT[what].search(text)] == []


def test_every_exception_is_still_needed() -> None:
    there = set(PYTHON) | {f"{path}:{node.name}" for path in PYTHON for node in functions(path)}
    assert set(LONG_FOR_A_REASON) - there == set()


def test_imports_run_one_way() -> None:
    """The walls of design.md: service, then projections, then events; a device knows none of the service."""
    linter = Path(sys.executable).with_name("lint-imports")
    said = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout
