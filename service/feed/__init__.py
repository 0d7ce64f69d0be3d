"""Delivers a member's feed: in pages, as a live stream, and as a timeline."""
