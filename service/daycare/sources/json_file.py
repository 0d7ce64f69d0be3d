"""Reads JSON files as people save them: one response of a system, a list of responses, or a list of records.

Owns the reasons for refusing a whole file, and the names of places in a file. Knows no source: an argument states the paths of
the lists of records in a response.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, Never

import msgspec

from events.errors import BodyMalformed, BodyTooDeep, DuplicateKey, FieldInvalid
from events.json_checks import joined, refuse_duplicate_keys
from events.wire import bare_quotes
from service.daycare.sources.file_text import UTF_8_MARK, printable, text_of
from service.daycare.sources.reading import RECORDS_MAX, RawRecord

DEPTH_MAX: Final = 64
"""Bound on the nesting of objects and lists. Known responses are about 10 levels deep."""

EVERY_KEY: Final = "*"
"""The part of a path that matches every key of an object."""

Path = tuple[str, ...]


def records_in(body: bytes, *, lists: tuple[Path, ...]) -> tuple[RawRecord, ...]:
    """Returns the records of a file, each with its place in the file, in the file's order.

    `lists` are the paths of the lists of records in a response. A path consists of keys, from the outermost to the innermost key.

    Raises:
        BodyMalformed, DuplicateKey, BodyTooDeep: The file is not strict JSON.
        FieldInvalid: A response has no such list, or the file has more than 20,000 records.
    """
    found: list[RawRecord] = []
    for one in _found(decoded(body), lists):
        if len(found) == RECORDS_MAX:
            raise FieldInvalid(f"A file holds at most {RECORDS_MAX} records.", at=one.at)
        found.append(one)
    return tuple(found)


def decoded(body: bytes) -> Any:
    """Decodes strict JSON. Keeps a text with a lone surrogate as it is, so that only the record with that text is refused later.

    Raises:
        BodyMalformed, DuplicateKey, BodyTooDeep: The file is not strict JSON.
    """
    text = text_of(body)
    try:
        value = _decoded_strictly(body.removeprefix(UTF_8_MARK))
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = _decoded_with_surrogates(text)
    _refuse_depth(value)
    return value


def _decoded_strictly(body: bytes) -> Any:
    try:
        value = msgspec.json.decode(body)
        # The decoder keeps the last of two equal keys: `staff_only` true, and then false, would be read as false.
        if bare_quotes(body) != bare_quotes(msgspec.json.encode(value)):
            refuse_duplicate_keys(body)
    except RecursionError:
        raise _too_deep() from None
    return value


def _decoded_with_surrogates(text: str) -> Any:
    """Decodes a file that the strict decoder refused, for example because of a lone surrogate.

    Is slower than the strict decoder.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        refuse_duplicate_keys(text.encode(errors="surrogatepass"))
    except RecursionError:
        raise _too_deep() from None
    except DuplicateKey as refusal:
        raise DuplicateKey(printable(refusal.detail), at=printable(refusal.at or "") or None) from None
    except json.JSONDecodeError as error:
        raise BodyMalformed(f"The file is not JSON: {error.msg}.", at=f"line {error.lineno}, column {error.colno}") from None
    except ValueError:  # a number of thousands of digits
        raise BodyMalformed("The file holds a value that cannot be read.") from None
    return value


def _refuse_constant(name: str) -> Never:
    raise BodyMalformed(f"The file holds {name}, which JSON does not know: write null in its place, and import that file.")


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEPTH_MAX + 1):
        level = [inner for one in level for inner in _within(one)]
        if not level:
            return
    raise _too_deep()


def _within(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep() -> BodyTooDeep:
    return BodyTooDeep(f"Objects and lists of a file nest at most {DEPTH_MAX} deep.")


def _found(value: Any, lists: tuple[Path, ...]) -> Iterator[RawRecord]:
    match value:
        case dict():
            if not _is_response(value, lists):
                raise FieldInvalid("This is no answer of that system: it has no list of records.", at=".".join(lists[0]))
            yield from _in_response(value, "", lists)
        case list():
            for index, one in enumerate(value):
                if _is_response(one, lists):
                    yield from _in_response(one, f"[{index}]", lists)
                else:
                    yield RawRecord(f"[{index}]", one)
        case _:
            raise FieldInvalid("A file is an answer of the system, or a list of answers or of records.", at=None)


def _is_response(value: Any, lists: tuple[Path, ...]) -> bool:
    """Returns whether a value is a response that contains lists of records. Otherwise the value is itself a record."""
    for path in lists:
        fixed = path[: path.index(EVERY_KEY)] if EVERY_KEY in path else path
        inner = value
        for key in fixed:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, list if fixed == path else dict):
            return True
    return False


def _in_response(response: dict[str, Any], at: str, lists: tuple[Path, ...]) -> Iterator[RawRecord]:
    for path in lists:
        for place, listed in _listed(response, at, path):
            for index, one in enumerate(listed):
                yield RawRecord(f"{place}[{index}]", one)


def _listed(value: Any, at: str, path: Path) -> Iterator[tuple[str, list[Any]]]:
    if not path and isinstance(value, list):
        yield at, value
    elif path and isinstance(value, dict):
        for key in value if path[0] == EVERY_KEY else [path[0]] if path[0] in value else []:
            yield from _listed(value[key], joined(at, printable(key)), path[1:])
