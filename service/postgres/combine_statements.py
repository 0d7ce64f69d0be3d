"""Combines several writes into one statement, for one round trip. No write may depend on the result of another write.

Postgres runs the parts of a WITH in one snapshot, so two of them must not write the same row. Each part is a query of an .sql
file. Only the WITH around them is built here, because which parts there are is known when they run.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

Statement = tuple[str, Sequence[Any]]
"""The text of a write, with or without a semicolon at its end, and the arguments: columns of equal length."""

Row = tuple[Any, ...]

ROWS_AT_ONCE: Final = 1_000
PARAMETER: Final = re.compile(r"\$(\d+)")


def of_rows(query: str, rows: Iterable[Row]) -> list[Statement]:
    """Returns a list with one statement that writes rows, with an argument per column, or an empty list if there are no rows."""
    columns = list(zip(*rows, strict=True))
    return [(query, columns)] if columns else []


async def together(connection: Any, statements: Sequence[Statement]) -> None:
    """Executes writes in one round trip.

    Before that, executes each write of more than `ROWS_AT_ONCE` rows in portions, because the encoding of the arguments occupies
    the event loop for about 4 us per row.
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
    """Returns one statement: all statements but the last become parts of a WITH, and the parameters are renumbered."""
    parts, taken = [], 0
    for query, count in statements:
        parts.append(_renumbered(query.rstrip("; \n"), taken))
        taken += count
    *before, last = parts
    named = ",\n".join(f"_{number} AS (\n{part}\n)" for number, part in enumerate(before))
    return f"WITH {named}\n{last}" if before else last


def _renumbered(query: str, taken: int) -> str:
    """Returns a statement whose parameters follow the `taken` parameters of the statements before."""
    return PARAMETER.sub(lambda parameter: f"${int(parameter[1]) + taken}", query)
