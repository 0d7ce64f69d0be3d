"""Defines the event types of the log. Imports msgspec and the standard library; does not know the database, HTTP or the clock."""
