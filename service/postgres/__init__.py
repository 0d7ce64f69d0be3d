"""Runs, migrates and connects to Postgres: an embedded server if none is configured, a pool, migrations, named queries."""
