"""Tests that code which runs inside of the walls reaches nothing outside: each attempt runs in a confined process."""

import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.clips.cleaning.sandbox import missing_walls
from tests.programs import lacks
from tests.service.clips.break_outs import ATTEMPTS

PROGRAM = "import sys; sys.path.insert(0, sys.argv.pop()); from tests.service.clips.break_outs import main; main()"
ROOT = Path(__file__).parents[3]
OTHERWISE = {"write its own file", "end never"}
NOT_ALLOWED = {"PermissionError: Operation not permitted", "PermissionError: Permission denied"}
REFUSED_BY = {
    "fill the disk with one file": {"OSError: File too large"},
    "open many files": {"OSError: Too many open files"},
    "raise a limit": {"ValueError: Success"},
    "take all memory": {"MemoryError: Success"},
    "use another opened file": {"OSError: Bad file descriptor"},
}


def attempted(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs one attempt in a confined process with an empty folder, beside a file that it must not reach."""
    if walls := missing_walls():
        lacks(f"This machine lacks: {', '.join(walls)}.")
    if platform.machine() != "x86_64":
        lacks("The attempts use the numbers that x86-64 has for system calls.")
    folder.with_name("secret").write_text("untouched")
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM, name, str(ROOT)], cwd=folder, env={}, capture_output=True, text=True, timeout=30,
        stdin=subprocess.DEVNULL, check=False, start_new_session=True,
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(ATTEMPTS.keys() - OTHERWISE))
def test_nothing_outside_of_the_walls_is_reached(tmp_path: Path, name: str) -> None:
    ended = attempted(name, tmp_path / "folder")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() in REFUSED_BY.get(name, NOT_ALLOWED)
    assert (tmp_path / "secret").read_text() == "untouched"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["folder", "secret"]
    assert [one.name for one in (tmp_path / "folder").iterdir()] == ["clip"]
    assert (tmp_path / "folder" / "clip").stat().st_size <= 2 * 1024 * 1024


def test_a_process_without_end_is_ended_by_the_time_of_its_processor(tmp_path: Path) -> None:
    ended = attempted("end never", tmp_path / "folder")
    assert ended.returncode in (-signal.SIGXCPU, -signal.SIGKILL)


def test_its_own_file_can_be_written(tmp_path: Path) -> None:
    assert attempted("write its own file", tmp_path / "folder").stdout == "done\n"
    assert (tmp_path / "folder" / "clip").read_bytes() == b"x"
