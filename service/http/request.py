"""Gives routes typed access to the caller, the runtime, the strict body and query, and the negotiated response.

Owns no state: connects what the gateway put into the scope with the framework's request.
"""

from typing import Any, TypeVar
from uuid import UUID

from litestar import Request, Response
from litestar.datastructures import State

from service.access.guard import Caller, Membership
from service.http import body
from service.runtime import Runtime

Shape = TypeVar("Shape")


class RouteRequest(Request[Any, Any, State]):
    """The request that a route receives. The gateway has put `runtime`, `caller` and `ids` into the scope."""

    @property
    def runtime(self) -> Runtime:
        """Returns the parts of this process."""
        found: Runtime = self.scope["runtime"]  # type: ignore[typeddict-item]
        return found

    @property
    def caller(self) -> Caller | None:
        """Returns the calling device; None if the route needs no token and none was sent."""
        found: Caller | None = self.scope["caller"]  # type: ignore[typeddict-item]
        return found

    @property
    def device(self) -> Caller:
        """Returns the calling device, on a route that accepts only devices."""
        assert isinstance(self.caller, Caller), "the route declares CallerKind.DEVICE"
        return self.caller

    @property
    def member(self) -> Membership:
        """Returns the calling member, on a route of a family."""
        found = self.scope["caller"]  # type: ignore[typeddict-item]
        assert isinstance(found, Membership), "the route declares CallerKind.MEMBER"
        return found

    @property
    def ids(self) -> dict[str, UUID]:
        """Returns the ids in the path, by name."""
        found: dict[str, UUID] = self.scope["ids"]  # type: ignore[typeddict-item]
        return found

    async def read(self, shape: type[Shape]) -> Shape:
        """Reads the body strictly. Raises Refused."""
        return await body.read(self.scope, self.receive, shape)  # type: ignore[arg-type]

    def read_query(self, shape: type[Shape]) -> Shape:
        """Reads the query as one value: each name once, and no unknown name. Raises FieldInvalid."""
        return body.query_of(self.scope, shape)  # type: ignore[arg-type]

    def answer(self, value: Any, *, status: int = 200) -> Response[bytes]:
        """Returns a response in the encoding that the caller prefers."""
        media_type = body.media_type_of(self.scope)  # type: ignore[arg-type]
        return Response(
            body.encode(value, media_type), status_code=status, media_type=media_type, headers={"Vary": "Accept"}
        )


def nothing() -> Response[None]:
    """Returns an empty response with status 204."""
    return Response(None, status_code=204)
