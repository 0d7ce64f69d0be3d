"""Makes the requests that read one path, from a short notation: a method, perhaps with a query, and headers."""

from collections.abc import Callable, Iterable
from datetime import timedelta

from tests.worlds.view import ABSENT, View
from tests.worlds.wire import Request

Read = Callable[[View], list[Request]]


def read(path: str, always: Iterable[str] = (), by_turns: tuple[str, ...] = (), count: int = 1, seldom: str = "") -> Read:
    """Returns the requests to one path: some always, `count` of others by turns, one `seldom`.

    Each is a method, perhaps with a query, and headers: `GET?limit=1; Range: bytes=0-10`. Names in braces are those of `_values`.
    """

    def requests(view: View) -> list[Request]:
        # Of the operations in `BY_TURNS`, each is tried with every fifth probe.
        asks = [*always, *view.by_turns(by_turns, count if by_turns else 0)]
        if seldom and (view.whole or view.probe // 5 % 8 == 0):
            asks.append(seldom)
        return [_request(view, path, ask) for ask in asks]

    return requests


def _request(view: View, path: str, ask: str) -> Request:
    line, *headers = ask.format_map(_values(view)).split("; ")
    method, mark, query = line.partition("?")
    return view.get(path + mark + query, *headers, method=method)


def _values(view: View) -> dict[str, object]:
    minutes_ago = {f"ago_{minutes}": view.now - timedelta(minutes=minutes) for minutes in (0, 10, 30, 60)}
    times = {name: f"{moment:%Y-%m-%dT%H:%M:%SZ}" for name, moment in minutes_ago.items()}
    places = {"place": view.place, "size": max(view.place, 1), "next": view.place + 1, "beyond": view.place + 7}
    since = f"{view.now:%a, %d %b %Y %H:%M:%S GMT}"
    return {"absent": ABSENT, "since": since, **places, **times, **view.household.children}
