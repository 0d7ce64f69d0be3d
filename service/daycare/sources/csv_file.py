"""Reads CSV files as spreadsheets save them. Accepts a byte order mark, any line ends, quotes, and line breaks within quotes.

Owns the reasons for refusing a whole file. Knows no source. The separator is a comma, or a semicolon if the header has semicolons
and no comma, because spreadsheets write semicolons in half of Europe.
"""

import csv
import io
from collections.abc import Iterator
from typing import Final

from events.errors import BodyMalformed, FieldInvalid, TextHasNul
from service.daycare.sources.fields import clean
from service.daycare.sources.file_text import text_of
from service.daycare.sources.reading import RECORDS_MAX, RawRecord

COLUMNS_MAX: Final = 64
OTHER_FIELD_COUNT: Final = ""
"""The key of a row that has more or fewer fields than the header. No column has this name."""


def rows_in(body: bytes) -> tuple[list[str], list[RawRecord]]:
    """Returns the header in lower case, and the rows. Each row has its texts by column, and its place in the file.

    The place of the first row after the header is `rows[0]`. A row with more or fewer fields than the header has the key
    `OTHER_FIELD_COUNT`. Empty lines are skipped.

    Raises:
        BodyMalformed, TextHasNul: The file is not CSV.
        FieldInvalid: The header is missing or names a column twice, or there are more than 20,000 rows.
    """
    text = text_of(body)
    if "\0" in text:
        raise TextHasNul("A file cannot hold the character NUL.")
    rows = _rows(text)
    header = [name.strip().lower() for name in next(rows, [])]
    while header and header[-1] == OTHER_FIELD_COUNT:  # a comma at the end of each line
        header.pop()
    if not header or len(header) > COLUMNS_MAX or "" in header:
        raise FieldInvalid("The first row names the columns, each by a name.", at="header")
    for name in header:
        clean(name, at="header")
        if header.count(name) > 1:
            raise FieldInvalid("Two columns have one name.", at=f"header.{name[:80]}")
    found: list[RawRecord] = []
    for fields in rows:
        if len(found) == RECORDS_MAX:
            raise FieldInvalid(f"A file holds at most {RECORDS_MAX} rows.", at=f"rows[{RECORDS_MAX}]")
        found.append(RawRecord(f"rows[{len(found)}]", _by_column(header, fields)))
    return header, found


def _rows(text: str) -> Iterator[list[str]]:
    first = text.lstrip("\r\n").partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=";" if ";" in first and "," not in first else ",")
    try:
        for row in reader:
            if any(field.strip() for field in row):
                yield row
    except csv.Error as error:
        raise BodyMalformed(f"The file is not CSV: {error}.", at=f"line {reader.line_num}") from None


def _by_column(header: list[str], fields: list[str]) -> dict[str, str]:
    while len(fields) > len(header) and not fields[-1].strip():
        fields = fields[:-1]
    row = dict(zip(header, fields, strict=False))
    return row if len(fields) == len(header) else {**row, OTHER_FIELD_COUNT: str(len(fields))}


def complete_row(row: object) -> dict[str, str]:
    """Returns the texts of a row by column. Checks first that the row is complete.

    Raises:
        FieldInvalid: The value is not a row, or has more or fewer fields than the header.
    """
    if not isinstance(row, dict) or not all(isinstance(text, str) for pair in row.items() for text in pair):
        raise FieldInvalid("This is not a row of texts.", at=None)
    if OTHER_FIELD_COUNT in row:
        raise FieldInvalid("This row has more or fewer fields than the header.", at=None)
    return row
