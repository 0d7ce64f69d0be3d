"""Runs the service with a wrong feed: each request reads a page of the log, and filters out the events held from the member.

This is the positive control of the timing test. It starts like the service, with the same arguments, on a database that the
service has written. Owns the query. The result is correct only for a feed that is read from place 1, if each event of the log is
either visible to the member or held from the member.
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
    """Replaces the query for pages of the feed, and serves."""
    pages.__dict__["QUERIES"] = SimpleNamespace(head=pages.QUERIES.head, page=FILTERED_PAGE)
    app()


if __name__ == "__main__":
    main()
