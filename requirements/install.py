"""Makes the environment .venv from the pins beside this file: `runtime` runs the service, `dev` tests and checks it too.

Owns when the environment is made anew. Uses only the standard library, of the Python that make found.
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
# dev.txt holds every pin of the other two files.
SETS_THAT_SERVE = {"runtime": ("runtime", "dev"), "dev": ("dev",)}
FOR_WHICH = "They are for CPython 3.11 to 3.14 on Linux (glibc 2.28 or newer) and macOS, on x86-64 and Arm."


def maker() -> str:
    """Returns what an environment depends on: the Python, the processor, and the folder that its scripts name.

    It is the same whether the Python itself runs this or the one inside the environment.
    """
    return f"{sys.implementation.cache_tag} of {sys.base_prefix} on {platform.machine()} in {VENV}"


def digest(name: str) -> str:
    """Returns the SHA-256 of a set's pins and of the project's own metadata."""
    files = [HERE / pins for pins in PINS_BY_SET[name]] + [PROJECT / "pyproject.toml"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def stamp(name: str) -> Path:
    """Returns the file that holds the digest of the pins which were installed last."""
    return VENV / f".installed-{name}"


def is_text(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text("utf-8") == text


def make_environment() -> None:
    """Make an environment that holds pip alone, in place of the one that may be there."""
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
    """Install into the environment, or end with a sentence below pip's own words."""
    # An account's own pip.conf may ask for --user, which pip refuses in an environment.
    done = subprocess.run(
        [PYTHON, "-I", "-m", "pip", "install", "--quiet", "--quiet", "--disable-pip-version-check", *arguments],
        cwd=PROJECT, env=os.environ | {"PIP_USER": "0"}, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        sys.exit(f"The packages could not be installed into {VENV.name}: pip says why, above. {FOR_WHICH} This is {maker()}.")


def main(name: str) -> None:
    """Bring the environment to a set's pins. Does nothing if it holds them."""
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
