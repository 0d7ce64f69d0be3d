"""Folds a family's log into each member's feed and timeline. Pure: knows no rows, routes, clocks or random numbers."""
