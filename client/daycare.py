"""Implements the client for a daycare's own system: it posts signed events and reads their receipts.

Owns the daycare's side of the protocol: CloudEvents, signatures and retries. Does not import `service`. Its calls block, because
daycare systems are nightly jobs, queue workers or web frameworks with threads; all threads of a process can share one `Daycare`.

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

from client.backoff import Backoff, parse_retry_after
from client.environment import local_now, trusted_certificates
from client.errors import AnsweredByIntermediary, DeviceError, NaiveTime, RefusedByService, ServiceMisspoke, ServiceUnreachable
from client.http import CUT_OFF, TOO_LARGE, intermediary_error, is_from_service, is_temporary, refuse
from client.responses import Problem, read

EVENTS_MAX, CALL_BYTES_MAX = 500, 1024 * 1024
"""The bounds of one call. The service accepts 2 MiB within 20 s, but a line of 0.5 Mbit/s is too slow for that."""


class Details(TypedDict, total=False):
    """The optional fields of an event.

    If your own record has an id, give it as `id`: you need it to change or withdraw the record later. Without `id`, the client
    uses a hash of the content, so the same content posted twice is one event. `recorded` is the time when the record was entered,
    `revised` the time when it last changed.
    """

    id: str
    recorded: datetime
    revised: datetime
    precision: Literal["minute", "day", "week", "month"]
    childname: str


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event in the form in which it is posted (CloudEvents 1.0). The `Daycare` client sets `source`."""

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
    """The outcome of one event. `id` is None if the posted id was invalid.

    `keep_quiet` names the members to whom your staff must not mention the event.
    """

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
    """The service refuses the key, the secret or this machine's clock. The response does not show which of the three is wrong."""

    def __init__(self, *, key_id: str, clock_ahead_s: float) -> None:
        """Makes the error. `clock_ahead_s`: how far this machine's clock is ahead of the `Date` header of the response."""
        self.key_id, self.clock_ahead_s = key_id, clock_ahead_s
        # A signature is valid for 5 minutes. The date of the response is in whole seconds and arrives with a delay, hence 240 s.
        clock = f"; this machine's clock differs by {clock_ahead_s:+.0f} s" if abs(clock_ahead_s) > 240 else ""
        super().__init__(f"the signature of key {key_id} is not taken{clock}")


class SecretMalformed(DeviceError):
    """The secret is not `whsec_` followed by base64. The message does not contain the secret."""


def note(text: str, *, child: str, at: datetime, **details: Unpack[Details]) -> CloudEvent:
    """Returns a note about one child. `child` is your own reference of the child, `at` is the time that the note is about.

    Raises:
        NaiveTime: a time has no offset.
    """
    return _event("NoteWritten", {"text": text}, child, at, details)


def milestone(key: str, *, child: str, at: datetime, words: str | None = None, **details: Unpack[Details]) -> CloudEvent:
    """Returns an observation of a milestone. `key` is the milestone's key in the catalogue, `words` an optional note.

    Raises:
        NaiveTime: a time has no offset.
    """
    return _event("MilestoneObserved", {"milestone": key} | ({"note": words} if words else {}), child, at, details)


def withdrawal(target: str, *, child: str, at: datetime, **details: Unpack[Details]) -> CloudEvent:
    """Returns a withdrawal of the event with the id `target`. `at` is the time when you withdrew the event.

    Raises:
        NaiveTime: a time has no offset.
    """
    return _event("Withdrawn", {"target": target}, child, at, details)


def _event(kind: str, data: dict[str, Any], child: str, at: datetime, details: Details) -> CloudEvent:
    for given in (at, details.get("recorded"), details.get("revised")):
        if given is not None and given.utcoffset() is None:
            raise NaiveTime(given=given)
    named: Details = {"id": hashlib.sha256(msgspec.json.encode([kind, data, child, at.timestamp()])).hexdigest(), **details}
    return CloudEvent(specversion="1.0", type=f"org.stillnew.{kind}.v1", subject=child, time=at, data=data, **named)


def sign(secret: str, *, id: str, timestamp: int, body: bytes) -> str:
    """Returns the header `webhook-signature` of one call. `timestamp` is in seconds since 1970.

    Raises:
        SecretMalformed: the secret is not `whsec_` followed by base64.
    """
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
    """A client with one key of one daycare system, and a context manager. Several threads may share one client."""

    def __init__(
        self, base_url: str, *, key_id: UUID | str, secret: str, source: str | None = None, backoff: Backoff | None = None,
        now: Callable[[], datetime] = local_now, sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        """Makes a client. `source`: a URI that identifies your system and never changes; without it, one is made of the key's id.

        Raises:
            SecretMalformed: the secret is not `whsec_` followed by base64.
        """
        _key(secret)
        self.key_id, self._secret = str(key_id), secret
        self.source = source or f"urn:uuid:{key_id}"
        self._backoff, self._now, self._sleep = backoff or Backoff(), now, sleep
        self._http = httpx.Client(base_url=base_url, verify=trusted_certificates(), timeout=httpx.Timeout(30.0, connect=10.0))

    def post(self, event: CloudEvent) -> RecordReceipt:
        """Posts one event, with retries, and returns its receipt. A refused event has a receipt too: check `outcome`.

        Raises:
            KeyRefused, RefusedByService: the service refused the call.
            ServiceUnreachable, ServiceMisspoke: the outcome is unknown. Post the same event again, even a day later.
        """
        return self.post_all([event])[0]

    def post_all(self, events: Iterable[CloudEvent]) -> tuple[RecordReceipt, ...]:
        """Posts any number of events in as few calls as possible, and returns their receipts in order.

        A refused event does not stop the other events. Raises the errors of `post`. After such an error the events of earlier
        calls remain recorded, and you can post all events again, because no event is recorded twice.
        """
        named = [msgspec.structs.replace(event, source=self.source) for event in events]
        return tuple(receipt for batch in _batches(named) for receipt in self._post_batch(batch))

    def _post_batch(self, batch: Sequence[tuple[str, bytes]]) -> tuple[RecordReceipt, ...]:
        """Posts the events of one call. A single event that is too large for any call gets a receipt with the outcome `refused`.

        If a proxy refuses the call because it is too large, the batch is split in halves.
        """
        body = b"[" + b",".join(encoded for _, encoded in batch) + b"]"
        try:
            response = self._request("/v1/daycare/events", body, "application/cloudevents-batch+json")
        except RefusedByService as refusal:
            if refusal.status != TOO_LARGE or len(batch) > 1:
                raise
            return (RecordReceipt(outcome="refused", problem=msgspec.convert(refusal, Problem, from_attributes=True)),)
        except AnsweredByIntermediary as intermediary:
            if intermediary.status != TOO_LARGE:
                raise
            if len(batch) > 1:
                middle = len(batch) // 2
                return self._post_batch(batch[:middle]) + self._post_batch(batch[middle:])
            problem = Problem(code="daycare.too_large_for_the_way", title="Not through to the service", detail=str(intermediary))
            return (RecordReceipt(outcome="refused", problem=problem),)
        receipts = read(response, _Receipts).receipts
        pairs = zip(receipts, batch, strict=False)
        if len(receipts) != len(batch) or any(receipt.id not in (None, id) for receipt, (id, _) in pairs):
            raise ServiceMisspoke(f"{len(receipts)} receipts that do not match {len(batch)} events")
        return receipts

    def link(self, *, code: str, child: str) -> None:
        """Links your reference `child` to a child of the parent who made the one-time code. Events that waited are then recorded.

        Raises the errors of `post`.
        """
        self._request("/v1/daycare/links", msgspec.json.encode({"code": code, "reference": child}), "application/json")

    def rotate(self) -> str:
        """Returns a new secret, which this client uses from now on. Store it: the old secret is valid for 24 more hours only.

        Raises the errors of `post`.
        """
        secret = read(self._request("/v1/daycare/secret", b"{}", "application/json"), _NewSecret).secret
        _key(secret)
        self._secret = secret
        return secret

    def _request(self, path: str, body: bytes, content_type: str) -> bytes:
        """Posts a signed body, with retries. Each attempt has the same `webhook-id`, but a new timestamp and signature."""
        webhook_id, timestamp, attempt = f"msg_{uuid4().hex}", 0, 0
        while True:
            attempt += 1
            # Two attempts within one second would have the same signature, and the service would refuse the second as a replay.
            timestamp = max(int(self._now().timestamp()), timestamp + 1)
            headers = {"webhook-id": webhook_id, "webhook-timestamp": str(timestamp), "Content-Type": content_type}
            headers["webhook-signature"] = sign(self._secret, id=webhook_id, timestamp=timestamp, body=body)
            wanted_s: float | None = None
            intermediary: httpx.Response | None = None
            try:
                response = self._http.post(path, params={"key": self.key_id}, content=body, headers=headers)
            except CUT_OFF as error:
                failure = f"{type(error).__name__} {error}".strip()
            else:
                # A response of a proxy does not concern the key or an event, so the call is sent again.
                if is_from_service(response):
                    if response.is_success:
                        return response.content
                    if response.status_code == 401:
                        raise KeyRefused(key_id=self.key_id, clock_ahead_s=_clock_ahead_s(response, now=self._now()))
                    if not is_temporary(response) and b'"daycare.replayed"' not in response.content:
                        refuse(response)
                else:
                    intermediary = response
                failure = f"status {response.status_code}"
                wanted_s = parse_retry_after(response.headers.get("Retry-After"), now=self._now())
            is_too_large = intermediary is not None and intermediary.status_code == TOO_LARGE
            if attempt == self._backoff.attempts_max or is_too_large or (wanted_s or 0.0) > self._backoff.longest_retry_after_s:
                if intermediary is not None:
                    raise intermediary_error(intermediary, attempts=attempt, retry_after_s=wanted_s)
                raise ServiceUnreachable(last_failure=failure, attempts=attempt, retry_after_s=wanted_s)
            self._sleep(max(wanted_s or 0.0, self._backoff.wait_s(failures=attempt, fraction=random.random())))

    def close(self) -> None:
        """Closes the connections. The context manager does this at its end."""
        self._http.close()

    def __exit__(self, *_: object) -> None:
        self.close()


def _clock_ahead_s(response: httpx.Response, *, now: datetime) -> float:
    """Returns by how many seconds our clock is ahead of the response's `Date` header, or 0 if there is no such header."""
    try:
        return (now - parsedate_to_datetime(response.headers["Date"])).total_seconds()
    except (KeyError, ValueError, TypeError):
        return 0.0


def _batches(events: Iterable[CloudEvent]) -> Iterator[list[tuple[str, bytes]]]:
    """Yields the ids and encoded events of each call, within the bounds. An event above `CALL_BYTES_MAX` gets its own call."""
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
