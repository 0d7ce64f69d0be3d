"""Checks the data directory of the embedded PostgreSQL: whether it can be created and written, and has enough room.

Changes nothing.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from service.checks.finding import Finding
from service.postgres.account import choose, first_closed
from service.postgres.binaries import BinariesMissing, site_folder
from service.settings import Settings

FREE_BYTES_MIN: Final = 1_000_000_000
CLUSTER_BYTES: Final = 100_000_000
"""Bytes that a new cluster needs: about 70 MB for its files, and 16 MB for a segment of its write-ahead log."""
ANOTHER: Final = "name another with --data or STILLNEW_DATA, or set DATABASE_URL"


def check_folder(settings: Settings) -> list[Finding]:
    """Checks the data directory. The directory need not exist yet."""
    part = f"data directory {settings.data}"
    there = _nearest(settings.data_dir)
    try:
        # Writes an unnamed file, because mode bits are not reliable for root and on read-only disks.
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        found = f"nothing can be written in {there} ({error.strerror or type(error).__name__})"
        return [Finding(part=part, is_fine=False, stops=True, found=found, advice=ANOTHER)]
    free, is_new = shutil.disk_usage(there).free, not (settings.data_dir / "postgres" / "PG_VERSION").exists()
    if is_new and free < CLUSTER_BYTES:
        found = f"{free / 1e6:.0f} MB are free, and a new database takes {CLUSTER_BYTES / 1e6:.0f}"
        return [Finding(part=part, is_fine=False, stops=True, found=found, advice=f"make room, or {ANOTHER}")]
    return [_embedded(settings, is_new=is_new), check_disk(settings)]


def _embedded(settings: Settings, *, is_new: bool) -> Finding:
    account = choose(cluster=settings.data_dir / "postgres")
    closed = first_closed(settings.data_dir, account=account)
    part = "database"
    if closed is not None:
        found = f"{closed} is closed to the server's account"
        return Finding(part=part, is_fine=False, stops=True, found=found, advice=ANOTHER)
    try:
        site_folder()
    except BinariesMissing as error:
        return Finding(part=part, is_fine=False, stops=True, found=str(error), advice="set DATABASE_URL")
    state = "begins empty" if is_new else "holds a cluster"
    advice = "`stillnew serve` starts it; DATABASE_URL names another"
    return Finding(part=part, is_fine=True, found=f"embedded, {settings.data} {state}", advice=advice)


def check_disk(settings: Settings, usage: Callable[[str], Any] = shutil.disk_usage) -> Finding:
    """Checks the free space on the disk of the data directory."""
    free = usage(str(_nearest(settings.data_dir))).free
    is_fine = free >= FREE_BYTES_MIN
    return Finding(part="disk", is_fine=is_fine, found=f"{free / 1e9:.1f} GB free", advice="" if is_fine else "make room")


def _nearest(folder: Path) -> Path:
    """Returns the folder itself if it exists, or else its nearest parent that exists."""
    absolute = folder.absolute()
    return next(one for one in (absolute, *absolute.parents) if one.exists())
