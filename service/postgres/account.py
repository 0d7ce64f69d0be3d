"""Decides which account runs the embedded server, and whether that account can reach its files.

PostgreSQL refuses to run as root, so a service that runs as root needs another account. Knows nothing of clusters, sockets or
settings, and starts nothing.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Every Unix has this account, for processes that should own no files.
LEAST_ACCOUNT = "nobody"


@dataclass(frozen=True, kw_only=True)
class Account:
    """The user and group of a server process. `changes_user`: whether this process is root and has to switch to them."""

    uid: int
    gid: int
    changes_user: bool

    def identity(self) -> dict[str, Any]:
        """Returns the arguments with which `subprocess` starts a program under this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.changes_user else {}


class AccountCannotReach(RuntimeError):
    """The server's account may not enter a directory on the path to its files."""

    def __init__(self, *, wanted: Path, closed: Path, account: Account) -> None:
        super().__init__(
            f"PostgreSQL does not run as root, and user {account.uid} may not enter {closed}, which holds {wanted}. "
            f"Name a data directory that other users can reach (--data /var/lib/stillnew), "
            f"start as an ordinary user, or set DATABASE_URL."
        )
        self.wanted = wanted
        self.closed = closed


def choose(*, cluster: Path) -> Account:
    """Returns the account for a server on `cluster`, which need not exist yet.

    An ordinary user gets their own account. Root gets the account of the cluster's owner, or `nobody` for a new cluster.
    """
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid(), changes_user=False)
    if cluster.exists() and cluster.stat().st_uid != 0:
        owner = cluster.stat()
        return Account(uid=owner.st_uid, gid=owner.st_gid, changes_user=True)
    least = pwd.getpwnam(LEAST_ACCOUNT)
    return Account(uid=least.pw_uid, gid=least.pw_gid, changes_user=True)


def first_closed(path: Path, *, account: Account) -> Path | None:
    """Returns the first directory from the root down to and including `path` that `account` may not enter."""
    absolute = path.resolve()
    for directory in [*reversed(absolute.parents), absolute]:
        if directory.is_dir() and not may_enter(directory.stat(), account=account):
            return directory
    return None


def may_enter(of: os.stat_result, *, account: Account) -> bool:
    """Returns whether the mode bits let `account` enter a directory. Access control lists are ignored."""
    if account.uid == 0:
        return True
    if of.st_uid == account.uid:
        return bool(of.st_mode & stat.S_IXUSR)
    if of.st_gid == account.gid:
        return bool(of.st_mode & stat.S_IXGRP)
    return bool(of.st_mode & stat.S_IXOTH)


def make_private(folder: Path, *, account: Account) -> None:
    """Creates `folder` if it is missing, and makes it accessible to `account` (and root) alone.

    Raises:
        PermissionError: another user owns the folder, which can happen below /tmp.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), account.uid}:
        raise PermissionError(f"{folder} belongs to user {found.st_uid}, and a server's files cannot stand in it")
    if account.changes_user:
        os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)
