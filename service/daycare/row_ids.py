"""Finds the existing record of a row without an id. Compares words, never the places of rows in a file. Pure.

Rows form a group if they have the same values in the fields that nobody corrects later (such as child, minute and activity). The
records of a group are numbered in the order in which they were first imported. A row whose words equal those of an existing
record is that record. A row with new words is a correction under two conditions: no other row of the group has new words, and
exactly one existing record of the group is missing from the file. Otherwise the row becomes a new record, so that no record is
overwritten by mistake.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import count
from typing import Final

import msgspec

from service.daycare.sources.reading import Naming

HasWords = Callable[[str | None], bool]
"""A function that checks whether an existing record has the given words."""

IN_GROUP_MAX: Final = 100
"""Bound on the rows of one group in a file. People do not write more entries about one activity in one minute."""


class Unnamed(msgspec.Struct, frozen=True):
    """A row without an id: its words, and its naming, which gives the possible ids."""

    naming: Naming
    words: str | None


def numbers_of(group: Sequence[Unnamed], existing: Mapping[int, HasWords]) -> list[int]:
    """Returns the number of each row's record within the group, in the order of the rows. Equal rows are one record.

    `existing` are the existing records of the group by number, each as a function that compares its words with other words.
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
