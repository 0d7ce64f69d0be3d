"""The rows of the log and of its projections: read and written in sets. Decides nothing."""
