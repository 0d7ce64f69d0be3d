"""Pairs a person's second device and revokes one. Owns the routes and the life of pair codes."""

from typing import Final

from litestar import Response, delete, post

from events.ids import DeviceId, PersonId
from service.access.decide import PAIR_CODE_LIVES
from service.access.errors import CodeUnusable, TooMany
from service.access.founding import QUERIES, add_device
from service.access.shapes import PairCode, PairDevice, Paired
from service.access.tokens import hash_of, new_code
from service.asking import Asked, nothing
from service.errors import NotFound
from service.limits import Kind
from service.says import Says, Who

MAKE_CODE = Says(
    summary="Make a code for a second device of the same person. It works once, within ten minutes, and replaces the last one",
    who=Who.DEVICE, kind=Kind.ACCESS, status=201, answers=PairCode,
)  # fmt: skip
PAIR = Says(
    summary="Become a second device of the person who made the code",
    who=Who.ANYONE, kind=Kind.ACCESS, status=201, takes=PairDevice, answers=Paired, refuses=(CodeUnusable, TooMany),
)  # fmt: skip
REVOKE = Says(
    summary="Revoke a device of one's own; its streams end within a second", who=Who.DEVICE, kind=Kind.ACCESS, status=204,
)  # fmt: skip


@post("/v1/devices/pair-codes", opt=MAKE_CODE.opt())
async def make_code(request: Asked) -> Response[bytes]:
    """One code a person at a time: no heap of live codes."""
    code, person = new_code(), request.device.person
    async with request.house.log.transaction() as writing:
        expires_at = writing.now + PAIR_CODE_LIVES
        await writing.conn.execute(QUERIES.drop_pair_codes, person)
        await writing.conn.execute(QUERIES.add_pair_code, hash_of(code), person, expires_at)
    return request.answer(PairCode(code=code, expires_at=expires_at), status=201)


@post("/v1/devices/pair", opt=PAIR.opt())
async def pair(request: Asked) -> Response[bytes]:
    """The code stands for the person; a token is neither needed nor looked at."""
    asked = await request.read(PairDevice)
    async with request.house.log.transaction() as writing:
        person = await writing.conn.fetchval(QUERIES.use_pair_code, hash_of(asked.code), writing.now)
        if person is None:
            raise CodeUnusable
        device, token = await add_device(writing, PersonId(person), asked.device.name)
    return request.answer(Paired(device=device, token=token), status=201)


@delete("/v1/devices/{device:uuid}", status_code=204, opt=REVOKE.opt())
async def revoke(request: Asked) -> Response[None]:
    """The token is dead when this is answered; other processes notice within half a second, without being told."""
    device = DeviceId(request.ids["device"])
    found = await request.house.pool.fetchval(QUERIES.revoke_device, device, request.device.person, request.house.now())
    if found is None:
        raise NotFound
    request.house.guard.forget()
    request.house.wake.devices_revoked((device,))
    return nothing()


ROUTES: Final = (make_code, pair, revoke)
