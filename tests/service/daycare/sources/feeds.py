"""Lists the test feed of every source by the source's name."""

from collections.abc import Callable

from tests.service.daycare.sources import (
    feed_brightwheel,
    feed_csv,
    feed_famly,
    feed_lillio,
    feed_procare,
    feed_tadpoles,
)

BODY_BY_SOURCE: dict[str, Callable[[], bytes]] = {
    "brightwheel": feed_brightwheel.body,
    "procare": feed_procare.body,
    "famly": feed_famly.body,
    "lillio": feed_lillio.body,
    "tadpoles": feed_tadpoles.body,
    "baby_connect": feed_csv.baby_connect,
    "plain": feed_csv.plain,
}
