"""Every system whose files can be imported, by name. Owns the list; each source is a module with one pure function, `translate`.

    file -> open (strict: refused whole, or places and records) -> translate (pure: records, or why there are none) -> outcomes

A source's record about several children becomes one record for each. Times keep the offset that the source gives. Nothing is
taken over of who liked, read or wrote what, nor what was meant for staff; pictures are listed and never fetched.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from service.daycare.sources import baby_connect, brightwheel, famly, lillio, plain, procare, tadpoles
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
            plain.SOURCE,
        )
    }
)
"""Name -> source, in the order in which a person is asked."""
