"""Measures the workload `daycare`: a daycare posts 500 signed events for 60 families in one call, while other families push.

One key serves all 60 families, whose parents have linked the children by codes. The first aim: the daycare gets its response
within 400 ms. The second aim: pushes of four other families take at most twice as long as without the daycare. Each device of
these four families pushes one draft per request, and pauses for a tenth of a second after each response. The daycare posts again
as soon as it has its response. Owns the calls.
"""

import asyncio
import hmac
import time
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from uuid import uuid4

import msgspec

from benchmarks.connection import Address, Connection, WrongAnswer, ask_json, request
from benchmarks.crew import Device, Family, crew, found_many
from benchmarks.figures import Figure, against_limit, at_most, fact, ms, percentile
from benchmarks.processes import stillnew
from benchmarks.size import Size

NAME = "daycare"
FAMILIES = 60
EVENTS = 500
CALLS_A_ROUND = 6
ACKNOWLEDGED_MS_MAX = 400.0
SLOWER_MAX = 2.0
PAUSE_S = 0.1
MILESTONE_NOTES = ("She took her first steps today!", "He clapped his hands at lunch.", "Said her first word: ball.")
"""Sentences about milestones. One note in ten has such a sentence, which is more often than in a real daycare's notes."""
EVERYDAY = (
    "Ate all of her pasta and asked for more peas.", "Slept from 12:10 to 13:45, woke up happy.", "Wet diaper at 10:15.",
    "We painted with sponges in the garden today.", "Please bring more diapers and wipes tomorrow.",
    "Drank 120 ml of milk at 9:30.", "He was in a great mood this morning and played with the blocks.",
    "Outdoor time: sandbox and slides.", "She had a little fall on the playground; ice pack, all good.",
    "Circle time: we sang the weather song and read about caterpillars.", "Took a short nap in the stroller on our walk.",
    "Happy all day, lots of smiles!", "Snack: apple slices, crackers, water. Ate some.",
    "He needed a lot of cuddles after drop off but settled well.", "Temperature 37.2, a bit tired in the afternoon.",
    "We celebrated Noah's birthday with a fruit cake.", "Loved the water table; went home in spare clothes.",
)  # fmt: skip
"""Everyday sentences, two in each note. Half of the notes contain a word that may mean a milestone, so they are read in full."""


async def measure(size: Size) -> list[Figure]:
    """Measures the duration of a call, and of the other families' pushes with and without the calls."""
    families, events = (FAMILIES, EVENTS) if size.rounds > 1 else (4, 20)
    async with stillnew() as service:
        key = await _linked(service.address, await found_many(service.address, count=families, seeds=0))
        devices = await crew(service.address, families=await found_many(service.address, count=size.families))
        connection = await Connection.open(service.address)
        calls_s: list[float] = []
        alone_s: list[float] = []
        meanwhile_s: list[float] = []
        await _post(connection, key, families=families, events=events)
        for _ in range(size.rounds):
            alone_s.append(percentile(await _pushes(devices, until=_waited(size.round_s)), 0.5))
            took: list[float] = []
            calls = _posts(connection, key, took, families=families, events=events, calls=CALLS_A_ROUND)
            meanwhile_s.append(percentile(await _pushes(devices, until=calls), 0.5))
            calls_s.append(percentile(took, 0.5))
    what = f"{events} events for {families} families in a call"
    return [
        at_most(workload=NAME, what="a call, p50", unit="ms", runs=[ms(took) for took in calls_s],
                aimed=ACKNOWLEDGED_MS_MAX, detail=what),
        against_limit(
            workload=NAME, what="pushes a second that one of the others could send", unit="/s",
            runs=[1 / took for took in meanwhile_s], limit_name="without the daycare", limit_runs=[1 / took for took in alone_s],
            aimed_ratio=1 / SLOWER_MAX, detail=f"by the median of {len(devices)} devices of {size.families} families",
        ),
        fact(workload=NAME, what="a push meanwhile, p50", unit="ms", runs=[ms(took) for took in meanwhile_s]),
    ]  # fmt: skip


async def _linked(address: Address, families: Sequence[Family]) -> tuple[str, bytes]:
    """Makes a daycare's key, and links one child of each family to the key by a parent's code."""
    connection = await Connection.open(address)
    made = await ask_json(connection, "POST", "/v1/daycares", json={"name": "Ducklings"})
    key = str(made["key_id"]), b64decode(str(made["secret"]).removeprefix("whsec_"))
    for number, family in enumerate(families):
        path, token = f"/v1/families/{family.family}/daycare-codes", family.token_by_member["mother"]
        code = await ask_json(connection, "POST", path, token=token, json={"child": family.child})
        await _call(connection, key, "links", {"code": code["code"], "reference": f"kid-{number}"}, kind="application/json")
    connection.close()
    return key


async def _posts(
    connection: Connection, key: tuple[str, bytes], took: list[float], *, families: int, events: int, calls: int
) -> None:
    took += [await _post(connection, key, families=families, events=events) for _ in range(calls)]


async def _post(connection: Connection, key: tuple[str, bytes], *, families: int, events: int) -> float:
    """Posts new events, and returns the seconds to the response.

    Raises:
        WrongAnswer: not all events are recorded.
    """
    events_sent = [_event(number, f"kid-{number % families}") for number in range(events)]
    began = time.perf_counter()
    answer = await _call(connection, key, "events", events_sent, kind="application/cloudevents-batch+json")
    took = time.perf_counter() - began
    if answer.body.count(b'"recorded"') != events:
        raise WrongAnswer(answer)
    return took


def _event(number: int, child: str) -> dict[str, Any]:
    text = f"{EVERYDAY[number % len(EVERYDAY)]} {EVERYDAY[number // 3 % len(EVERYDAY)]}"
    text = f"{MILESTONE_NOTES[number % len(MILESTONE_NOTES)]} {text}" if number % 10 == 0 else text
    return {
        "specversion": "1.0", "id": str(uuid4()), "source": "https://ducklings.example", "type": "org.stillnew.NoteWritten.v1",
        "subject": child, "time": "2026-03-02T09:00:00+01:00", "data": {"text": text},
    }  # fmt: skip


async def _call(connection: Connection, key: tuple[str, bytes], path: str, content: Any, *, kind: str) -> Any:
    body, call, at = msgspec.json.encode(content), str(uuid4()), str(int(time.time()))
    digest = b64encode(hmac.new(key[1], f"{call}.{at}.".encode() + body, sha256).digest()).decode()
    more = f"webhook-id: {call}\r\nwebhook-timestamp: {at}\r\nwebhook-signature: v1,{digest}\r\n"
    signed = request("POST", f"/v1/daycare/{path}?key={key[0]}", body=body, more=more)
    answer = await connection.ask(signed.replace(b"Content-Type: application/json", f"Content-Type: {kind}".encode()))
    if answer.status != 200:
        raise WrongAnswer(answer)
    return answer


async def _waited(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def _pushes(devices: Sequence[Device], *, until: Any) -> list[float]:
    """Lets every device push, with pauses of `PAUSE_S`, until `until` is done. Returns the seconds of each push."""
    over = asyncio.ensure_future(until)
    took: list[float] = []

    async def push(device: Device) -> None:
        while not over.done():
            began = time.perf_counter()
            answer = await device.connection.ask(device.request(count=1))
            took.append(time.perf_counter() - began)
            if answer.body.count(b'"recorded"') != 1:
                raise WrongAnswer(answer)
            await asyncio.sleep(PAUSE_S)

    await asyncio.gather(*map(push, devices))
    await over
    return took
