"""Defines the settings and the environment of the embedded server.

The settings make a commit durable, fit a small machine, and let no family's words reach the server's log.
Knows no path and starts nothing.
"""

from collections.abc import Mapping

# The server inherits no variable of our environment, so that a token there does not show in the listing of processes.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

# The settings that make an acknowledged event durable are listed, although they are the defaults.
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "128MB",
    "wal_compression": "on",
    "max_wal_size": "1GB",
    "min_wal_size": "128MB",
    "checkpoint_completion_target": "0.9",
    "max_connections": "100",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A refused row and its statement contain a family's words, which must not reach a log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}
