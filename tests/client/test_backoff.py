"""Tests how long a device waits before it sends a request again."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from client.backoff import Backoff, parse_retry_after

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@given(failures=st.integers(1, 10**6), fraction=st.floats(0, 1, exclude_max=True))
def test_a_wait_is_never_longer_than_the_longest_nor_shorter_than_half_the_first(failures: int, fraction: float) -> None:
    """Law 17: after any number of failures, a wait is at least half of the first wait, and at most the longest wait."""
    backoff = Backoff(first_wait_s=0.25, longest_wait_s=30.0)
    assert 0.125 <= backoff.wait_s(failures=failures, fraction=fraction) <= 30.0


def test_waits_double_until_the_longest() -> None:
    backoff = Backoff(first_wait_s=1.0, longest_wait_s=6.0)
    assert [backoff.wait_s(failures=failures, fraction=1.0) for failures in range(1, 6)] == [1.0, 2.0, 4.0, 6.0, 6.0]


def test_half_of_a_wait_is_random() -> None:
    backoff = Backoff(first_wait_s=1.0)
    assert (backoff.wait_s(failures=1, fraction=0.0), backoff.wait_s(failures=1, fraction=0.5)) == (0.5, 0.75)


def test_a_retry_after_header_is_read_as_seconds_or_as_a_date() -> None:
    assert parse_retry_after("120", now=NOON) == 120.0
    assert parse_retry_after("Sat, 21 Nov 2026 12:01:30 GMT", now=NOON) == 90.0
    assert parse_retry_after("Sat, 21 Nov 2026 11:00:00 GMT", now=NOON) == 0.0


@given(header=st.one_of(st.none(), st.text()))
def test_a_retry_after_header_that_makes_no_sense_is_none_and_never_a_crash(header: str | None) -> None:
    """Law 17: an invalid `Retry-After` header is ignored."""
    wait_s = parse_retry_after(header, now=NOON)
    assert wait_s is None or wait_s >= 0
