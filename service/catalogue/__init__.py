"""Serves the catalogue of milestones, which is the same for every caller."""
