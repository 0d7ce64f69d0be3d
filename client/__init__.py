"""A device in Python: a durable outbox and a mirror of the feed. Knows the protocol and nothing of the service."""
