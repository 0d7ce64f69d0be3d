"""Webhooks: post a member's feed to a URL that the member names, signed and in order, with retries for up to five days.

Owns the requests to these URLs. A webhook reads the feed of one member, so it receives nothing that the member's devices could
not read.
"""
