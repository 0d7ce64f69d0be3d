"""Finds milestones of a child in the free text of daycare notes, by word lists in five languages."""
