"""Several writes in one round trip: statements of which none needs what another has done.

Postgres runs the parts of a WITH in one snapshot: two of them must not write the same row.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

Statement = tuple[str, Sequence[Any]]
"""A write that ends with a semicolon or without, and its arguments: columns of one length."""

Row = tuple[Any, ...]

ROWS_AT_ONCE: Final = 1_000
PARAMETER: Final = re.compile(r"\$(\d+)")


def of_rows(query: str, rows: Iterable[Row]) -> list[Statement]:
    """A query over rows, each column an argument; none where there are no rows."""
    columns = list(zip(*rows, strict=True))
    return [(query, columns)] if columns else []


async def together(connection: Any, statements: Sequence[Statement]) -> None:
    """Execute writes over rows at once; those of very many rows before the others, a part after the other.

    Encoding the arguments keeps the event loop: about 4 us a row.
    """
    if any(len(arguments[0]) > ROWS_AT_ONCE for _, arguments in statements):
        many = [one for one in statements if len(one[1][0]) > ROWS_AT_ONCE]
        statements = [one for one in statements if len(one[1][0]) <= ROWS_AT_ONCE]
        for query, arguments in many:
            for first in range(0, len(arguments[0]), ROWS_AT_ONCE):
                await connection.execute(query, *(column[first : first + ROWS_AT_ONCE] for column in arguments))
    if statements:
        text = _joined(tuple((query, len(arguments)) for query, arguments in statements))
        await connection.execute(text, *(argument for _, arguments in statements for argument in arguments))


@lru_cache(maxsize=256)
def _joined(statements: tuple[tuple[str, int], ...]) -> str:
    """Statements as one: every one but the last in a WITH, the parameters numbered through."""
    parts, taken = [], 0
    for query, count in statements:
        parts.append(PARAMETER.sub(lambda named, before=taken: f"${int(named[1]) + before}", query.rstrip("; \n")))  # type: ignore[misc]
        taken += count
    *before, last = parts
    named = ",\n".join(f"_{number} AS (\n{part}\n)" for number, part in enumerate(before))
    return f"WITH {named}\n{last}" if before else last
