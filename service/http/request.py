"""Gives routes typed access to the caller, the runtime, the strict body and query, and the negotiated response.

Owns no state: reads from the scope what the gateway has put into it.
"""

from typing import Any, TypeVar, cast
from uuid import UUID

from litestar import Request, Response
from litestar.datastructures import State

from service.access.guard import Caller, Membership
from service.http import body
from service.http.asgi import Scope
from service.runtime import Runtime

Shape = TypeVar("Shape")


class RouteRequest(Request[Any, Any, State]):
    """The request that a route receives. The gateway has put `runtime`, `caller` and `ids` into the scope."""

    @property
    def asgi(self) -> Scope:
        """Returns the scope with the type of plain ASGI. The type that litestar gives it has only litestar's own keys."""
        return cast(Scope, self.scope)

    @property
    def runtime(self) -> Runtime:
        """The parts of this process."""
        found: Runtime = self.asgi["runtime"]
        return found

    @property
    def caller(self) -> Caller | None:
        """The calling device, or None if the route needs no token and the request has none."""
        found: Caller | None = self.asgi["caller"]
        return found

    @property
    def device(self) -> Caller:
        """The calling device, on a route that accepts only devices."""
        assert isinstance(self.caller, Caller), "the route declares CallerKind.DEVICE"
        return self.caller

    @property
    def member(self) -> Membership:
        """The calling member, on a route of a family."""
        found = self.asgi["caller"]
        assert isinstance(found, Membership), "the route declares CallerKind.MEMBER"
        return found

    @property
    def ids(self) -> dict[str, UUID]:
        """The ids in the path, by name."""
        found: dict[str, UUID] = self.asgi["ids"]
        return found

    async def read(self, shape: type[Shape]) -> Shape:
        """Reads the body strictly, as one value of `shape`. Raises Refused if the body is wrong."""
        return await body.read(self.asgi, self.receive, shape)

    def read_query(self, shape: type[Shape]) -> Shape:
        """Reads the query as one value of `shape`. Raises FieldInvalid if a name is unknown or repeated, or a value is wrong."""
        return body.query_of(self.asgi, shape)

    def answer(self, value: Any, *, status: int = 200) -> Response[bytes]:
        """Returns a response in the encoding that the caller prefers."""
        media_type = body.media_type_of(self.asgi)
        return Response(
            body.encode(value, media_type), status_code=status, media_type=media_type, headers={"Vary": "Accept"}
        )


def nothing() -> Response[None]:
    """Returns an empty response with status 204."""
    return Response(None, status_code=204)
