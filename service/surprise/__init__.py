"""Surprise views beside the feed: tips by age with safety notes, the hand-over card, and the clock that ends waits.

Owns these responses. `projections.visibility` decides when an event is written who may see it; nothing here decides that.
"""
