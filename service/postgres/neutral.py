"""Holds statements that reset a session to defaults, whatever settings its login or database has. Opens nothing.

An operator may have set a short statement timeout, or another time zone, for a login or a whole database. After these
statements, each kind of session makes its own settings.
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
