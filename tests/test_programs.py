"""Tests what happens if a program that a test needs is not installed: the test is skipped with a sentence, and fails in CI."""

import pytest

from tests.programs import require

A_SENTENCE = "This machine lacks: no-such-program no-other. Debian and Ubuntu: apt install no-such-program no-other."


def test_a_test_that_lacks_programs_is_skipped_and_says_how_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=A_SENTENCE):
        require(("sh", "no-such-program", "no-other"))


@pytest.mark.parametrize("is_ci", ["true", "1"])
def test_in_ci_it_fails(monkeypatch: pytest.MonkeyPatch, is_ci: str) -> None:
    monkeypatch.setenv("CI", is_ci)
    with pytest.raises(pytest.fail.Exception, match=A_SENTENCE):
        require(("sh", "no-such-program", "no-other"))


@pytest.mark.needs("sh")
def test_a_test_whose_programs_are_there_runs(request: pytest.FixtureRequest) -> None:
    """A test with the mark `needs` runs if its programs are installed, also in CI."""
    assert [marker.args for marker in request.node.iter_markers("needs")] == [("sh",)]
