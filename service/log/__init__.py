"""Keeps the families' logs: decides which drafts may be appended, orders them, and updates the projections."""
