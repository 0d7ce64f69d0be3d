"""Keeps the families' logs: decides which drafts may be appended, orders the events, and updates the projections."""
