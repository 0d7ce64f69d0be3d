"""What the service answers about surprises, beside the feed: tips by age, which carry the safety notes, and the hand-over card.

Owns these answers. Who is told of what, and when, is decided by `projections.visibility` as an event is written, never here.
"""
