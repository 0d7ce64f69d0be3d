"""Tests that docs/events.md matches the event types."""

from pathlib import Path

import pytest

from events.describe import markdown
from events.wire import BODY_BY_NAME

PAGE = Path(__file__).parents[2] / "docs" / "events.md"


def test_the_page_is_what_the_types_say() -> None:
    assert PAGE.read_text("utf-8") == markdown(), "run `make docs`"


@pytest.mark.parametrize("kind", BODY_BY_NAME)
def test_every_type_and_field_is_on_the_page(kind: str) -> None:
    _, _, section = markdown().partition(f"\n### {kind}\n")
    section = section.partition("\n## ")[0].partition("\n### ")[0]
    body = BODY_BY_NAME[kind]
    assert f"Version {body.version}." in section
    assert [name for name in body.__struct_fields__ if f"| `{name}` |" not in section] == []
