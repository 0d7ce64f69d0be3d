"""Daycares: the records that their systems post, and the files that parents import. Each record becomes events only once."""
