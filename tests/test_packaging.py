"""Tests the container files, the pins and the wheel: they keep the user's data, and contain no password of ours."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from requirements import check, install

ROOT = Path(__file__).parents[1]
SERVICES = ("postgres", "valkey", "stillnew")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return read


@pytest.mark.parametrize("name", SERVICES)
def test_a_composed_service_says_whether_it_is_well_and_keeps_its_data_by_name(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["healthcheck"]["test"]
    assert [volume.split(":")[0] for volume in service["volumes"]] == [name]
    assert name in compose["volumes"]


def test_the_service_waits_until_its_database_is_well(compose: dict[str, Any]) -> None:
    waits = compose["services"]["stillnew"]["depends_on"]
    assert {name: wait["condition"] for name, wait in waits.items()} == dict.fromkeys(("postgres", "valkey"), "service_healthy")


def test_nothing_but_the_service_is_reachable_and_that_only_from_the_machine_itself(compose: dict[str, Any]) -> None:
    ports = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert ports == {"stillnew": ["127.0.0.1:8000:8000"]}


def test_every_password_has_to_be_chosen() -> None:
    used = re.findall(r"\$\{(\w*PASSWORD\w*)([^}]*)\}", (ROOT / "docker-compose.yml").read_text())
    assert {name for name, _ in used} == {"POSTGRES_PASSWORD", "VALKEY_PASSWORD"}
    assert {rest[:2] for _, rest in used} == {":?"}
    given = re.findall(r"^(\w*PASSWORD\w*)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert given == [("POSTGRES_PASSWORD", ""), ("VALKEY_PASSWORD", "")]


def test_the_image_runs_as_an_ordinary_user_and_installs_by_hash() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    last_user = [line for line in lines if line.startswith("USER ")][-1]
    assert last_user == "USER stillnew"
    assert [line for line in lines if "pip install" in line and "--require-hashes" not in line and "--no-deps" not in line] == []
    assert any(line.startswith("HEALTHCHECK") for line in lines)


@pytest.mark.parametrize("name", ["runtime", "dev", "build"])
def test_every_pin_has_a_hash_and_names_no_place_to_download_from(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    pins = re.findall(r"^[a-z0-9][\w.\-]*==\S+.*$", text, re.MULTILINE)
    assert pins
    assert [pin for pin in pins if not pin.endswith("\\")] == []
    assert [line for line in text.splitlines() if "://" in line or line.startswith("--")] == []


def test_what_the_service_runs_on_is_what_the_tests_ran_on() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^([\w.\-]+==[\w.\-+]+)", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE))

    assert pins("runtime") - pins("dev") == set()


def test_what_is_said_to_be_supported_is_what_the_pins_are_checked_for() -> None:
    """The README, the Makefile and pyproject.toml name the Pythons for which the pins are checked.

    The pins are checked for the first release of each minor version, since a marker can be true for that release alone.
    """
    minors = [python.removesuffix(".0") for python in check.PYTHONS]
    assert [f"{minor}.0" for minor in minors] == list(check.PYTHONS)
    readme = (ROOT / "README.md").read_text()
    range_ = f"{minors[0]} to {minors[-1]}"
    assert f"A Python from {range_}" in readme
    assert f"CPython {', '.join(minors[:-1])} and {minors[-1]} on Linux" in readme
    assert f"CPython {range_}" in install.FOR_WHICH
    makefile = (ROOT / "Makefile").read_text()
    assert " ".join(f"python{minor}" for minor in reversed(minors)) + " python3\n" in makefile
    assert f"sys.version_info < ({minors[0].replace('.', ', ')})" in makefile
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={minors[0]}"


def test_an_installed_wheel_brings_the_migrations() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "migrations" in project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert "*.sql" in project["tool"]["setuptools"]["package-data"]["*"]
