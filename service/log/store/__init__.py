"""Reads and writes the rows of the log and of its projections, in sets. Decides nothing."""
