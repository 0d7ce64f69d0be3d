"""daycare: a daycare's system posts 500 signed events for 60 families in one call, while four other families push on.

A key that serves many families, each child linked by a parent's code. Aimed at: an answer within 400 ms, and the other families'
pushes at most twice as slow meanwhile as they are alone, in the same run. The others push one draft a request, each device again
a tenth of a second after its answer; the daycare posts again as soon as it has its answer. Owns the calls.
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

from benchmarks.crew import Device, Family, crew, found_many
from benchmarks.figures import Figure, against_limit, at_most, fact, ms, percentile
from benchmarks.line import Address, Line, WrongAnswer, ask_json, request
from benchmarks.processes import stillnew
from benchmarks.size import Size

NAME = "daycare"
FAMILIES = 60
EVENTS = 500
CALLS_A_ROUND = 6
ACKNOWLEDGED_MS_MAX = 400.0
SLOWER_MAX = 2.0
PAUSE_S = 0.1
TOLD = ("She took her first steps today!", "He clapped his hands at lunch.", "Said her first word: ball.")
"""One in ten of the notes tells of a milestone: more than any daycare's do."""
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
"""Two to a note. In half of the notes there is something that might be a cue, so that they are read word by word."""


async def measure(size: Size) -> list[Figure]:
    """How long a call takes, and how long the others' pushes take with and without it."""
    families, events = (FAMILIES, EVENTS) if size.rounds > 1 else (4, 20)
    async with stillnew() as service:
        key = await _linked(service.address, await found_many(service.address, count=families, seeds=0))
        devices = await crew(service.address, families=await found_many(service.address, count=size.families))
        line = await Line.open(service.address)
        calls_s: list[float] = []
        alone_s: list[float] = []
        meanwhile_s: list[float] = []
        await _post(line, key, families=families, events=events)
        for _ in range(size.rounds):
            alone_s.append(percentile(await _pushes(devices, until=_waited(size.round_s)), 0.5))
            took: list[float] = []
            calls = _posts(line, key, took, families=families, events=events, calls=CALLS_A_ROUND)
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
    """A key for many families, and one child of each linked to it by a code."""
    line = await Line.open(address)
    made = await ask_json(line, "POST", "/v1/daycares", said={"name": "Ducklings"})
    key = str(made["key_id"]), b64decode(str(made["secret"]).removeprefix("whsec_"))
    for number, family in enumerate(families):
        path, token = f"/v1/families/{family.family}/daycare-codes", family.token_by_member["mother"]
        code = await ask_json(line, "POST", path, token=token, said={"child": family.child})
        await _call(line, key, "links", {"code": code["code"], "reference": f"kid-{number}"}, kind="application/json")
    line.close()
    return key


async def _posts(line: Line, key: tuple[str, bytes], took: list[float], *, families: int, events: int, calls: int) -> None:
    took += [await _post(line, key, families=families, events=events) for _ in range(calls)]


async def _post(line: Line, key: tuple[str, bytes], *, families: int, events: int) -> float:
    """Post new events; the seconds to the answer.

    Raises:
        WrongAnswer: not all of them are recorded.
    """
    said = [_event(number, f"kid-{number % families}") for number in range(events)]
    began = time.perf_counter()
    answer = await _call(line, key, "events", said, kind="application/cloudevents-batch+json")
    took = time.perf_counter() - began
    if answer.body.count(b'"recorded"') != events:
        raise WrongAnswer(answer)
    return took


def _event(number: int, child: str) -> dict[str, Any]:
    text = f"{EVERYDAY[number % len(EVERYDAY)]} {EVERYDAY[number // 3 % len(EVERYDAY)]}"
    text = f"{TOLD[number % len(TOLD)]} {text}" if number % 10 == 0 else text
    return {
        "specversion": "1.0", "id": str(uuid4()), "source": "https://ducklings.example", "type": "org.stillnew.NoteWritten.v1",
        "subject": child, "time": "2026-03-02T09:00:00+01:00", "data": {"text": text},
    }  # fmt: skip


async def _call(line: Line, key: tuple[str, bytes], path: str, said: Any, *, kind: str) -> Any:
    body, call, at = msgspec.json.encode(said), str(uuid4()), str(int(time.time()))
    digest = b64encode(hmac.new(key[1], f"{call}.{at}.".encode() + body, sha256).digest()).decode()
    more = f"webhook-id: {call}\r\nwebhook-timestamp: {at}\r\nwebhook-signature: v1,{digest}\r\n"
    question = request("POST", f"/v1/daycare/{path}?key={key[0]}", body=body, more=more)
    answer = await line.ask(question.replace(b"Content-Type: application/json", f"Content-Type: {kind}".encode()))
    if answer.status != 200:
        raise WrongAnswer(answer)
    return answer


async def _waited(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def _pushes(devices: Sequence[Device], *, until: Any) -> list[float]:
    """Let every device push now and then until something is over; how long each push took, in seconds."""
    over = asyncio.ensure_future(until)
    took: list[float] = []

    async def push(device: Device) -> None:
        while not over.done():
            began = time.perf_counter()
            answer = await device.line.ask(device.question(count=1))
            took.append(time.perf_counter() - began)
            if answer.body.count(b'"recorded"') != 1:
                raise WrongAnswer(answer)
            await asyncio.sleep(PAUSE_S)

    await asyncio.gather(*map(push, devices))
    await over
    return took
