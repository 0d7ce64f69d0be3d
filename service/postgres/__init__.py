"""Postgres, as the service meets it: a server of its own where none is named, a pool, migrations, named queries."""
