"""Serves the routes that pair another device of a person, and that revoke a device."""

from typing import Final

from litestar import Response, delete, post

from events.ids import DeviceId, PersonId
from service.access.decide import PAIR_CODE_LIVES
from service.access.errors import CodeUnusable, TooMany
from service.access.founding import QUERIES, add_device
from service.access.guard import hash_of, new_code
from service.access.shapes import PairCode, PairDevice, Paired
from service.http.endpoint import CallerKind, Endpoint
from service.http.problems import NotFound
from service.http.rate_limit import Kind
from service.http.request import RouteRequest, nothing

MAKE_CODE = Endpoint(
    summary="Make a code for a second device of the same person. It works once, within ten minutes, and replaces the last one",
    caller=CallerKind.DEVICE, kind=Kind.ACCESS, status=201, response=PairCode,
)  # fmt: skip
PAIR = Endpoint(
    summary="Become a second device of the person who made the code",
    caller=CallerKind.ANYONE, kind=Kind.ACCESS, status=201, request=PairDevice, response=Paired, errors=(CodeUnusable, TooMany),
)  # fmt: skip
REVOKE = Endpoint(
    summary="Revoke a device of one's own; its streams end within a second",
    caller=CallerKind.DEVICE, kind=Kind.ACCESS, status=204,
)  # fmt: skip


@post("/v1/devices/pair-codes", opt=MAKE_CODE.opt())
async def make_code(request: RouteRequest) -> Response[bytes]:
    """Makes a pair code. A person has only one valid pair code at a time: a new code replaces the previous code."""
    code, person = new_code(), request.device.person
    async with request.runtime.log.transaction() as transaction:
        expires_at = transaction.now + PAIR_CODE_LIVES
        await transaction.conn.execute(QUERIES.drop_pair_codes, person)
        await transaction.conn.execute(QUERIES.add_pair_code, hash_of(code), person, expires_at)
    return request.answer(PairCode(code=code, expires_at=expires_at), status=201)


@post("/v1/devices/pair", opt=PAIR.opt())
async def pair(request: RouteRequest) -> Response[bytes]:
    """Adds a device to the person who made the code. The code alone identifies the person; a token is ignored."""
    body = await request.read(PairDevice)
    async with request.runtime.log.transaction() as transaction:
        person = await transaction.conn.fetchval(QUERIES.use_pair_code, hash_of(body.code), transaction.now)
        if person is None:
            raise CodeUnusable
        device, token = await add_device(transaction, PersonId(person), body.device.name)
    return request.answer(Paired(device=device, token=token), status=201)


@delete("/v1/devices/{device:uuid}", status_code=204, opt=REVOKE.opt())
async def revoke(request: RouteRequest) -> Response[None]:
    """Revokes a device. This process refuses the device's token at once. Other processes refuse it within half a second."""
    device = DeviceId(request.ids["device"])
    found = await request.runtime.pool.fetchval(QUERIES.revoke_device, device, request.device.person, request.runtime.now())
    if found is None:
        raise NotFound
    request.runtime.guard.forget()
    request.runtime.notifier.devices_revoked((device,))
    return nothing()


ROUTES: Final = (make_code, pair, revoke)
