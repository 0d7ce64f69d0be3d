"""Tests `make runtime`: which Python it takes, and when it makes the environment anew.

Each test uses a small project with our Makefile and our installer, no pins, and a PATH that contains only the test's own
programs.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import path_of

ROOT = Path(__file__).parents[1]
PINS = ("runtime", "build", "dev")
A_PYTHON = f'exec "{sys.executable}" "$@"\n'
NO_PYTHON = "exit 127\n"
"""A script that fails like a Python that is not installed, or one that is too old."""
NO_ENSUREPIP = f'PYTHONPATH="$(dirname "$0")/no-ensurepip" {A_PYTHON}'
"""A script that behaves like Debian's python3 without the package python3-venv."""

# The smallest project that can be installed. It has a build backend of its own, so that nothing is downloaded.
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    info = "stillnew-0.dist-info"
    with zipfile.ZipFile(f"{folder}/stillnew-0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: stillnew\\nVersion: 0\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return "stillnew-0-py3-none-any.whl"
"""


class Machine:
    """A machine with a project and, as programs, only make, a shell and the Pythons that a test installs."""

    def __init__(self, folder: Path) -> None:
        self.project, self.path = folder / "project", folder / "bin"
        (self.project / "requirements").mkdir(parents=True)
        shutil.copy(ROOT / "Makefile", self.project)
        shutil.copy(ROOT / "requirements" / "install.py", self.project / "requirements")
        for name in PINS:
            (self.project / "requirements" / f"{name}.txt").write_text("")
        (self.project / "pyproject.toml").write_text(PYPROJECT)
        (self.project / "backend.py").write_text(BACKEND)
        (self.path / "no-ensurepip").mkdir(parents=True)
        (self.path / "no-ensurepip" / "sitecustomize.py").write_text("import sys; sys.modules['ensurepip'] = None")
        for program in ("sh", "dirname", "env"):
            (self.path / program).symlink_to(path_of(program))

    @property
    def environment(self) -> Path:
        return self.project / ".venv"

    def install(self, **script_by_python: str) -> None:
        for name, script in script_by_python.items():
            file = self.path / name.replace("_", ".")
            file.write_text(f"#!/bin/sh\n{script}")
            file.chmod(0o755)

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [path_of("make"), *arguments], cwd=self.project, capture_output=True, text=True, timeout=100, check=False,
            env={"PATH": str(self.path), "HOME": str(self.path), "PIP_NO_INDEX": "1"},
        )  # fmt: skip

    def taken(self, *arguments: str) -> str:
        """Returns the name of the Python with which make runs the installer."""
        (self.project / "requirements" / "install.py").write_text("import os; print(os.environ['TAKEN'])")
        for file in self.path.glob("python3*"):
            file.write_text(file.read_text().replace("exec", f"TAKEN={file.name} exec", 1))
        said = self.make("runtime", *arguments)
        assert said.returncode == 0, said.stderr
        return said.stdout.strip()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_newest_python_is_taken(machine: Machine) -> None:
    machine.install(python3_12=A_PYTHON, python3_13=A_PYTHON, python3=A_PYTHON)
    assert machine.taken() == "python3.13"


def test_a_python_that_does_not_run_or_is_too_old_is_passed_over(machine: Machine) -> None:
    machine.install(python3_14=NO_PYTHON, python3_13=NO_PYTHON, python3=A_PYTHON)
    assert machine.taken() == "python3"


def test_a_python_that_can_make_no_environment_is_passed_over_for_one_that_can(machine: Machine) -> None:
    machine.install(python3_13=NO_ENSUREPIP, python3_11=A_PYTHON)
    assert machine.taken() == "python3.11"


def test_a_python_that_is_named_is_taken(machine: Machine) -> None:
    machine.install(python3_13=A_PYTHON, python3_11=A_PYTHON)
    assert machine.taken("PYTHON=python3.11") == "python3.11"


@pytest.mark.parametrize("named", [[], ["PYTHON=python3.10"]])
def test_no_python_is_one_sentence_with_what_to_do(machine: Machine, named: list[str]) -> None:
    machine.install(python3=NO_PYTHON, python3_10=NO_PYTHON)
    failed = machine.make("runtime", *named)
    sentence, by_make = failed.stderr.splitlines()
    at = " at PYTHON=python3.10" if named else ""
    assert sentence == (
        f"No Python 3.11 or newer was found{at}. Install one (Debian and Ubuntu: apt install python3 python3-venv), or name one: "
        "make PYTHON=/path/to/python3"
    )
    assert by_make.startswith("make: ***")
    assert (failed.returncode, failed.stdout, machine.environment.exists()) == (2, "", False)


def test_a_python_without_ensurepip_is_one_sentence_with_what_to_do(machine: Machine) -> None:
    machine.install(python3=NO_ENSUREPIP)
    failed = machine.make("runtime")
    sentence, by_make = failed.stderr.splitlines()
    assert f"apt install python3.{sys.version_info[1]}-venv" in sentence
    assert by_make.startswith("make: ***")
    assert (failed.returncode, failed.stdout, machine.environment.exists()) == (2, "", False)


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Returns a machine with an environment. Its python3 can make no further environment, and fails if it is asked to."""
    machine = Machine(tmp_path_factory.mktemp("settled"))
    machine.install(python3=A_PYTHON)
    done = machine.make("runtime")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Setting up Python" in done.stdout
    machine.install(python3=NO_ENSUREPIP)
    return machine


def is_kept(machine: Machine) -> bool:
    """Checks whether `make runtime` with python3 keeps the environment."""
    done = machine.make("runtime", "PYTHON=python3")
    assert done.returncode == 0 or "cannot make an environment" in done.stderr
    return done.returncode == 0


def installed(machine: Machine) -> set[str]:
    return {file.name for file in machine.environment.glob(".installed-*")}


def test_an_environment_is_kept(settled: Machine) -> None:
    done = settled.make("runtime")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert is_kept(settled)


def test_an_environment_of_another_python_is_not_kept(settled: Machine) -> None:
    made_by = settled.environment / ".made-by"
    ours = made_by.read_text()
    made_by.write_text(ours.replace("cpython-3", "cpython-2"))
    assert not is_kept(settled)
    made_by.write_text(ours)
    assert is_kept(settled)


def test_an_environment_whose_python_is_gone_is_not_kept(settled: Machine) -> None:
    python = settled.environment / "bin" / "python"
    target = python.readlink()
    python.unlink()
    python.symlink_to("python-of-an-older-release")
    assert not is_kept(settled)
    python.unlink()
    python.symlink_to(target)
    assert is_kept(settled)


def test_an_environment_that_was_moved_with_its_project_is_not_kept(settled: Machine) -> None:
    """After a move of the project, the environment is made anew, because its scripts contain the path of the old folder."""
    there = settled.project
    settled.project = there.rename(there.with_name("moved"))
    assert not is_kept(settled)
    settled.project = settled.project.rename(there)
    assert is_kept(settled)


def test_a_package_that_cannot_be_installed_is_one_sentence_below_pips_own_words(settled: Machine) -> None:
    pins = settled.project / "requirements" / "runtime.txt"
    before = installed(settled)
    pins.write_text(f"nothing-of-this-name==1 --hash=sha256:{0:064}")
    failed = settled.make("runtime")
    pins.write_text("")
    *_, by_pip, sentence, by_make = failed.stderr.splitlines()
    assert by_pip.startswith("ERROR: ")
    assert sentence.startswith("The packages could not be installed into .venv: pip says why, above.")
    assert "CPython 3.11 to 3.14" in sentence
    assert by_make.startswith("make: ***")
    assert (failed.returncode, installed(settled)) == (2, before)


def test_an_environment_for_the_tests_serves_too(settled: Machine) -> None:
    """`make runtime` after `make venv` installs nothing again, because the packages of the tests include those of the service."""
    (settled.environment / ".installed-runtime").unlink()
    assert settled.make("venv").returncode == 0
    assert settled.make("runtime").returncode == 0
    assert installed(settled) == {".installed-dev"}


def test_an_environment_is_made_anew_by_its_own_python_too(settled: Machine) -> None:
    (settled.environment / "of-before").touch()
    made_by = settled.environment / ".made-by"
    ours = made_by.read_text()
    made_by.write_text(ours.replace("cpython-3", "cpython-2"))
    done = settled.make("runtime")
    assert (done.returncode, done.stderr) == (0, "")
    assert made_by.read_text() == ours
    assert not (settled.environment / "of-before").exists()
    assert (settled.environment / "bin" / "pip").exists()
