"""Measures the workload `append single`: 16 devices of four families push one draft per request, in a closed loop.

The figures are compared with a limit: a bare litestar handler that decodes the same bodies and sends receipts. It runs with the
same settings of uvicorn and gets the same load. The service also authorises, deduplicates, orders, stores durably, and delivers
to each member's feed.
"""

from collections.abc import Callable, Sequence

from benchmarks.closed_loop import Tally, drive
from benchmarks.connection import Answer, Connection, head
from benchmarks.crew import Device, crew, found_many
from benchmarks.figures import Figure, against_limit, fact, ms, percentile
from benchmarks.mix import push_body
from benchmarks.postgres_alone import ONE_ROW, fsynced_insert_ms
from benchmarks.processes import bare_app, stillnew
from benchmarks.size import CREW, Size

NAME = "append single"
DRAFTS_READY_PER_S = 400
"""The number of drafts that are encoded before a round, per device and second of the round: more than any machine records."""


async def measure(size: Size) -> list[Figure]:
    """Measures requests per second and the duration of a request, of the service and of the bare handler."""
    async with stillnew() as service, bare_app() as bare:
        families = await found_many(service.address, count=size.families)
        devices = await crew(service.address, families=families)
        bare_connections = [await Connection.open(bare.address) for _ in devices]
        of_bare: list[Tally] = []
        of_service: list[Tally] = []
        cpu_us: list[float] = []
        await _round_of_bare(devices, bare_connections, seconds=size.warm_up_s)
        await push_singly(devices, seconds=size.warm_up_s)
        for _ in range(size.rounds):
            of_bare.append(await _round_of_bare(devices, bare_connections, seconds=size.round_s))
            before = service.cpu_s
            of_service.append(await push_singly(devices, seconds=size.round_s))
            cpu_us.append((service.cpu_s - before) / len(of_service[-1].latencies_s) * 1e6)
        insert_ms = await fsynced_insert_ms(service.database_url, inserts=20 if size.rounds == 1 else 300)
    return [
        against_limit(
            workload=NAME, what="requests/s", unit="/s", runs=[tally.per_s for tally in of_service],
            limit_name="bare litestar handler", limit_runs=[tally.per_s for tally in of_bare], aimed_ratio=0.5,
            detail=f"{CREW}, closed loop",
        ),
        *_latencies("request", of_service, limit_name="bare litestar handler", of_limit=of_bare),
        fact(workload=NAME, what="CPU of the service a request", unit="µs", runs=cpu_us, detail="Postgres not counted"),
        fact(workload=NAME, what="one row inserted and committed", unit="ms", runs=[insert_ms], detail=ONE_ROW),
    ]


def _latencies(what: str, tallies: Sequence[Tally], *, limit_name: str, of_limit: Sequence[Tally]) -> list[Figure]:
    return [
        against_limit(
            workload=NAME, what=f"{what} p{share * 100:.0f}", unit="ms",
            runs=[ms(percentile(tally.latencies_s, share)) for tally in tallies],
            limit_name=limit_name, limit_runs=[ms(percentile(tally.latencies_s, share)) for tally in of_limit],
        )
        for share in (0.5, 0.99)
    ]


async def push_singly(devices: Sequence[Device], *, seconds: float) -> Tally:
    """Lets every device push one draft per request, for `seconds` seconds."""
    _prepare(devices, seconds=seconds)

    def requests_of(device: Device) -> Callable[[], bytes]:
        return lambda: device.request(count=1)

    connections = [device.connection for device in devices]
    return await drive(connections, [requests_of(device) for device in devices], seconds=seconds, is_right=_is_one_recorded)


async def _round_of_bare(devices: Sequence[Device], connections: Sequence[Connection], *, seconds: float) -> Tally:
    """Sends the same kind of drafts to the bare handler, with the same load generator. The bare handler ignores the token."""
    _prepare(devices, seconds=seconds)

    def requests_of(device: Device) -> Callable[[], bytes]:
        def next_request() -> bytes:
            body = push_body([device.drafts.take()])
            return head("POST", "/events", token=device.token, length=len(body)) + body

        return next_request

    return await drive(connections, [requests_of(device) for device in devices], seconds=seconds, is_right=_is_one_recorded)


def _prepare(devices: Sequence[Device], *, seconds: float) -> None:
    for device in devices:
        device.drafts.prepare(int(seconds * DRAFTS_READY_PER_S))


def _is_one_recorded(answer: Answer) -> bool:
    return answer.status == 200 and answer.body.count(b'"recorded"') == 1
