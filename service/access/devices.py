"""Pairs a person's second device and revokes one. Owns the routes and the life of pair codes."""

from typing import Final

from litestar import Response, delete, post

from events.ids import DeviceId, PersonId
from service.access.decide import PAIR_CODE_LIVES
from service.access.errors import CodeUnusable, TooMany
from service.access.founding import QUERIES, add_device
from service.access.shapes import PairCode, PairDevice, Paired
from service.access.tokens import hash_of, new_code
from service.http.endpoint import CallerKind, Endpoint
from service.http.problems import NotFound
from service.http.rate_limit import Kind
from service.http.request import RouteRequest, nothing

MAKE_CODE = Endpoint(
    summary="Make a code for a second device of the same person. It works once, within ten minutes, and replaces the last one",
    who=CallerKind.DEVICE, kind=Kind.ACCESS, status=201, answers=PairCode,
)  # fmt: skip
PAIR = Endpoint(
    summary="Become a second device of the person who made the code",
    who=CallerKind.ANYONE, kind=Kind.ACCESS, status=201, takes=PairDevice, answers=Paired, refuses=(CodeUnusable, TooMany),
)  # fmt: skip
REVOKE = Endpoint(
    summary="Revoke a device of one's own; its streams end within a second", who=CallerKind.DEVICE, kind=Kind.ACCESS, status=204,
)  # fmt: skip


@post("/v1/devices/pair-codes", opt=MAKE_CODE.opt())
async def make_code(request: RouteRequest) -> Response[bytes]:
    """One code a person at a time: no heap of live codes."""
    code, person = new_code(), request.device.person
    async with request.runtime.log.transaction() as writing:
        expires_at = writing.now + PAIR_CODE_LIVES
        await writing.conn.execute(QUERIES.drop_pair_codes, person)
        await writing.conn.execute(QUERIES.add_pair_code, hash_of(code), person, expires_at)
    return request.answer(PairCode(code=code, expires_at=expires_at), status=201)


@post("/v1/devices/pair", opt=PAIR.opt())
async def pair(request: RouteRequest) -> Response[bytes]:
    """The code stands for the person; a token is neither needed nor looked at."""
    asked = await request.read(PairDevice)
    async with request.runtime.log.transaction() as writing:
        person = await writing.conn.fetchval(QUERIES.use_pair_code, hash_of(asked.code), writing.now)
        if person is None:
            raise CodeUnusable
        device, token = await add_device(writing, PersonId(person), asked.device.name)
    return request.answer(Paired(device=device, token=token), status=201)


@delete("/v1/devices/{device:uuid}", status_code=204, opt=REVOKE.opt())
async def revoke(request: RouteRequest) -> Response[None]:
    """The token is dead when this is answered; other processes notice within half a second, without being told."""
    device = DeviceId(request.ids["device"])
    found = await request.runtime.pool.fetchval(QUERIES.revoke_device, device, request.device.person, request.runtime.now())
    if found is None:
        raise NotFound
    request.runtime.guard.forget()
    request.runtime.notifier.devices_revoked((device,))
    return nothing()


ROUTES: Final = (make_code, pair, revoke)
