"""Tests that rate limits count per device and kind of request, and that their memory is bounded."""

import httpx
import pytest

from service.http.problems import TooManyRequests
from service.http.rate_limit import BUCKETS_MAX, Kind, Limits, address_or_network
from service.settings import Settings
from tests.service.conftest import AS_OPERATOR, UNLIMITED, found_family, running


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_ten_seconds_worth_may_come_at_once_and_then_the_rate_holds() -> None:
    """Law 17: the requests of ten seconds may arrive at once. A refusal states when to try again."""
    clock = Clock()
    limits = Limits(per_s_by_kind={Kind.PUSH: 2.0}, clock_s=clock)
    for _ in range(20):
        limits.take(Kind.PUSH, "phone")
    with pytest.raises(TooManyRequests) as refused:
        limits.take(Kind.PUSH, "phone")
    assert refused.value.retry_after_s == 1
    clock.now_s += 0.5
    limits.take(Kind.PUSH, "phone")


def test_one_device_does_not_use_up_anothers_limit() -> None:
    """A device that has used up one of its buckets delays no other device, and no requests of another kind."""
    limits = Limits(per_s_by_kind={Kind.PUSH: 0.1}, clock_s=Clock())
    limits.take(Kind.PUSH, "mine")
    with pytest.raises(TooManyRequests):
        limits.take(Kind.PUSH, "mine")
    limits.take(Kind.PUSH, "yours")
    limits.take(Kind.READ, "mine")


def test_buckets_are_bounded() -> None:
    """Law 17: the number of buckets has a bound, whatever the number of addresses."""
    limits = Limits(per_s_by_kind={Kind.STRANGER: 1.0}, clock_s=Clock())
    for index in range(BUCKETS_MAX + 500):
        limits.take(Kind.STRANGER, index)
    assert len(limits) == BUCKETS_MAX


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        (None, "unknown"),
        ("a socket", "unknown"),
    ],
)
def test_a_stranger_is_counted_by_what_one_caller_owns(address: str | None, counted_as: str) -> None:
    """All 2^64 addresses of one IPv6 network (/64) count as one caller."""
    assert address_or_network(address) == counted_as


def test_a_full_push_costs_what_is_in_it() -> None:
    """Law 17: a push is counted by its drafts, so a second full push has to wait."""
    clock = Clock()
    limits = Limits(per_s_by_kind={Kind.DRAFTS: 50.0}, clock_s=clock)
    limits.take(Kind.DRAFTS, "phone", count=256)
    with pytest.raises(TooManyRequests) as refusal:
        limits.take(Kind.DRAFTS, "phone", count=256)
    assert refusal.value.retry_after_s == 1
    clock.now_s += 1.0
    limits.take(Kind.DRAFTS, "phone", count=256)
    limits.take(Kind.DRAFTS, "tablet", count=256)


def test_what_is_more_than_a_whole_bucket_passes_when_the_bucket_is_full() -> None:
    """Law 17: a push with more drafts than a bucket has room for passes if the bucket is full, so no limit stops a device."""
    limits = Limits(per_s_by_kind={Kind.DRAFTS: 1.0}, clock_s=Clock())
    limits.take(Kind.DRAFTS, "phone", count=256)


async def test_a_device_over_its_limit_is_refused_and_others_are_not(database_url: str) -> None:
    """A device over its limit gets 429 with Retry-After. Other devices are not refused."""
    async def outcomes(url: str) -> None:
        async with httpx.AsyncClient(base_url=url) as http:
            ada, eve = await found_family(http), await found_family(http, you="Eve")
            answers = [await ada.ask("GET", "/v1/me") for _ in range(12)]
            refused = [answer for answer in answers if answer.status_code == 429]
            assert refused
            assert refused[0].headers["retry-after"].isdigit()
            assert refused[0].json()["code"] == "too_many_requests"
            assert (await eve.ask("GET", "/v1/me")).status_code == 200
            counted = await http.get("/metrics", headers=AS_OPERATOR)
            assert "stillnew_refused_by_limit_total" in counted.text

    with running(Settings(database_url=database_url, **UNLIMITED | {"limit_read": 1.0})) as url:
        await outcomes(url)


async def test_callers_without_a_token_are_counted_by_address_on_every_route(database_url: str) -> None:
    """Law 17: requests without a token share one bucket for each address, on all routes but the health checks."""
    with running(Settings(database_url=database_url, limit_strangers=0.5)) as url:
        async with httpx.AsyncClient(base_url=url) as http:
            tries = [("POST", "/v1/invites/accept"), ("POST", "/v1/devices/pair"), ("GET", "/v1/me")]
            statuses = [(await http.request(*tries[index % 3])).status_code for index in range(9)]
            assert 429 not in statuses[:5]
            assert statuses[5:] == [429] * 4
            assert (await http.get("/health/live")).status_code == 200
