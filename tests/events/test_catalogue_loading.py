"""Tests the loading of the catalogue: inconsistent data are refused with the key, and a loaded catalogue cannot be changed."""

import re
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from events.catalogue import CATALOGUE, CatalogueMistake, Domain, load

DATA = Path(__file__).parents[2] / "events" / "catalogue_data"


def write_beside(folder: Path, *, domain: Domain, toml: str) -> Path:
    """Copies the catalogue's data into `folder`, and replaces the file of one domain. Returns the copy's folder."""
    copy = copytree(DATA, folder / "catalogue_data")
    (copy / f"{domain}.toml").write_text(toml)
    return copy


def test_the_version_changes_with_the_data(tmp_path: Path) -> None:
    changed = (DATA / "life.toml").read_text().replace("First tooth", "The first tooth")
    assert load(DATA).version == CATALOGUE.version
    assert load(write_beside(tmp_path, domain=Domain.LIFE, toml=changed)).version != CATALOGUE.version


def test_the_catalogue_cannot_be_changed_in_passing() -> None:
    by_key: Any = CATALOGUE.by_key
    with pytest.raises(TypeError):
        by_key["life.first-tooth"] = by_key["life.first-shoes"]
    with pytest.raises(AttributeError):
        by_key["life.first-tooth"].title = "Tooth"


BROKEN = 'title = "New"\nmonths = [1, 2]\nwhat_counts = "Seen."\nsources = ["stillnew:life-first"]\n'


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ("[new", "life.toml"),
        ("new = 3", "life.toml: life.new"),
        ("[new]\ntitle = 'New'", "life.toml: life.new"),
        (f"[new]\n{BROKEN}mark = 3", "life.toml: life.new"),
        (f"[new]\n{BROKEN}key = 'life.other'", "life.toml: life.new"),
        (f"[new]\n{BROKEN}implies = ['life.nowhere']", "life.new: refers to life.nowhere"),
        (f"[new]\n{BROKEN}builds_to = ['life.new']", "life.new: runs in a circle"),
        (f"[new]\n{BROKEN}implies = ['life.old']\n[old]\n{BROKEN.replace('New', 'Old')}implies = ['life.new']", "circle"),
    ],
)
def test_data_that_contradict_themselves_are_refused_by_name(tmp_path: Path, toml: str, named: str) -> None:
    with pytest.raises(CatalogueMistake, match=re.escape(named)):
        load(write_beside(tmp_path, domain=Domain.LIFE, toml=toml))


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    copy = copytree(DATA, tmp_path / "catalogue_data")
    (copy / "talking.toml").unlink()
    with pytest.raises(CatalogueMistake, match=r"talking\.toml"):
        load(copy)
