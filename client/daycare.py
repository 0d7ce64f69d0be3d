"""A daycare's own system, in Python: it posts what was written down, signed, and reads what became of it.

Owns the daycare's side of the wire: CloudEvents, signatures, and the patience to post again. Knows the protocol, and
nothing of `service`. Its calls block, on purpose: what a daycare has is a nightly job, a queue's worker or a web
framework with threads, and one `Daycare` serves all threads of a process.

>>> with Daycare("https://stillnew.example", key_id=key_id, secret=secret) as daycare:  # doctest: +SKIP
...     receipt = daycare.post(note("Slept well", child="kid-17", at=woke_up, id="entry-4711"))
"""

import base64
import hashlib
import hmac
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, TypedDict, Unpack
from uuid import UUID, uuid4

import httpx
import msgspec

from client.answers import Problem, read
from client.backoff import Backoff, told_wait_s
from client.environment import local_now, trusted_certificates
from client.errors import AnsweredByStranger, DeviceError, NaiveTime, RefusedByService, ServiceMisspoke, ServiceUnreachable
from client.http import CUT_OFF, TOO_LARGE, is_from_service, is_passing, refuse, stranger_of

EVENTS_MAX, CALL_BYTES_MAX = 500, 1024 * 1024
"""What a call of ours holds at most. The service takes 2 MiB, within 20 s: too much for half a megabit a second."""


class Details(TypedDict, total=False):
    """What may be said of an event beside its words.

    Give your record's own `id` wherever it has one: under it, it can be edited and taken back. Left out, it is made from the
    content: the same words posted twice are one event. `recorded` is when it was entered, `revised` when it last changed.
    """

    id: str
    recorded: datetime
    revised: datetime
    precision: Literal["minute", "day", "week", "month"]
    childname: str


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event as it goes out (CloudEvents 1.0). `source` is filled in by the `Daycare` that posts it."""

    specversion: Literal["1.0"]
    id: str
    type: str
    subject: str
    time: datetime
    data: dict[str, Any]
    source: str | None = None
    recorded: datetime | None = None
    revised: datetime | None = None
    precision: Literal["minute", "day", "week", "month"] | None = None
    childname: str | None = None


class RecordReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event; `id` is None where it was no id. To whom `keep_quiet` names, your staff do not mention it."""

    outcome: Literal["recorded", "already_recorded", "amended", "withdrawn", "outdated", "waiting", "refused"]
    id: str | None = None
    source: str | None = None
    problem: Problem | None = None
    keep_quiet: tuple[str, ...] = ()


class _Receipts(msgspec.Struct, frozen=True):
    receipts: tuple[RecordReceipt, ...]


class _NewSecret(msgspec.Struct, frozen=True):
    secret: str


class KeyRefused(DeviceError):
    """The service does not take this key, its secret, or this machine's clock: it says the same to all three."""

    def __init__(self, *, key_id: str, clock_ahead_s: float) -> None:
        """`clock_ahead_s`: how far this machine's clock is ahead of the service's, as far as its answer tells."""
        self.key_id, self.clock_ahead_s = key_id, clock_ahead_s
        # A signature is good for 5 minutes; the answer's date is cut to seconds, and comes after a wait.
        clock = f"; this machine's clock differs by {clock_ahead_s:+.0f} s" if abs(clock_ahead_s) > 240 else ""
        super().__init__(f"the signature of key {key_id} is not taken{clock}")


class SecretMalformed(DeviceError):
    """This is no secret: `whsec_` and then base64, as it was shown once. It is not repeated here."""


def note(text: str, *, child: str, at: datetime, **details: Unpack[Details]) -> CloudEvent:
    """Words about one child. `child` is your own reference of the child, `at` when it happened. Raises NaiveTime."""
    return _event("NoteWritten", {"text": text}, child, at, details)


def milestone(key: str, *, child: str, at: datetime, words: str | None = None, **details: Unpack[Details]) -> CloudEvent:
    """A milestone of the catalogue that your staff named as such. Raises NaiveTime."""
    return _event("MilestoneObserved", {"milestone": key} | ({"note": words} if words else {}), child, at, details)


def withdrawal(target: str, *, child: str, at: datetime, **details: Unpack[Details]) -> CloudEvent:
    """Takes back the event whose id is `target`. `at` is when you took it back. Raises NaiveTime."""
    return _event("Withdrawn", {"target": target}, child, at, details)


def _event(kind: str, data: dict[str, Any], child: str, at: datetime, details: Details) -> CloudEvent:
    for given in (at, details.get("recorded"), details.get("revised")):
        if given is not None and given.utcoffset() is None:
            raise NaiveTime(given=given)
    named: Details = {"id": hashlib.sha256(msgspec.json.encode([kind, data, child, at.timestamp()])).hexdigest(), **details}
    return CloudEvent(specversion="1.0", type=f"org.stillnew.{kind}.v1", subject=child, time=at, data=data, **named)


def sign(secret: str, *, id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature` of one call. `timestamp` is in seconds since 1970. Raises SecretMalformed."""
    signature = hmac.digest(_key(secret), f"{id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(signature).decode()}"


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if len(key) < 24:
        raise SecretMalformed("a secret is whsec_ and then base64 of 24 bytes or more")
    return key


class Daycare(AbstractContextManager["Daycare"]):
    """One key of one daycare system. Several threads may use it at once; close it, or use it as a context."""

    def __init__(
        self, base_url: str, *, key_id: UUID | str, secret: str, source: str | None = None, backoff: Backoff | None = None,
        now: Callable[[], datetime] = local_now, sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        """`source` names your system, as a URI that never changes; left out, it is the key's. Raises SecretMalformed."""
        _key(secret)
        self.key_id, self._secret = str(key_id), secret
        self.source = source or f"urn:uuid:{key_id}"
        self._backoff, self._now, self._sleep = backoff or Backoff(), now, sleep
        self._http = httpx.Client(base_url=base_url, verify=trusted_certificates(), timeout=httpx.Timeout(30.0, connect=10.0))

    def post(self, event: CloudEvent) -> RecordReceipt:
        """Post one event, until there is a receipt. A refused one is a receipt as well: look at `outcome`.

        Raises:
            KeyRefused, RefusedByService: the service said no to the call.
            ServiceUnreachable, ServiceMisspoke: nothing certain is known. Post the same again, even a day later.
        """
        return self.post_all([event])[0]

    def post_all(self, events: Iterable[CloudEvent]) -> tuple[RecordReceipt, ...]:
        """Post any number of events, in as few calls as may be. Answers receipts in order; a refused one stops no other.

        Raises: as `post`. The calls before it stand, and posting all of it again adds nothing twice.
        """
        named = [msgspec.structs.replace(event, source=self.source) for event in events]
        return tuple(receipt for batch in _batches(named) for receipt in self._offer(batch))

    def _offer(self, batch: Sequence[tuple[str, bytes]]) -> tuple[RecordReceipt, ...]:
        """Post one call. One event that is longer than any call may be stops no other: it gets a receipt of ours.

        Where something on the way takes no call of that size, the call is halved.
        """
        body = b"[" + b",".join(encoded for _, encoded in batch) + b"]"
        try:
            answer = self._ask("/v1/daycare/events", body, "application/cloudevents-batch+json")
        except RefusedByService as refusal:
            if refusal.status != TOO_LARGE or len(batch) > 1:
                raise
            return (RecordReceipt(outcome="refused", problem=msgspec.convert(refusal, Problem, from_attributes=True)),)
        except AnsweredByStranger as stranger:
            if stranger.status != TOO_LARGE:
                raise
            if len(batch) > 1:
                middle = len(batch) // 2
                return self._offer(batch[:middle]) + self._offer(batch[middle:])
            problem = Problem(code="daycare.too_large_for_the_way", title="Not through to the service", detail=str(stranger))
            return (RecordReceipt(outcome="refused", problem=problem),)
        receipts = read(answer, _Receipts).receipts
        pairs = zip(receipts, batch, strict=False)
        if len(receipts) != len(batch) or any(receipt.id not in (None, id) for receipt, (id, _) in pairs):
            raise ServiceMisspoke(f"{len(receipts)} receipts that do not match {len(batch)} events")
        return receipts

    def link(self, *, code: str, child: str) -> None:
        """Say with a parent's one-time code which of your children theirs is. What waited for it flows in. Raises: as `post`."""
        self._ask("/v1/daycare/links", msgspec.json.encode({"code": code, "reference": child}), "application/json")

    def rotate(self) -> str:
        """Get a new secret, and use it from now on. Store it: the old one works for 24 hours more. Raises: as `post`."""
        secret = read(self._ask("/v1/daycare/secret", b"{}", "application/json"), _NewSecret).secret
        _key(secret)
        self._secret = secret
        return secret

    def _ask(self, path: str, body: bytes, content_type: str) -> bytes:
        """Post a signed body until it is answered: one `webhook-id`, and a new second and signature for each attempt."""
        webhook_id, timestamp, attempt = f"msg_{uuid4().hex}", 0, 0
        while True:
            attempt += 1
            # Two attempts within one second would bear one signature, and the second be refused as a replay.
            timestamp = max(int(self._now().timestamp()), timestamp + 1)
            headers = {"webhook-id": webhook_id, "webhook-timestamp": str(timestamp), "Content-Type": content_type}
            headers["webhook-signature"] = sign(self._secret, id=webhook_id, timestamp=timestamp, body=body)
            told_s: float | None = None
            stranger: httpx.Response | None = None
            try:
                answer = self._http.post(path, params={"key": self.key_id}, content=body, headers=headers)
            except CUT_OFF as error:
                failure = f"{type(error).__name__} {error}".strip()
            else:
                # What a stranger on the way answered says nothing of the key or of an event: it is tried again.
                if is_from_service(answer):
                    if answer.is_success:
                        return answer.content
                    if answer.status_code == 401:
                        raise KeyRefused(key_id=self.key_id, clock_ahead_s=_clock_ahead_s(answer, now=self._now()))
                    if not is_passing(answer) and b'"daycare.replayed"' not in answer.content:
                        refuse(answer)
                else:
                    stranger = answer
                failure = f"status {answer.status_code}"
                told_s = told_wait_s(answer.headers.get("Retry-After"), now=self._now())
            is_too_large = stranger is not None and stranger.status_code == TOO_LARGE
            if attempt == self._backoff.attempts_max or is_too_large or (told_s or 0.0) > self._backoff.longest_told_s:
                if stranger is not None:
                    raise stranger_of(stranger, attempts=attempt, retry_after_s=told_s)
                raise ServiceUnreachable(last_failure=failure, attempts=attempt, retry_after_s=told_s)
            self._sleep(max(told_s or 0.0, self._backoff.wait_s(failures=attempt, roll=random.random())))

    def close(self) -> None:
        """Close the connections. As a context, it closes itself."""
        self._http.close()

    def __exit__(self, *_: object) -> None:
        self.close()


def _clock_ahead_s(answer: httpx.Response, *, now: datetime) -> float:
    """How far our clock is ahead of the one that dated the answer; 0 where it bears no date."""
    try:
        return (now - parsedate_to_datetime(answer.headers["Date"])).total_seconds()
    except (KeyError, ValueError, TypeError):
        return 0.0


def _batches(events: Iterable[CloudEvent]) -> Iterator[list[tuple[str, bytes]]]:
    """Ids and encoded events, a list for each call, within both bounds; one that is too long goes alone."""
    batch, size = list[tuple[str, bytes]](), 2
    for event in events:
        encoded = msgspec.json.encode(event)
        if len(batch) == EVENTS_MAX or (batch and size + len(encoded) + 1 > CALL_BYTES_MAX):
            yield batch
            batch, size = [], 2
        batch.append((event.id, encoded))
        size += len(encoded) + 1
    if batch:
        yield batch
