"""Webhooks: post a member's feed to an address of theirs, signed and in order, with retries for up to five days.

Owns the requests to addresses that members name. A webhook is one more reader of a feed: it is sent nothing that the member's
devices could not read.
"""
