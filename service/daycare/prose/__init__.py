"""Reads what daycares write in their own words: which milestones a note tells of."""
