"""Folds the log into what it means to each member. Pure: knows no rows, routes, clocks or random numbers."""
