"""Webhooks: the service posts the entries of a member's feed to a URL that the member names.

Each request is signed. The entries are posted in order, and a failed request is repeated for up to five days. A webhook reads the
feed of one member, so it receives nothing that the member's devices could not read. Owns the requests to these URLs.
"""
