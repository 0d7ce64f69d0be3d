"""Checks settings, database, Redis and disk before a start: `serve` refuses to start on an error, `doctor` shows all results."""
