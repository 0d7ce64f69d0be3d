"""Serves the tips by age and the hand-over card, and runs the clock that releases held events after a member's limit of days.

Does not decide who may see an event: `projections.visibility` decides that when the event is written.
"""
