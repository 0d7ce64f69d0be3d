"""Daycares: the records that their systems post, and the files that parents import. No record becomes events twice."""
