"""Lists the systems whose files can be imported. Each system has a module with a pure function `translate`.

    file -> open (strict: records with their places, or the file is refused) -> translate (pure) -> an outcome for each record

A source's record about several children becomes one record for each child. Times keep the offset of the source. Likes, read
marks, authors and texts for staff are not imported. Pictures are listed by name and never downloaded.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from service.daycare.sources import baby_connect, brightwheel, famly, lillio, plain_csv, procare, tadpoles
from service.daycare.sources.reading import Source

SOURCES: Final[Mapping[str, Source]] = MappingProxyType(
    {
        source.name: source
        for source in (
            brightwheel.SOURCE,
            procare.SOURCE,
            famly.SOURCE,
            lillio.SOURCE,
            tadpoles.SOURCE,
            baby_connect.SOURCE,
            plain_csv.SOURCE,
        )
    }
)
"""The sources by name, in the order in which users see them."""
