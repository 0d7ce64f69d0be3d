"""Performs the worked example of docs/architecture.md in a copy of the project, block by block.

Owns how a block of the page becomes a change of files. Knows nothing of the event type that the page adds.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "architecture.md"
RUN_S_MAX: Final = 60
COPIED: Final = ("events", "projections", "service", "client", "migrations", "docs", "tests", "pyproject.toml")
BLOCK: Final = re.compile(r"^```(?P<language>python|diff|sh)(?: (?P<file>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


class Step(NamedTuple):
    """A block of the page: Python to add at the end of a file, a diff of a file, or commands for a shell."""

    language: str
    file: str
    text: str


def steps() -> list[Step]:
    """Returns the steps of the worked example, in order."""
    _, _, section = PAGE.read_text("utf-8").partition("\n## Adding an event type\n")
    return [Step(block["language"], block["file"] or "", block["text"]) for block in BLOCK.finditer(section)]


class Copy:
    """A copy of the project in a folder of its own."""

    def __init__(self, folder: Path, *names: str) -> None:
        """Copies the files and folders `names`; without names, all that a service and its tests need."""
        self.folder = folder / "project"
        others = ("PYTEST_", "STILLNEW_", "DATABASE_URL")
        ours = {name: value for name, value in os.environ.items() if not name.startswith(others)}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**ours, "PATH": path, "PYTHONPATH": str(self.folder)}
        for name in names or COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, self.folder / name)

    def files(self) -> dict[str, bytes]:
        """Returns the bytes of each file, by its path within the project."""
        paths = [path for path in self.folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__"]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in paths}

    def perform(self, step: Step) -> None:
        """Performs one step: adds its Python to a file, applies its diff, or runs its commands."""
        path = self.folder / step.file
        match step.language:
            case "python":
                path.write_text(f"{path.read_text('utf-8')}\n\n{step.text}", "utf-8")
            case "diff":
                lines = step.text.splitlines(keepends=True)
                before = "".join(line[1:] for line in lines if line[0] in " -")
                after = "".join(line[1:] for line in lines if line[0] in " +")
                assert path.read_text("utf-8").count(before) == 1, f"{step.file} has other lines than the page:\n{before}"
                path.write_text(path.read_text("utf-8").replace(before, after), "utf-8")
            case _:
                done = self.run("sh", "-ec", step.text)
                assert done.returncode == 0, done.stderr

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs a command in the copy, and waits for its end."""
        variables = self.environment | environment
        return subprocess.run(arguments, cwd=self.folder, env=variables, capture_output=True, text=True, timeout=RUN_S_MAX)
