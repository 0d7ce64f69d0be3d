"""Implements a device in Python: it records events while offline, and keeps a copy of its member's feed.

Owns the device's side of the protocol: a durable outbox, a mirror of the feed, and the retries of requests. Does not import
`service`.

>>> device = Device.open("ada.device")                                        # doctest: +SKIP
>>> device.record({"type": "NoteWritten", "child": child, "text": "Slept!"})  # doctest: +SKIP
>>> await device.sync()                                                       # doctest: +SKIP
"""

from client.backoff import Backoff
from client.device import Device
from client.environment import World
from client.errors import (
    AlreadyPaired,
    AnsweredByIntermediary,
    DeviceError,
    DeviceRevoked,
    DraftIdReused,
    DraftTooLarge,
    FeedAhead,
    FeedDiverged,
    LogChanged,
    NaiveTime,
    NotPaired,
    RefusedByService,
    ServiceMisspoke,
    ServiceUnreachable,
)
from client.outbox import Authored
from client.responses import FeedEntry, Page, Problem, Receipt
from client.store import Identity

__all__ = [
    "AlreadyPaired",
    "AnsweredByIntermediary",
    "Authored",
    "Backoff",
    "Device",
    "DeviceError",
    "DeviceRevoked",
    "DraftIdReused",
    "DraftTooLarge",
    "FeedAhead",
    "FeedDiverged",
    "FeedEntry",
    "Identity",
    "LogChanged",
    "NaiveTime",
    "NotPaired",
    "Page",
    "Problem",
    "Receipt",
    "RefusedByService",
    "ServiceMisspoke",
    "ServiceUnreachable",
    "World",
]
