"""Tests what follows from a failed attempt: the time until the next attempt, or that the webhook is disabled."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.webhooks.retry_policy import Disabled, Failure, after_failure, failure_of, is_delivered, wait_after

NOW = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)


@given(attempts=st.integers(1, 10_000), jitter=st.floats(0, 1))
def test_a_wait_is_between_five_seconds_and_six_hours(attempts: int, jitter: float) -> None:
    """Law 17: after any number of failures, the wait is from five seconds to six hours."""
    assert timedelta(seconds=5) <= wait_after(attempts, jitter=jitter) <= timedelta(hours=6)


@given(attempts=st.integers(1, 10_000), jitter=st.floats(0, 1))
def test_a_wait_is_never_shorter_than_the_one_before_it(attempts: int, jitter: float) -> None:
    """With the same jitter, no wait is shorter than the previous one, and no wait is shorter than without jitter."""
    assert wait_after(attempts, jitter=jitter) <= wait_after(attempts + 1, jitter=jitter)
    assert wait_after(attempts, jitter=0.0) <= wait_after(attempts, jitter=jitter)


def test_waits_double_until_their_bound_and_the_jitter_spreads_them() -> None:
    plain = [wait_after(attempt, jitter=0.0).total_seconds() for attempt in (1, 2, 3, 12, 13, 14, 99)]
    assert plain == [5, 10, 20, 10_240, 17_280, 17_280, 17_280]
    assert [wait_after(attempt, jitter=1.0).total_seconds() for attempt in (1, 99)] == [6.25, 21_600]


def test_five_days_of_failures_disable_a_webhook_and_no_less() -> None:
    for short, disabled in ((timedelta(milliseconds=1), None), (timedelta(0), Disabled.FAILED_FOR_DAYS)):
        at = NOW + timedelta(days=5) - short
        assert disabled == after_failure(503, attempts=30, since=NOW, at=at, jitter=0.5).disabled_as
    first = after_failure(None, attempts=0, since=None, at=NOW, jitter=0.0)
    assert (first.attempts, first.since, first.next_at, first.disabled_as) == (1, NOW, NOW + timedelta(seconds=5), None)


def test_how_many_attempts_five_days_hold() -> None:
    """In five days, 28 to 36 attempts are made: about thirty, as docs/webhooks.md states."""
    at, since, attempts = NOW, None, 0
    while True:
        failing = after_failure(500, attempts=attempts, since=since, at=at, jitter=0.5)
        at, since, attempts = failing.next_at, failing.since, failing.attempts
        if failing.disabled_as:
            break
    assert 28 <= attempts <= 36


def test_gone_disables_at_once() -> None:
    """The status 410 disables a webhook, because by Standard Webhooks its receiver is gone for ever."""
    gone = after_failure(410, attempts=0, since=None, at=NOW, jitter=0.0)
    assert (gone.disabled_as, gone.failed_as) == (Disabled.GONE, Failure.REFUSED)


def test_only_2xx_is_delivered_and_the_rest_is_one_of_four_words() -> None:
    assert [status for status in range(100, 600) if is_delivered(status)] == list(range(200, 300))
    assert not is_delivered(None)
    words = {301: Failure.REDIRECTED, 404: Failure.REFUSED, 410: Failure.REFUSED, 503: Failure.BROKE}
    assert words == {status: failure_of(status) for status in words}
    assert {failure_of(status) for status in (None, 101, 199, 600, 999)} == {Failure.NO_ANSWER}
