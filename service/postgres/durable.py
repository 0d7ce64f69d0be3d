"""How the embedded server is set up: durable first, then modest, and silent about what families write.

Owns the settings and the environment of the server process. Knows no path and starts nothing.
"""

from collections.abc import Mapping

# Nothing of ours is the server's business: a token in our environment stays out of its process listing.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

# Everything that makes an acknowledged event durable is said aloud, though it is the default.
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
    # A refused row, and the statement that carried it, hold a family's words: neither goes to a log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}
