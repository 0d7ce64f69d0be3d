"""Finds the milestones of a child in the free text of daycare notes, with word lists in five languages."""
