"""Serves the tips by age and the hand-over card, and runs the clock that ends the waits of members.

Decides nothing about who may see an event: `projections.visibility` decides that when the event is written.
"""
