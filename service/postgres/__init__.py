"""Runs, migrates and connects to Postgres: an embedded server where none is configured, a pool, migrations, named queries."""
