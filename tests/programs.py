"""Finds the programs that tests run and that no Python package installs: curl, jq, openssl.

Owns the case that a machine lacks a program: the test is skipped with a sentence that names the package to install. In CI
(`CI=true`, set by .ci/run) the test fails with this sentence instead, so that a run without the program is not green.
"""

import os
import shutil
from typing import NoReturn

import pytest


def is_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}


def lacks(sentence: str) -> NoReturn:
    """Skips the current test with a sentence, or fails the test with that sentence in CI."""
    if is_ci():
        pytest.fail(f"In CI no test is skipped because of something missing. {sentence}", pytrace=False)
    pytest.skip(f"{sentence}")


def path_of(program: str) -> str:
    """Returns the path of a program. Skips the current test on a machine that lacks it."""
    require((program,))
    return str(shutil.which(program))


def require(programs: tuple[str, ...]) -> None:
    """Skips the current test unless the machine has these programs. The name of each program is also the name of its package."""
    if missing := " ".join(program for program in programs if shutil.which(program) is None):
        lacks(f"This machine lacks: {missing}. Debian and Ubuntu: apt install {missing}. macOS: brew install {missing}.")
