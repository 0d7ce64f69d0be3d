"""Loads the statements that reset a session to defaults, whatever settings its login or database has. Opens nothing.

An operator may have set a short statement timeout, or another time zone, for a login or a whole database. After these
statements, each kind of session makes its own settings.
"""

from typing import Final

from service.postgres.queries import load

NEUTRAL: Final = load(__package__, "neutral.sql").neutral
