"""Mounts small disks, for tests of a full one."""

import contextlib
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

from tests.programs import lacks


@contextlib.contextmanager
def small_disk_in(parent: Path, *, size: str) -> Iterator[Path]:
    """Mounts a tmpfs of a size such as "8m", and yields its folder. Without the right to mount, the test is skipped."""
    folder = parent / f"small-disk-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        lacks(f"A disk of its own cannot be mounted here; root can mount one. {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
