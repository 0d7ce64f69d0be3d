"""Webhooks: one member's feed, posted to an address of their own, signed, in order, for days if need be.

Owns the way out to addresses that members name. What a member may know was decided as it was written: a webhook is one more
reader of a feed, from which nothing can be read that the member's devices could not.
"""
