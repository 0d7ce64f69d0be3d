"""Finds the record of a row without an id: by its words, never by its place among the rows of a file.

Pure. Rows that share the fields that nobody corrects later (such as child, minute and activity) are one group; the records of a
group are numbered in the order of their first arrival. A row with the words of a record is that record. A row with new words is
a correction if it is the only one, and exactly one record of its group is missing from the file. In any other case it is a new
record, so that no record is confused with another, or withdrawn.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import count
from typing import Final

import msgspec

from service.daycare.sources.reading import Naming

HasWords = Callable[[str | None], bool]
"""Checks whether an existing record has these words."""

IN_GROUP_MAX: Final = 100
"""Rows of one group in a file. People do not write more entries of one activity in a minute."""


class Unnamed(msgspec.Struct, frozen=True):
    """A row without an id of its own, and its words."""

    naming: Naming
    words: str | None


def numbers_of(group: Sequence[Unnamed], existing: Mapping[int, HasWords]) -> list[int]:
    """Returns the number of each row's record within its group, in the order of the rows.

    Equal rows are one record. `existing`: the records of the group that exist already, by number.
    """
    words_by_row = {one.naming.row: one.words for one in sorted(group, key=lambda one: (one.words or "", repr(one.naming.row)))}
    free = dict(sorted(existing.items()))
    number_by_row: dict[Hashable, int] = {}
    for row, words in words_by_row.items():
        same = next((number for number, has_words in free.items() if has_words(words)), None)
        if same is not None:
            number_by_row[row] = same
            del free[same]
    new = [row for row in words_by_row if row not in number_by_row]
    is_correction = len(new) == len(free) == 1
    numbers = iter(free) if is_correction else (number for number in count() if number not in existing)
    number_by_row |= dict(zip(new, numbers, strict=False))
    return [number_by_row[one.naming.row] for one in group]
