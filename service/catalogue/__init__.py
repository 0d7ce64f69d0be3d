"""Serves the catalogue of milestones, the same for every caller."""
