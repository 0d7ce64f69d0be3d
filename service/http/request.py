"""A request as routes see it: who asks, the parts of the house, a strict body, a negotiated answer.

Owns nothing; binds the front's findings to the framework's request.
"""

from typing import Any, TypeVar
from uuid import UUID

from litestar import Request, Response
from litestar.datastructures import State

from service.access.guard import Caller, Membership
from service.http import body, response
from service.runtime import Runtime

Shape = TypeVar("Shape")


class RouteRequest(Request[Any, Any, State]):
    """What a route is handed. The front has put `runtime`, `caller` and `ids` into the scope."""

    @property
    def runtime(self) -> Runtime:
        """The parts of this process."""
        found: Runtime = self.scope["runtime"]  # type: ignore[typeddict-item]
        return found

    @property
    def caller(self) -> Caller | None:
        """Which device asks; None where a route answers anyone, and nobody in particular asked."""
        found: Caller | None = self.scope["caller"]  # type: ignore[typeddict-item]
        return found

    @property
    def device(self) -> Caller:
        """Which device asks, on a route that only devices may ask."""
        assert isinstance(self.caller, Caller), "the route says Who.DEVICE"
        return self.caller

    @property
    def member(self) -> Membership:
        """Which member asks, on a route of a family."""
        found = self.scope["caller"]  # type: ignore[typeddict-item]
        assert isinstance(found, Membership), "the route says Who.MEMBER"
        return found

    @property
    def ids(self) -> dict[str, UUID]:
        """The ids of the path, by name."""
        found: dict[str, UUID] = self.scope["ids"]  # type: ignore[typeddict-item]
        return found

    async def read(self, shape: type[Shape]) -> Shape:
        """The body, strictly. Raises Refused."""
        return await body.read(self.scope, self.receive, shape)  # type: ignore[arg-type]

    def asked_for(self, shape: type[Shape]) -> Shape:
        """The query as one value: each name once, and none that the route does not know. Raises FieldInvalid."""
        return body.query_of(self.scope, shape)  # type: ignore[arg-type]

    def answer(self, value: Any, *, status: int = 200) -> Response[bytes]:
        """An answer in the encoding that the caller prefers."""
        media_type = response.media_type_of(self.scope)  # type: ignore[arg-type]
        return Response(
            response.encode(value, media_type), status_code=status, media_type=media_type, headers={"Vary": "Accept"}
        )


def nothing() -> Response[None]:
    """204: done, and nothing to say."""
    return Response(None, status_code=204)
