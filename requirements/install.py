"""Makes the environment .venv from the pins beside this file. The set `runtime` is for the service, the set `dev` also for tests.

Owns the rule by which the environment is made again. Uses only the standard library, because no package is installed yet.
"""

import hashlib
import importlib.util
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"
MADE_BY = VENV / ".made-by"
PINS_BY_SET = {"runtime": ("runtime.txt", "build.txt"), "dev": ("dev.txt",)}
# dev.txt contains every pin of runtime.txt and build.txt.
SETS_THAT_SERVE = {"runtime": ("runtime", "dev"), "dev": ("dev",)}
FOR_WHICH = "They are for CPython 3.11 to 3.14 on Linux (glibc 2.28 or newer) and macOS, on x86-64 and Arm."


def maker() -> str:
    """Returns a text that states what an environment depends on: the Python, the processor, and the folder.

    The Python inside the environment gives the same text as the Python that made the environment.
    """
    return f"{sys.implementation.cache_tag} of {sys.base_prefix} on {platform.machine()} in {VENV}"


def digest(name: str) -> str:
    """Returns the SHA-256 of a set's pins and of the project's own metadata."""
    files = [HERE / pins for pins in PINS_BY_SET[name]] + [PROJECT / "pyproject.toml"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def stamp(name: str) -> Path:
    """Returns the path of the file with the digest of the pins that were installed last."""
    return VENV / f".installed-{name}"


def is_text(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text("utf-8") == text


def make_environment() -> None:
    """Makes an environment that contains only pip. Replaces an existing environment."""
    version = platform.python_version()
    if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
        sys.exit(
            f"Python {version} ({sys.executable}) comes without venv or ensurepip and cannot make an environment. On Debian and "
            f"Ubuntu: apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv. Or name another Python: make PYTHON=…"
        )
    import venv

    print(f"Setting up Python {version} in {VENV.name}; this takes a minute or two, once.", flush=True)
    venv.EnvBuilder(clear=True, symlinks=True, with_pip=True).create(VENV)
    MADE_BY.write_text(maker(), "utf-8")


def pip_install(*arguments: str) -> None:
    """Installs packages into the environment. If pip fails, exits with a sentence after pip's own output."""
    # An account's own pip.conf may ask for --user, which pip refuses in an environment.
    done = subprocess.run(
        [PYTHON, "-I", "-m", "pip", "install", "--quiet", "--quiet", "--disable-pip-version-check", *arguments],
        cwd=PROJECT, env=os.environ | {"PIP_USER": "0"}, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        sys.exit(f"The packages could not be installed into {VENV.name}: pip says why, above. {FOR_WHICH} This is {maker()}.")


def main(name: str) -> None:
    """Installs the pins of the set `name` into the environment. Does nothing if they are installed already."""
    if not (is_text(MADE_BY, maker()) and PYTHON.exists()):
        make_environment()
    if any(is_text(stamp(enough), digest(enough)) for enough in SETS_THAT_SERVE[name]):
        return
    pins = [argument for file in PINS_BY_SET[name] for argument in ("-r", str(HERE / file))]
    pip_install("--only-binary", ":all:", "--require-hashes", *pins)
    pip_install("--no-deps", "--no-build-isolation", "--config-settings", "editable_mode=compat", "--editable", ".")
    stamp(name).write_text(digest(name), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
