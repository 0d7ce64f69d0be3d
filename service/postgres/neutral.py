"""Undoes what a login's or a database's own settings would do to a session of ours. Owns the statements; opens nothing.

Somebody may have bounded their people's statements at some milliseconds, or live in Kathmandu. What a session of ours needs
beyond this, it sets itself.
"""

from typing import Final

# transaction_timeout came with PostgreSQL 17.
NEUTRAL: Final = """
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_session_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET default_transaction_isolation = 'read committed';
SET default_transaction_deferrable = off;
SET timezone = 'UTC';
SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout';
"""
