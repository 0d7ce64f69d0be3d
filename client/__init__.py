"""A device in Python: it writes while offline, and keeps a mirror of what its member may know.

Owns the device's side of the wire: a durable outbox, a mirror of the feed, and the patience between them. Knows
the protocol and `events`, and nothing of `service`.

>>> device = Device.open("ada.device")                                        # doctest: +SKIP
>>> device.record({"type": "NoteWritten", "child": child, "text": "Slept!"})  # doctest: +SKIP
>>> await device.sync()                                                       # doctest: +SKIP
"""

from client.answers import FeedEntry, Page, Problem, Receipt
from client.backoff import Backoff
from client.device import Device
from client.environment import World
from client.errors import (
    AlreadyPaired,
    AnsweredByStranger,
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
from client.store import Identity

__all__ = [
    "AlreadyPaired",
    "AnsweredByStranger",
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
