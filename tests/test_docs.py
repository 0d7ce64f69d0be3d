"""Tests that the pages in docs/ list exactly what exists: routes, codes, settings, commands, tables, and links to pages."""

import re
from pathlib import Path

import pytest

from events import errors
from events.errors import Refused
from service.app import build
from service.cli import app, family
from service.settings import Settings, variable_of

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def test_the_protocol_names_every_route_and_no_other() -> None:
    gateway = build(Settings(database_url="postgresql://nobody@localhost/nothing"))
    served = {(method, template) for method, template, _ in gateway.router.as_sorted() if not template.startswith("/schema")}
    named = set(re.findall(r"`(GET|HEAD|POST|PUT|PATCH|DELETE) (/[^\s`?]+)[^`]*`", page("protocol.md")))
    assert named | {("GET", "/metrics")} == served | {("GET", "/metrics")}


SOURCES = "\n".join(path.read_text("utf-8") for path in (*ROOT.glob("events/*.py"), *ROOT.glob("service/**/*.py")))


def test_the_protocol_names_every_code_of_a_draft() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Refused)]
    raised = [kind.code for kind in kinds if re.search(rf"\b{kind.__name__}[(]", SOURCES.replace(f"class {kind.__name__}(", ""))]
    assert len(raised) > 10
    assert sorted(code for code in raised if f"`{code}`" not in page("protocol.md")) == []


def test_the_codes_that_the_pages_name_are_codes_of_ours() -> None:
    code_like = re.compile(r"`((?:draft|event|body|access|feed|live)\.[a-z0-9_]+)`")
    named = {code for path in PAGES for code in code_like.findall(path.read_text("utf-8"))}
    assert named
    assert sorted(code for code in named if f'"{code}"' not in SOURCES) == []


def test_the_operators_page_names_every_setting_and_its_default() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\|", page("operate.md"), re.MULTILINE))
    settings = Settings()
    defaults = {variable_of(name): getattr(settings, name) for name in Settings.__struct_fields__}
    assert rows == {name: "" if default is None else f"{default:g}" if isinstance(default, float) else str(default)
                    for name, default in defaults.items()}  # fmt: skip


def test_the_operators_page_names_every_command() -> None:
    commands = {name for name in app if not name.startswith("-")} - {"family"}
    assert sorted(name for name in commands if f"| `stillnew {name}" not in page("operate.md")) == []
    assert sorted(name for name in family if not name.startswith("-") and name not in page("operate.md")) == []


def test_the_architecture_names_every_table() -> None:
    migrations = "".join(path.read_text("utf-8") for path in ROOT.glob("migrations/*.sql"))
    tables = set(re.findall(r"CREATE TABLE (\w+)", migrations))
    assert tables
    assert sorted(table for table in tables if f"`{table}`" not in page("architecture.md")) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_page_points_to_what_is_there(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", path.read_text("utf-8"))
    for target, section in links:
        found = path.parent / target if target else path
        assert found.exists(), target
        if section:
            headings = re.findall(r"^#+ (.*)$", found.read_text("utf-8"), re.MULTILINE)
            assert section in {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_page_names_files_that_are_there(path: Path) -> None:
    named = re.findall(r"`((?:events|projections|service|tests|migrations|client)/[\w./-]*)`", path.read_text("utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []
