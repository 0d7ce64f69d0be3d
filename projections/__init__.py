"""What the log means to each member: pure folds over events. Knows no rows, routes, clocks or dice."""
