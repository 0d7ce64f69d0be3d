"""Finds the programs that tests run and that no Python package brings: curl, jq, openssl.

Owns the case that a machine lacks one: the test is skipped with a sentence that says what to install, and in CI
(`CI=true`, as .ci/run sets it) it fails with the same sentence, so that no run there is green without it.
"""

import os
import shutil
from typing import NoReturn

import pytest


def is_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}


def lacks(sentence: str) -> NoReturn:
    """Skips the current test, or fails it in CI."""
    if is_ci():
        pytest.fail(f"In CI no test is skipped because of something missing. {sentence}", pytrace=False)
    pytest.skip(f"{sentence}")


def path_of(program: str) -> str:
    """Returns the path of a program. Skips the current test on a machine that lacks it."""
    require((program,))
    return str(shutil.which(program))


def require(programs: tuple[str, ...]) -> None:
    """Skips the current test unless the machine has these programs. Each is named as its package is."""
    if missing := " ".join(program for program in programs if shutil.which(program) is None):
        lacks(f"This machine lacks: {missing}. Debian and Ubuntu: apt install {missing}. macOS: brew install {missing}.")
