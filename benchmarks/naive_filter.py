"""The service with the feed that it must not have: a page read from the log, and filtered by what is held, as it is asked for.

The positive control of the test of timing, started like the service itself, with the same arguments, on a database that the
service has written. Owns the query; everything before and behind it is the service's. Right for a feed from its first place,
of a member who was told everything that is not held from them.
"""

from types import SimpleNamespace

from service.cli import app
from service.feed import pages

FILTERED_PAGE = """
SELECT $3::bigint - 1 + row_number() OVER (ORDER BY event.seq) AS place, NULL::text AS released, event.received_at AS told_at,
       NULL::bytea AS chain_before, event.commitment, event.kind, event.version, event.body
  FROM event
  LEFT JOIN held ON held.family_id = event.family_id AND held.member_id = $2 AND held.seq = event.seq
 WHERE event.family_id = $1
   AND event.seq >= $3
   AND held.seq IS NULL
   AND (event.audience <> 'me' OR event.author_id = $2)
 ORDER BY event.seq
 LIMIT $4
"""


def main() -> None:
    """Read pages so from now on, and serve."""
    pages.__dict__["QUERIES"] = SimpleNamespace(head=pages.QUERIES.head, page=FILTERED_PAGE)
    app()


if __name__ == "__main__":
    main()
